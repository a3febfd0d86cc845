// @ts-check
// Planned misbehaviour of the token endpoint: answers of our own, delays, dropped connections.

/**
 * What happens to the next token requests that match. Without `status` and `drop` the request goes
 * on to the provider once the delay is over or the hold released.
 *
 * @typedef {object} Fault
 * @property {string} [clientId] only this client's requests
 * @property {"authorization_code" | "refresh_token"} [grantType]
 * @property {number} [count] how many requests; 1 unless told
 * @property {number} [status]
 * @property {unknown} [body] a string as it is, anything else as JSON
 * @property {string} [contentType]
 * @property {Record<string, string>} [headers]
 * @property {number} [delayMs]
 * @property {boolean} [hold] wait until `release()`
 * @property {boolean} [drop] close the connection without an answer
 */

export class Faults {
  /** @type {(Fault & { left: number })[]} */
  #planned = [];
  /** @type {(() => void)[]} */
  #held = [];

  /** @param {Fault} fault */
  plan(fault) {
    this.#planned.push({ ...fault, left: fault.count ?? 1 });
  }

  /** How many requests wait for `release()`. */
  get held() {
    return this.#held.length;
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
   * @param {URLSearchParams} form the token request
   * @returns {Promise<Fault | undefined>}
   */
  async meet(form) {
    const fault = this.#planned.find(
      ({ left, clientId, grantType }) =>
        left > 0 &&
        (!clientId || clientId === form.get("client_id")) &&
        (!grantType || grantType === form.get("grant_type")),
    );
    if (!fault) return undefined;
    fault.left -= 1;
    if (fault.delayMs) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault.hold) await new Promise((resolve) => this.#held.push(() => resolve(undefined)));
    return fault;
  }
}
