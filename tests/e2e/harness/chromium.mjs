// @ts-check
// Chromium through chromedriver, both from the system.
import { existsSync } from "node:fs";
import { Builder, logging } from "selenium-webdriver";
import chrome from "selenium-webdriver/chrome.js";
import { HANG } from "./hang.mjs";

const BINARY = process.env.TOKENWARD_CHROMIUM || "/usr/bin/chromium";
const DRIVER = process.env.TOKENWARD_CHROMEDRIVER || "/usr/bin/chromedriver";

/** A name that only this browser knows. */
const HOST = "app.test";

const ARGUMENTS = [
  "--headless=new",
  // Containers have neither user namespaces nor a large /dev/shm.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--window-size=900,700",
  // Several tabs take part in one test, and only one can be in front.
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  // The headless shell is told what the whole browser does of itself.
  "--site-per-process",
  // Names under `.test` are nobody's; tests of targets have some more.
  "--host-resolver-rules=MAP *.test 127.0.0.1",
];

/** @type {import("./browser.mjs").Engine} */
export const chromium = {
  name: "chromium",
  usualPlace: "shared",
  insecureHost: HOST,
  keepsSharedWorkers: true,
  suspendsSharedWorkers: false,
  keepsDatabases: false,
  storesKeysShared: true,
  keepsSecureCookies: true,
  sendsStreams: true,
  lacks: {},

  async start({ trustsAll } = { trustsAll: false }) {
    for (const file of [BINARY, DRIVER]) {
      if (existsSync(file)) continue;
      throw new Error(`${file} is missing: apt-get install chromium chromium-driver`);
    }
    const wanted = new logging.Preferences();
    wanted.setLevel(logging.Type.BROWSER, logging.Level.ALL);
    const options = new chrome.Options();
    options.setBinaryPath(BINARY);
    options.addArguments(...ARGUMENTS);
    if (trustsAll) options.addArguments("--ignore-certificate-errors");
    options.setLoggingPrefs(wanted);
    const driver = await new Builder()
      .forBrowser("chrome")
      .setChromeOptions(options)
      .setChromeService(new chrome.ServiceBuilder(DRIVER))
      .build();
    return { driver, stop: () => driver.quit() };
  },

  devTools: {
    async kill(driver, kind) {
      const workers = await find(driver, kind);
      for (const targetId of workers) {
        // Chromium closes no dedicated worker from outside.
        if (kind === "worker") await evaluate(driver, targetId, "close()");
        else await devtools(driver, "Target.closeTarget", { targetId });
      }
      return workers.length;
    },

    async hang(driver, kind) {
      const workers = await find(driver, kind);
      for (const targetId of workers) await evaluate(driver, targetId, HANG);
      return workers.length;
    },
  },

  async consoleLines(driver) {
    const entries = await driver.manage().logs().get(logging.Type.BROWSER);
    return entries.map(({ message }) => message);
  },
};

/**
 * @param {import("selenium-webdriver").WebDriver} driver
 * @param {string} kind
 * @returns {Promise<string[]>} the ids of all workers of this kind
 */
async function find(driver, kind) {
  const { targetInfos } = await devtools(driver, "Target.getTargets", {});
  return targetInfos
    .filter((/** @type {{ type: string }} */ { type }) => type === kind)
    .map((/** @type {{ targetId: string }} */ { targetId }) => targetId);
}

/**
 * Has a worker run something, and does not wait for it: it may never end.
 *
 * @param {import("selenium-webdriver").WebDriver} driver
 * @param {string} targetId
 * @param {string} expression
 */
async function evaluate(driver, targetId, expression) {
  const { sessionId } = await devtools(driver, "Target.attachToTarget", { targetId });
  const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } });
  await devtools(driver, "Target.sendMessageToTarget", { sessionId, message });
}

/**
 * @param {import("selenium-webdriver").WebDriver} driver
 * @param {string} command
 * @param {Record<string, unknown>} params
 * @returns {Promise<any>}
 */
function devtools(driver, command, params) {
  const chromium = /** @type {chrome.Driver} */ (driver);
  return chromium.sendAndGetDevToolsCommand(command, params);
}
