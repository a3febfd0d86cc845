// @ts-check
// Every kind of body with every method, sent through `auth.fetch`: what came of each, and whether the
// caller's objects are as they were. The server says which bytes arrived.

const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);
const bytes = () => Uint8Array.from({ length: 256 }, (_, at) => at);
const large = (/** @type {number} */ size) => new Uint8Array(size).map((_, at) => at % 251);

/** The largest body that is sent a second time. */
const REPLAYABLE = 1024 * 1024;

function form() {
  const form = new FormData();
  form.append("text", "value with ä\nand a line");
  form.append('a "name"\nof two', "twice");
  form.append("file", new File([bytes()], 'a "b".bin', { type: "application/x-test" }));
  return form;
}

function stream() {
  const pieces = ["one ", "two ", "three"];
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(encode(piece));
    },
  });
}

/** @type {Record<string, () => BodyInit | undefined>} */
const KINDS = {
  none: () => undefined,
  string: () => "text with ä and \u{1f511}",
  URLSearchParams: () => new URLSearchParams({ a: "1 2", b: "ä&=" }),
  FormData: form,
  Blob: () => new Blob([bytes()], { type: "image/png" }),
  ArrayBuffer: () => bytes().buffer,
  Uint8Array: () => bytes().subarray(10, 20),
  ReadableStream: stream,
};

/** @type {Record<string, () => BodyInit>} */
const SIZES = {
  "as large as is kept": () => large(REPLAYABLE),
  "a byte larger": () => large(REPLAYABLE + 1),
  "a byte larger, as a Blob": () => new Blob([large(REPLAYABLE + 1)]),
};

/** @type {[kind: string, make: () => BodyInit | undefined, methods: string[]][]} */
const ALL = [
  ...Object.entries(KINDS).map(
    ([kind, make]) =>
      /** @type {[string, () => BodyInit | undefined, string[]]} */ ([
        kind,
        make,
        [...(kind === "none" ? ["GET", "HEAD"] : []), "POST", "PUT", "PATCH", "DELETE"],
      ]),
  ),
  ...Object.entries(SIZES).map(
    ([kind, make]) =>
      /** @type {[string, () => BodyInit | undefined, string[]]} */ ([kind, make, ["POST"]]),
  ),
];

/**
 * @param {unknown} body
 * @returns {Promise<string>} what can be said of it without using it up
 */
async function said(body) {
  if (body instanceof ArrayBuffer) return [...new Uint8Array(body)].join();
  if (ArrayBuffer.isView(body)) return `${body.byteOffset} ${[...new Uint8Array(body.buffer)]}`;
  if (body instanceof Blob) return `${body.type} ${[...new Uint8Array(await body.arrayBuffer())]}`;
  if (body instanceof URLSearchParams) return String(body);
  if (body instanceof FormData) {
    const entries = [...body].map(async ([name, value]) =>
      typeof value === "string" ? [name, value] : [name, value.name, await said(value)],
    );
    return JSON.stringify(await Promise.all(entries));
  }
  // A stream is used up, as `fetch` uses it up.
  return typeof body === "string" ? body : "";
}

/** @param {Request} request its parts, which nobody may change */
const partsOf = (request) =>
  JSON.stringify([request.url, request.method, [...request.headers], request.mode, request.cache]);

/**
 * @typedef {object} Sent
 * @property {string} id kind, form and method: what the header `X-Test` said
 * @property {number} [status]
 * @property {string} [threw]
 * @property {string[]} changed which of the caller's objects are not as they were
 */

export const kinds = () => ALL.map(([kind]) => kind);

/** Whether the engine's own requests have streams for bodies. */
export function sendsStreams() {
  const probe = { method: "POST", body: new ReadableStream(), duplex: "half" };
  return !new Request("/", probe).headers.has("content-type");
}

/** Whether the engine reads a form with files back from a `Request`. */
export const readsForms = () =>
  new Request("/", { method: "POST", body: form() }).arrayBuffer().then(
    () => true,
    () => false,
  );

/**
 * @param {any} auth
 * @param {string} url
 * @param {string[]} wanted the kinds
 * @param {boolean} isAtOnce whether none waits for another
 * @returns {Promise<Sent[]>}
 */
export async function sendAll(auth, url, wanted, isAtOnce) {
  /** @type {Promise<Sent>[]} */
  const sent = [];
  for (const [kind, make, methods] of ALL.filter(([kind]) => wanted.includes(kind))) {
    for (const method of methods) {
      for (const form of ["init", "Request"]) {
        sent.push(send(auth, url, kind, make, method, form));
        if (!isAtOnce) await sent.at(-1);
      }
    }
  }
  return Promise.all(sent);
}

/**
 * @param {any} auth
 * @param {string} url
 * @param {string} kind
 * @param {() => BodyInit | undefined} make
 * @param {string} method
 * @param {string} form
 * @returns {Promise<Sent>}
 */
async function send(auth, url, kind, make, method, form) {
  const id = `${kind} / ${form} / ${method}`;
  const body = make();
  const headers = Object.freeze({ "X-Test": id });
  const duplex = body instanceof ReadableStream ? { duplex: "half" } : {};
  const init = Object.freeze({ method, headers, ...(body !== undefined && { body }), ...duplex });
  const request = form === "Request" ? new Request(url, init) : undefined;
  const before = [await said(body), request && partsOf(request)];
  /** @type {Pick<Sent, "status" | "threw">} */
  const outcome = {};
  try {
    const response = await (request ? auth.fetch(request) : auth.fetch(url, init));
    await response.text();
    outcome.status = response.status;
  } catch (error) {
    outcome.threw = String(error);
  }
  const changed = [];
  if ((await said(body)) !== before[0]) changed.push("body");
  if (request && partsOf(request) !== before[1]) changed.push("Request");
  // As with the page's own `fetch`, which uses a body up.
  if (request && request.bodyUsed !== (body !== undefined)) changed.push("bodyUsed");
  return { id, ...outcome, changed };
}
