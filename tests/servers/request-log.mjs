// @ts-check
// A bounded list of the requests that a server received, for the control port.

const LIMIT = 20_000;

/** @template Entry */
export class RequestLog {
  /** @type {Entry[]} */
  #entries = [];

  /**
   * @param {Entry} entry the oldest falls out past 20,000
   * @returns {Entry}
   */
  add(entry) {
    this.#entries.push(entry);
    if (this.#entries.length > LIMIT) this.#entries.shift();
    return entry;
  }

  /** @returns {Entry[]} */
  list() {
    return [...this.#entries];
  }

  reset() {
    this.#entries = [];
  }
}
