// @ts-check
// Where the provider keeps its sessions, grants and tokens: a Map without the size limit of
// oidc-provider's own, which forgets the oldest of 1,000 entries and so ends sessions in a long test.

/** @typedef {import("oidc-provider").AdapterPayload} Payload */
/** @typedef {{ payload: Payload, expiresAt: number }} Entry */

/** The provider's longest tolerance of clock differences, so that it sees expired entries itself. */
const GRACE_MS = 15_000;

export class Store {
  /** @type {Map<string, Map<string, Entry>>} entries by model name, then by id */
  #models = new Map();

  /**
   * @param {string} model
   * @returns {import("oidc-provider").Adapter}
   */
  adapter(model) {
    const entries = this.#entries(model);
    /** @param {(payload: Payload) => boolean} matches */
    const findWhere = async (matches) => {
      for (const [id, entry] of entries) if (matches(entry.payload)) return live(entries, id);
      return undefined;
    };
    return {
      upsert: async (id, payload, expiresIn) => {
        const expiresAt = expiresIn ? Date.now() + expiresIn * 1000 + GRACE_MS : Infinity;
        entries.set(id, { payload, expiresAt });
      },
      find: async (id) => live(entries, id),
      findByUid: (uid) => findWhere((payload) => payload.uid === uid),
      findByUserCode: (userCode) => findWhere((payload) => payload.userCode === userCode),
      consume: async (id) => {
        const payload = live(entries, id);
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => void entries.delete(id),
      revokeByGrantId: async (grantId) => {
        this.remove(model, (payload) => payload.grantId === grantId);
      },
    };
  }

  /**
   * @param {string} model
   * @param {(payload: Payload) => boolean} matches
   * @returns {Payload[]} what was removed
   */
  remove(model, matches) {
    const entries = this.#entries(model);
    const removed = [];
    for (const [id, { payload }] of entries) {
      if (!matches(payload)) continue;
      entries.delete(id);
      removed.push(payload);
    }
    return removed;
  }

  /** @param {string} model */
  #entries(model) {
    let entries = this.#models.get(model);
    if (!entries) {
      entries = new Map();
      this.#models.set(model, entries);
    }
    return entries;
  }
}

/**
 * @param {Map<string, Entry>} entries
 * @param {string} id
 */
function live(entries, id) {
  const entry = entries.get(id);
  if (!entry) return undefined;
  if (entry.expiresAt > Date.now()) return entry.payload;
  entries.delete(id);
  return undefined;
}
