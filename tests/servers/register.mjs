// @ts-check
// Remembers every token that the provider ever sent, so that a test can search a page for them, and
// which of them no longer count. Never reachable from a page: only the control port reads it.

/** @typedef {"access" | "refresh" | "id"} TokenKind */
/**
 * @typedef {object} Issued
 * @property {number} serial counts up from 1 over all tokens
 * @property {TokenKind} kind
 * @property {string} token
 * @property {string} clientId
 * @property {string} sub
 * @property {string} grantId
 * @property {string} grantType `authorization_code` or `refresh_token`
 */
/** @typedef {{ clientId?: string | null, sub?: string | null, kind?: string | null, after?: number }} Wanted */

export class Register {
  /** @type {Issued[]} */
  #issued = [];
  /** @type {Map<string, string>} access token to its grant */
  #grants = new Map();
  /** @type {Set<string>} */
  #revokedGrants = new Set();
  /** @type {Set<string>} */
  #refused = new Set();

  /** @param {Omit<Issued, "serial">} entry */
  add(entry) {
    this.#issued.push({ serial: this.#issued.length + 1, ...entry });
    if (entry.kind === "access") this.#grants.set(entry.token, entry.grantId);
  }

  /**
   * @param {Wanted} [wanted] `after` is a serial: only later tokens
   * @returns {Issued[]}
   */
  list({ clientId, sub, kind, after = 0 } = {}) {
    return this.#issued.filter(
      (entry) =>
        entry.serial > after &&
        (!clientId || entry.clientId === clientId) &&
        (!sub || entry.sub === sub) &&
        (!kind || kind.split(",").includes(entry.kind)),
    );
  }

  /** @param {string} grantId */
  revokeGrant(grantId) {
    this.#revokedGrants.add(grantId);
  }

  /** @param {string} token an access token that the API shall refuse from now on */
  refuse(token) {
    this.#refused.add(token);
  }

  /**
   * @param {Wanted} wanted
   * @returns {number} how many access tokens, issued up to now, the API refuses from now on
   */
  refuseAll(wanted) {
    const tokens = this.list({ ...wanted, kind: "access" });
    for (const { token } of tokens) this.refuse(token);
    return tokens.length;
  }

  /**
   * @param {string} token
   * @returns {string | undefined} why the API must refuse a token that verifies
   */
  refusal(token) {
    if (this.#refused.has(token)) return "the token was revoked at the API";
    if (this.#revokedGrants.has(this.#grants.get(token) ?? "")) return "the grant was revoked";
    return undefined;
  }
}
