// @ts-check
// One tab of the test page, driven through WebDriver. Functions given to `run` are sent as text and
// run in the page: they see their arguments and the page's globals, nothing of this process.
import assert from "node:assert/strict";
import { By } from "selenium-webdriver";

/** @typedef {import("selenium-webdriver").WebDriver} WebDriver */
/** @typedef {import("../app/page.js").Auth} Auth */
/**
 * @typedef {object} Described an error as it left the page
 * @property {string} name
 * @property {string} message
 * @property {boolean} isAuthError
 * @property {Described} [cause]
 * @property {Record<string, any>} own
 */

/** How long a condition may take. Generous: a test that waits so long has failed. */
export const LIMIT_MS = 20_000;
/** Conditions are asked for often at first, then less: the question costs time that the answer needs. */
const POLL_MS = { first: 20, last: 120 };
/** How long a page looks by itself for what `until` waits for, before it is asked again. */
const PATIENCE_MS = 2000;

/** What a page's function threw. Its own members (`code`, `retryable`, ...) are this error's too. */
export class PageError extends Error {
  /** @param {Described} described */
  constructor({ name, message, isAuthError, cause, own }) {
    super(message);
    Object.assign(this, own, { name, isAuthError });
    if (cause) this.cause = new PageError(cause);
  }
}

/** The page navigated away while it was asked. */
export class PageGone extends Error {
  constructor() {
    super();
    this.name = "PageGone";
  }
}

/**
 * Checks an `AuthError` for `assert.rejects`.
 *
 * @param {string} code
 * @param {RegExp} says a part of the message that tells what to do
 * @param {Record<string, unknown>} [more] other members
 * @returns {(error: any) => true}
 */
export function authError(code, says, more = {}) {
  return (error) => {
    assert.ok(error instanceof PageError, `not from the page: ${error}`);
    const found = /** @type {any} */ (error);
    assert.equal(found.isAuthError, true, `no AuthError: ${found.name}: ${found.message}`);
    assertAuthErrorInfo(found, code, says);
    for (const [name, value] of Object.entries(more)) assert.deepEqual(found[name], value, name);
    return true;
  };
}

/**
 * @param {any} info an error, or what a state says of one
 * @param {string} code
 * @param {RegExp} says
 */
export function assertAuthErrorInfo(info, code, says) {
  assert.equal(info?.code, code, `another error: ${JSON.stringify(info)} ${info?.message}`);
  assert.match(info.message, says);
  assert.equal(typeof info.phase, "string");
  assert.equal(typeof info.retryable, "boolean");
}

// In the page: runs the function once the page has its client, again while its value is falsy and
// there is patience, and gives the value, or what it threw, to WebDriver.
const WRAPPED = (/** @type {string} */ body, /** @type {number} */ patience) => `
  const done = arguments[arguments.length - 1];
  const given = Array.prototype.slice.call(arguments, 0, -1);
  // Firefox runs this beside the page, with an \`Error\` of its own.
  const kinds = [Error, window.Error, DOMException];
  const describe = (error, depth = 0) => {
    if (!kinds.some((kind) => error instanceof kind)) {
      return { name: "thrown", message: String(error), isAuthError: false, own: { thrown: error } };
    }
    const own = {};
    for (const name of Object.keys(error)) {
      if (name !== "cause" && typeof error[name] !== "function") own[name] = error[name];
    }
    return {
      name: error.name,
      message: error.message,
      isAuthError: window.tw?.sdk?.isAuthError?.(error) === true,
      cause: error.cause && depth < 3 ? describe(error.cause, depth + 1) : undefined,
      own,
    };
  };
  const fn = ${body};
  const end = Date.now() + ${patience};
  (async () => {
    for (;;) {
      await window.tw?.started?.catch(() => {});
      const value = await fn(window.tw?.auth, ...given);
      if (value || Date.now() >= end) return value;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })().then(
    (value) => done({ value }),
    (error) => done({ error: describe(error) }),
  );`;

/** Whether it says that the page navigated away while it was asked. */
function isOfGonePage(/** @type {Error} */ { name, message }) {
  const told = {
    chromium: name === "ScriptTimeoutError",
    firefox: name === "PageGone" || message === "Document was unloaded",
    webkit: message.startsWith("Callback was not called before the unload event"),
  };
  return Object.values(told).includes(true);
}

