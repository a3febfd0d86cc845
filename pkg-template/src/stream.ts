/** Bodies in engines that transfer no streams (WebKit): a port gives a piece whenever it is asked. */

/** The body that `port` gives; `drop` tells the vault that nobody reads on. */
export function gathered(port: MessagePort, drop: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (stream) =>
      new Promise((done) => {
        port.onmessage = ({ data }) => {
          if (data) stream.enqueue(data);
          else if (data === null) stream.close();
          else stream.error(new TypeError("network error"));
          done();
        };
        port.postMessage(true);
      }),
    cancel: drop,
  });
}
