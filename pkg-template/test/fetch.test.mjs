// @ts-check
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, load, OPTIONS } from "./edge.mjs";

const API = "https://api.example/me";

/** @type {(message: import("./edge.mjs").Message, worker: import("./edge.mjs").Worker) => void} */
let answer = () => {};
const { workers, quit } = browser({ vault: (message, worker) => answer(message, worker) });
/** @type {MessagePort[]} closed at the end, or Node would wait for them */
const bodies = [];
after(() => {
  quit();
  for (const port of bodies) port.close();
});
const { createClient } = await load();
const { fetch } = createClient(OPTIONS);

const heard = (/** @type {string} */ type) =>
  workers.flatMap((worker) => worker.heard).filter((message) => message.type === type);

/** @param {object} [given] @param {any} [body] */
function responding(given, body) {
  answer = ({ type, id }, worker) => {
    if (type !== "fetch") return;
    const response = { type: "response", id, status: 200, statusText: "OK", headers: [] };
    const stream = body === undefined ? undefined : new Response(body).body;
    const port = stream && handOut(stream);
    const message = {
      ...response,
      url: API,
      redirected: false,
      unrepeated: false,
      ...given,
      ...(port && { body: port }),
    };
    worker.say(message, port ? [port] : []);
  };
}

/**
 * As the vault does: a piece whenever the page asks.
 * @param {ReadableStream} stream
 */
function handOut(stream) {
  const { port1, port2 } = new MessageChannel();
  bodies.push(port1);
  const reader = stream.getReader();
  port1.onmessage = async () => {
    try {
      const { value = null } = await reader.read();
      port1.postMessage(value);
    } catch {
      port1.postMessage(false);
    }
  };
  return port2;
}

test("a request crosses in its parts, and nothing that it has by itself", async () => {
  responding();
  await fetch("https://api.example/a?b#c", { headers: { "X-One": "1" } });
  assert.deepEqual(heard("fetch").at(-1), {
    type: "fetch",
    id: heard("fetch").at(-1)?.id,
    url: "https://api.example/a?b#c",
    method: "GET",
    headers: [["x-one", "1"]],
    options: [],
  });
});

test("members that were set cross, and the body as bytes", async () => {
  responding();
  await fetch(
    new Request(API, { method: "post", body: "text", cache: "no-store", redirect: "error" }),
  );
  const message = heard("fetch").at(-1);
  assert.equal(message?.method, "POST");
  assert.deepEqual(message?.options, [
    ["cache", "no-store"],
    ["redirect", "error"],
  ]);
  assert.equal(new TextDecoder().decode(message?.body), "text");
  assert.deepEqual(message?.headers, [["content-type", "text/plain;charset=UTF-8"]]);
});

test("a form keeps the boundary that its type names", async () => {
  responding();
  const form = new FormData();
  form.set("Name", "Ada");
  await fetch(API, { method: "POST", body: form });
  const message = heard("fetch").at(-1);
  const boundary = /boundary=(.+)$/.exec(message?.headers[0][1])?.[1];
  assert.ok(boundary && new TextDecoder().decode(message?.body).startsWith(`--${boundary}`));
});

test("a response is as the browser's own, and so is its clone", async () => {
  responding(
    {
      status: 404,
      statusText: "Not Found",
      headers: [["x-a", "b"]],
      redirected: true,
      unrepeated: false,
    },
    "no",
  );
  const response = await fetch(API);
  for (const one of [response.clone().clone(), response]) {
    assert.equal(one.status, 404);
    assert.equal(one.statusText, "Not Found");
    assert.equal(one.ok, false);
    assert.equal(one.headers.get("x-a"), "b");
    assert.equal(one.url, API);
    assert.equal(one.type, "cors");
    assert.equal(one.redirected, true);
    assert.equal(await one.text(), "no");
    assert.ok(one instanceof Response);
  }
});

test("204, 205 and 304 have no body", async () => {
  for (const status of [204, 205, 304]) {
    responding({ status });
    const response = await fetch(API);
    assert.equal(response.status, status);
    assert.equal(response.body, null);
  }
});

test("what no vault could send is refused before it is asked", async () => {
  const count = heard("fetch").length;
  const used = new Request(API, { method: "POST", body: "x" });
  await used.text();
  await assert.rejects(fetch(used), { code: "body_used", phase: "fetch" });
  await assert.rejects(fetch(API, { mode: "no-cors" }), { code: "request_invalid" });
  await assert.rejects(fetch(API, { method: "GET", body: "x" }), TypeError);
  assert.equal(heard("fetch").length, count);
});

test("a caller's request is used up, as fetch would, and nothing else of it changes", async () => {
  responding();
  const init = Object.freeze({ method: "POST", body: "x", headers: Object.freeze({ a: "b" }) });
  await fetch(API, init);
  const request = new Request(API, init);
  await fetch(request);
  assert.ok(request.bodyUsed);
});

