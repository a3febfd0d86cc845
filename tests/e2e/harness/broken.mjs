// @ts-check
// Vaults in a browser that keeps storage from them: the built one, with one statement before it.
import { readFile, writeFile } from "node:fs/promises";

/** By what the browser does: where such a vault is. */
export const BROKEN = {
  "denies IndexedDB": "/tokenward/denied.vault.js",
  "has no IndexedDB": "/tokenward/without.vault.js",
  "has no room": "/tokenward/full.vault.js",
  "throws at every transaction": "/tokenward/throwing.vault.js",
  "stores no key": "/tokenward/keyless.vault.js",
};

/** @type {Record<keyof typeof BROKEN, string>} */
const STATEMENTS = {
  "denies IndexedDB": `IDBFactory.prototype.open = () => {
    throw new DOMException("denied", "SecurityError");
  };`,
  "has no IndexedDB": `Object.defineProperty(self, "indexedDB", { get() {
    throw new DOMException("denied", "SecurityError");
  } });`,
  "has no room": `IDBObjectStore.prototype.put = () => {
    throw new DOMException("full", "QuotaExceededError");
  };`,
  "throws at every transaction": `IDBDatabase.prototype.transaction = () => {
    throw new DOMException("closing", "InvalidStateError");
  };`,
  "stores no key": `const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (value, ...key) {
    if (typeof value === "object") throw new DOMException("no", "DataCloneError");
    return put.call(this, value, ...key);
  };`,
};

/**
 * @param {string} folder the vault's
 */
export async function makeBroken(folder) {
  const vault = await readFile(`${folder}/vault.js`, "utf8");
  for (const [what, url] of Object.entries(BROKEN)) {
    const statement = STATEMENTS[/** @type {keyof typeof BROKEN} */ (what)];
    await writeFile(`${folder}/${url.split("/").at(-1)}`, `{ ${statement} }\n${vault}`);
  }
}
