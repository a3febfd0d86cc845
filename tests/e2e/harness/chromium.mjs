// @ts-check
// Chromium through chromedriver, both from the system.
import { existsSync } from "node:fs";
import { Builder, logging } from "selenium-webdriver";
import chrome from "selenium-webdriver/chrome.js";
import { INSECURE_HOST } from "./browser.mjs";

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
    const devtools = /** @type {chrome.Driver} */ (driver);
    const found = /** @type {any} */ (
      await devtools.sendAndGetDevToolsCommand("Target.getTargets", {})
    );
    let killed = 0;
    for (const { targetId, type } of found.targetInfos) {
      if (type !== "shared_worker") continue;
      await devtools.sendAndGetDevToolsCommand("Target.closeTarget", { targetId });
      killed += 1;
    }
    return killed;
  },

  async consoleLines(driver) {
    const entries = await driver.manage().logs().get(logging.Type.BROWSER);
    return entries.map(({ message }) => message);
  },
};
