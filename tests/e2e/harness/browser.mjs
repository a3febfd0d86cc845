// @ts-check
// Which browser this run drives: TOKENWARD_BROWSER, `chromium` unless told. One small file an engine.

/** @typedef {import("selenium-webdriver").WebDriver} WebDriver */
/** @typedef {{ driver: WebDriver, stop: () => Promise<void> }} Started */
/**
 * @typedef {object} StartChoices
 * @property {boolean} trustsAll whether it takes certificates that nobody signed
 */
/**
 * @typedef {object} DevTools what a debugger of workers can do; see mortal.mjs for engines without one
 * @property {(driver: WebDriver, kind: string) => Promise<number>} kill ends every worker of this kind
 *   (`worker`, `shared_worker`) as a crash would, without a word to its pages; says how many
 * @property {(driver: WebDriver, kind: string) => Promise<number>} hang makes every such worker run for
 *   ever without listening
 */
/**
 * @typedef {object} Engine
 * @property {string} name
 * @property {(choices?: StartChoices) => Promise<Started>} start
 * @property {string} usualPlace the place whose cell runs with every change, see xtask/src/test/cells.rs
 * @property {string} insecureHost a name for 127.0.0.1 that is no secure context over http
 * @property {boolean} keepsSharedWorkers whether a SharedWorker outlives its last page for a while
 * @property {boolean} suspendsSharedWorkers whether a SharedWorker stands still while its last page is in the
 *   back/forward cache
 * @property {boolean} keepsDatabases whether a page left in the middle of a transaction keeps the database
 *   from every other while it is in the back/forward cache
 * @property {boolean} storesKeysShared whether a SharedWorker can store a `CryptoKey`
 * @property {boolean} keepsSecureCookies whether it takes `Secure` cookies of http://localhost
 * @property {boolean} sendsStreams whether a request's body can be sent while it is made
 * @property {DevTools} [devTools]
 * @property {(driver: WebDriver) => Promise<string[]>} consoleLines what the browser's console
 *   received since the last call
 * @property {Record<string, string>} lacks places of the token search that this engine does not have
 */

/** @type {Record<string, () => Promise<Engine>>} */
const ENGINES = {
  chromium: async () => (await import("./chromium.mjs")).chromium,
  firefox: async () => (await import("./firefox.mjs")).firefox,
  webkit: async () => (await import("./webkit.mjs")).webkit,
};

const name = process.env.TOKENWARD_BROWSER || "chromium";
const load = ENGINES[name];
if (!load) {
  const known = Object.keys(ENGINES).join(", ");
  throw new Error(`TOKENWARD_BROWSER is ${name}; this suite drives ${known}`);
}

/** What the suite must know of this run's browser. */
export const engine = await load();
