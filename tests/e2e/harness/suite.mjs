// @ts-check
// One browser and one set of servers for each file of tests; one client, so one vault, for each test.
import { after, afterEach, before } from "node:test";
import { PAGE_HEADERS, startServers, VAULT_HEADERS } from "../../servers/start.mjs";
import { engine } from "./browser.mjs";
import { place } from "./place.mjs";
import { eventually, Tab } from "./tab.mjs";
import { makeWebRoot } from "./web-root.mjs";

/** @typedef {import("../app/page.js").Settings} Settings */
/** @typedef {import("../app/page.js").Options} Options */
/**
 * @typedef {object} Wanted what a test's application differs in
 * @property {Options} [options] for `createClient`, beside the usual ones; `undefined` takes one away
 * @property {Partial<Omit<Settings, "options">>} [page]
 * @property {import("../../servers/provider.mjs").ClientSettings} [provider]
 */

const SCOPE = ["openid", "profile", "email", "offline_access"];
let serial = 0;

/**
 * Starts everything before the file's first test and stops it after the last.
 *
 * @param {{ vaultConnects?: string }} [choices] sources that the vault's policy allows besides
 */
export function suite({ vaultConnects = "" } = {}) {
  const e2e = new Suite();
  before(() => e2e.start(vaultConnects), { timeout: 120_000 });
  afterEach(() => e2e.tidy());
  after(() => e2e.stop());
  return e2e;
}

export class Suite {
  /** @type {import("../../servers/start.mjs").Servers} */
  servers = /** @type {any} */ (undefined);
  engine = engine;
  /** @type {import("selenium-webdriver").WebDriver} */
  driver = /** @type {any} */ (undefined);
  /** @type {import("./browser.mjs").Started | undefined} */
  #browser;
  /** @type {Awaited<ReturnType<typeof makeWebRoot>>} */
  #root = /** @type {any} */ (undefined);
  #first = "";
  /** @type {{ page: Record<string, string>, vault: Record<string, string> }} */
  #headers = { page: PAGE_HEADERS, vault: VAULT_HEADERS };

  /** @param {string} vaultConnects */
  async start(vaultConnects) {
    this.#root = await makeWebRoot();
    this.#headers = headers(vaultConnects);
    this.servers = await startServers({
      pagesDir: this.#root.dirs,
      pagesHeaders: this.#headers.page,
      vaultHeaders: this.#headers.vault,
    });
    this.#browser = await engine.start();
    this.driver = this.#browser.driver;
    await this.driver.manage().setTimeouts({ script: 30_000, pageLoad: 30_000 });
    this.#first = await this.driver.getWindowHandle();
  }

  async stop() {
    await this.#browser?.stop();
    await this.servers?.close();
    await this.#root?.remove();
  }

