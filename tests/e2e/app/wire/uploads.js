// @ts-check
// One upload at a time whose source makes a piece whenever it is asked, up to where a test lets it.

const PIECE = 64 * 1024;

/**
 * @typedef {object} Wanted
 * @property {number} pieces of all
 * @property {number} [until] how many are made before `go`
 * @property {boolean} [breaks] whether the source fails after them
 * @property {"init" | "Request"} [form]
 */

/** What is known of the upload under way. */
export const upload = {
  made: 0,
  /** @type {unknown} why the source was cancelled */
  cancelled: undefined,
  isCancelled: false,
  go: () => {},
  /** @type {AbortController} */
  abort: new AbortController(),
  /** @type {Promise<object>} */
  outcome: Promise.resolve({}),
};

/**
 * @param {Wanted} wanted
 * @returns {ReadableStream<Uint8Array>}
 */
function source({ pieces, until = pieces, breaks = false }) {
  const opened = new Promise((resolve) => {
    upload.go = () => resolve(undefined);
  });
  // One buffer for all pieces, as a thrifty source has it, and a piece is only its middle.
  const buffer = new Uint8Array(4 * PIECE);
  return new ReadableStream(
    {
      async pull(controller) {
        if (upload.made === until && until < pieces) await opened;
        if (upload.isCancelled) return;
        if (upload.made === pieces) {
          if (!breaks) controller.close();
          else controller.error(new Error("the source broke"));
          return;
        }
        controller.enqueue(buffer.subarray(PIECE, 2 * PIECE).fill(upload.made++ % 256));
      },
      cancel(reason) {
        upload.cancelled = reason;
        upload.isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Starts one, and does not wait for it.
 *
 * @param {(input: any, init?: any) => Promise<Response>} fetch
 * @param {string} url
 * @param {Wanted} wanted
 */
export function begin(fetch, url, wanted) {
  Object.assign(upload, { made: 0, cancelled: undefined, isCancelled: false });
  upload.abort = new AbortController();
  const { signal } = upload.abort;
  const init = { method: "POST", body: source(wanted), duplex: "half", signal };
  const sent = wanted.form === "Request" ? fetch(new Request(url, init)) : fetch(url, init);
  upload.outcome = sent.then(
    (response) => ({
      status: response.status,
      unrepeated: /** @type {any} */ (response).unrepeated,
    }),
    (error) => ({
      name: error.name,
      code: error.code,
      message: error.message,
      cause: error.cause?.message,
      isReason: error === signal.reason,
    }),
  );
}
