// @ts-check
// Bodies that are streams, over TLS and HTTP/2, which alone carries them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { once } from "../e2e/harness/place.mjs";
import { figure, Wire } from "./harness.mjs";

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
