// @ts-check
// The vault trusts no message: whoever connects to it by hand gets errors, and nothing changes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { once, place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { search } from "./harness/token-search.mjs";

// What stops a request to the look-alike is the vault, not its policy.
const e2e = suite({ vaultConnects: "{other}" });

test("a port without the right hello gets nothing done (st4, t33)", once, async () => {
  const { app, tab } = await openWatched();
  const { api, other } = e2e.servers;
  await connect(tab);
  const { hello } = await tab.run(() => ({ hello: window.tw.hello }));
  const config = JSON.parse(hello.config);
  const wider = { ...config, resources: [{ origin: other }] };
  const early = [
    { type: "fetch", id: 1, url: `${api}/me`, method: "GET", headers: [], options: [] },
    { type: "signOut", id: 2 },
    { type: "exportAccessToken", id: 3 },
    { ...hello, config: JSON.stringify(wider) },
    { ...hello, config: JSON.stringify({ ...config, allowTokenExport: true }) },
    { ...hello, config: `${hello.config} ` },
    { ...hello, wire: 0 },
    { ...hello, wire: "1" },
    { ...hello, page: `${other}/` },
    { ...hello, page: "" },
    { ...hello, more: true },
    { type: "hello" },
  ];
  const replies = await converse(tab, early);
  for (const { type } of replies) assert.ok(["failed", "refused"].includes(type), type);
  assert.equal(replies.length, early.length, "each is answered once");
  await assertUnharmed(app, tab, replies);
});

test(
  "after the hello, what is not of the protocol changes nothing (st4, t4, t33)",
  once,
  async () => {
    const { app, tab } = await openWatched();
    const { api, other } = e2e.servers;
    await connect(tab);
    const { hello } = await tab.run(() => ({ hello: window.tw.hello }));
    const [welcome] = await converse(tab, [hello]);
    assert.equal(welcome?.type, "welcome");

    const request = {
      type: "fetch",
      id: 10,
      url: `${api}/me`,
      method: "GET",
      headers: [],
      options: [],
    };
    const questions = [
      hello,
      { type: "toString", id: 10 },
      { type: "__proto__", id: 10 },
      { type: 7, id: 10 },
      { id: 10 },
      { ...request, more: 1 },
      { ...request, id: -1 },
      { ...request, id: 1.5 },
      { ...request, id: "10" },
      { ...request, id: 2 ** 40 },
      { ...request, url: 7 },
      { ...request, url: `${other}/` },
      { ...request, url: `${e2e.servers.issuer}/token`, method: "POST" },
      { ...request, url: "/me" },
      { ...request, url: `${api}/${"x".repeat(100_000)}` },
      { ...request, method: "TRACE" },
      { ...request, method: "GET\r\nX: y" },
      { ...request, headers: [["Authorization", "Bearer mine"]] },
      { ...request, headers: [["X-Test", "a\r\nX-More: b"]] },
      { ...request, headers: [["X-Test"]] },
      { ...request, headers: "X-Test: a" },
      { ...request, headers: Array.from({ length: 2000 }, () => ["X-Test", "a"]) },
      { ...request, options: [["credentials", "all"]] },
      { ...request, options: [["redirect", "never"]] },
      { ...request, options: [["keepalive", "yes"]] },
      { ...request, options: [["mode", "no-cors"]] },
      { ...request, options: [["method", "POST"]] },
      { ...request, options: { cache: "no-store" } },
      { ...request, options: undefined },
      { type: "callback", id: 11, url: "::" },
      { type: "callback", id: 11, url: `${app.callback}?code=a&state=b` },
      { type: "signIn", id: 12, returnTo: `${other}/` },
      { type: "signIn", id: 12, asked: { extra: [["redirect_uri", `${other}/`]] } },
      { type: "signIn", id: 12, asked: { extra: [["state", "mine"]] } },
      { type: "signIn", id: 12, asked: { extra: "x" } },
      { type: "exportAccessToken", id: 13 },
      { type: "exportAccessToken" },
      { type: "signOut", id: "all" },
    ];
    const replies = await converse(tab, questions);
    const answered = replies.filter(({ type }) => !["failed", "refused"].includes(type));
    assert.deepEqual(answered, []);
    assert.equal(replies.length, questions.length, "each is answered once");
    for (const { error } of replies) assert.equal(typeof error?.message, "string");

    // These are no questions, so silence is an answer; so is an error.
    const noise = [
      null,
      7,
      "hello",
      [],
      [[]],
      { type: "abort", id: 99 },
      { type: "pong" },
      new Date(0),
    ];
    const answers = await converse(tab, [...noise, { type: "ping" }]);
    assert.ok(answers.some(({ type }) => type === "pong"));
    await assertUnharmed(app, tab, [...replies, ...answers]);
  },
);

