// @ts-check
// What an honest provider remembers of the grants it made: codes bound to their verifier, rotating
// refresh tokens, access tokens. It answers like the standards say and never lies.
import { createHash, randomBytes } from "node:crypto";

/** @typedef {{ error: string, error_description?: string }} Refused */
/**
 * @typedef {object} Grant what one sign-in was given
 * @property {string} clientId
 * @property {string} redirectUri
 * @property {string} scope
 * @property {string} challenge
 * @property {string | null} nonce
 * @property {number} authTime seconds
 * @property {boolean} isOver
 */

const random = () => randomBytes(24).toString("base64url");

export class Grants {
  /** @type {Map<string, Grant>} unused codes */
  #codes = new Map();
  /** @type {Map<string, Grant>} each refresh token that was ever sent, by the token */
  #refresh = new Map();
  /** @type {Set<string>} refresh tokens that were used or revoked */
  #spent = new Set();
  /** @type {Map<string, Grant>} each access token that was ever sent */
  #access = new Map();

  /**
   * @param {Omit<Grant, "isOver">} grant
   * @returns {string} its code
   */
  begin(grant) {
    const code = random();
    this.#codes.set(code, { ...grant, isOver: false });
    return code;
  }

  /**
   * @param {URLSearchParams} form of a token request
   * @returns {Grant | Refused}
   */
  answer(form) {
    const type = form.get("grant_type");
    if (type === "authorization_code") return this.#exchange(form);
    if (type === "refresh_token") return this.#renew(form);
    return { error: "unsupported_grant_type" };
  }

  /** @param {URLSearchParams} form */
  #exchange(form) {
    const code = form.get("code") ?? "";
    const grant = this.#codes.get(code);
    this.#codes.delete(code);
    if (!grant) return refused("the code is unknown or was used");
    if (form.get("client_id") !== grant.clientId) return refused("another client's code");
    if (form.get("redirect_uri") !== grant.redirectUri) return refused("another redirect_uri");
    const verifier = createHash("sha256").update(form.get("code_verifier") ?? "");
    if (verifier.digest("base64url") !== grant.challenge) return refused("another code_verifier");
    return grant;
  }

  /** @param {URLSearchParams} form */
  #renew(form) {
    const token = form.get("refresh_token") ?? "";
    const grant = this.#refresh.get(token);
    if (!grant || form.get("client_id") !== grant.clientId) return refused("unknown");
    // A second use revokes the whole family (RFC 9700, 4.14.2).
    if (this.#spent.has(token)) grant.isOver = true;
    if (grant.isOver) return refused("the grant is over");
    this.#spent.add(token);
    return grant;
  }

  /**
   * @param {Grant} grant
   * @returns {{ access_token: string, refresh_token?: string }}
   */
  issue(grant) {
    const access_token = random();
    this.#access.set(access_token, grant);
    if (!grant.scope.split(" ").includes("offline_access")) return { access_token };
    const refresh_token = random();
    this.#refresh.set(refresh_token, grant);
    return { access_token, refresh_token };
  }

  /**
   * @param {string | undefined} authorization a request's header
   * @returns {Grant | undefined} whose living access token it carries
   */
  bearer(authorization) {
    const token = /^Bearer (.+)$/.exec(authorization ?? "")?.[1] ?? "";
    const grant = this.#access.get(token);
    return grant?.isOver ? undefined : grant;
  }

  /** The access tokens sent so far count no more; what renews them does. */
  expire() {
    this.#access.clear();
  }

  /** @param {string} token of either kind: its whole grant ends */
  revoke(token) {
    const grant = this.#refresh.get(token) ?? this.#access.get(token);
    if (grant) grant.isOver = true;
  }
}

/**
 * @param {string} error_description
 * @returns {Refused}
 */
function refused(error_description) {
  return { error: "invalid_grant", error_description };
}
