// @ts-check
// Keys that sign ID tokens and the tokens they sign, the false ones too. It does not know what a
// provider is.
import { createHash, generateKeyPairSync } from "node:crypto";
import { CompactSign } from "jose";

/** @typedef {import("node:crypto").KeyObject} KeyObject */
/** @typedef {{ alg: string, kid: string, privateKey: KeyObject, publicKey: KeyObject }} SigningKey */
/**
 * @typedef {object} Draft a token before it is signed
 * @property {Record<string, any>} header
 * @property {Record<string, any> | string} claims a text is signed as it is
 * @property {KeyObject | Uint8Array} [key] none: its signature is empty
 */

/** @type {Map<string, { privateKey: KeyObject, publicKey: KeyObject }>} */
const pairs = new Map();

/**
 * A key for `alg`. Making an RSA pair takes long, so those of one label are the same in every issuer,
 * though each issuer has a `kid` of its own for it.
 *
 * @param {string} alg
 * @param {string} kid
 * @param {string} [label]
 * @returns {SigningKey}
 */
export function signingKey(alg, kid, label = "first") {
  const kind = /^[RP]S/.test(alg) ? "rsa" : "ec";
  const name = `${kind} ${label}`;
  const pair =
    pairs.get(name) ??
    (kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" }));
  pairs.set(name, pair);
  return { alg, kid, ...pair };
}

/** @param {SigningKey} key */
export function publicJwk({ alg, kid, publicKey }) {
  return { ...publicKey.export({ format: "jwk" }), alg, kid, use: "sig" };
}

/**
 * @param {Draft} draft
 * @returns {Promise<string>} the compact token
 */
export async function sign({ header, claims, key }) {
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  if (!key) return `${part(JSON.stringify(header))}.${part(payload)}.`;
  return new CompactSign(Buffer.from(payload))
    .setProtectedHeader(/** @type {import("jose").CompactJWSHeaderParameters} */ (header))
    .sign(key);
}

/**
 * @param {string} token
 * @returns {string} the same with one bit of its signature turned
 */
export function tampered(token) {
  const [header, payload, signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  bytes[8] = (bytes[8] ?? 0) ^ 1;
  return `${header}.${payload}.${bytes.toString("base64url")}`;
}

/**
 * `at_hash` (OpenID Connect Core, 3.1.3.6).
 *
 * @param {string} token
 * @param {string} alg whose digest it is
 */
export function leftHash(token, alg) {
  const digest = createHash(`sha${alg.slice(2)}`)
    .update(token)
    .digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}

/** @param {string} text */
function part(text) {
  return Buffer.from(text).toString("base64url");
}
