// @ts-check
// `decodeJwt` shows what a token says, and takes no half of one.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { transform } from "esbuild";

const source = await readFile(new URL("../src/decode-jwt.ts", import.meta.url), "utf8");
const { code } = await transform(source, { loader: "ts" });
/** @type {typeof import("../src/decode-jwt.js")} */
const { decodeJwt } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

const part = (/** @type {string | Uint8Array} */ text) => Buffer.from(text).toString("base64url");
const token = (/** @type {string} */ claims) => `${part('{"alg":"none"}')}.${part(claims)}.`;

test("the header and the claims, in UTF-8", () => {
  const { header, claims } = decodeJwt(token('{"name":"J\u00fcrg \u{1f511}","n":1}')).unverified;
  assert.deepEqual(header, { alg: "none" });
  assert.deepEqual(claims, { name: "J\u00fcrg \u{1f511}", n: 1 });
});

test("a `__proto__` claim is a claim", () => {
  const { claims } = decodeJwt(token('{"__proto__":{"admin":true}}')).unverified;
  assert.equal(claims.admin, undefined);
  assert.deepEqual(Object.keys(claims), ["__proto__"]);
});

test("what is no token is a TypeError that says nothing of it", () => {
  const good = token('{"sub":"hunter2"}');
  for (const text of [
    "",
    "opaque-hunter2",
    good.slice(0, -1),
    `${good}.`,
    `${good}x.y`,
    ` ${good}`,
    good.replace(".", "=."),
    good.replace(".", "\n."),
    good.replace(/^./, "+"),
    token("hunter2"),
    token('["hunter2"]'),
    token("null"),
    token('"hunter2"'),
    token("\ufeff{}"),
    `${part("{}")}.${part(Uint8Array.of(0x22, 0xff, 0x22))}.`,
    `${part("{}")}..`,
    `${part("{}")}.A.`,
    /** @type {any} */ (undefined),
    /** @type {any} */ ({ split: () => [] }),
  ]) {
    assert.throws(
      () => decodeJwt(text),
      (error) => error instanceof TypeError && !error.message.includes("hunter2"),
      String(text),
    );
  }
});