/**
 * The tab that each driver speaks to: to name it again costs as much as a question.
 *
 * @type {WeakMap<WebDriver, string>}
 */
const focused = new WeakMap();

/**
 * Has the driver speak to a tab.
 *
 * @param {WebDriver} driver
 * @param {string} handle
 */
export async function focusOn(driver, handle) {
  if (focused.get(driver) === handle) return;
  await driver.switchTo().window(handle);
  focused.set(driver, handle);
}

/**
 * Opens a tab, to which the driver speaks from then on.
 *
 * @param {WebDriver} driver
 * @returns {Promise<string>} its handle
 */
export async function openTab(driver) {
  await driver.switchTo().newWindow("tab");
  const handle = await driver.getWindowHandle();
  focused.set(driver, handle);
  return handle;
}

/** @param {WebDriver} driver whose tab is closed */
export async function closeTab(driver) {
  focused.delete(driver);
  await driver.close();
}

export class Tab {
  /**
   * @param {WebDriver} driver
   * @param {string} handle
   * @param {import("../../servers/start.mjs").Servers} servers
   */
  constructor(driver, handle, servers) {
    this.driver = driver;
    this.handle = handle;
    this.servers = servers;
  }

  /** Makes this the tab that the driver speaks to. */
  focus() {
    return focusOn(this.driver, this.handle);
  }

  /** @param {string} url */
  async go(url) {
    await this.focus();
    await this.driver.get(url);
  }

  async url() {
    await this.focus();
    return this.driver.getCurrentUrl();
  }

  /**
   * @template T
   * @param {((auth: Auth, ...args: any[]) => T) | string} fn a function, or the text of one
   * @param {unknown[]} args values that JSON can carry
   * @returns {Promise<Awaited<T>>} its value, as JSON carries it; rejects with a `PageError`
   */
  run(fn, ...args) {
    return this.#run(0, fn, args);
  }

