// @ts-check
// Where the vault lives in this run: TOKENWARD_PLACE is `shared` (the default), `worker` or `page`.

import { engine } from "./browser.mjs";

/** @type {Record<string, { isolation: string, pageConnects: boolean, outlivesPage: boolean }>} */
const PLACES = {
  shared: { isolation: "shared", pageConnects: false, outlivesPage: engine.keepsSharedWorkers },
  worker: { isolation: "worker", pageConnects: false, outlivesPage: false },
  page: { isolation: "none", pageConnects: true, outlivesPage: false },
};

export const placeName = process.env.TOKENWARD_PLACE || "shared";

const known = PLACES[placeName];
if (!known) {
  throw new Error(`TOKENWARD_PLACE is ${placeName}; it may be ${Object.keys(PLACES).join(", ")}`);
}

/** What the suite must know of a place. */
export const place = known;
