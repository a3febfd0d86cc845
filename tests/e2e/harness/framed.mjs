// @ts-check
// An application whose vault is at an origin of its own: what it is registered with, what is written into its
// vault, and what its pages say.

/** @typedef {import("./suite.mjs").Suite} Suite */
/** @typedef {import("./suite.mjs").Wanted} Wanted */

/**
 * @param {Suite} e2e
 * @param {Wanted & { baked?: Record<string, unknown> }} [wanted] `baked`: what is written into the vault besides
 */
export async function framedApplication(e2e, { baked = {}, ...wanted } = {}) {
  const app = await e2e.application(wanted);
  const { vault, app: page, direct } = e2e.servers;
  const folder = `${vault}/baked/${app.clientId}/tokenward/`;
  const callback = `${folder}callback.html`;
  // The provider knows the vault's origin and no other.
  await direct.provider.addClient({
    clientId: app.clientId,
    redirectUris: [callback],
    postLogoutRedirectUris: [app.base],
    ...wanted.provider,
  });
  await app.bake({ redirectUri: callback, appOrigins: [page], ...baked });
  const nothing = Object.keys(app.usualOptions()).map((name) => [name, undefined]);
  const options = {
    ...Object.fromEntries(nothing),
    isolation: "origin",
    vaultUrl: `${folder}vault.js`,
  };
  await app.settle({ options: { ...options, ...wanted.options } });
  e2e.changePage({ "frame-src": [vault] });
  return Object.assign(app, {
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
