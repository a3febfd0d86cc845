// Looks where a script that was injected into this page would look, and counts tokens there.
import { byId, make } from "./dom.ts";

interface Place {
  readonly name: string;
  readonly entries: string[];
}

/** A JWT, or 40 random characters in a row: oidc-provider's opaque tokens have 43. */
const TOKEN = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|[\w-]{40,}/g;

export async function lookForTokens(): Promise<void> {
  const places: Place[] = [
    { name: "localStorage", entries: stored(localStorage) },
    { name: "sessionStorage", entries: stored(sessionStorage) },
    { name: "Cookies", entries: document.cookie.split("; ").filter(Boolean) },
    { name: "IndexedDB", entries: await records() },
    { name: "Address, history", entries: [location.href, JSON.stringify(history.state) ?? ""] },
  ];
  const counts = places.map(({ entries }) => tokensIn(entries));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const rows = places.map(({ name, entries }, i) => {
    const header = make("th", "", name);
    header.scope = "row";
    const found = counts[i] ?? 0;
    return make(
      "tr",
      found ? "bad" : "",
      header,
      make("td", "number", String(entries.filter((entry) => entry && entry !== "null").length)),
      make("td", "number", String(found)),
    );
  });
  byId("places", HTMLTableSectionElement).replaceChildren(...rows);
  const verdict = byId("verdict", HTMLElement);
  verdict.className = total ? "verdict bad" : "verdict";
  verdict.replaceChildren(make("b", "", String(total)), total === 1 ? " token" : " tokens");
}

function tokensIn(entries: string[]): number {
  return entries.reduce((sum, entry) => sum + (entry.match(TOKEN)?.length ?? 0), 0);
}

function stored(storage: Storage): string[] {
  return Object.entries(storage).map(([key, value]) => `${key}=${value}`);
}

/** Every record of every database of this origin, as text. */
async function records(): Promise<string[]> {
  const found: string[] = [];
  for (const { name } of await indexedDB.databases()) {
    if (name === undefined) continue;
    const database = await settled(indexedDB.open(name));
    const stores = [...database.objectStoreNames];
    if (stores.length > 0) {
      const transaction = database.transaction(stores, "readonly");
      for (const store of stores) {
        const values: unknown[] = await settled(transaction.objectStore(store).getAll());
        found.push(...values.map((value) => JSON.stringify(value) ?? ""));
      }
    }
    database.close();
  }
  return found;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
