// @ts-check
// Whether a DPoP proof is good (RFC 9449, 4.3), by Node's own crypto: for the API and the scripted provider.
import { createHash, createPublicKey, verify } from "node:crypto";

/**
 * @typedef {object} Proven what a proof is to be for
 * @property {string} method
 * @property {string} url whatever its query
 * @property {string} [token] the access token that it came with
 * @property {string} [nonce] that it must have
 * @property {number} [skewMs] how far the server's clock is ahead
 */
/** @typedef {{ jkt: string, jti: string, iat: number, nonce?: string }} Proof */

/** How old a proof may be, or how far ahead, in seconds. */
const LEEWAY = 60;

/** Why a proof was refused, in the standard's words. */
export class ProofRefused extends Error {
  /**
   * @param {"invalid_dpop_proof" | "use_dpop_nonce"} error
   * @param {string} why
   */
  constructor(error, why) {
    super(why);
    this.error = error;
  }
}

export class Proofs {
  /** @type {Set<string>} every `jti` that came */
  #seen = new Set();

  /**
   * @param {string | string[] | undefined} header
   * @param {Proven} proven
   * @returns {Proof} rejects with `ProofRefused`
   */
  check(header, { method, url, token, nonce, skewMs = 0 }) {
    if (typeof header !== "string" || header.includes(",")) throw invalid("not one proof");
    const parts = header.split(".");
    if (parts.length !== 3) throw invalid("not compact");
    const [head, claims] = parts.slice(0, 2).map((part) => {
      return JSON.parse(Buffer.from(part, "base64url").toString());
    });
    const { typ, alg, jwk, ...more } = head;
    if (typ !== "dpop+jwt" || alg !== "ES256") throw invalid("another type or algorithm");
    if (Object.keys(more).length > 0) throw invalid(`odd header: ${Object.keys(more)}`);
    const members = Object.keys(jwk).sort().join();
    if (members !== "crv,kty,x,y") throw invalid(`a key with the members ${members}`);
    const key = createPublicKey({ key: jwk, format: "jwk" });
    const signed = Buffer.from(`${parts[0]}.${parts[1]}`);
    const signature = Buffer.from(parts[2] ?? "", "base64url");
    if (!verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature)) {
      throw invalid("the signature");
    }
    if (claims.htm !== method) throw invalid(`htm is ${claims.htm}`);
    const { origin, pathname } = new URL(url);
    if (claims.htu !== origin + pathname) throw invalid(`htu is ${claims.htu}`);
    const { jti } = claims;
    if (typeof jti !== "string" || Buffer.from(jti, "base64url").length < 12) {
      throw invalid("jti has less than 96 bits");
    }
    if (this.#seen.has(jti)) throw invalid("jti came before");
    this.#seen.add(jti);
    const ath = token && createHash("sha256").update(token).digest("base64url");
    if (claims.ath !== ath) throw invalid(`ath is ${claims.ath}`);
    if (nonce !== undefined && claims.nonce !== nonce) {
      throw new ProofRefused("use_dpop_nonce", `nonce is ${claims.nonce}`);
    }
    // What has a nonce is fresh by that (RFC 9449, 8).
    const now = (Date.now() + skewMs) / 1000;
    if (nonce === undefined && !(Math.abs(claims.iat - now) <= LEEWAY)) throw invalid("iat is off");
    const canonical = JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y });
    const jkt = createHash("sha256").update(canonical).digest("base64url");
    return { jkt, jti, iat: claims.iat, nonce: claims.nonce };
  }
}

/** @param {string} why */
function invalid(why) {
  return new ProofRefused("invalid_dpop_proof", why);
}
