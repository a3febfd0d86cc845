// @ts-check
// Chromium under WebDriver, with a profile of its own: pictures, and what its console said.
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Builder, logging } from "selenium-webdriver";
import chrome from "selenium-webdriver/chrome.js";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-dev-shm-usage",
  "--no-first-run",
];

/** @typedef {import("selenium-webdriver/chrome.js").Driver} Driver */
/** @typedef {{ width: number, height: number, scale: number, scheme: "light" | "dark" }} Screen */
/** @typedef {Awaited<ReturnType<typeof openBrowser>>} Browser */

/** @type {Screen} */
export const DESKTOP = { width: 1280, height: 900, scale: 1, scheme: "light" };
/** @type {Screen} */
export const PHONE = { width: 390, height: 844, scale: 2, scheme: "dark" };

/** @param {string} pictures where screenshots go */
export async function openBrowser(pictures) {
  const profile = await mkdtemp(path.join(tmpdir(), "tokenward-demo-"));
  const [program, driverProgram] = await Promise.all([
    process.env["TOKENWARD_BROWSER_PATH"] ?? find("chromium", "chromium-browser", "google-chrome"),
    process.env["TOKENWARD_DRIVER_PATH"] ?? find("chromedriver"),
  ]);
  const options = new chrome.Options();
  options.addArguments(...FLAGS, `--user-data-dir=${profile}`, "--window-size=1280,900");
  options.setChromeBinaryPath(program);
  const preferences = new logging.Preferences();
  preferences.setLevel(logging.Type.BROWSER, logging.Level.ALL);
  options.setLoggingPrefs(preferences);
  const driver = /** @type {Driver} */ (
    await new Builder()
      .forBrowser("chrome")
      .setChromeOptions(options)
      .setChromeService(new chrome.ServiceBuilder(driverProgram))
      .build()
  );
  await mkdir(pictures, { recursive: true });
  /** @type {string[]} */
  const taken = [];

  return {
    driver,
    taken,
    version: (await driver.getCapabilities()).get("browserVersion"),

    /**
     * The whole page, also what is below the fold.
     *
     * @param {string} name
     * @param {Screen} [screen]
     */
    async picture(name, screen = DESKTOP) {
      await show(driver, screen);
      /** @type {any} the answer to a DevTools command */
      const { data } = await driver.sendAndGetDevToolsCommand("Page.captureScreenshot", {
        format: "png",
        captureBeyondViewport: true,
      });
      const file = `${taken.length + 1}-${name}.png`;
      await writeFile(path.join(pictures, file), Buffer.from(data, "base64"));
      taken.push(file);
      if (screen !== DESKTOP) await show(driver, DESKTOP);
    },

    /**
     * What the console said since the last time: warnings and errors, policy violations too. Without
     * the queries of addresses, where a callback's code stands.
     */
    async complaints() {
      const entries = await driver.manage().logs().get(logging.Type.BROWSER);
      return entries
        .filter(({ level }) => level.value >= logging.Level.WARNING.value)
        .map(({ message }) => message.replace(/\?[^\s"']*/g, "?…"));
    },

    async close() {
      await driver.quit().catch(() => {});
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * @param {Driver} driver
 * @param {Screen} screen
 */
async function show(driver, { width, height, scale, scheme }) {
  await driver.sendDevToolsCommand("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: scheme }],
  });
  await driver.sendDevToolsCommand("Emulation.setDeviceMetricsOverride", {
    width,
    height,
    deviceScaleFactor: scale,
    mobile: width < 600,
  });
  // Colours and widths move for a moment.
  await driver.sleep(300);
}

/**
 * @param {string[]} names
 * @returns {Promise<string>} the first of these programs that is on the PATH
 */
async function find(...names) {
  for (const name of names) {
    for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
      const program = path.join(folder, name);
      const isThere = await access(program).then(
        () => true,
        () => false,
      );
      if (folder && isThere) return program;
    }
  }
  throw new Error(
    `${names[0]} is not installed; on Debian: apt-get install chromium chromium-driver`,
  );
}
