// @ts-check
// An application whose vault is at an origin of its own: what it is registered with, what is written into its
// vault, and what its pages say.

import { engine } from "./browser.mjs";
import { eventually } from "./tab.mjs";

/** @typedef {import("./tab.mjs").Tab} Tab */
/** @typedef {import("./suite.mjs").Suite} Suite */
/** @typedef {import("./suite.mjs").Wanted} Wanted */

/**
 * @param {Suite} e2e
 * @param {Wanted & { baked?: Record<string, unknown> }} [wanted] `baked`: what is written into the vault besides
 */
export async function framedApplication(e2e, { baked = {}, ...wanted } = {}) {
  const app = await e2e.application(wanted);
  const { vault, app: origin, direct } = e2e.servers;
  const folder = `${vault}/baked/${app.clientId}/tokenward/`;
  const callback = `${folder}callback.html`;
  // The provider knows the vault's origin and no other.
  await direct.provider.addClient({
    clientId: app.clientId,
    redirectUris: [callback],
    postLogoutRedirectUris: [app.base],
    ...wanted.provider,
  });
  await app.bake({ redirectUri: callback, appOrigins: [origin], ...baked });
  const nothing = Object.keys(app.usualOptions()).map((name) => [name, undefined]);
  const options = {
    ...Object.fromEntries(nothing),
    isolation: "origin",
    vaultUrl: `${folder}vault.js`,
  };
  const own = { ...options, ...wanted.options };
  /** @param {Wanted["page"]} [changes] for pages that are opened from now on */
  const settleFramed = async (changes) => {
    await app.settle({ options: own, page: { ...changes } });
    // The origin's start page has a client, too: in WebKit people come back by way of it.
    const usual = { sdk: "/pkg/index.js", create: true, start: true, watched: false };
    await e2e.settle("", { ...usual, ...changes, options: own });
  };
  await settleFramed(wanted.page);
  e2e.changePage({ "frame-src": [vault] });

  /**
   * Waits, without a question to a page that comes and goes, until a sign-in is through that `begin` begins:
   * WebKit's driver ends where it is asked in the middle of several navigations.
   *
   * @param {Tab} tab
   * @param {() => Promise<void>} begin
   * @returns {Promise<any>} the state
   */
  const signedInAfter = async (tab, begin) => {
    const { codesSucceeded } = app.counts();
    await begin();
    await eventually("the code", async () => app.counts().codesSucceeded > codesSucceeded);
    await tab.until("a client that is signed in", (auth) => auth?.state.status === "signedIn");
    return tab.state();
  };

  return Object.assign(app, {
    signedInAfter,
    settleFramed,
    /** @param {Tab} tab at which the provider knows the person, and asks nothing */
    async signInFramed(tab) {
      direct.provider.recognize("alice");
      const state = await signedInAfter(tab, () => tab.leave());
      direct.provider.recognize(undefined);
      return state;
    },
    async openFramed() {
      const tab = await app.open();
      await tab.ready();
      await this.signInFramed(tab);
      return tab;
    },
    /** @param {Tab} tab that is signed in */
    async reloadFramed(tab) {
      const reload = () => tab.focus().then(() => tab.driver.navigate().refresh());
      if (!engine.keepsSharedWorkers) return signedInAfter(tab, reload);
      await reload();
      return tab.untilStatus("signedIn");
    },
    /** Where its vault is. */
    folder,
    /** Where the provider sends people back to. */
    wayBack: callback,
    /** What came back from the provider, once for each time. */
    framedCallbacks: () =>
      direct.vault.log.list().filter(({ url }) => `${vault}${url}`.startsWith(`${callback}?`)),
  });
}

/**
 * What of the page's own origin outlives it. In the page.
 *
 * @returns {Promise<Record<string, unknown>>}
 */
export async function everythingKept() {
  const databases = await indexedDB.databases();
  return {
    databases: databases.map(({ name }) => name),
    local: { ...localStorage },
    session: { ...sessionStorage },
    cookies: document.cookie,
    caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope),
    name: window.name,
  };
}
