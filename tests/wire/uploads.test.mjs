// @ts-check
// Bodies that are streams, over TLS and HTTP/2, which alone carries them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { once, sendsStreams } from "../e2e/harness/place.mjs";
import { eventually } from "../e2e/harness/tab.mjs";
import { CREDENTIALS, figure, Wire } from "./harness.mjs";

const wire = new Wire();

const PIECE = 64 * 1024;

/** @param {Buffer} body */
const digest = (body) => createHash("sha256").update(body).digest("hex");

/** @param {number} pieces of that many different letters */
const whole = (pieces) =>
  Buffer.concat(Array.from({ length: pieces }, (_, at) => Buffer.alloc(PIECE, at % 256)));

test("a stream arrives whole over HTTP/2, with the token", once, async (t) => {
  const { scheme: url } = wire.at;
  const { app, tab } = await wire.signedIn({}, { resource: { origin: url } });
  const [access] = app.tokens("access");
  /** @param {number} pieces */
  const upload = (pieces) =>
    tab.run(
      async (auth, url, pieces, size) => {
        let at = 0;
        const body = new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve));
            if (at === pieces) controller.close();
            else controller.enqueue(new Uint8Array(size).fill(at++ % 256));
          },
        });
        const init = { method: "POST", body, duplex: "half" };
        const response = await auth.fetch(url, init);
        const probe = { ...init, body: new ReadableStream() };
        return {
          status: response.status,
          text: new Request("/", probe).headers.has("content-type"),
        };
      },
      `${url}/upload`,
      pieces,
      PIECE,
    );
  // A small one is kept for a second try; a large one is sent once.
  for (const pieces of [4, 64]) {
    wire.resource.reset();
    const { status, text } = await upload(pieces);
    assert.equal(status, 200);
    const [received, ...more] = wire.resource.received();
    assert.deepEqual(more, []);
    assert.equal(received?.version, "2.0");
    assert.equal(received?.headers.authorization, `Bearer ${access?.token}`);
    // An engine without such bodies makes a text of a stream.
    const sent = text ? Buffer.from("[object ReadableStream]") : whole(pieces);
    assert.equal(digest(received?.body ?? Buffer.alloc(0)), digest(sent));
  }
  // The same where the token is refused at first.
  for (const pieces of [4, 64]) {
    wire.resource.reset();
    const left = [401];
    wire.resource.answer(() => ({ status: left.pop() ?? 200 }));
    const { status, text } = await upload(pieces);
    const isKept = text || pieces === 4;
    const all = wire.resource.received();
    assert.deepEqual([status, all.length], isKept ? [200, 2] : [401, 1]);
    const sent = text ? Buffer.from("[object ReadableStream]") : whole(pieces);
    for (const { body } of all) assert.equal(digest(body), digest(sent));
  }
  figure(t, "uploads over HTTP/2", { requests: 4, "other bytes": 0 });
});

/** @typedef {import("./harness.mjs").Tab} Tab */
/** @typedef {import("../e2e/app/wire/uploads.js").Wanted} Wanted */

const MEGABYTE = 1024 * 1024;

/** What does not depend on where the vault is. */
const ofStreams = { ...once, ...sendsStreams };

/**
 * Starts an upload in the page.
 *
 * @param {Tab} tab
 * @param {string} url
 * @param {Wanted} wanted
 * @param {"auth" | "own"} [by] the page's own `fetch` instead
 */
const begin = (tab, url, wanted, by = "auth") =>
  tab.run(
    async (auth, url, wanted, by) => {
      const { begin } = await window.tw.load("/wire/uploads.js");
      begin(by === "auth" ? auth.fetch : fetch.bind(window), url, wanted);
    },
    url,
    wanted,
    by,
  );

/**
 * @param {Tab} tab
 * @returns {Promise<any>} what came of the upload
 */
const outcome = (tab) =>
  tab.run(async () => (await window.tw.load("/wire/uploads.js")).upload.outcome);

/** @param {Tab} tab */
const go = (tab) => tab.run(async () => (await window.tw.load("/wire/uploads.js")).upload.go());

/**
 * @param {Tab} tab
 * @returns {Promise<{ made: number, isCancelled: boolean, cancelled: string }>}
 */
const source = (tab) =>
  tab.run(async () => {
    const { made, isCancelled, cancelled } = (await window.tw.load("/wire/uploads.js")).upload;
    return { made, isCancelled, cancelled: String(cancelled) };
  });

const arrived = () => wire.resource.received()[0]?.arrived ?? 0;

/** An application whose resource is reached by HTTP/2. */
const overHttp2 = (credential = CREDENTIALS.bearer ?? {}) =>
  wire.signedIn(credential, { resource: { origin: wire.at.scheme } });

test("5 MB arrive while the page still makes them", sendsStreams, async () => {
  const { app, tab } = await overHttp2();
  const [access] = app.tokens("access");
  for (const form of /** @type {const} */ (["init", "Request"])) {
    wire.resource.reset();
    await begin(tab, `${wire.at.scheme}/upload`, { pieces: 80, until: 40, form });
    await eventually("the first megabyte", async () => arrived() >= MEGABYTE);
    assert.ok((await source(tab)).made <= 40, "and the rest is not made yet");
    await go(tab);
    assert.deepEqual(await outcome(tab), { status: 200, unrepeated: false });
    const [received, ...more] = wire.resource.received();
    assert.deepEqual(more, []);
    assert.equal(received?.version, "2.0");
    assert.equal(received?.headers.authorization, `Bearer ${access?.token}`);
    assert.equal(received?.headers["content-length"], undefined);
    assert.equal(received?.isWhole, true);
    assert.equal(digest(received?.body ?? Buffer.alloc(0)), digest(whole(80)));
  }
});

