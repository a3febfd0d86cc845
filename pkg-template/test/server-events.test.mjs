// @ts-check
// Server-sent events: what the format says, and when another connection is made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadScript } from "./edge.mjs";

/** @type {typeof import("../src/server-events.js")} */
const { events } = await loadScript("server-events.ts");

const URL_ = "https://api.example/live";
const NO_WAIT = "retry: 0\n";

/** @typedef {{ id: string | null, headers: Headers, init: any, signal?: any }} Asked */

/**
 * A client whose fetch gives these answers in turn, and a 204 after them.
 * @param {(string | Uint8Array[] | Error | Response | ReadableStream)[]} answers
 */
function client(...answers) {
  /** @type {Asked[]} */
  const asked = [];
  const fetch = async (/** @type {any} */ _, /** @type {any} */ init) => {
    const headers = new Headers(init.headers);
    asked.push({ id: headers.get("Last-Event-ID"), headers, init });
    init.signal?.throwIfAborted();
    const answer = answers.shift() ?? new Response(null, { status: 204 });
    if (answer instanceof Error) throw answer;
    if (answer instanceof Response) return answer;
    const body = Array.isArray(answer)
      ? /** @type {any} */ (ReadableStream).from(answer)
      : /** @type {string | ReadableStream} */ (answer);
    return new Response(body, { headers: { "Content-Type": "Text/Event-Stream; charset=utf-8" } });
  };
  const session = signedIn("alice");
  return { ...session, auth: Object.assign(session.auth, { fetch }), asked };
}

/** A session, as the client shows it. @param {string} sub */
function signedIn(sub) {
  /** @type {Set<() => void>} */
  const ears = new Set();
  const auth = {
    state: /** @type {any} */ ({ status: "signedIn", claims: { sub } }),
    subscribe: (/** @type {() => void} */ ear) => {
      ears.add(ear);
      return () => void ears.delete(ear);
    },
  };
  return {
    auth,
    ears,
    become(/** @type {any} */ state) {
      auth.state = state;
      for (const ear of ears) ear();
    },
  };
}

/** @param {AsyncIterable<import("../src/server-events.js").ServerEvent>} all */
async function told(all) {
  const found = [];
  for await (const { type, data, lastEventId } of all) found.push([type, data, lastEventId]);
  return found;
}

const TEXT = [
  "\ufeff: a comment\r\ndata\r\n\r\n",
  "data: ä\r\ndata:  \u{1f511}\revent: x\nid: 7\r\n\r\n",
  "id: no\0good\ndata:still: seven\nother: field\nretry: 1x\n\n",
  "event: no data\nid: 8\n\ndata: in eight\n\nid\ndata: none\n\ndata: never ended",
].join("");
const EVENTS = [
  ["message", "", ""],
  ["x", "ä\n \u{1f511}", "7"],
  ["message", "still: seven", "7"],
  ["message", "in eight", "8"],
  ["message", "none", ""],
];

test("the format is read as the standard says, wherever the pieces are cut", async () => {
  const text = new TextEncoder().encode(TEXT.replace("retry: 1x", "retry: 0"));
  for (const size of [1, 2, 3, 7, text.length]) {
    const pieces = [];
    for (let at = 0; at < text.length; at += size) pieces.push(text.subarray(at, at + size));
    assert.deepEqual(await told(events(client(pieces).auth, URL_)), EVENTS, `in pieces of ${size}`);
  }
});

test("it asks for a stream past every cache, and goes on where it was", async () => {
  const { auth, asked } = client(
    `${NO_WAIT}id: ä\ndata: 1\n\nid: lost\ndata: no end`,
    `${NO_WAIT}data: 2\n\n`,
  );
  const all = events(auth, URL_, { lastEventId: "0", headers: { "X-Test": "1" } });
  assert.equal(asked.length, 0, "nothing is asked for before an event is");
  assert.deepEqual(await told(all), [
    ["message", "1", "ä"],
    ["message", "2", "ä"],
  ]);
  const bytes = Buffer.from("ä").toString("latin1");
  assert.deepEqual(
    asked.map(({ id }) => id),
    ["0", bytes, bytes],
  );
  assert.equal(asked[0]?.headers.get("Accept"), "text/event-stream");
  assert.equal(asked[0]?.headers.get("X-Test"), "1");
  assert.equal(asked[0]?.init.cache, "no-store");
});

test("a lost connection is made again; what would fail again is thrown", async (context) => {
  context.mock.method(crypto, "getRandomValues", (/** @type {any} */ array) => array);
  const broken = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(`${NO_WAIT}data: 1\n\n`)),
    pull: (controller) => controller.error(new TypeError("network error")),
  });
  const { auth, asked } = client(broken, new TypeError("Failed to fetch"), "data: 2\n\n");
  assert.deepEqual(
    (await told(events(auth, URL_))).map(([, data]) => data),
    ["1", "2"],
  );
  assert.equal(asked.length, 4);
  const busy = Object.assign(new Error("busy"), { retryable: true, retryAfterMs: 60 });
  Object.assign(busy, { [Symbol.for("tokenward.AuthError")]: true });
  const timer = context.mock.method(globalThis, "setTimeout");
  await told(events(client(`${NO_WAIT}data: 1\n\n`, busy).auth, URL_));
  assert.equal(timer.mock.calls.at(-1)?.arguments[1], 60, "no sooner than it was told");
  const other = client(Object.assign(new Error("no"), { retryable: false }));
  await assert.rejects(told(events(other.auth, URL_)), /no/);
  await assert.rejects(told(events(other.auth, "https://[")), TypeError);
});

