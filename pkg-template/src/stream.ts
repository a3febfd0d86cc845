/** A response's body: the vault gives a piece on a port whenever it is asked. */

/** Whether a body was read to its end. */
export interface Progress {
  isWhole?: boolean;
}

/** The body behind `port`, until the signal aborts; `drop` tells the vault that nobody reads on. */
export function gathered(
  port: MessagePort,
  drop: () => void,
  signal: AbortSignal,
  progress: Progress,
): ReadableStream {
  return new ReadableStream({
    start(stream) {
      // With the caller's reason, or the vault's death. After the end it changes nothing.
      signal.addEventListener("abort", () => stream.error(signal.reason));
    },
    pull: (stream) =>
      new Promise((done) => {
        port.onmessage = ({ data }) => {
          if (data) stream.enqueue(data);
          else if (data === null) {
            progress.isWhole = true;
            stream.close();
          } else stream.error(new TypeError("network error"));
          done();
        };
        port.postMessage(true);
      }),
    cancel: drop,
  });
}
