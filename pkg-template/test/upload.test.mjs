// @ts-check
// Request bodies that are streams, as they leave the page.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, load, OPTIONS } from "./edge.mjs";
import { turn } from "./page.mjs";

const API = "https://api.example/upload";
const REPLAYABLE = 1024 * 1024;

/** @typedef {import("./edge.mjs").Message} Message */
/** @typedef {import("./edge.mjs").Worker} Worker */

/** What the vault does with a request. @type {(message: Message, worker: Worker) => void} */
let obey = () => {};
/** @type {ReadableStream[]} let go at the end */
const streams = [];
const { workers, quit } = browser({
  vault(message, worker) {
    if (message.type !== "fetch") return;
    if (message.body instanceof ReadableStream) streams.push(message.body);
    obey(message, worker);
  },
});
after(() => {
  quit();
  for (const stream of streams) if (!stream.locked) stream.cancel().catch(() => {});
  // Node keeps the ports of a transferred stream, and waits for them.
  setTimeout(() => process.exit(), 500);
});
const { createClient } = await load();
const { fetch } = createClient(OPTIONS);

/** @param {Message} message @param {Worker} worker */
function answer({ id }, worker) {
  const head = { type: "response", id, status: 200, statusText: "OK", headers: [] };
  worker.say({ ...head, url: API, redirected: false, unrepeated: false });
}

/**
 * A source that makes a piece when it is asked, each of another letter.
 *
 * @param {number[]} sizes
 * @param {unknown} [error] its end, where it is not a good one
 */
function source(sizes, error) {
  const found = { made: 0, /** @type {unknown} */ cancelled: undefined };
  const stream = new ReadableStream(
    {
      pull(controller) {
        const size = sizes[found.made];
        if (size !== undefined) controller.enqueue(new Uint8Array(size).fill(++found.made));
        else if (error) controller.error(error);
        else controller.close();
      },
      cancel(reason) {
        found.cancelled = reason;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, found };
}

/** @param {number[]} sizes */
const whole = (sizes) => Buffer.concat(sizes.map((size, at) => Buffer.alloc(size, at + 1)));

/** @param {BodyInit} body @param {object} [more] */
const init = (body, more) => ({ method: "POST", body, duplex: "half", ...more });

/** Has the vault keep the body that comes. */
function keeping() {
  /** @type {{ body?: any }} */
  const kept = {};
  obey = (message, worker) => {
    kept.body = message.body;
    answer(message, worker);
  };
  return kept;
}

test("what ends within 1 MiB crosses as bytes", async () => {
  for (const sizes of [[], [3, 0, 4], [REPLAYABLE / 2, REPLAYABLE / 2]]) {
    const kept = keeping();
    await fetch(API, init(source(sizes).stream));
    if (sizes.length === 0) assert.equal(kept.body, undefined, "as no body");
    else assert.ok(Buffer.from(kept.body).equals(whole(sizes)), `${sizes}`);
  }
});

test("what is longer crosses as one stream, also of a request's own", async () => {
  const sizes = [REPLAYABLE, 1, 70_000, 5];
  const forms = /** @type {const} */ ([
    (/** @type {ReadableStream} */ body) => fetch(API, init(body)),
    (/** @type {ReadableStream} */ body) => fetch(new Request(API, init(body))),
    (/** @type {ReadableStream} */ body) => fetch(new Request(API, { method: "PUT" }), init(body)),
  ]);
  for (const form of forms) {
    /** @type {Promise<ArrayBuffer> | undefined} */
    let read;
    obey = (message, worker) => {
      assert.ok(message.body instanceof ReadableStream);
      read = new Response(message.body).arrayBuffer();
      read.then(() => answer(message, worker));
    };
    await form(source(sizes).stream);
    assert.ok(read && Buffer.from(await read).equals(whole(sizes)));
  }
});

test("what is no stream crosses as bytes, however long", async () => {
  const bytes = new Uint8Array(REPLAYABLE + 1).fill(7);
  for (const body of [bytes, bytes.buffer, new Blob([bytes]), "x".repeat(REPLAYABLE + 1)]) {
    for (const input of [[API, init(body)], [new Request(API, init(body))]]) {
      const kept = keeping();
      await fetch(.../** @type {[any]} */ (input));
      assert.ok(kept.body instanceof ArrayBuffer);
      assert.equal(kept.body.byteLength, bytes.byteLength);
    }
  }
});

test("a piece is copied: its maker may use the memory again", async () => {
  const memory = new Uint8Array(3 * REPLAYABLE);
  let made = 0;
  const body = new ReadableStream(
    {
      pull(controller) {
        if (made === 2) controller.close();
        else controller.enqueue(memory.subarray(REPLAYABLE, 2 * REPLAYABLE).fill(++made));
      },
    },
    { highWaterMark: 0 },
  );
  /** @type {any[]} */
  const pieces = [];
  obey = async (message, worker) => {
    for await (const piece of message.body) pieces.push(piece);
    answer(message, worker);
  };
  await fetch(API, init(body));
  assert.deepEqual(
    pieces.map((piece) => [piece[0], piece.byteLength, piece.buffer.byteLength]),
    [
      [1, REPLAYABLE, REPLAYABLE],
      [2, REPLAYABLE, REPLAYABLE],
    ],
  );
});

test("no piece is made that nobody asks for", async () => {
  const sizes = Array(50).fill(REPLAYABLE / 4);
  const { stream, found } = source(sizes);
  /** @type {Message | undefined} */
  let waiting;
  obey = (message) => {
    waiting = message;
  };
  const controller = new AbortController();
  const call = fetch(API, init(stream, { signal: controller.signal }));
  while (!waiting) await turn();
  for (let turns = 0; turns < 20; turns++) await turn();
  // Five that were to show that it is long; a pipe between realms may ask for one ahead.
  assert.ok(found.made <= 6, `${found.made} were made`);
  const reader = waiting.body.getReader();
  for (let read = 0; read < 10; read++) await reader.read();
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.ok(found.made >= 10 && found.made <= 12, `${found.made} were made`);
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
});

test("an abort cancels the source, and nobody takes what came for the whole", async () => {
  // While it is collected, and while it is sent.
  for (const size of [1, REPLAYABLE + 1]) {
    let heard = 0;
    /** @type {Promise<unknown> | undefined} */
    let read;
    obey = (message) => {
      heard++;
      read = new Response(message.body).arrayBuffer().catch((error) => error);
    };
    /** @type {unknown} */
    let cancelled;
    let isAsked = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(size)),
      pull() {
        isAsked = true;
        return new Promise(() => {});
      },
      cancel(reason) {
        cancelled = reason;
      },
    });
    const controller = new AbortController();
    const reason = new Error("enough");
    const call = fetch(API, init(body, { signal: controller.signal }));
    while (!isAsked || (size > 1 && !read)) await turn();
    controller.abort(reason);
    await assert.rejects(call, (error) => error === reason);
    await turn();
    assert.equal(cancelled, reason);
    assert.equal(heard, size > 1 ? 1 : 0);
    if (read) assert.ok((await read) instanceof Error, "it breaks off");
    if (read) assert.equal(workers.flatMap(({ heard }) => heard).at(-1)?.type, "abort");
  }
});

