// @ts-check
// Every kind of body with every method: what arrives is what was given, byte for byte, at the first try and,
// where one follows, at the second.
import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsOf } from "../e2e/harness/proofs.mjs";
import { CREDENTIALS, figure, Wire } from "./harness.mjs";

const wire = new Wire();

/** @typedef {import("./harness.mjs").Recorded} Recorded */
/** @typedef {import("../e2e/app/wire/bodies.js").Sent} Sent */

const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
const REPLAYABLE = 1024 * 1024;
const large = (/** @type {number} */ size) =>
  Buffer.from(new Uint8Array(size).map((_, at) => at % 251));
const OCTETS = /** @type {const} */ ([undefined, large(REPLAYABLE + 1)]);

/** Content type and bytes of each kind; a form's boundary is called `edge`. */
const EXPECTED = /** @type {Record<string, readonly [string | undefined, Buffer]>} */ ({
  none: [undefined, Buffer.alloc(0)],
  string: ["text/plain;charset=UTF-8", Buffer.from("text with ä and \u{1f511}")],
  URLSearchParams: [
    "application/x-www-form-urlencoded;charset=UTF-8",
    Buffer.from("a=1+2&b=%C3%A4%26%3D"),
  ],
  FormData: ["multipart/form-data; boundary=edge", multipart()],
  Blob: ["image/png", bytes],
  ArrayBuffer: [undefined, bytes],
  Uint8Array: [undefined, bytes.subarray(10, 20)],
  ReadableStream: [undefined, Buffer.from("one two three")],
  "as large as is kept": [undefined, large(REPLAYABLE)],
  "a byte larger": OCTETS,
  "a byte larger, as a Blob": OCTETS,
});

/** An engine without such bodies makes a text of a stream. */
const NO_STREAM = /** @type {const} */ ([
  "text/plain;charset=UTF-8",
  Buffer.from("[object ReadableStream]"),
]);

function multipart() {
  const part = (/** @type {string} */ disposition) =>
    `--edge\r\nContent-Disposition: form-data; ${disposition}`;
  return Buffer.concat([
    Buffer.from(`${part('name="text"')}\r\n\r\nvalue with ä\r\nand a line\r\n`),
    Buffer.from(`${part('name="a %22name%22%0D%0Aof two"')}\r\n\r\ntwice\r\n`),
    Buffer.from(`${part('name="file"; filename="a %22b%22.bin"')}\r\n`),
    Buffer.from("Content-Type: application/x-test\r\n\r\n"),
    bytes,
    Buffer.from("\r\n--edge--\r\n"),
  ]);
}

/**
 * @param {Recorded} recorded
 * @returns {[string | undefined, string]} its content type and bytes, whatever its boundary is called
 */
function arrived({ headers, body }) {
  const type = headers["content-type"] && String(headers["content-type"]);
  const boundary = /boundary=(\S+)/.exec(type ?? "")?.[1];
  const text = body.toString("latin1");
  if (!boundary) return [type, text];
  return [type?.replace(boundary, "edge"), text.replaceAll(boundary, "edge")];
}

/**
 * @typedef {object} Mode
 * @property {boolean} [isAtOnce] whether no request waits for another
 * @property {number} tries how often what can be sent again is sent
 * @property {(recorded: Recorded, nth: number) => import("../servers/recorder.mjs").Said} say the answer to
 *   the first, the second try
 * @property {(tries: Recorded[]) => void} check what is different in the second
 */

/** @type {Mode} */
const AT_ONCE = { tries: 1, say: () => ({}), check: () => {} };

/**
 * At once, so that one token is refused: that resources refuse one after the other brings no more than a few
 * refreshes (`session::access`).
 *
 * @type {Mode}
 */
