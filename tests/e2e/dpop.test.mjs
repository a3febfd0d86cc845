// @ts-check
// One key for each client, wherever its vaults are: over reloads, in every tab, until somebody signs out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { killVaults, loseVault, MORTAL_URL } from "./harness/mortal.mjs";
import { apart, once, place, storesKeys } from "./harness/place.mjs";
import { removeStored, storedKey } from "./harness/proofs.mjs";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo } from "./harness/tab.mjs";
import { search } from "./harness/token-search.mjs";

const e2e = suite();
const bound = {
  options: { dpop: true, vaultUrl: MORTAL_URL },
  provider: { requiresProofs: true, requiresNonce: true },
};

/**
 * Calls the API from a page.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 * @returns {Promise<string | undefined>} the thumbprint of the key that the call was proven with
 */
async function keyOf(app, tab) {
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  return app.calls().at(-1)?.proof?.jkt;
}

test("a reload goes on with the same key (rf9, dp12)", storesKeys, async () => {
  const app = await e2e.application(bound);
  const tab = await app.openSignedIn();
  const key = await keyOf(app, tab);
  assert.ok(key);
  await app.reload(tab);
  assert.equal(await keyOf(app, tab), key);

  // Where the vault is lost for certain, the provider restores the session.
  await loseVault(tab);
  await tab.go(app.base);
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  assert.equal(await keyOf(app, tab), key);
  const asked = e2e.servers.direct.provider.log.list().filter(({ path, query }) => {
    return path === "/auth" && query.client_id === app.clientId;
  });
  assert.ok(asked.length >= 2);
  assert.ok(asked.every(({ query }) => query.dpop_jkt === key));
  const stored = JSON.stringify(await tab.run(storedKey, app.clientId));
  assert.deepEqual(search(["IndexedDB", stored], app.tokens()), []);
});

test("every tab has the same key, also where two make one at once (rf9)", apart, async () => {
  const app = await e2e.application(bound);
  const tabs = [await app.open(), await app.openTab()];
  for (const tab of tabs) {
    await tab.ready();
    await tab.run((auth) => {
      window.tw.left = true;
      // Heard by the other tab in the same moment as by this one's own listener.
      const channel = new BroadcastChannel("both");
      channel.onmessage = () => void auth.signIn();
    });
  }
  await tabs[0]?.run(() => {
    new BroadcastChannel("both").postMessage("now");
  });
  for (const tab of tabs) {
    await tab.until("the login form", () => document.getElementById("login") !== null);
  }
  const asked = e2e.servers.direct.provider.log.list().filter(({ path, query }) => {
    return path === "/auth" && query.client_id === app.clientId;
  });
  assert.equal(asked.length, 2);
  const keys = new Set(asked.map(({ query }) => query.dpop_jkt));
  assert.equal(keys.size, 1);
  await tabs[0]?.submitLogin();
  for (const tab of tabs) {
    // The second finds the person signed in at the provider.
    if (tab !== tabs[0]) await app.open({ tab });
    await app.untilSignedIn(tab);
    assert.ok(keys.has(await keyOf(app, tab)));
  }
});

test("a sign-out in one tab makes another key for all (dp12)", once, async () => {
  const app = await e2e.application(bound);
  const tab = await app.openSignedIn();
  const other = await app.openTabSignedIn();
  const key = await keyOf(app, other);
  assert.equal(await keyOf(app, tab), key);
  await tab.run((auth) => auth.signOut({ local: true }));
  await other.untilStatus("signedOut");
  await app.signInAgain(other);
  await other.untilStatus("signedIn");
  const next = await keyOf(app, other);
  assert.ok(next && next !== key);
  await app.signInAgain(tab);
  await tab.untilStatus("signedIn");
  assert.equal(await keyOf(app, tab), next);
});

test(
  "a key that is gone when its sign-in comes back is told, and the next sign-in is good (dp10, dp12)",
  once,
  async () => {
    const app = await e2e.application(bound);
    const tab = await app.open();
    await tab.ready();
    await tab.toLogin();
    const helper = await e2e.newTab();
    await helper.go(`${e2e.servers.app}/c/keeper/`);
    if (place.sharesTabs) await killVaults(helper);
    await helper.run(removeStored, `key ${e2e.servers.issuer} ${app.clientId}`);
    const before = app.counts().codeRequests;
    await tab.submitLogin();
    await tab.ready();
    const { reason, error } = await tab.state();
    assert.equal(reason, "callback_failed");
    assertAuthErrorInfo(error, "dpop_key_lost", /signIn/);
    assert.equal(app.counts().codeRequests, before, "the code went nowhere");
    await app.signInAgain(tab);
    await tab.untilStatus("signedIn");
    assert.ok(await keyOf(app, tab));
  },
);

const inMemory = place.storesKeys ? { skip: "here the key is stored" } : {};

test(
  "a key that cannot be stored binds the tokens, and no sign-in that leaves the page (dp10, dp12)",
  inMemory,
  async () => {
    const app = await e2e.application(bound);
    const tab = await app.openSignedIn();
    const key = await keyOf(app, tab);
    assert.ok(key);
    const asked = e2e.servers.direct.provider.log.list().filter(({ path, query }) => {
      return path === "/auth" && query.client_id === app.clientId;
    });
    assert.deepEqual(
      asked.map(({ query }) => query.dpop_jkt),
      [undefined],
    );
    assert.equal(await tab.run(storedKey, app.clientId), null);
    await tab.go(`${e2e.servers.app}/c/keeper/`);
    await killVaults(tab);
    await tab.go(app.base);
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    const next = await keyOf(app, tab);
    assert.ok(next && next !== key);
  },
);
