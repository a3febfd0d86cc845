// @ts-check
// Planned misbehaviour, of the provider and of the API: which requests it meets, and when.

/**
 * What a request is for.
 *
 * @typedef {"discovery" | "keys" | "pushed" | "code" | "refresh" | "revocation" | "userinfo" | "api"} Step
 */
/**
 * What becomes of a real answer on its way back: `lose` resets the connection before it, `truncate` in
 * the middle of it, and `stall` waits there for `release()`; `hide` takes its CORS headers, `retype` says that it is HTML, `swell` makes the
 * JSON a mebibyte long, `forge` changes a claim of the ID token and leaves its signature.
 *
 * @typedef {"lose" | "truncate" | "stall" | "hide" | "retype" | "swell" | "forge"} Spoil
 */
/**
 * What happens to the next requests that match. What only delays or holds lets the request go on
 * afterwards; with `status` or `drop` it never arrives; with `spoil` or `dateMs` the server acts, and
 * its answer suffers.
 *
 * @typedef {object} Fault
 * @property {string} [clientId] only this client's requests, and those that name no client
 * @property {Step} [step] without it, token requests
 * @property {"authorization_code" | "refresh_token"} [grantType] of the token requests
 * @property {number} [count] how many requests; 1 unless told
 * @property {number} [delayMs]
 * @property {boolean} [hold] wait until `release()`
 * @property {boolean} [drop] reset the connection without an answer
 * @property {number} [status] answer so instead of the server
 * @property {unknown} [body] a string as it is, anything else as JSON
 * @property {string} [contentType]
 * @property {Record<string, string>} [headers]
 * @property {Spoil} [spoil]
 * @property {number} [dateMs] how far off the answer's `Date` is; the page's origin may read it
 */
/** @typedef {Fault & { left: number, hasActed: boolean }} Planned */

/** What a token request is for, by its `grant_type`. @type {Record<string, Step>} */
export const GRANTS = { authorization_code: "code", refresh_token: "refresh" };

export class Faults {
  /** @type {Planned[]} */
  #planned = [];
  /** @type {(() => void)[]} */
  #held = [];

  /** @param {Fault} fault */
  plan(fault) {
    this.#planned.push({ ...fault, left: fault.count ?? 1, hasActed: false });
  }

  /** How many requests wait for `release()`. */
  get held() {
    return this.#held.length;
  }

  /** How many requests of what is planned were not met yet. */
  get left() {
    return this.#planned.reduce((sum, { left }) => sum + left, 0);
  }

  /** Lets every held request go on. */
  release() {
    for (const go of this.#held.splice(0)) go();
  }

  /** Forgets what is planned and releases what is held. */
  clear() {
    this.#planned = [];
    this.release();
  }

  /**
   * Uses up one request of the first fault that matches, and waits as that one says.
   *
   * @param {Step} step
   * @param {string | null} [clientId] whose request it is, where it says so
   * @returns {Promise<Planned | undefined>}
   */
  async meet(step, clientId) {
    const fault = this.#planned.find(
      (one) =>
        one.left > 0 &&
        (!one.clientId || !clientId || one.clientId === clientId) &&
        (one.step ? one.step === step : step === "code" || step === "refresh") &&
        (!one.grantType || GRANTS[one.grantType] === step),
    );
    if (!fault) return undefined;
    fault.left -= 1;
    if (fault.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault.hold) await this.wait();
    return fault;
  }

  /** Waits for `release()`. */
  async wait() {
    await new Promise((resolve) => this.#held.push(() => resolve(undefined)));
  }
}