test("a network failure is a TypeError, a decision an AuthError", async () => {
  answer = ({ type, id }, worker) =>
    type === "fetch" && worker.say({ type: "networkFailed", id, message: "Failed to fetch" });
  await assert.rejects(fetch(API), new TypeError("Failed to fetch"));
  const error = { code: "target_not_allowed", phase: "fetch", message: "no", retryable: false };
  answer = ({ type, id }, worker) => type === "fetch" && worker.say({ type: "failed", id, error });
  await assert.rejects(fetch(API), { name: "AuthError", code: "target_not_allowed" });
});

test("an abort rejects at once with its reason, and the vault is told", async () => {
  answer = () => {};
  const reason = new Error("enough");
  await assert.rejects(fetch(API, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const waiting = fetch(API, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 20));
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard("abort").at(-1)?.id, heard("fetch").at(-1)?.id);
});

test("an abort ends the body that is under way", async () => {
  responding({}, endless());
  const controller = new AbortController();
  const response = await fetch(API, { signal: controller.signal });
  const reason = new Error("enough");
  const reading = response.arrayBuffer();
  controller.abort(reason);
  await assert.rejects(reading, reason);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard("abort").at(-1)?.id, heard("fetch").at(-1)?.id);
});

test("a body that nobody reads on is given up, and one that broke off is a TypeError", async () => {
  responding({}, endless());
  const response = await fetch(API);
  await response.body?.cancel();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(heard("abort").at(-1)?.id, heard("fetch").at(-1)?.id);
  responding({}, new ReadableStream({ start: (controller) => controller.error(new Error()) }));
  await assert.rejects((await fetch(API)).text(), TypeError);
});

/** Every way to read a body that this engine has. */
const READERS = /** @type {const} */ (["text", "json", "blob", "arrayBuffer", "formData"]);

/** Chromium's own readers of a stream that failed hide its error behind this one. */
function hiding(/** @type {import("node:test").TestContext} */ context) {
  for (const name of READERS) {
    const read = Response.prototype[name];
    context.mock.method(Response.prototype, name, function (/** @type {any[]} */ ...args) {
      // @ts-expect-error whoever calls it is a response
      return read.apply(this, args).catch((error) => {
        throw error instanceof SyntaxError ? error : new TypeError("Failed to fetch");
      });
    });
  }
}

test("an abort past the head rejects every reader with its reason", async (context) => {
  hiding(context);
  const reason = new Error("enough");
  for (const name of READERS) {
    responding({ headers: [["content-type", "multipart/form-data; boundary=x"]] }, endless());
    const controller = new AbortController();
    const response = await fetch(API, { signal: controller.signal });
    const clone = response.clone().clone();
    const reading = [response[name](), clone[name]()];
    controller.abort(reason);
    for (const one of reading) await assert.rejects(one, (error) => error === reason, name);
  }
  responding({}, endless());
  const controller = new AbortController();
  const response = await fetch(API, { signal: controller.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  controller.abort(reason);
  await assert.rejects(async () => {
    for (;;) await reader?.read();
  }, reason);
});

test("a vault's death past the head is an AuthError to who reads on", async (context) => {
  hiding(context);
  responding({}, endless());
  const auth = createClient({ ...OPTIONS, clientId: "other" });
  const response = await auth.fetch(API);
  const reading = response.text();
  auth.close();
  await assert.rejects(reading, { name: "AuthError", code: "closed" });
});

test("an abort after the last byte changes nothing", async (context) => {
  hiding(context);
  for (const [name, error] of /** @type {const} */ ([
    ["json", SyntaxError],
    ["formData", TypeError],
  ])) {
    responding({}, "no json, no form");
    const controller = new AbortController();
    const response = await fetch(API, { signal: controller.signal });
    assert.equal(await response.clone().text(), "no json, no form");
    controller.abort();
    await assert.rejects(response[name](), error);
  }
});

test("a status that no Response can be made with is told all the same", async () => {
  responding({ status: 999, statusText: "Request denied" }, "no");
  const response = await fetch(API);
  for (const one of [response.clone(), response]) {
    assert.deepEqual([one.status, one.ok, one.statusText], [999, false, "Request denied"]);
    assert.equal(await one.text(), "no");
  }
});

test("a body that nobody wants and that failed is no unhandled rejection", async (context) => {
  const unhandled = context.mock.fn();
  process.on("unhandledRejection", unhandled);
  context.after(() => process.off("unhandledRejection", unhandled));
  /** @type {(() => void)[]} */
  const late = [];
  const broken = () => new ReadableStream({ start: (controller) => controller.error(new Error()) });
  answer = ({ type, id }, worker) => {
    if (type !== "fetch") return;
    const head = {
      type: "response",
      id,
      statusText: "",
      headers: [],
      url: API,
      redirected: false,
      unrepeated: false,
    };
    late.push(() => {
      const body = handOut(broken());
      worker.say({ ...head, status: 200, body }, [body]);
    });
  };
  const controller = new AbortController();
  const gone = fetch(API, { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve, 20));
  controller.abort();
  await assert.rejects(gone, { name: "AbortError" });
  late[0]?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(unhandled.mock.callCount(), 0);
});

/** A body without an end. */
function endless() {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      controller.enqueue(new Uint8Array(1));
    },
  });
}
