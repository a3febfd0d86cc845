// @ts-check
// The demo's page as a person uses it: reads what it shows and presses its buttons.
import { By, until } from "selenium-webdriver";

const PATIENCE = 20_000;

/** @typedef {import("./browser.mjs").Driver} Driver */
/**
 * @typedef {object} Readable what any script in the page can read
 * @property {number} localStorage
 * @property {number} sessionStorage
 * @property {number} cookies
 * @property {number} databases records in IndexedDB
 * @property {string} text all of it, with the document, the address, history and performance entries
 */

export class Page {
  /** @param {Driver} driver */
  constructor(driver) {
    this.driver = driver;
  }

  /** @param {string} id */
  async text(id) {
    return (await this.driver.findElement(By.id(id))).getText();
  }

  /** @param {string} id */
  async number(id) {
    return Number(await this.text(id));
  }

  /** @param {string} id */
  async press(id) {
    await this.driver.findElement(By.id(id)).click();
  }

  /** `signedIn`, `signedOut`, … */
  async status() {
    return this.driver.executeScript("return document.body?.dataset.status ?? ''");
  }

  /** @param {string} status */
  async untilStatus(status) {
    await this.until(async () => (await this.status()) === status, `the page never was ${status}`);
  }

  /** Fills in the provider's login form, which must come up. @param {string} name */
  async signIn(name) {
    await this.press("sign-in");
    const login = await this.driver.wait(until.elementLocated(By.id("login")), PATIENCE);
    await login.clear();
    await login.sendKeys(name);
    await this.driver.findElement(By.id("password")).sendKeys("any password");
    await this.driver.findElement(By.css("button[type=submit]")).click();
    await this.untilStatus("signedIn");
  }

  /** Presses "Call the API". @returns {Promise<string>} `200`, or an error's code */
  async call() {
    const before = await this.number("calls-total");
    await this.press("call");
    await this.until(
      async () => (await this.number("calls-total")) > before,
      "the call never ended",
    );
    return this.text("answer-status");
  }

  /** Presses "20 at once". @returns {Promise<string>} the sum: `20 of 20 answered 200 in 61 ms` */
  async burst() {
    const before = await this.number("calls-total");
    await this.press("burst");
    await this.until(
      async () => (await this.number("calls-total")) >= before + 20,
      "the burst never ended",
    );
    return this.text("burst-sum");
  }

  /** Presses "Bypass the vault". @returns {Promise<string>} the status */
  async callPastTheVault() {
    await this.driver.executeScript("document.getElementById('answer').replaceChildren()");
    await this.press("bare");
    await this.driver.wait(until.elementLocated(By.id("answer-status")), PATIENCE);
    return this.text("answer-status");
  }

  /** Presses "Expire token", and waits until the API knows. */
  async expire() {
    const noted = async () => (await this.text("log")).split("refuses every token").length;
    const before = await noted();
    await this.press("expire");
    await this.until(async () => (await noted()) > before, "the token was never expired");
  }

  /**
   * Waits for a moment with no refresh under way and none due soon, so that a request at the
   * provider in the next seconds can only come from what is done then.
   *
   * @param {number} seconds
   */
  async untilQuiet(seconds) {
    await this.until(
      async () => (await this.number("until-refresh")) > seconds,
      "there was never a quiet moment",
      100,
    );
  }

  /** @returns {Promise<Readable>} */
  async readable() {
    return this.driver.executeAsyncScript(READ);
  }

  /**
   * @param {() => Promise<boolean>} condition
   * @param {string} otherwise
   */
  async until(condition, otherwise, interval = 20) {
    // A page that is just going away has no elements to read.
    const isMet = () => condition().catch(() => false);
    await this.driver.wait(isMet, PATIENCE, otherwise, interval);
  }
}

/** Runs in the page: everything that a script which was injected there could read and send away. */
const READ = `
  const done = arguments[arguments.length - 1];
  (async () => {
    const settled = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const records = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await settled(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        records.push(...await settled(database.transaction(store).objectStore(store).getAll()));
      }
      database.close();
    }
    const caches_ = [];
    for (const key of await caches.keys()) {
      const cache = await caches.open(key);
      for (const request of await cache.keys()) caches_.push(request.url);
    }
    done({
      localStorage: localStorage.length,
      sessionStorage: sessionStorage.length,
      cookies: document.cookie.split("; ").filter(Boolean).length,
      databases: records.length,
      text: [
        document.documentElement.outerHTML, document.cookie, location.href, document.referrer, name,
        JSON.stringify([{ ...localStorage }, { ...sessionStorage }, records, caches_, history.state]),
        JSON.stringify(performance.getEntries()),
      ].join("\\n"),
    });
  })().catch((error) => done({ text: "", failed: String(error) }));
`;