test("1 MiB is sent as bytes, and again after a refused token (br5)", ofStreams, async () => {
  const { tab } = await overHttp2();
  const left = [401];
  wire.resource.answer(() => ({ status: left.pop() ?? 200 }));
  await begin(tab, `${wire.at.scheme}/upload`, { pieces: 16 });
  assert.deepEqual(await outcome(tab), { status: 200, unrepeated: false });
  const all = wire.resource.received();
  assert.equal(all.length, 2);
  for (const { body, headers } of all) {
    assert.equal(headers["content-length"], String(MEGABYTE));
    assert.equal(digest(body), digest(whole(16)));
  }
});

test("a longer one is sent once: the refusal is the answer (br5)", ofStreams, async () => {
  const { tab } = await overHttp2();
  wire.resource.answer(() => ({ status: 401 }));
  await begin(tab, `${wire.at.scheme}/upload`, { pieces: 17 });
  assert.deepEqual(await outcome(tab), { status: 401, unrepeated: true });
  assert.equal(wire.resource.received().length, 1);
});

test("a server that does not read on stops the source", ofStreams, async () => {
  const { tab } = await overHttp2();
  const pieces = 1024;
  const release = wire.resource.hold();
  await begin(tab, `${wire.at.scheme}/upload`, { pieces });
  await eventually("the request", async () => wire.resource.received().length === 1);
  // Whatever is under way has had its turn after so many questions to the same page, vault and server.
  let made = -1;
  await eventually("a source that stands still", async () => {
    const before = made;
    for (let times = 0; times < 10; times++) {
      await tab.run((auth, url) => auth.fetch(url).then(() => {}), `${wire.at.scheme}/ping`);
    }
    made = (await source(tab)).made;
    return made === before;
  });
  assert.ok(made < pieces / 4, `${made} pieces of ${pieces} were made`);
  release();
  assert.deepEqual(await outcome(tab), { status: 200, unrepeated: false });
  const received = wire.resource.received().find(({ url }) => url === "/upload");
  assert.equal(digest(received?.body ?? Buffer.alloc(0)), digest(whole(pieces)));
});

test("an abort cancels the source, and its request", ofStreams, async () => {
  const { tab } = await overHttp2();
  // Once while it is collected, once while it is sent.
  for (const until of [4, 40]) {
    wire.resource.reset();
    await begin(tab, `${wire.at.scheme}/upload`, { pieces: 80, until });
    if (until === 40) await eventually("the first megabyte", async () => arrived() >= MEGABYTE);
    else await eventually("the first pieces", async () => (await source(tab)).made === until);
    await tab.run(async () => {
      (await window.tw.load("/wire/uploads.js")).upload.abort.abort(new Error("enough"));
    });
    const { isReason, message } = await outcome(tab);
    assert.deepEqual([isReason, message], [true, "enough"]);
    await eventually("a cancelled source", async () => (await source(tab)).isCancelled);
    assert.equal((await source(tab)).cancelled, "Error: enough");
    if (until === 40) {
      // Chromium may let it end like a whole one, also what its own `fetch` sends.
      const [received] = wire.resource.received();
      await eventually("the request's end", async () => received?.body.length);
      assert.ok(received && received.arrived <= 40 * PIECE);
    } else assert.deepEqual(wire.resource.received(), []);
  }
});

test("a source that breaks fails the call as the page's own does", ofStreams, async () => {
  wire.e2e.letPageConnect(wire.at.scheme);
  const { tab } = await overHttp2();
  for (const pieces of [4, 40]) {
    wire.resource.reset();
    const wanted = { pieces, breaks: true };
    await begin(tab, `${wire.at.scheme}/upload`, wanted, "own");
    const own = await outcome(tab);
    assert.equal(own.name, "TypeError");
    await begin(tab, `${wire.at.scheme}/upload`, wanted);
    const { name, cause } = await outcome(tab);
    assert.deepEqual([name, cause], [own.name, "the source broke"], `after ${pieces} pieces`);
    for (const received of wire.resource.received()) assert.equal(received.isWhole, false);
  }
});

test("what a signature has to cover is not a stream (hs8)", ofStreams, async () => {
  const { tab } = await overHttp2(CREDENTIALS.signature);
  await begin(tab, `${wire.at.scheme}/upload`, { pieces: 40 });
  const { code, message } = await outcome(tab);
  assert.equal(code, "request_invalid");
  assert.match(message, /pass a `Blob` or an `ArrayBuffer`/);
  assert.equal((await source(tab)).isCancelled, true);
  assert.deepEqual(wire.resource.received(), []);
  await begin(tab, `${wire.at.scheme}/upload`, { pieces: 4 });
  assert.deepEqual(await outcome(tab), { status: 200, unrepeated: false });
  assert.ok(wire.resource.received()[0]?.headers["content-digest"]);
});

test("over HTTP/1.1 a long one fails as the page's own does", ofStreams, async () => {
  wire.e2e.letPageConnect(wire.at.resource);
  const { tab } = await wire.signedIn(CREDENTIALS.bearer ?? {});
  await tab.run(
    (_, url) => fetch(url, { method: "POST", body: "text" }).then(() => {}),
    wire.at.resource,
  );
  for (const by of /** @type {const} */ (["own", "auth"])) {
    await begin(tab, `${wire.at.resource}/upload`, { pieces: 40 }, by);
    const { name } = await outcome(tab);
    assert.equal(name, "TypeError", by);
  }
  await eventually("a cancelled source", async () => (await source(tab)).isCancelled);
  wire.resource.reset();
  await begin(tab, `${wire.at.resource}/upload`, { pieces: 16 });
  assert.deepEqual(await outcome(tab), { status: 200, unrepeated: false });
});
