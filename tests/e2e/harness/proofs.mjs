// @ts-check
// What a test about DPoP looks at: proofs as they were sent, and the key as it is stored.

/**
 * @param {string | string[] | undefined} proof a `DPoP` header
 * @returns {Record<string, any>} what it claims
 */
export function claimsOf(proof) {
  const [, payload = ""] = String(proof).split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}

/**
 * What the application's pages find of the client's key, and what they make of it: for `tab.run`.
 *
 * @param {unknown} _
 * @param {string} clientId
 */
export async function storedKey(_, clientId) {
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
  const at = keys.findIndex((/** @type {unknown} */ key) => {
    return String(key).startsWith("key ") && String(key).endsWith(` ${clientId}`);
  });
  if (at < 0) return null;
  const { privateKey, publicKey } = values[at];
  const outcomes = [];
  for (const format of /** @type {const} */ (["jwk", "pkcs8"])) {
    const exported = crypto.subtle.exportKey(format, privateKey);
    outcomes.push(await exported.then(() => "exported").catch(({ name }) => name));
  }
  const { x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  return { extractable: privateKey.extractable, usages: [...privateKey.usages], outcomes, x, y };
}

/**
 * Removes the key, as a browser does that runs out of room: for `tab.run`.
 *
 * @param {unknown} _
 * @param {string} key
 */
export async function removeStored(_, key) {
  await new Promise((resolve, reject) => {
    const opening = indexedDB.open("tokenward.memory");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const change = opening.result.transaction("memories", "readwrite");
      change.objectStore("memories").delete(key);
      change.oncomplete = () => {
        opening.result.close();
        resolve(undefined);
      };
    };
  });
}
