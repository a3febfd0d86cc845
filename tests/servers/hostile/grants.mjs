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
 * @property {string | undefined} jkt the thumbprint of the key that its tokens are bound to
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
   * @param {string} [jkt] the thumbprint of the key that it was proven with
   * @returns {Grant | Refused}
   */
  answer(form, jkt) {
    const type = form.get("grant_type");
    if (type === "authorization_code") return this.#exchange(form, jkt);
    if (type === "refresh_token") return this.#renew(form, jkt);
    return { error: "unsupported_grant_type" };
  }

  /**
   * @param {URLSearchParams} form
   * @param {string} [jkt]
   */
  #exchange(form, jkt) {
    const code = form.get("code") ?? "";
    const grant = this.#codes.get(code);
    this.#codes.delete(code);
    if (!grant) return refused("the code is unknown or was used");
    if (form.get("client_id") !== grant.clientId) return refused("another client's code");
    if (form.get("redirect_uri") !== grant.redirectUri) return refused("another redirect_uri");
    const verifier = createHash("sha256").update(form.get("code_verifier") ?? "");
    if (verifier.digest("base64url") !== grant.challenge) return refused("another code_verifier");
    if (grant.jkt !== undefined && grant.jkt !== jkt) return refused("another key");
    return Object.assign(grant, { jkt });
  }

  /**
   * @param {URLSearchParams} form
   * @param {string} [jkt]
   */
  #renew(form, jkt) {
    const token = form.get("refresh_token") ?? "";
    const grant = this.#refresh.get(token);
    if (!grant || form.get("client_id") !== grant.clientId) return refused("unknown");
    if (grant.jkt !== jkt) return refused("another key");
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
   * @param {string} [jkt] the thumbprint of the key that it was proven with
   * @returns {Grant | undefined} whose living access token it carries
   */
  bearer(authorization, jkt) {
    const [, scheme, token = ""] = /^(Bearer|DPoP) (.+)$/.exec(authorization ?? "") ?? [];
    const grant = this.#access.get(token);
    const isProven = grant?.jkt === jkt && scheme === (jkt ? "DPoP" : "Bearer");
    return grant?.isOver || !isProven ? undefined : grant;
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
