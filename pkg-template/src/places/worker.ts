/** The one file that knows dedicated workers: one for each name in this page, whoever asks. */

import type { Opened } from "./place.js";

interface Running {
  worker: Worker;
  ended: AbortController;
}

/** Two clients of a `StrictMode`, and a page back from its cache, must meet in one vault. */
const running = new Map<string, Running>();

/** Starts, or finds, this page's worker of this name. */
export function openWorker(url: string, name: string): Opened {
  const { worker, ended } = running.get(name) ?? start(url, name);
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(null, [port2]);
  return {
    port: port1,
    failed: new Promise((_, reject) => {
      ended.signal.addEventListener("abort", () => reject(ended.signal.reason ?? undefined));
    }),
    end: () => ended.abort(),
  };
}

function start(url: string, name: string): Running {
  const worker = new Worker(url, { type: "module", name });
  const ended = new AbortController();
  worker.addEventListener("error", (event) => {
    // Told by an error of our own, so it is not the application's to report.
    event.preventDefault();
    // Nobody knows why, which is not that it was ended here.
    ended.abort(null);
  });
  // Before anybody hears of its end, so that whoever opens again gets another.
  ended.signal.addEventListener("abort", () => {
    worker.terminate();
    running.delete(name);
  });
  const made = { worker, ended };
  running.set(name, made);
  return made;
}
