// What scripts of the attacker's find in IndexedDB.

/** What a request comes to. */
export function done(request, upgrade) {
  return new Promise((resolve, reject) => {
    request.onupgradeneeded = () => upgrade?.(request.result);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The vault's databases, each with the one store in it. */
export const DATABASES = [
  ["tokenward", "transactions"],
  ["tokenward.memory", "memories"],
];

/** Deletes them, with all that is in them. */
export async function deleteAll() {
  for (const [name] of DATABASES) await done(indexedDB.deleteDatabase(name));
}

/**
 * Makes them without their stores, each in a version of its own.
 *
 * @returns {Promise<IDBDatabase[]>} still open
 */
export async function makeEmpty() {
  await deleteAll();
  const made = [];
  for (const [at, [name]] of DATABASES.entries()) {
    made.push(await done(indexedDB.open(name, 1 + 6 * at)));
  }
  return made;
}

/** All that vaults remember in this origin, each with its name. */
export async function memories() {
  const opening = indexedDB.open("tokenward.memory");
  // Where there is none it makes none: whoever comes next would find it without its store.
  const base = await done(opening, () => opening.transaction.abort());
  const store = base.transaction("memories").objectStore("memories");
  const [names, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
  base.close();
  return names.map((name, at) => [`${name}`, values[at]]);
}
