// @ts-check
// Where the vault lives in this run: TOKENWARD_PLACE is `shared` (the default), `worker` or `page`.

import { engine } from "./browser.mjs";

/**
 * @typedef {object} Place
 * @property {string} isolation the option that asks for it
 * @property {string} place what `client.place` says
 * @property {string | undefined} target the vault's kind among the browser's workers; none where the
 *   vault is the page: it can neither die nor hang without it
 * @property {boolean} pageConnects whether the page's own policy must allow what the vault does
 * @property {boolean} outlivesPage whether a reload of the only tab finds the same vault
 * @property {boolean} sharesTabs whether all tabs have one vault, so one session
 * @property {boolean} storesKeys whether a key of the vault's is there after it
 * @property {boolean} isolates whether the vault's memory is out of the page's reach
 */

/** @type {Record<string, Place>} */
const PLACES = {
  shared: {
    isolation: "shared",
    place: "shared",
    target: "shared_worker",
    pageConnects: false,
    outlivesPage: engine.keepsSharedWorkers,
    sharesTabs: true,
    storesKeys: engine.storesKeysShared,
    isolates: true,
  },
  worker: {
    isolation: "worker",
    place: "worker",
    target: "worker",
    pageConnects: false,
    outlivesPage: false,
    sharesTabs: false,
    storesKeys: true,
    isolates: true,
  },
  page: {
    isolation: "none",
    place: "page",
    target: undefined,
    pageConnects: true,
    outlivesPage: false,
    sharesTabs: false,
    storesKeys: true,
    isolates: false,
  },
};

export const placeName = process.env.TOKENWARD_PLACE || "shared";

const known = PLACES[placeName];
if (!known) {
  throw new Error(`TOKENWARD_PLACE is ${placeName}; it may be ${Object.keys(PLACES).join(", ")}`);
}

/** What the suite must know of a place. */
export const place = known;

/**
 * For tests of what depends on the engine, and on the place no more than two of them show: it runs in one
 * cell of each engine. A whole file of tests that ask nothing of the place is named `*.engine.test.mjs`.
 */
export const once =
  placeName === engine.usualPlace
    ? {}
    : { skip: `shown in ${engine.name}'s ${engine.usualPlace} cell` };

/** For tests of what the rules decide, the same everywhere: it runs in one cell of all. */
export const inOneCell =
  engine.name === "chromium" && placeName === "shared"
    ? {}
    : { skip: "shown in Chromium's shared cell" };

/** For tests of what tabs that share a vault do, and of what takes WebKit's one usual cell too long. */
export const inShared =
  placeName === "shared" ? {} : { skip: "shown in the browser's shared cell" };

const apartPlace = engine.usualPlace === "page" ? "page" : "worker";

/** For tests of tabs that each have a vault of their own: it runs in one such cell of each engine. */
export const apart =
  placeName === apartPlace ? {} : { skip: `shown in ${engine.name}'s ${apartPlace} cell` };

/** For tests of what an engine takes a dedicated worker for by itself. */
export const inWorker =
  placeName === "worker" ? {} : { skip: "shown in the browser's worker cell" };

/** For tests of a vault that ends or hangs while its page lives. */
export const endsAlone = place.target ? {} : { skip: "here the vault ends with its page alone" };

/** For tests of a DPoP key that outlives its vault. */
export const storesKeys = place.storesKeys
  ? {}
  : { skip: "here the key lives as long as its vault" };

/** For request bodies that are sent while they are made. */
export const sendsStreams = engine.sendsStreams
  ? {}
  : { skip: "this engine reads a body whole before it sends it" };
