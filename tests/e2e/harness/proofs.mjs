// @ts-check
// What a test about DPoP looks at: proofs as they were sent, and the key as it is stored.
import assert from "node:assert/strict";
import { eventually } from "./tab.mjs";

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

/**
 * A session whose tokens are bound, at a provider that wants nonces, through so many refreshes: all of them
 * with one key, and none refused but for the first nonce.
 *
 * @param {import("./suite.mjs").Suite} e2e
 * @param {number} refreshes
 */
export async function refreshBound(e2e, refreshes) {
  const provider = { requiresProofs: true, requiresNonce: true, accessTokenTtl: 1 };
  const app = await e2e.application({ options: { dpop: true }, provider });
  const tab = await app.openSignedIn();
  const refreshed = async () => app.counts().refreshesSucceeded >= refreshes;
  await eventually(`${refreshes} refreshes`, refreshed, 10_000 + refreshes * 3000);
  const { direct } = e2e.servers;
  direct.provider.changeClient(app.clientId, { accessTokenTtl: 300 });
  assert.equal((await tab.state()).status, "signedIn");
  const keys = new Set();
  for (const { proof, form } of direct.provider.log.list()) {
    if (form.client_id !== app.clientId || form.grant_type !== "refresh_token") continue;
    const [header = ""] = String(proof).split(".");
    keys.add(JSON.parse(Buffer.from(header, "base64url").toString()).jwk.x);
  }
  assert.equal(keys.size, 1);
  const { reuses, refreshesFailed } = app.counts();
  assert.equal(reuses, 0);
  assert.ok(refreshesFailed <= 2, "the nonce is known after the first");
}
