// @ts-check
// What a script of the origin finds in storage, and what it can do to the sealed record there.

/** All that a script of the origin finds in storage: for `tab.run`. */
export async function everythingStored() {
  /** @type {(request: IDBRequest) => Promise<any>} */
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  /** @type {[database: string, key: unknown, value: unknown][]} */
  const records = [];
  for (const { name = "" } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const storeName of database.objectStoreNames) {
      const store = database.transaction(storeName).objectStore(storeName);
      const [keys, values] = [await done(store.getAllKeys()), await done(store.getAll())];
      keys.forEach((/** @type {unknown} */ key, /** @type {number} */ at) => {
        const value = values[at];
        // Firefox's driver refuses bytes.
        records.push([name, key, typeof value === "object" ? JSON.stringify(value) : value]);
      });
    }
    database.close();
  }
  const { cookie: cookies } = document;
  return { local: { ...localStorage }, session: { ...sessionStorage }, cookies, records };
}

/**
 * The sealed records of a client, their bytes as text in three forms: for `tab.run`.
 *
 * @param {unknown} _
 * @param {string} clientId
 */
export async function sealedRecords(_, clientId) {
  /** @type {(request: IDBRequest) => Promise<any>} */
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await done(indexedDB.open("tokenward.memory"));
  const store = database.transaction("memories").objectStore("memories");
  const [keys, values] = [await done(store.getAllKeys()), await done(store.getAll())];
  database.close();
  const found = [];
  for (const [at, name] of keys.entries()) {
    if (!String(name).startsWith("sealed ") || !String(name).includes(` ${clientId}\n`)) continue;
    const [key, bytes] = values[at];
    const exported = await Promise.all(
      ["raw", "jwk"].map((format) =>
        crypto.subtle.exportKey(/** @type {any} */ (format), key).catch((e) => e.name),
      ),
    );
    const texts = [
      String.fromCharCode(...bytes),
      Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      bytes.join(),
    ];
    found.push({ name, extractable: key.extractable, exported, version: bytes[0], texts });
  }
  return found;
}

/**
 * Changes the one sealed record: for `tab.run`.
 *
 * @param {unknown} _
 * @param {string} clientId
 * @param {string} how
 */
export async function tamper(_, clientId, how) {
  /** @type {(request: IDBRequest) => Promise<any>} */
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const make = (/** @type {boolean} */ extractable) =>
    crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, extractable, [
      "encrypt",
      "decrypt",
    ]);
  const made = await make(how === "a key that can be read");
  const database = await done(indexedDB.open("tokenward.memory"));
  const store = () => database.transaction("memories", "readwrite").objectStore("memories");
  const names = (await done(store().getAllKeys())).filter((/** @type {unknown} */ name) => {
    return String(name).startsWith("sealed ") && String(name).includes(` ${clientId}\n`);
  });
  const [name, other] = names;
  const [key, bytes] = await done(store().get(name));
  const changed = new Uint8Array(bytes);
  if (how === "a byte") changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  if (how === "another form") changed[0] = 9;
  /** @type {unknown} */
  let value = [key, changed];
  if (how === "cut off") value = [key, bytes.slice(0, 20)];
  if (how === "hardly anything") value = [key, bytes.slice(0, 1)];
  if (how === "another key" || how === "a key that can be read") value = [made, bytes];
  if (how === "no record at all") value = "x";
  if (how === "another configuration's") {
    const theirs = await done(store().get(other));
    await done(store().put(value, other));
    await done(store().put(theirs, name));
  } else {
    await done(store().put(value, name));
  }
  database.close();
  return names.length;
}
