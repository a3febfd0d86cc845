// @ts-check
// One browser and one set of servers for each file of tests; one client, so one vault, for each test.
import { after, afterEach, before } from "node:test";
import { PAGE_HEADERS, startServers, VAULT_HEADERS } from "../../servers/start.mjs";
import { engine } from "./browser.mjs";
import { end, leaveBrowser, openBrowser, shared } from "./one-browser.mjs";
import { place } from "./place.mjs";
import { closeTab, eventually, focusOn, openTab, Tab } from "./tab.mjs";
import { makeWebRoot } from "./web-root.mjs";

/** @typedef {import("../app/page.js").Settings} Settings */
/** @typedef {import("../app/page.js").Options} Options */
/**
 * @typedef {object} Wanted what a test's application differs in
 * @property {Options} [options] for `createClient`, beside the usual ones; `undefined` takes one away
 * @property {Partial<Omit<Settings, "options">>} [page]
 * @property {Partial<import("../../servers/provider.mjs").NewClient>} [provider]
 */

const SCOPE = ["openid", "profile", "email", "offline_access"];
let serial = 0;

/**
 * Starts everything before the first test and stops it after the last.
 *
 * @param {{ vaultConnects?: string, ports?: import("../../servers/start.mjs").StartOptions["ports"],
 *   trustsAll?: boolean }} [choices] sources that the vault's policy allows besides, ports that are not the
 *   first, and whether the browser takes certificates that nobody signed
 */