test("a call that fails lets the source go", async () => {
  const sizes = Array(9).fill(REPLAYABLE);
  const error = { code: "request_invalid", phase: "fetch", message: "no", retryable: false };
  const failures = /** @type {[object, object][]} */ ([
    [{ type: "failed", error }, { code: "request_invalid" }],
    [{ type: "networkFailed", message: "Failed to fetch" }, new TypeError("Failed to fetch")],
  ]);
  for (const [said, expected] of failures) {
    const { stream, found } = source(sizes);
    obey = ({ id }, worker) => worker.say(/** @type {any} */ ({ ...said, id }));
    await assert.rejects(fetch(API, init(stream)), expected);
    await turn();
    assert.ok(found.cancelled, "it is cancelled");
  }
});

test("a source that breaks is a TypeError with its error as the cause", async () => {
  const cause = new Error("mine");
  obey = ({ id, body }, worker) => {
    const said = /** @type {any} */ ({ type: "networkFailed", id, message: "Failed to fetch" });
    new Response(body).arrayBuffer().catch(() => worker.say(said));
  };
  for (const sizes of [[], [5], [REPLAYABLE, REPLAYABLE]]) {
    await assert.rejects(
      fetch(API, init(source(sizes, cause).stream)),
      (/** @type {any} */ error) => error instanceof TypeError && error.cause === cause,
    );
  }
});

test("a stream of anything but bytes is a TypeError, and let go", async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue("text"),
    cancel() {
      isCancelled = true;
    },
  });
  await assert.rejects(fetch(API, init(body)), TypeError);
  assert.ok(isCancelled);
});

test("an engine that transfers no streams reads them whole", async (context) => {
  context.mock.method(globalThis, "structuredClone", () => {
    throw new DOMException("no", "DataCloneError");
  });
  const sizes = [REPLAYABLE, REPLAYABLE];
  const kept = keeping();
  await fetch(API, init(source(sizes).stream));
  assert.ok(Buffer.from(kept.body).equals(whole(sizes)));
});