test("one number for many requests confuses nobody else", once, async () => {
  const { app, tab } = await openWatched();
  await connect(tab);
  const { hello } = await tab.run(() => ({ hello: window.tw.hello }));
  const request = {
    type: "fetch",
    id: 1,
    url: `${e2e.servers.api}/me`,
    method: "GET",
    headers: [],
    options: [],
  };
  await converse(tab, [hello]);
  const replies = await converse(tab, Array(5).fill(request));
  for (const { type } of replies) assert.ok(["response", "failed"].includes(type), type);
  await assertUnharmed(app, tab, replies);
});

/** Opens a signed-in page that knows how its vault was started and greeted. */
async function openWatched() {
  const app = await e2e.application({ page: { watched: true } });
  const tab = await app.openSignedIn();
  return { app, tab };
}

/**
 * Connects to the page's vault by hand, as a script of the page can.
 *
 * @param {import("./harness/tab.mjs").Tab} tab
 */
function connect(tab) {
  return tab.run(async (_, place) => {
    const { tw } = window;
    tw.hello = tw.sent.findLast((/** @type {any} */ message) => message?.type === "hello");
    tw.replies = [];
    const { port1, port2 } = new MessageChannel();
    tw.port = port1;
    if (place === "shared") {
      const [url, options] = tw.workers.at(-1);
      tw.port = new SharedWorker(url, options).port;
    } else if (place === "worker") {
      // A script may have kept the worker that it saw being made.
      tw.made.at(-1).postMessage(null, [port2]);
    } else {
      // The vault's script is anybody's to import, and the vault's name can be made up: a vault of
      // another name tells the build.
      const { connect } = await tw.load(tw.settings.options.vaultUrl);
      const config = new TextEncoder().encode(tw.hello.config);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", config));
      const hash = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const probe = new MessageChannel();
      connect(`probe/${hash}`, probe.port2);
      probe.port1.postMessage(tw.hello);
      const build = await new Promise((resolve) => {
        probe.port1.onmessage = ({ data }) => resolve(data.build);
      });
      connect(`tokenward/1/${build}/0/${hash}`, port2);
    }
    tw.port.onmessage = (/** @type {MessageEvent} */ { data }) => tw.replies.push(data);
  }, place.place);
}

/**
 * Sends the messages and gathers what is answered until the answer to a last `ping`, or until each
 * has its reply.
 *
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {unknown[]} messages
 * @returns {Promise<any[]>} the replies, without news of the session
 */
function converse(tab, messages) {
  return tab.run(async (_, messages) => {
    const { port } = window.tw;
    /** @type {any[]} */
    const replies = window.tw.replies;
    replies.length = 0;
    for (const message of messages) port.postMessage(message);
    const end = Date.now() + 3000;
    const relevant = () => replies.filter(({ type }) => type !== "state" && type !== "ping");
    while (relevant().length < messages.length && Date.now() < end) {
      if (relevant().some(({ type }) => type === "pong")) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return relevant().map(({ body, ...reply }) => reply);
  }, messages);
}

/**
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {unknown[]} replies
 */
async function assertUnharmed(app, tab, replies) {
  assert.deepEqual(search(["replies", JSON.stringify(replies)], app.tokens()), []);
  assert.deepEqual(e2e.servers.direct.other.log.list(), []);
  assert.equal(app.counts().tokenRequests, 1, "only the sign-in's own");
  assert.equal((await tab.state()).status, "signedIn");
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
}
