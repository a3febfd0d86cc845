/** The one file that knows dedicated workers: one for each name in this page, whoever asks. */

import type { Opened } from "./place.js";

/** Two clients of a `StrictMode`, and a page back from its cache, must meet in one vault. */
const running = new Map<string, Worker>();

/** Starts, or finds, this page's worker of this name. */
export function openWorker(url: string, name: string): Opened {
  const worker = running.get(name) ?? new Worker(url, { type: "module", name });
  running.set(name, worker);
  const end = (): void => {
    worker.terminate();
    // Another may have taken its place by now.
    if (running.get(name) === worker) running.delete(name);
  };
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", (event) => {
      // Told by an error of our own, so it is not the application's to report.
      event.preventDefault();
      end();
      reject();
    });
  });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(null, [port2]);
  return { port: port1, failed, end };
}
