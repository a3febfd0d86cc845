// @ts-check
// Chromium through chromedriver, both from the system.
import { existsSync } from "node:fs";
import { Builder, logging } from "selenium-webdriver";
import chrome from "selenium-webdriver/chrome.js";
import { INSECURE_HOST } from "./browser.mjs";
import { place } from "./place.mjs";

const BINARY = process.env.TOKENWARD_CHROMIUM || "/usr/bin/chromium";
const DRIVER = process.env.TOKENWARD_CHROMEDRIVER || "/usr/bin/chromedriver";

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
  `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
];

/** @type {import("./browser.mjs").Engine} */
export const chromium = {
  name: "chromium",

  async start() {
    for (const file of [BINARY, DRIVER]) {
      if (existsSync(file)) continue;
      throw new Error(`${file} is missing: apt-get install chromium chromium-driver`);
    }
    const wanted = new logging.Preferences();
    wanted.setLevel(logging.Type.BROWSER, logging.Level.ALL);
    const options = new chrome.Options();
    options.setBinaryPath(BINARY);
    options.addArguments(...ARGUMENTS);
    options.setLoggingPrefs(wanted);
    return new Builder()
      .forBrowser("chrome")
      .setChromeOptions(options)
      .setChromeService(new chrome.ServiceBuilder(DRIVER))
      .build();
  },

  async killVaults(driver) {
    const vaults = await findVaults(driver);
    for (const targetId of vaults) {
      // Chromium closes no dedicated worker from outside.
      if (place.target === "worker") await evaluate(driver, targetId, "close()");
      else await devtools(driver, "Target.closeTarget", { targetId });
    }
    return vaults.length;
  },

  async hangVaults(driver) {
    const vaults = await findVaults(driver);
    for (const targetId of vaults) await evaluate(driver, targetId, "for (;;);");
    return vaults.length;
  },

  async consoleLines(driver) {
    const entries = await driver.manage().logs().get(logging.Type.BROWSER);
    return entries.map(({ message }) => message);
  },
};

/**
 * @param {import("selenium-webdriver").WebDriver} driver
 * @returns {Promise<string[]>} the ids of all vaults
 */
async function findVaults(driver) {
  const { targetInfos } = await devtools(driver, "Target.getTargets", {});
  return targetInfos
    .filter((/** @type {{ type: string }} */ { type }) => type === place.target)
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