const REFUSED = {
  isAtOnce: true,
  tries: 2,
  say: (_, nth) =>
    nth > 1 ? {} : { status: 401, headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' } },
  check([one, two]) {
    assert.match(String(two?.headers.authorization), /^Bearer ./);
    assert.notEqual(one?.headers.authorization, two?.headers.authorization);
  },
};

/** @type {Mode} */
const NONCE = {
  tries: 2,
  say({ headers }, nth) {
    if (nth > 1) return {};
    const challenge = 'DPoP error="use_dpop_nonce"';
    const nonce = Buffer.from(String(headers["x-test"])).toString("base64url");
    return { status: 401, headers: { "WWW-Authenticate": challenge, "DPoP-Nonce": nonce } };
  },
  check([one, two]) {
    const nonce = Buffer.from(String(two?.headers["x-test"])).toString("base64url");
    assert.equal(claimsOf(two?.headers.dpop).nonce, nonce);
    assert.equal(one?.headers.authorization, two?.headers.authorization, "the same lease");
  },
};

/**
 * @param {import("node:test").TestContext} t
 * @param {string} name
 * @param {import("./harness.mjs").Credential} credential
 * @param {Mode} mode
 */
async function play(t, name, credential, mode) {
  const { tab } = await wire.signedIn(credential);
  /** @type {Map<string, Recorded[]>} */
  const tries = new Map();
  wire.resource.reset();
  wire.resource.answer((recorded) => {
    const id = String(recorded.headers["x-test"]);
    const all = [...(tries.get(id) ?? []), recorded];
    tries.set(id, all);
    return mode.say(recorded, all.length);
  });
  const [kinds, sendsStreams, readsForms] = await tab.run(async () => {
    const { kinds, sendsStreams, readsForms } = await window.tw.load("/wire/bodies.js");
    return [kinds(), sendsStreams(), await readsForms()];
  });
  /** @type {Sent[]} */
  const sent = [];
  // A page is asked for a few at a time: a driver does not wait for ever.
  for (const some of mode.isAtOnce ? [kinds] : kinds.map((/** @type {string} */ kind) => [kind])) {
    const sentNow = await tab.run(
      async (auth, url, kinds, isAtOnce) => {
        const { sendAll } = await window.tw.load("/wire/bodies.js");
        return sendAll(auth, url, kinds, isAtOnce);
      },
      `${wire.at.resource}/bodies`,
      some,
      mode.isAtOnce === true,
    );
    sent.push(...sentNow);
  }

  let unreadable = 0;
  for (const { id, status, threw, changed } of sent) {
    const [kind = "", form] = id.split(" / ");
    if (kind === "FormData" && form === "Request" && !readsForms) {
      // As docs/fetch.md says: in no way can a script read it. Nothing was sent.
      assert.match(String(threw), /^InvalidStateError/);
      assert.equal(tries.has(id), false);
      unreadable += 1;
      continue;
    }
    assert.equal(threw, undefined, id);
    assert.deepEqual(changed, [], `${id}: the caller's own`);
    const isKept = !kind.startsWith("a byte larger");
    const all = tries.get(id) ?? [];
    assert.equal(all.length, isKept ? mode.tries : 1, `${id}: tries`);
    assert.equal(status, isKept || mode.tries === 1 ? 200 : 401, id);
    const expected = kind === "ReadableStream" && !sendsStreams ? NO_STREAM : EXPECTED[kind];
    const [type, body] = expected ?? [];
    for (const one of all) {
      assert.deepEqual(arrived(one), [type, body?.toString("latin1")], id);
      assert.equal(`${kind} / ${form} / ${one.method}`, id);
    }
    if (isKept) mode.check(all);
  }
  assert.equal(sent.length, 74);
  const seconds = [...tries.values()].filter((all) => all.length > 1).length;
  assert.equal(unreadable, readsForms ? 0 : 4);
  const counts = {
    requests: sent.length,
    "second tries": seconds,
    "unreadable to scripts": unreadable,
  };
  figure(t, `bodies, ${name}`, { ...counts, "other bytes": 0, "unexpected throws": 0 });
}

test("bodies of every kind arrive as they were given", async (t) => {
  await play(t, "answered at once", CREDENTIALS.bearer ?? {}, AT_ONCE);
});

test("after a refused token they arrive a second time, the same to the byte (br5)", async (t) => {
  await play(t, "401 and then 200", CREDENTIALS.bearer ?? {}, REFUSED);
});

test("where another nonce is wanted they arrive a second time, too (dp7)", async (t) => {
  await play(t, "nonce and then 200", CREDENTIALS.DPoP ?? {}, NONCE);
});
