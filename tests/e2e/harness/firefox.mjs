// @ts-check
// Firefox through geckodriver.
import { existsSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Builder } from "selenium-webdriver";
import firefoxDriver from "selenium-webdriver/firefox.js";

const BINARY = process.env.TOKENWARD_FIREFOX || "/usr/bin/firefox-esr";
const DRIVER = process.env.TOKENWARD_GECKODRIVER || "geckodriver";

/** A name that only this browser knows. */
const HOST = "app.test";

const PREFERENCES = {
  "network.dns.localDomains": `${HOST},evil.test`,
  // Several tabs take part in one test, and only one can be in front.
  "dom.min_background_timeout_value": 4,
  "dom.timeout.enable_budget_timer_throttling": false,
  "dom.ipc.processPriorityManager.enabled": false,
  // Nothing of its own over a network that may not be there: a question that hangs holds up ours.
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "network.dns.disablePrefetch": true,
  "browser.region.network.url": "",
  // Nothing of its own in the background: it takes the time of the tests.
  "browser.newtab.preload": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.sessionstore.interval": 600_000,
  "datareporting.healthreport.uploadEnabled": false,
  "ui.prefersReducedMotion": 1,
  // Where its lines can be read.
  "devtools.console.stdout.content": true,
};

/** What Firefox printed, and how much of it was read. */
const printed = { file: "", read: 0 };

/** @type {import("./browser.mjs").Engine} */
export const firefox = {
  name: "firefox",
  usualPlace: "shared",
  insecureHost: HOST,
  keepsSharedWorkers: false,
  suspendsSharedWorkers: false,
  keepsDatabases: false,
  storesKeysShared: true,
  keepsSecureCookies: true,
  sendsStreams: false,
  lacks: {},

  async start({ trustsAll } = { trustsAll: false }) {
    for (const file of [BINARY, DRIVER]) {
      if (existsSync(file)) continue;
      throw new Error(`${file} is missing: run \`cargo xtask test --only e2e\` once`);
    }
    printed.file = path.join(tmpdir(), `tokenward-firefox-${process.pid}.log`);
    const log = await open(printed.file, "w");
    const options = new firefoxDriver.Options();
    options.setBinary(BINARY);
    options.setAcceptInsecureCerts(trustsAll);
    options.addArguments("-headless", "--width=900", "--height=700");
    for (const [name, value] of Object.entries(PREFERENCES)) options.setPreference(name, value);
    const service = new firefoxDriver.ServiceBuilder(DRIVER);
    service.setStdio(["ignore", log.fd, "ignore"]);
    const driver = await new Builder()
      .forBrowser("firefox")
      .setFirefoxOptions(options)
      .setFirefoxService(service)
      .build();
    return {
      driver,
      async stop() {
        await driver.quit();
        await log.close();
        await rm(printed.file);
      },
    };
  },

  async consoleLines() {
    const all = await readFile(printed.file, "utf8");
    const lines = all.slice(printed.read).split("\n");
    printed.read = all.length;
    return lines.filter((line) => line.startsWith("console."));
  },
};
