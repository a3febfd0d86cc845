// @ts-check
// Everything that a script of the page can read without having listened: storage, addresses, the
// document, performance entries, locks, the client and whatever hangs on it.
import { attempt } from "./walk.js";

/** @typedef {(place: string, value: unknown) => void} Note */

/**
 * @param {import("./page.js").TestPage} tw
 * @param {Set<string | symbol>} globals
 * @param {Note} note
 */
export async function reach(tw, globals, note) {
  note("localStorage", { ...localStorage });
  note("sessionStorage", { ...sessionStorage });
  note("cookies", document.cookie);
  const { cookieStore } = /** @type {any} */ (window);
  if (cookieStore) note("cookies", await cookieStore.getAll());
  await databases(note);
  await cacheStorage(note);
  await files(note);

  note("window.name", window.name);
  note("location", [location.href, document.referrer, document.URL]);
  note("history", history.state);
  note("document", document.documentElement.outerHTML);
  for (const entry of performance.getEntries()) note("performance", entry.toJSON());
  note("locks", await navigator.locks.query());
  for (const registration of await navigator.serviceWorker.getRegistrations()) {
    note("service worker", [registration.scope, registration.active?.scriptURL]);
  }

  const { auth, sdk } = tw;
  note("client", auth);
  note("client printed", [attempt(() => JSON.stringify(auth)), attempt(() => String(auth))]);
  note("state", [auth?.state, ...tw.states, JSON.stringify(tw.states)]);
  const diagnostics = await auth?.diagnostics().catch((/** @type {unknown} */ error) => error);
  note("events", [tw.events, diagnostics, JSON.stringify(diagnostics ?? null)]);
  note("module", { ...sdk });
  const added = Reflect.ownKeys(window).filter((key) => !globals.has(key) && key !== "tw");
  note("globals", Object.fromEntries(added.map((key) => [key, Reflect.get(window, key)])));
}

/** @param {Note} note */
async function databases(note) {
  for (const { name = "" } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    const stores = [...database.objectStoreNames];
    note("IndexedDB", [name, stores]);
    for (const store of stores) {
      const records = database.transaction(store).objectStore(store);
      note("IndexedDB", [await done(records.getAllKeys()), await done(records.getAll())]);
    }
    database.close();
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {Note} note */
async function cacheStorage(note) {
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      note("Cache", [name, request.url, request.headers, response?.headers]);
      note("Cache", await response?.arrayBuffer());
    }
  }
}

/** @param {Note} note */
async function files(note) {
  if (!navigator.storage) return;
  const folders = [await navigator.storage.getDirectory()];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const entries = /** @type {any} */ (folder).values();
    for await (const entry of entries) {
      note("files", entry.name);
      if (entry.kind === "directory") folders.push(entry);
      else note("files", await (await entry.getFile()).arrayBuffer());
    }
  }
}
