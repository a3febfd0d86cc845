// @ts-check
// What two fetches are compared on: each case makes its input anew, for a body can be used once.

/**
 * @typedef {object} Case
 * @property {string} group
 * @property {string} name as it stands in docs/fetch.md
 * @property {string} [query] of the open route: what the answer is
 * @property {(url: string, at: Addresses) => [RequestInfo | URL, RequestInit?]} [input]
 * @property {(response: Response) => unknown} [read] how the body is read; as text where absent
 */
/** @typedef {{ api: string, other: string }} Addresses */

const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);
const bytes = () => Uint8Array.from({ length: 256 }, (_, at) => at);
const post = (/** @type {BodyInit | null} */ body, /** @type {RequestInit} */ more = {}) => ({
  method: "POST",
  body,
  ...more,
});

/** @param {string[]} pieces */
function stream(pieces) {
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(encode(piece));
    },
  });
}

function form() {
  const form = new FormData();
  form.append("text", "value with ä\r\nand a line");
  form.append("text", "twice");
  form.append("file", new File([bytes()], 'a "b".bin', { type: "Application/X-Test" }));
  form.append("blob", new Blob(["x"]));
  return form;
}

/**
 * @param {string} group
 * @param {Record<string, (url: string, at: Addresses) => [RequestInfo | URL, RequestInit?]>} inputs
 * @returns {Case[]}
 */
const requests = (group, inputs) =>
  Object.entries(inputs).map(([name, input]) => ({ group, name, input }));

/**
 * One case for each value of a member of `RequestInit`.
 *
 * @param {string} member
 * @param {unknown[]} values
 * @returns {Case[]}
 */
const members = (member, values) =>
  values.map((value) => ({
    group: "Members of `RequestInit`",
    name: `\`${member}: ${JSON.stringify(value)}\``,
    input: (url) => [url, { [member]: value }],
  }));

/**
 * @param {string} group
 * @param {Record<string, string>} queries
 * @param {Case["read"]} [read]
 * @returns {Case[]}
 */
const answers = (group, queries, read) =>
  Object.entries(queries).map(([name, query]) => ({ group, name, query, ...(read && { read }) }));

/** @type {Case[]} */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"].map(
  (method) => ({
    group: "Members of `RequestInit`",
    name: `\`method: "${method}"\``,
    input: (url) => [url, { method }],
  }),
);

const STATUSES = [
  200, 201, 202, 203, 204, 205, 206, 207, 226, 300, 304, 400, 403, 404, 405, 409,
].concat([410, 412, 418, 422, 429, 451, 500, 501, 502, 503, 504, 599, 999]);