  /**
   * @param {number} patience how long the page may look for a truthy value, in milliseconds
   * @param {((auth: Auth, ...args: any[]) => any) | string} fn
   * @param {unknown[]} args
   * @returns {Promise<any>}
   */
  async #run(patience, fn, args) {
    await this.focus();
    const answer = /** @type {any} */ (
      await this.driver.executeAsyncScript(WRAPPED(String(fn), patience), ...args)
    );
    // What Firefox says when the page navigated away before.
    if (answer === null) throw new PageGone();
    if (answer.error) throw new PageError(answer.error);
    return answer.value;
  }

  /**
   * Asks the page until the answer is truthy.
   *
   * @template T
   * @param {string} what for the message when it takes too long
   * @param {(auth: Auth, ...args: any[]) => T} fn
   * @param {unknown[]} args
   * @returns {Promise<Awaited<T>>}
   */
  async until(what, fn, ...args) {
    return eventually(what, async () => {
      try {
        return await this.#run(PATIENCE_MS, fn, args);
      } catch (error) {
        if (isOfGonePage(/** @type {Error} */ (error))) return /** @type {any} */ (false);
        throw error;
      }
    });
  }

  /** @param {string} status */
  async untilStatus(status) {
    await this.until(`status ${status}`, (auth, wanted) => auth?.state.status === wanted, status);
    return this.state();
  }

  /** @param {string} reason */
  async untilSignedOut(reason) {
    await this.until(
      `signed out: ${reason}`,
      (auth, wanted) => auth?.state.reason === wanted,
      reason,
    );
    return this.state();
  }

  /** @returns {Promise<any>} */
  state() {
    return this.run((auth) => auth.state);
  }

  /** Waits until the page's client exists and is ready, at the provider and back if need be. */
  async ready() {
    await this.until("a client that knows who is signed in", async (auth) => {
      // It stays pending on a page that leaves for the provider.
      auth?.ready.catch(() => {});
      if (!auth?.state.status.startsWith("signed")) return false;
      await auth.ready;
      return true;
    });
  }

  /**
   * Waits until the browser is somewhere.
   *
   * @param {string} what
   * @param {(url: string) => boolean} isThere
   */
  async untilUrl(what, isThere) {
    await this.focus();
    return eventually(what, async () => {
      const url = await this.driver.getCurrentUrl();
      return isThere(url) && url;
    });
  }

  /**
   * Asks for a sign-in, and does not wait for what comes of it.
   *
   * @param {Record<string, unknown>} [options]
   */
  async leave(options = {}) {
    // A test is quicker than any person: its sign-ins are no loop.
    await this.run(() => window.tw.forgetBounces?.());
    // Not awaited in the page: it navigates away in the middle. What goes wrong before, shows.
    await this.run((auth, options) => {
      window.tw.left = true;
      auth.signIn(options).catch((/** @type {unknown} */ error) => {
        window.tw.failure = String(error);
      });
    }, options);
  }

  /**
   * Asks for a sign-in and waits for the provider's login form.
   *
   * @param {Record<string, unknown>} [options]
   */
  async toLogin(options = {}) {
    await this.leave(options);
    await this.until(
      "the login form",
      (_, issuer) => {
        if (window.tw?.failure) throw new Error(`signIn failed: ${window.tw.failure}`);
        return location.origin === issuer && document.getElementById("login") !== null;
      },
      this.servers.issuer,
    );
  }

  /**
   * Fills the provider's form as a person does, and waits until the app is back.
   *
   * @param {string} login
   */
  async typeLogin(login) {
    const field = await this.driver.findElement(By.id("login"));
    await field.clear();
    await field.sendKeys(login);
    await this.driver.findElement(By.id("password")).sendKeys("any");
    await this.driver.findElement(By.css("button[type=submit]")).click();
    await this.untilApp();
  }

  /**
   * The same in one step, for tests about something else.
   *
   * @param {string} [login]
   */
  async submitLogin(login = "alice") {
    await this.focus();
    await this.driver.executeScript(
      "document.querySelector('#login').value = arguments[0];" +
        "document.querySelector('button[type=submit]').click();",
      login,
    );
    await this.untilApp();
  }

  /** Waits until the page's script has made its client: on a busy machine that may be after its load. */
  async untilStarted() {
    await this.until("the page's script", () => window.tw?.started.then(() => true));
  }

  /** Waits until the browser shows a page of the app that has its client. */
  async untilApp() {
    await this.until(
      "the app's page",
      (_, app) => location.origin === app && window.tw?.started.then(() => true),
      this.servers.app,
    );
  }

  /**
   * The main job's first half: asks, is recognized at the provider without its form, comes back, is
   * signed in.
   *
   * @param {{ login?: string, returnTo?: string }} [wanted]
   * @returns {Promise<any>} the state
   */
  async signIn({ login = "alice", ...options } = {}) {
    const { provider } = this.servers.direct;
    provider.recognize(login);
    await this.leave(options);
    const state = await this.until("the next page, signed in", (auth) => {
      if (window.tw?.failure) throw new Error(`signIn failed: ${window.tw.failure}`);
      if (!auth || window.tw.left) return false;
      auth.ready.catch(() => {});
      if (auth.state.reason === "callback_failed") throw auth.state.error;
      return auth.state.status === "signedIn" && auth.ready.then(() => auth.state);
    });
    provider.recognize(undefined);
    return state;
  }

  /**
   * One call through the client.
   *
   * @param {string} url
   * @param {RequestInit} [init]
   */
  call(url, init) {
    return this.run(
      async (auth, url, init) => {
        const response = await auth.fetch(url, init);
        return { status: response.status, text: await response.text() };
      },
      url,
      init,
    );
  }

  async close() {
    await this.focus();
    await closeTab(this.driver);
  }
}

/**
 * @template T
 * @param {string | (() => string)} what
 * @param {() => Promise<T>} ask again until it is truthy
 * @param {number} [limit] milliseconds
 * @returns {Promise<T>}
 */
export async function eventually(what, ask, limit = LIMIT_MS) {
  const end = Date.now() + limit;
  for (let pause = POLL_MS.first; ; pause = Math.min(pause * 1.2, POLL_MS.last)) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) {
      throw new Error(`waited ${limit} ms for ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
