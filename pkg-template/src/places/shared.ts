/** The one file that knows `SharedWorker`: it outlives its last page, so that a reload finds it. */

import { failure } from "../error.js";
import type { Opened } from "./place.js";

/** `WorkerOptions` of a `SharedWorker`. */
interface SharedWorkerOptions extends WorkerOptions {
  extendedLifetime: boolean;
}

// Taken now: what a script puts in its place later does not get the vault's port.
const Worker = globalThis.SharedWorker;

/** Starts, or finds, the worker of this name. */
export function openShared(url: string, name: string): Opened {
  if (!Worker) {
    throw failure("vault_unavailable", "No SharedWorker here.");
  }
  const options: SharedWorkerOptions = { type: "module", name, extendedLifetime: true };
  const worker = new Worker(url, options);
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", () => reject());
  });
  return { port: worker.port, failed };
}
