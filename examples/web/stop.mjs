// @ts-check
// When to stop: Ctrl-C, a signal, or the end of the program that started this one.
import { fstatSync } from "node:fs";

/** @param {() => void} stop */
export function onStop(stop) {
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  // A parent that holds the other end of a pipe and goes away, however, leaves nothing running.
  if (fstatSync(0).isFIFO()) {
    process.stdin.once("end", stop).once("error", stop).resume();
  }
}
