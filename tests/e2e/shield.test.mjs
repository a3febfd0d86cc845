// @ts-check
// A service worker of the application's own that covers the vault's script: with the shield it sees nothing of
// the vault; without it, the console says so, and the vault works all the same (t39).
import assert from "node:assert/strict";
import { test } from "node:test";
import { once, place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { eventually } from "./harness/tab.mjs";

const e2e = suite();
const POLICY = "Content-Security-Policy";
let serial = 0;

/** It leaves all requests alone, and tells its pages which it saw. */
const WORKER = `
const seen = [];
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", ({ ports }) => ports[0].postMessage(seen));
self.addEventListener("fetch", (event) => {
  const { url, headers } = event.request;
  seen.push(url + " " + (headers.get("authorization") ?? "").split(" ")[0]);
});
`;

/** @typedef {Awaited<ReturnType<typeof e2e.application>>} Application */
/** @typedef {import("./harness/tab.mjs").Tab} Tab */

/**
 * Opens the application's page. What it loads while a service worker makes room for the next one may fail.
 *
 * @param {Application} app
 * @param {Tab} tab
 */
async function open(app, tab) {
  await eventually("a page with its scripts", async () => {
    await tab.go(app.base);
    return tab.run(() => window.tw?.started.then(() => window.tw.sdk !== undefined));
  });
}

/**
 * Has the application's service worker cover the whole origin while `body` runs.
 *
 * @param {(app: Application, tab: Tab) => Promise<void>} body
 */
async function covered(body) {
  // Each has its own: one that was told to go is there again when it is registered anew.
  serial += 1;
  const script = `sw-${serial}.js`;
  await e2e.make(script, WORKER);
  const { page } = e2e.headers();
  // A vault that lies beside the module has the headers of all other files.
  const { issuer, api } = e2e.servers;
  const policy = page[POLICY]
    ?.replace("trusted-types tokenward", "trusted-types tokenward app")
    .replace("connect-src", `connect-src ${issuer} ${api}`);
  e2e.servers.direct.app.setHeaders({
    page: { ...page, [POLICY]: policy ?? "", "Service-Worker-Allowed": "/" },
  });
  const app = await e2e.application({ page: { create: false, watched: true } });
  const tab = e2e.tab();
  await open(app, tab);
  await tab.run(async (_, script) => {
    // An earlier test's shield would still be there.
    for (const registration of await navigator.serviceWorker.getRegistrations()) {
      await registration.unregister();
    }
    const rules = { createScriptURL: (/** @type {string} */ url) => url };
    const trusted = /** @type {any} */ (window).trustedTypes?.createPolicy("app", rules);
    const url = new URL(`/made/${script}`, location.origin).href;
    const registration = await navigator.serviceWorker.register(
      trusted?.createScriptURL(url) ?? url,
      { scope: "/" },
    );
    const isThere = () =>
      registration.active?.scriptURL === url && registration.active.state === "activated";
    while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
  }, script);
  try {
    await body(app, tab);
  } finally {
    await open(app, tab);
    await tab.run(async () => {
      for (const registration of await navigator.serviceWorker.getRegistrations()) {
        await registration.unregister();
      }
    });
  }
}

/**
 * Opens the application with these options, signs in, makes a call, and reads what the console was told.
 *
 * @param {Application} app
 * @param {Tab} tab
 * @param {Record<string, unknown>} options
 */
async function used(app, tab, options) {
  await app.settle({ options, page: { create: true, watched: true } });
  await open(app, tab);
  await tab.ready();
  if ((await tab.state()).status !== "signedIn") await tab.signIn();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
}

/**
 * @param {Tab} tab
 * @returns {Promise<string[]>}
 */
async function warnings(tab) {
  const kept = await tab.run(() => /** @type {any} */ (window).tw.kept.map(String));
  const lines = kept.filter(
    (/** @type {string} */ _, /** @type {number} */ at) => kept[at - 1] === "console",
  );
  return lines.filter((/** @type {string} */ line) => /vault_exposed/.test(line));
}

/**
 * What the service worker saw of the vault: its script, and requests with a credential.
 *
 * @param {Tab} tab
 */
async function seen(tab) {
  /** @type {string[]} */
  const all = await tab.run(async () => {
    const registrations = await navigator.serviceWorker.getRegistrations();
    const worker = registrations.find(({ active }) => active?.scriptURL.includes("/made/sw-"));
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data);
    });
    worker?.active?.postMessage(null, [port2]);
    return answer;
  });
  assert.ok(all.length > 0, "it saw nothing at all");
  return all.filter((line) => /\/vault\.js |Bearer$/.test(line));
}

test("without the shield, a service worker that covers the vault is reported as vault_exposed (t39)", async () => {
  await covered(async (app, tab) => {
    await used(app, tab, { serviceWorker: "none" });
    if (place.pageConnects) {
      // A page is its own service worker's to see; that is no news of the vault's.
      assert.deepEqual(await warnings(tab), []);
      return;
    }
    await tab.until("a warning", () =>
      /** @type {any} */ (window).tw.kept
        .map(String)
        .some((/** @type {string} */ line) => /vault_exposed/.test(line)),
    );
    const [line, ...more] = await warnings(tab);
    assert.deepEqual(more, []);
    assert.match(line ?? "", /made\/sw-\d+\.js covers .*\/tokenward\/vault\.js/);
    assert.match(line ?? "", /npx tokenward init/);
    // It is no idle warning.
    assert.ok((await seen(tab)).length > 0, "it saw nothing of the vault");
  });
});

test(
  "beside its own module, as bundlers put it, the vault has no shield, and says so (t39)",
  once,
  async () => {
    await covered(async (app, tab) => {
      await used(app, tab, { vaultUrl: undefined });
      if (place.pageConnects) return;
      await tab.until("a warning", () =>
        /** @type {any} */ (window).tw.kept
          .map(String)
          .some((/** @type {string} */ line) => /vault_exposed/.test(line)),
      );
      assert.match((await warnings(tab))[0] ?? "", /covers .*\/pkg\/vault\.js/);
    });
  },
);

test("with the shield there is nothing to report, and nothing to see (t39)", once, async () => {
  await covered(async (app, tab) => {
    await used(app, tab, {});
    if (place.pageConnects) return;
    assert.deepEqual(await warnings(tab), []);
    assert.deepEqual(await seen(tab), []);
    // Left behind by an earlier page, it still does what it is there for.
    await used(app, tab, { serviceWorker: "none" });
    assert.deepEqual(await warnings(tab), []);
  });
});

test("without a service worker nothing is reported (t39)", once, async () => {
  const app = await e2e.application({
    options: { serviceWorker: "none" },
    page: { watched: true },
  });
  const tab = await app.openSignedIn();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  assert.deepEqual(await warnings(tab), []);
});