/** @type {Case[]} */
export const CASES = [
  { group: "Input", name: "a string" },
  ...requests("Input", {
    "a `URL`": (url) => [new URL(url)],
    "a string with a fragment": (url) => [`${url}#part`],
    "a string in capitals": (url) => [url.replace("http://localhost", "HTTP://LOCALHOST")],
    "a `Request`": (url) => [new Request(url, { headers: { "X-Test": "a" } })],
    "a `Request` with a body": (url) => [new Request(url, post(bytes()))],
    "a `Request` with a form": (url) => [new Request(url, post(form()))],
    "a `Request`, with another method and headers": (url) => [
      new Request(url, { headers: { "X-Test": "a" } }),
      { method: "PUT", headers: { "X-Request-Id": "b" } },
    ],
    "a `Request`, with another body": (url) => [new Request(url, post("one")), { body: "two" }],
    "a clone of a `Request`": (url) => [new Request(url, post("body")).clone()],
    "a `Request` whose body was used": (url) => {
      const request = new Request(url, post("body"));
      void request.text();
      return [request];
    },
    "an address with a user name": (url) => [url.replace("//", "//user:word@")],
    "a `data:` address": () => ["data:text/plain,x"],
    "no address": () => ["http://"],
  }),

  ...METHODS,
  ...requests("Members of `RequestInit`", {
    '`method: "post"`': (url) => [url, { method: "post" }],
    '`method: "patch"`': (url) => [url, { method: "patch" }],
    '`method: "TRACE"`': (url) => [url, { method: "TRACE" }],
    "`headers` as an object": (url) => [url, { headers: { "X-Test": " a b ", Accept: "x/y" } }],
    "`headers` as pairs, one twice": (url) => [
      url,
      {
        headers: [
          ["X-Test", "a"],
          ["x-test", "b"],
        ],
      },
    ],
    "`headers` as `Headers`": (url) => [url, { headers: new Headers({ "X-Test": "a" }) }],
    "`headers` that are not ASCII": (url) => [url, { headers: { "X-Test": "\u00e4" } }],
    "`headers` that the browser keeps for itself": (url) => [
      url,
      { headers: { Cookie: "a=b", Host: "x", "Sec-Test": "y", "X-Test": "a" } },
    ],
    "`headers` that are none": (url) => [url, { headers: { "a b": "c" } }],
    "`Content-Type` of one's own": (url) => [
      url,
      post("{}", { headers: { "Content-Type": "application/merge-patch+json" } }),
    ],
    '`referrer: ""`': (url) => [url, { referrer: "" }],
    "`referrer` of this origin": (url) => [url, { referrer: "/elsewhere?x=1" }],
    "`integrity` that holds": (url) => [
      url,
      { integrity: "sha256-pPENW93/GCpuODPh+gMz8Gdz9W6qrkFZgYMeKIbdTyY=" },
    ],
    "`integrity` that does not": (url) => [url, { integrity: "sha256-AAAA" }],
    "`keepalive: true` with a body": (url) => [url, post("body", { keepalive: true })],
    '`priority: "high"`': (url) => [url, /** @type {RequestInit} */ ({ priority: "high" })],
    "`window: null`": (url) => [url, { window: null }],
    "`signal` that was aborted before": (url) => [
      url,
      { signal: AbortSignal.abort(new RangeError("why")) },
    ],
    "`signal` that never is": (url) => [url, { signal: new AbortController().signal }],
  }),
  ...members("mode", ["cors", "same-origin", "no-cors", "navigate"]),
  ...members("credentials", ["omit", "same-origin", "include"]),
  ...members("cache", ["default", "no-store", "reload", "no-cache", "force-cache"]),
  ...members("cache", ["only-if-cached"]),
  ...members("referrerPolicy", [
    "no-referrer",
    "origin",
    "same-origin",
    "strict-origin",
    "unsafe-url",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "no-referrer-when-downgrade",
  ]),
  ...members("redirect", ["follow", "error", "manual"]),
  ...members("method", [""]),

  ...requests("Request bodies", {
    "a string": (url) => [url, post("text with ä and \u{1f511}")],
    "an empty string": (url) => [url, post("")],
    "`null`": (url) => [url, post(null)],
    "a lone surrogate": (url) => [url, post("\ud800")],
    "`URLSearchParams`": (url) => [url, post(new URLSearchParams({ a: "1 2", b: "ä&=" }))],
    "a `Blob` without a type": (url) => [url, post(new Blob([bytes()]))],
    "a `Blob` with a type": (url) => [url, post(new Blob([bytes()], { type: "Image/PNG" }))],
    "a `File`": (url) => [url, post(new File(["x"], "a.txt", { type: "text/plain" }))],
    "an `ArrayBuffer`": (url) => [url, post(bytes().buffer)],
    "a `Uint8Array` of a part": (url) => [url, post(bytes().subarray(10, 20))],
    "a `DataView`": (url) => [url, post(new DataView(bytes().buffer, 10, 20))],
    "`FormData` with files": (url) => [url, post(form())],
    "`FormData` without entries": (url) => [url, post(new FormData())],
    "3 MB": (url) => [url, post(new Uint8Array(3_000_000).fill(7))],
    "a body with `GET`": (url) => [url, { body: "x" }],
    "a stream that was read": (url) => {
      const body = stream(["a"]);
      body.getReader();
      return [url, /** @type {RequestInit} */ (post(body, { duplex: "half" }))];
    },
    "a stream without `duplex`": (url) => [url, post(stream(["a"]))],
  }),

  ...STATUSES.map((status) => ({
    group: "Statuses",
    name: `${status}`,
    query: `status=${status}`,
  })),

  ...answers("Answer headers", {
    "one that CORS exposes": "header=X-Shown: a",
    "one that CORS hides": "header=X-Hidden: a",
    "one that is sent twice": "header=X-Twice: a&header=X-Twice: b",
    "one that is empty": "header=X-Shown: ",
    "`Set-Cookie`": "header=Set-Cookie: seen=1; Path=/open",
    "`ETag`": 'header=ETag: "a"',
    "`Location` without a redirect": "header=Location: /elsewhere",
    "no `Content-Type`": "kind=untyped",
  }),

  ...answers("Answer bodies", {
    "`text()`": "kind=text",
    "`text()` in another encoding": "kind=latin1",
    "`text()` of nothing": "kind=empty",
    "`text()`, compressed": "kind=gzip",
    "`text()` of 3 MB": "kind=large",
  }),
  ...answers(
    "Answer bodies",
    { "`json()`": "kind=json", "`json()` of HTML": "kind=notjson" },
    (r) => r.json(),
  ),
  ...answers("Answer bodies", { "`json()` with a byte order mark": "kind=bom" }, (r) => r.json()),
  ...answers("Answer bodies", { "`blob()`": "kind=multipart" }, async (r) => {
    const blob = await r.blob();
    // WebKit and Chromium 148 leave out parameters of the type, Chromium 156 and Firefox keep them.
    return [blob.type.split(";")[0], blob.size, await blob.text()];
  }),
  ...answers("Answer bodies", { "`blob()` without a type": "kind=untyped" }, async (r) => {
    const blob = await r.blob();
    return [blob.type, [...new Uint8Array(await blob.arrayBuffer())]];
  }),
  ...answers("Answer bodies", { "`arrayBuffer()`": "kind=untyped" }, async (r) => [
    ...new Uint8Array(await r.arrayBuffer()),
  ]),
  ...answers("Answer bodies", { "`bytes()`": "kind=untyped" }, async (r) =>
    "bytes" in r ? [...(await r.bytes())] : "none here",
  ),
  ...answers(
    "Answer bodies",
    { "`formData()`": "kind=multipart", "`formData()` of a query": "kind=form" },
    async (r) =>
      Promise.all(
        [...(await r.formData())].map(async ([name, value]) =>
          typeof value === "string"
            ? [name, value]
            : [name, value.name, value.type, await value.text()],
        ),
      ),
  ),
  ...answers("Answer bodies", { "`body`, read in pieces": "kind=large" }, async (r) => {
    const reader = r.body?.getReader();
    let length = 0;
    for (;;) {
      const piece = await reader?.read();
      if (!piece || piece.done) return length;
      length += piece.value.length;
    }
  }),
  ...answers("Answer bodies", { "`body` of 204": "status=204" }, (r) => r.body === null),
  ...answers("Answer bodies", { "read twice": "kind=text" }, async (r) => {
    await r.text();
    return [r.bodyUsed, await r.text().catch((/** @type {Error} */ error) => error.name)];
  }),
  ...answers("Answer bodies", { "of a clone, and of the first": "kind=text" }, async (r) => {
    const clone = r.clone();
    return [clone.url === r.url, clone.status, await clone.text(), await r.text(), clone.type];
  }),
  ...answers("Answer bodies", { cancelled: "kind=large" }, async (r) => {
    await r.body?.cancel();
    return r.bodyUsed;
  }),

  ...[301, 302, 303, 307, 308].flatMap((status) =>
    ["GET", "POST"].map((method) => ({
      group: "Redirects",
      name: `${status} after \`${method}\``,
      query: `status=${status}&location={next}`,
      input: /** @type {Case["input"]} */ (
        (url) => [url, method === "POST" ? post("body") : { method }]
      ),
    })),
  ),
  ...answers("Redirects", {
    "without `Location`": "status=302",
    "to another origin": "status=302&location={other}/landed",
    "to a scheme that is none of the network's": "status=302&location=data:,x",
  }),
  ...requests("Redirects", {
    '`redirect: "error"`': (url) => [url, { redirect: "error" }],
    '`redirect: "manual"`': (url) => [url, { redirect: "manual" }],
  }).map((one) => ({ ...one, query: "status=302&location={next}" })),

  ...answers("Failures", {
    "no CORS": "cors=no",
    "the connection breaks before the answer": "end=reset",
    "the connection breaks in the middle of the answer": "end=cut",
    "packed wrongly": "header=Content-Encoding: gzip&kind=text",
  }),
];
