// @ts-check
// Counts what clients asked of the provider, in total and for each client.

const ZERO = {
  /** every request of a browser, whatever its path; preflights too */
  requests: 0,
  discovery: 0,
  jwks: 0,
  /** requests at the authorization endpoint, silent ones too */
  authorizations: 0,
  /** authorization requests that were pushed (RFC 9126) */
  pushed: 0,
  userInfos: 0,
  /** at the token endpoint, when they arrive; faults are counted too */
  tokenRequests: 0,
  codeRequests: 0,
  refreshRequests: 0,
  /** those that the provider answered with tokens */
  codesSucceeded: 0,
  refreshesSucceeded: 0,
  refreshesFailed: 0,
  /** a refresh token sent again after its rotation; the grant is revoked */
  reuses: 0,
  revocations: 0,
  logouts: 0,
  /** requests that a planned fault met */
  faults: 0,
};

/** @typedef {typeof ZERO} Counts */

export class Counters {
  #total = { ...ZERO };
  /** @type {Map<string, Counts>} */
  #clients = new Map();

  /**
   * @param {keyof Counts} name
   * @param {string | null} [clientId] whose it is, where that is known
   */
  add(name, clientId) {
    this.#total[name] += 1;
    if (!clientId) return;
    const counts = this.#clients.get(clientId) ?? { ...ZERO };
    counts[name] += 1;
    this.#clients.set(clientId, counts);
  }

  /**
   * @param {string | null} [clientId]
   * @returns {Counts} of one client, or the total
   */
  of(clientId) {
    return { ...(clientId ? (this.#clients.get(clientId) ?? ZERO) : this.#total) };
  }

  /** @returns {{ total: Counts, clients: Record<string, Counts> }} */
  all() {
    return { total: this.of(), clients: Object.fromEntries(this.#clients) };
  }

  reset() {
    this.#total = { ...ZERO };
    this.#clients.clear();
  }
}