  /** One blank tab, no session at the provider, no plan left over. */
  async tidy() {
    if (!this.driver) return;
    const { provider, api, app, other } = this.servers.direct;
    provider.faults.clear();
    for (const handle of await this.driver.getAllWindowHandles()) {
      if (handle === this.#first) continue;
      await this.driver.switchTo().window(handle);
      await this.driver.close();
    }
    await this.driver.switchTo().window(this.#first);
    await this.driver.get("about:blank");
    provider.endSessions();
    api.refuseNext(0);
    app.setHeaders(this.headers());
    for (const { log } of [api, app]) log.reset();
    other.reset();
  }

  /** The browser's first tab. */
  tab() {
    return new Tab(this.driver, this.#first, this.servers);
  }

  async newTab() {
    await this.driver.switchTo().newWindow("tab");
    return new Tab(this.driver, await this.driver.getWindowHandle(), this.servers);
  }

  /**
   * An application of this test's own: a client at the provider, pages under /c/<clientId>/.
   *
   * @param {Wanted} [wanted]
   */
  async application(wanted = {}) {
    serial += 1;
    const application = new Application(this, `client-${process.pid}-${serial}`);
    const { clientId, base } = application;
    await this.servers.direct.provider.addClient({
      clientId,
      redirectUris: [`${base}callback`],
      postLogoutRedirectUris: [base],
      ...wanted.provider,
    });
    await application.settle(wanted);
    return application;
  }

  /**
   * @param {string} clientId
   * @param {Settings} settings
   */
  settle(clientId, settings) {
    return this.#root.settle(clientId, settings);
  }

  /** What the app's origin sends with pages and with the vault, unless a test changes it. */
  headers() {
    return this.filled(this.#headers);
  }

  /**
   * Puts the servers' addresses into header values.
   *
   * @template {Record<string, Record<string, string>>} Sets
   * @param {Sets} sets
   * @returns {Sets}
   */
  filled(sets) {
    const addresses = /** @type {Record<string, any>} */ (this.servers);
    return JSON.parse(
      JSON.stringify(sets).replace(/\{(issuer|api|app|other)\}/g, (_, name) => addresses[name]),
    );
  }
}

/** One application: what is asked and counted here is about its client alone. */
export class Application {
  /**
   * @param {Suite} suite
   * @param {string} clientId
   */
  constructor(suite, clientId) {
    this.suite = suite;
    this.clientId = clientId;
    /** The address of its start page, ending in a slash. */
    this.base = `${suite.servers.app}/c/${clientId}/`;
    this.callback = `${this.base}callback`;
    /** Whether a URL is its start page's, whatever the query. */
    this.isHome = (/** @type {string} */ url) => url.split("?", 1)[0] === this.base;
    /** @type {Pick<Wanted, "options" | "page">} */
    this.wanted = {};
  }

  /** @returns {Options} what its pages give to `createClient`, unless a test changes it */
  usualOptions() {
    const { issuer, api } = this.suite.servers;
    return {
      issuer,
      clientId: this.clientId,
      redirectUri: `/c/${this.clientId}/callback`,
      scope: SCOPE,
      resources: [{ origin: api }],
      logout: { postLogoutRedirectUri: this.base },
      isolation: place.isolation,
      vaultUrl: "/tokenward/vault.js",
    };
  }

  /** @param {Pick<Wanted, "options" | "page">} wanted for pages that are opened from now on */
  settle(wanted) {
    const { page, options } = Object.assign(this.wanted, wanted);
    return this.suite.settle(this.clientId, {
      sdk: "/pkg/index.js",
      create: true,
      start: true,
      watched: false,
      ...page,
      options: { ...this.usualOptions(), ...options },
    });
  }

  /**
   * Opens one of its pages and waits until that has its client.
   *
   * @param {{ tab?: Tab, path?: string }} [where]
   */
  async open({ tab = this.suite.tab(), path = "" } = {}) {
    await tab.go(this.base + path);
    await tab.run(() => window.tw.started);
    return tab;
  }

  /** Opens a page in a tab of its own. */
  async openTab() {
    return this.open({ tab: await this.suite.newTab() });
  }

  /** Lets the vault live on where it would end with its last page: another page of it stays open. */
  async keepVault() {
    if (!place.outlivesPage) await (await this.openTab()).ready();
  }

  /** @param {{ login?: string, returnTo?: string }} [wanted] */
  async openSignedIn(wanted) {
    const tab = await this.open();
    await tab.signIn(wanted);
    return tab;
  }

  /**
   * Signs in where the provider knows the user from before: there and back without a form.
   *
   * @param {Tab} tab
   */
  async signInAgain(tab) {
    const before = this.callbacks().length;
    await tab.run((auth) => {
      window.tw.left = true;
      void auth.signIn();
    });
    await eventually("the way back", async () => this.callbacks().length > before);
    // The page that was left is there until the next one is.
    await tab.until("the next page", () => window.tw?.left !== true && window.tw !== undefined);
    await tab.untilApp();
  }

  /** What the provider counted of this client. */
  counts() {
    return this.suite.servers.direct.provider.counters.of(this.clientId);
  }

  /** @param {string} [kind] `access`, `refresh`, `id`, or several with commas; all without it */
  tokens(kind) {
    return this.suite.servers.direct.provider.register.list({ clientId: this.clientId, kind });
  }

  /** Makes the API refuse every access token that it was issued so far. */
  refuseTokens() {
    return this.suite.servers.direct.provider.register.refuseAll({ clientId: this.clientId });
  }

  /** @param {import("../../servers/faults.mjs").Fault} fault */
  planFault(fault) {
    this.suite.servers.direct.provider.faults.plan({ clientId: this.clientId, ...fault });
  }

  /** What the API received, without preflights. */
  calls() {
    return this.suite.servers.direct.api.log.list().filter(({ preflight }) => !preflight);
  }

  /** The callback URL with which the provider sent somebody back, once for each time. */
  callbacks() {
    return this.suite.servers.direct.app.log
      .list()
      .map(({ url }) => new URL(url, this.base))
      .filter((url) => url.href.startsWith(`${this.callback}?`));
  }
}

/**
 * @param {string} vaultConnects
 * @returns {{ page: Record<string, string>, vault: Record<string, string> }}
 */
function headers(vaultConnects) {
  const name = "Content-Security-Policy";
  const vaultPolicy = `${VAULT_HEADERS[name]} ${vaultConnects}`.trim();
  const connects = /connect-src ([^;]*)/.exec(vaultPolicy)?.[1] ?? "";
  // Where the vault is the page itself, the page's policy must allow what the vault does.
  const pagePolicy = place.pageConnects
    ? PAGE_HEADERS[name].replace("connect-src 'self'", `connect-src 'self' ${connects}`)
    : PAGE_HEADERS[name];
  return {
    page: { ...PAGE_HEADERS, [name]: pagePolicy },
    vault: { ...VAULT_HEADERS, [name]: vaultPolicy },
  };
}
