// @ts-check
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { browser, load, OPTIONS } from "./edge.mjs";

const API = "https://api.example/me";

/** @type {(message: import("./edge.mjs").Message, worker: import("./edge.mjs").Worker) => void} */
let answer = () => {};
const { workers, quit } = browser({ vault: (message, worker) => answer(message, worker) });
after(quit);
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
    const message = {
      ...response,
      url: API,
      redirected: false,
      ...given,
      ...(stream && { body: stream }),
    };
    worker.say(message, stream ? [stream] : []);
  };
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
  });
});

test("members that were set cross, and the body as bytes", async () => {
  responding();
  await fetch(
    new Request(API, { method: "post", body: "text", cache: "no-store", redirect: "error" }),
  );
  const message = heard("fetch").at(-1);
  assert.equal(message?.method, "POST");
  assert.equal(message?.cache, "no-store");
  assert.equal(message?.redirect, "error");
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
    { status: 404, statusText: "Not Found", headers: [["x-a", "b"]], redirected: true },
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
    responding({ status }, "");
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
  const headers = { Authorization: "Bearer mine" };
  await assert.rejects(fetch(API, { headers }), { code: "request_invalid" });
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
  let cancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1)),
    cancel() {
      cancelled = true;
    },
  });
  responding({}, endless);
  const controller = new AbortController();
  const response = await fetch(API, { signal: controller.signal });
  const reason = new Error("enough");
  const reading = response.arrayBuffer();
  controller.abort(reason);
  await assert.rejects(reading, reason);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(cancelled);
});
