// @ts-check
// Chromium through chromedriver, both from the system.
import { existsSync } from "node:fs";
import { Builder, logging } from "selenium-webdriver";
import chrome from "selenium-webdriver/chrome.js";

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
  `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
];

/** @type {import("./browser.mjs").Engine} */
export const chromium = {
  name: "chromium",
  insecureHost: HOST,
  keepsSharedWorkers: true,
  lacks: {},

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
    const driver = await new Builder()
      .forBrowser("chrome")
      .setChromeOptions(options)
      .setChromeService(new chrome.ServiceBuilder(DRIVER))
      .build();
    return { driver, stop: () => driver.quit() };
  },

  devTools: {
    async kill(driver) {
      const workers = await sharedWorkers(driver);
      for (const targetId of workers) await devtools(driver, "Target.closeTarget", { targetId });
      return workers.length;
    },

    async hang(driver) {
      const workers = await sharedWorkers(driver);
      for (const targetId of workers) {
        const { sessionId } = await devtools(driver, "Target.attachToTarget", { targetId });
        const params = { expression: "for (;;);" };
        const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params });
        await devtools(driver, "Target.sendMessageToTarget", { sessionId, message });
      }
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
 * @returns {Promise<string[]>} the ids of all SharedWorkers
 */
async function sharedWorkers(driver) {
  const { targetInfos } = await devtools(driver, "Target.getTargets", {});
  return targetInfos
    .filter((/** @type {{ type: string }} */ { type }) => type === "shared_worker")
    .map((/** @type {{ targetId: string }} */ { targetId }) => targetId);
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