test("another status or content type is `events_invalid`, with the response", async () => {
  const cases = /** @type {const} */ ([
    [403, "text/event-stream", false],
    [503, "text/event-stream", true],
    [200, "text/plain", false],
  ]);
  for (const [status, type, retryable] of cases) {
    const response = new Response("x", { status, headers: { "Content-Type": type } });
    const { auth, asked } = client(response);
    await assert.rejects(told(events(auth, URL_)), (/** @type {any} */ error) => {
      assert.deepEqual([error.code, error.retryable], ["events_invalid", retryable]);
      assert.equal(error.cause, response);
      return true;
    });
    assert.equal(asked.length, 1);
  }
});

test("a line or an event without an end is refused", async () => {
  const line = "x".repeat(2 ** 19);
  for (const text of [`:${line}${line}`, `data:${line}\ndata:${line}\ndata:${line}\n`]) {
    await assert.rejects(told(events(client(text).auth, URL_)), { code: "events_invalid" });
  }
});

test("another method is sent once: nobody knows what repeating it would do", async () => {
  const { auth, asked } = client("data: 1\n\n", "data: 2\n\n");
  const found = await told(events(auth, URL_, { method: "POST", body: "{}" }));
  assert.equal(found.length, 1);
  assert.equal(asked.length, 1);
  const lost = client(new TypeError("Failed to fetch"));
  await assert.rejects(told(events(lost.auth, URL_, { method: "POST" })), TypeError);
  // A form's boundary is told by whoever sends it.
  const form = client("data: 1\n\n");
  await told(events(form.auth, URL_, { method: "POST", body: new FormData() }));
  assert.equal(form.asked[0]?.headers.has("Content-Type"), false);
});

/** A stream of one event that then stays open. */
function open() {
  let cancelled = 0;
  const stream = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\ndata: 2\n\n")),
    cancel: () => void cancelled++,
  });
  return { stream, cancelled: () => cancelled };
}

/** An endless answer that ends with the request's signal, as the real one does. @param {any} init */
function endless(init, stream = open()) {
  const response = new Response(stream.stream, {
    headers: { "Content-Type": "text/event-stream" },
  });
  const body = /** @type {ReadableStream<Uint8Array>} */ (response.body);
  const { readable, writable } = new TransformStream();
  body.pipeTo(writable, { signal: init.signal }).catch(() => {});
  return new Response(readable, response);
}

test("return() ends the connection, also while an event is waited for", async () => {
  for (const reads of [0, 1, 2, 3]) {
    const { auth, asked, ears } = client();
    const stream = open();
    auth.fetch = async (/** @type {any} */ _, /** @type {any} */ init) => {
      asked.push(init);
      return endless(init, stream);
    };
    const all = events(auth, URL_);
    for (let at = 0; at < Math.min(reads, 2); at++) await all.next();
    const waiting = reads === 3 ? all.next() : undefined;
    await all.return?.();
    if (waiting) assert.deepEqual(await waiting, { done: true, value: undefined });
    assert.equal(asked.length, reads ? 1 : 0);
    if (reads) assert.equal(asked[0]?.signal.aborted, true);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(stream.cancelled(), reads ? 1 : 0);
    assert.equal(ears.size, 0, "nothing listens any more");
    assert.deepEqual(await all.next(), { done: true, value: undefined });
  }
});

test("a sign-out ends the stream: nobody else's session carries it on", async () => {
  const other = { status: "signedIn", claims: { sub: "bob" } };
  for (const state of [{ status: "signedOut", reason: "signed_out" }, other]) {
    for (const isWaiting of [true, false]) {
      const { auth, asked, ears, become } = client();
      auth.fetch = async (/** @type {any} */ _, /** @type {any} */ init) => {
        asked.push(init);
        return endless(init);
      };
      const all = events(auth, URL_);
      await all.next();
      if (isWaiting) await all.next();
      const next = isWaiting && all.next();
      become({ status: "restoring" });
      become({ status: "signedIn", claims: { sub: "alice" } });
      become(state);
      await assert.rejects(next || all.next(), { code: "not_signed_in", retryable: false });
      assert.deepEqual([asked.length, ears.size], [1, 0]);
      assert.equal(asked[0]?.signal.aborted, true);
    }
  }
  // Nobody leaves where nobody is, as with an API key.
  const keyed = client(`${NO_WAIT}data: 1\n\n`, "data: 2\n\n");
  keyed.become({ status: "signedOut" });
  const allKeyed = events(keyed.auth, URL_);
  await allKeyed.next();
  keyed.become({ status: "signedOut", reason: "signed_out" });
  assert.equal((await allKeyed.next()).value?.data, "2");
  // What bears no credential is nobody's.
  const { auth, become } = client(`${NO_WAIT}data: 1\n\n`, "data: 2\n\n");
  const all = events(auth, URL_, { credential: "none" });
  await all.next();
  become({ status: "signedOut" });
  assert.equal((await all.next()).value?.data, "2");
});

test("an abort rejects with its reason, also between two events and in a pause", async () => {
  const reason = new Error("enough");
  const between = new AbortController();
  const all = events(client(open().stream).auth, URL_, { signal: between.signal });
  await all.next();
  between.abort(reason);
  await assert.rejects(all.next(), (error) => error === reason);

  const pausing = new AbortController();
  const paused = events(client("data: 1\n\n").auth, URL_, { signal: pausing.signal });
  await paused.next();
  const next = paused.next();
  setTimeout(() => pausing.abort(reason), 10);
  await assert.rejects(next, (error) => error === reason);
});