export function suite({ vaultConnects = "", ports = {}, trustsAll = false } = {}) {
  const e2e = new Suite();
  before(() => e2e.start(vaultConnects, ports, trustsAll), { timeout: 120_000 });
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
  /** Whether this is the suite of the test that runs: a process may run several. */
  #isInUse = false;
  /** @type {Awaited<ReturnType<typeof makeWebRoot>>} */
  #root = /** @type {any} */ (undefined);
  /** @type {{ page: Record<string, string>, vault: Record<string, string> }} */
  #headers = { page: PAGE_HEADERS, vault: VAULT_HEADERS };

  /**
   * @param {string} vaultConnects
   * @param {import("../../servers/start.mjs").StartOptions["ports"]} ports
   * @param {boolean} trustsAll
   */
  async start(vaultConnects, ports, trustsAll) {
    this.#root = await makeWebRoot();
    this.#headers = headers(vaultConnects);
    this.servers = await startServers({
      pagesDir: this.#root.dirs,
      framesDir: this.#root.frames,
      pagesHeaders: this.#headers.page,
      vaultHeaders: this.#headers.vault,
      secureCookies: engine.keepsSecureCookies,
      ...(ports ? { ports } : {}),
    });
    this.driver = (await openBrowser(trustsAll)).driver;
    await this.driver.manage().setTimeouts({ script: 50_000, pageLoad: 30_000 });
    shared.first = await this.driver.getWindowHandle();
  }

  async stop() {
    // One that fails keeps no other from being closed.
    const closed = [leaveBrowser(), this.servers?.close(), this.#root?.remove()];
    const outcomes = await Promise.allSettled(closed);
    if (shared.users === 0) end();
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** One blank tab, no session at the provider, no plan left over. */
  async tidy() {
    if (!this.#isInUse) return;
    this.#isInUse = false;
    const { provider, api, app, backend, other } = this.servers.direct;
    provider.faults.clear();
    provider.recognize(undefined);
    // A tab keeps pages that it left, and WebKit's keep the databases that they were at.
    const before = await this.driver.getAllWindowHandles();
    if (engine.keepsDatabases) shared.first = await openTab(this.driver);
    for (const handle of before) {
      if (handle === shared.first) continue;
      await focusOn(this.driver, handle);
      await closeTab(this.driver);
    }
    await focusOn(this.driver, shared.first);
    await this.driver.get("about:blank");
    // A vault of all tabs would stay for minutes, and a process has room for about a hundred.
    if (engine.keepsSharedWorkers) await engine.devTools?.kill(this.driver, "shared_worker");
    provider.endSessions();
    api.refuseNext(0);
    api.wantNonce({});
    app.setHeaders(this.headers());
    for (const { log } of [api, app]) log.reset();
    other.reset();
    backend.reset();
  }

  /** The browser's first tab. */
  tab() {
    this.#isInUse = true;
    return new Tab(this.driver, shared.first, this.servers);
  }

  async newTab() {
    this.#isInUse = true;
    return new Tab(this.driver, await openTab(this.driver), this.servers);
  }

  /**
   * An application of this test's own: a client at the provider, pages under /c/<clientId>/.
   *
   * @param {Wanted} [wanted]
   */
  async application(wanted = {}) {
    this.#isInUse = true;
    serial += 1;
    const application = new Application(this, `client-${process.pid}-${serial}`);
    const { clientId, base } = application;
    await this.servers.direct.provider.addClient({
      clientId,
      redirectUris: [`${base}callback`, application.silentCallback],
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

  /**
   * @param {string} clientId
   * @param {Record<string, unknown>} config
   */
  bake(clientId, config) {
    return this.#root.bake(clientId, config);
  }

  /**
   * Serves another build from now on.
   *
   * @param {string} build 16 hexadecimal digits
   */
  deploy(build) {
    return this.#root.deploy(build);
  }

  /** @param {string} version of the crate that the page under /yew/ has from now on */
  deployYew(version) {
    return this.#root.deployYew(version);
  }

  /** @param {{ issuer: string, clientId: string, api: string }} settings for the page under /yew/ */
  settleYew(settings) {
    return this.#root.settleYew(settings);
  }

  /**
   * Has the app's origin serve a script under /made/.
   *
   * @param {string} name
   * @param {string} text
   */
  make(name, text) {
    return this.#root.make(name, text);
  }

  /**
   * Lets pages that are opened from now on speak to these origins by themselves, past the vault.
   *
   * @param {string[]} origins
   */
  letPageConnect(...origins) {
    this.changePage({ "connect-src": origins });
  }

  /**
   * Changes what pages are served with that are opened from now on.
   *
   * @param {Record<string, string[]>} sources more of them for directives of their policy
   * @param {Record<string, string>} [headers] beside the usual ones
   */
  changePage(sources, headers = {}) {
    const name = "Content-Security-Policy";
    const { page } = this.headers();
    let policy = page[name] ?? "";
    for (const [directive, added] of Object.entries(sources)) {
      const said = `${directive} ${added.join(" ")}`;
      const isThere = policy.includes(`${directive} `);
      policy = isThere ? policy.replace(directive, said) : `${policy}; ${said}`;
    }
    this.servers.direct.app.setHeaders({ page: { ...page, ...headers, [name]: policy } });
  }

  /** What the app's origin sends with pages and with the vault, unless a test changes it. */
  headers() {
    return this.filled(this.#headers);
  }

  /**
   * Lets pages that are opened from now on, or their vaults, speak to one more origin.
   *
   * @param {string} origin
   */
  allowConnect(origin) {
    const name = "Content-Security-Policy";
    const { page, vault } = this.headers();
    const vaultPolicy = { ...vault, [name]: `${vault[name]} ${origin}` };
    const pagePolicy = place.pageConnects
      ? { ...page, [name]: page[name]?.replace("connect-src", `connect-src ${origin}`) ?? "" }
      : page;
    this.servers.direct.app.setHeaders({ page: pagePolicy, vault: vaultPolicy });
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
      JSON.stringify(sets).replace(
        /\{(issuer|api|app|vault|backend|other)\}/g,
        (_, name) => addresses[name],
      ),
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
    /** The address of the page for hidden frames. */
    this.silentCallback = `${suite.servers.app}/tokenward/callback.html`;
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

  /**
   * Makes a vault that has a configuration written into it: what its pages say, unless told otherwise.
   *
   * @param {Options} [changes]
   * @returns {Promise<string>} the path of its script, on the app's origin and on the vault's own
   */
  async bake(changes = {}) {
    const { isolation: _, vaultUrl: __, ...usual } = this.usualOptions();
    await this.suite.bake(this.clientId, { ...usual, ...changes });
    return `/baked/${this.clientId}/tokenward/vault.js`;
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
    await tab.untilStarted();
    return tab;
  }

  /** Opens a page in a tab of its own. */
  async openTab() {
    return this.open({ tab: await this.suite.newTab() });
  }

  /** Opens a tab that is signed in: at once where tabs share a vault, else by way of the provider. */
  async openTabSignedIn() {
    const tab = await this.openTab();
    await this.untilSignedIn(tab);
    return tab;
  }

  /** Has tabs load the application's first page. @param {Tab[]} tabs */
  async loadTogether(tabs) {
    for (const tab of tabs) {
      // Not awaited: all are on their way before the first is there.
      await tab.run((_, url) => void setTimeout(() => location.assign(url), 500), this.base);
    }
  }

  /**
   * Waits until a page that begins is signed in: at once, or when it is back from the provider
   * (`restore: "redirect"`); where nothing is restored, signs in again.
   *
   * @param {Tab} tab
   */
  async untilSignedIn(tab) {
    await tab.until("somebody or nobody", (auth) => auth?.state.status.startsWith("signed"));
    if ((await tab.state()).status === "signedOut") await this.signInAgain(tab);
    await tab.untilStatus("signedIn");
  }

  /** Lets a vault that tabs share live on where it would end with its last page: another page stays open. */
  async keepVault() {
    if (place.sharesTabs && !place.outlivesPage) await (await this.openTab()).ready();
  }

  /**
   * Reloads a page that is signed in, and waits until it is signed in again.
   *
   * @param {Tab} tab
   */
  async reload(tab) {
    await tab.focus();
    await tab.driver.navigate().refresh();
    await this.untilSignedIn(tab);
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
    await tab.leave();
    await eventually("the way back", async () => this.callbacks().length > before);
    // The page that was left is there until the next one is.
    await tab.until("the next page", () => window.tw !== undefined && window.tw.left !== true);
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

  /**
   * Asks the provider with a refresh token, as a thief would.
   *
   * @param {string} token
   * @returns {Promise<number>} the answer's status
   */
  async refreshDirectly(token) {
    const body = new URLSearchParams({
      client_id: this.clientId,
      grant_type: "refresh_token",
      refresh_token: token,
    });
    const headers = { "x-tokenward-internal": "1" };
    const { issuer } = this.suite.servers;
    return (await fetch(`${issuer}/token`, { method: "POST", body, headers })).status;
  }

  /** Makes the API refuse every access token that it was issued so far. */
  refuseTokens() {
    return this.suite.servers.direct.provider.register.refuseAll({ clientId: this.clientId });
  }

  /** @param {import("../../servers/faults.mjs").Fault} fault */
  planFault(fault) {
    this.suite.servers.direct.provider.faults.plan({ clientId: this.clientId, ...fault });
  }

  /** How often one of its pages was loaded. */
  loads() {
    const isPage = (/** @type {string} */ url) => url.startsWith(`/c/${this.clientId}/`);
    return this.suite.servers.direct.app.log
      .list()
      .filter(({ url, headers }) => isPage(url) && `${headers.accept}`.includes("text/html"))
      .length;
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
