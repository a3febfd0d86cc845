// @ts-check
// Which browser this run drives: TOKENWARD_BROWSER, `chromium` unless told. One small file an engine.

/**
 * @typedef {object} Engine
 * @property {string} name
 * @property {() => Promise<import("selenium-webdriver").WebDriver>} start
 * @property {(driver: import("selenium-webdriver").WebDriver) => Promise<number>} killVaults ends
 *   every vault that is a worker as a crash would, without a word to its pages; says how many
 * @property {(driver: import("selenium-webdriver").WebDriver) => Promise<number>} hangVaults makes
 *   every such vault run for ever without listening
 * @property {(driver: import("selenium-webdriver").WebDriver) => Promise<string[]>} consoleLines
 *   what the browser's console received since the last call, workers' lines too
 */

/** @type {Record<string, () => Promise<Engine>>} */
const ENGINES = {
  chromium: async () => (await import("./chromium.mjs")).chromium,
};

export const browserName = process.env.TOKENWARD_BROWSER || "chromium";

/** A name for 127.0.0.1 that is no secure context over http. */
export const INSECURE_HOST = "app.test";

/** @returns {Promise<Engine>} */
export async function findEngine() {
  const load = ENGINES[browserName];
  if (load) return load();
  throw new Error(
    `TOKENWARD_BROWSER is ${browserName}; this suite drives ${Object.keys(ENGINES).join(", ")}`,
  );
}
