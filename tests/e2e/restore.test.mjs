// @ts-check
// A vault ends, by a crash or with its last page, and the session with it: the next one asks the
// provider, once, without a stored secret; and does not where nobody is to be signed in any more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { killVaults, loseVault, MORTAL_URL } from "./harness/mortal.mjs";
import { inOneCell, inShared, once, place } from "./harness/place.mjs";
import { everythingStored } from "./harness/stored.mjs";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, eventually } from "./harness/tab.mjs";
import { search } from "./harness/token-search.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */
/** @typedef {import("./harness/tab.mjs").Tab} Tab */

const e2e = suite();
const mortal = { options: { vaultUrl: MORTAL_URL } };
const cached =
  place.sharesTabs && place.outlivesPage
    ? {}
    : { skip: "a vault that goes with its pages is cached with them" };
const living = place.outlivesPage ? {} : { skip: "no vault outlives its page here" };

/**
 * Waits until a page is back from the provider, and its client knows who is signed in.
 *
 * @param {Application} app
 * @param {Tab} tab
 */
async function untilBack(app, tab) {
  await tab.untilUrl("the way back", (url) => url === app.callback);
  await tab.untilStarted();
  await tab.ready();
  return tab.state();
}

/** @param {Application} app */
function trips(app) {
  const { authorizations, codeRequests } = app.counts();
  return [authorizations, codeRequests];
}

test("a reload finds the living vault, and asks nobody", living, async () => {
  const app = await e2e.application(mortal);
  const tab = await app.openSignedIn();
  const before = e2e.servers.direct.provider.counters.of().requests;
  await tab.driver.navigate().refresh();
  await tab.ready();
  const state = await tab.state();
  assert.deepEqual([state.status, state.restoredBy], ["signedIn", undefined]);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  assert.equal(e2e.servers.direct.provider.counters.of().requests, before);
});

test("a reload without a vault signs in again, once, and stores nothing of worth", async () => {
  const app = await e2e.application(mortal);
  const tab = await app.openSignedIn();
  assert.equal((await tab.state()).restoredBy, undefined);
  await loseVault(tab);
  await tab.go(`${app.base}deep/page?x=1#part`);
  const state = await untilBack(app, tab);
  assert.deepEqual(
    [state.status, state.restoredBy, state.claims.sub],
    ["signedIn", "redirect", "alice"],
  );
  assert.deepEqual(trips(app), [2, 2]);
  assert.equal(await tab.run((auth) => auth.returnTo), `/c/${app.clientId}/deep/page?x=1#part`);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);

  const stored = await tab.run(everythingStored);
  assert.deepEqual([stored.local, stored.session, stored.cookies], [{}, {}, ""]);
  const flag = `${e2e.servers.issuer} ${app.clientId}`;
  const own = stored.records.filter(([, key]) => String(key).includes(app.clientId));
  assert.deepEqual(
    own.map(([database, key, value]) => [
      database,
      key,
      String(value).replace(/\d{13}/g, "moment"),
    ]),
    [
      ["tokenward.memory", `bounces ${flag}`, "moment moment"],
      ["tokenward.memory", flag, "0"],
      ["tokenward.memory", `tokenward/${e2e.servers.issuer}/${app.clientId}`, "2 0"],
    ],
    "no more than that somebody is signed in, how often people signed in and out, and when they came back",
  );
  const texts = stored.records.flatMap((record) => ["IndexedDB", JSON.stringify(record)]);
  assert.deepEqual(search(texts, app.tokens()), []);

  // Somebody who signs in is not restored.
  await app.signInAgain(tab);
  await tab.ready();
  assert.equal((await tab.state()).restoredBy, undefined);
});

test(
  "where the provider's session is over too, it is asked once and no more",
  inOneCell,
  async () => {
    const app = await e2e.application(mortal);
    const tab = await app.openSignedIn();
    e2e.servers.direct.provider.endSessions();
    await loseVault(tab);
    await tab.go(`${app.base}deep?x=1`);
    const state = await untilBack(app, tab);
    assert.deepEqual([state.status, state.reason], ["signedOut", "vault_gone"]);
    assertAuthErrorInfo(state.error, "oauth_error", /login_required/);
    assert.equal(state.error.oauthError, "login_required");
    const [returnTo, failed] = await tab.run((auth) => [auth.returnTo, auth.callbackError ?? null]);
    assert.deepEqual([returnTo, failed], [`/c/${app.clientId}/deep?x=1`, null]);

    // Neither the vault that knows nor one that does not goes there again.
    for (const lose of [false, true]) {
      if (lose) await loseVault(tab);
      await app.open({ tab });
      await tab.ready();
      assert.equal((await tab.state()).status, "signedOut");
      assert.equal(await tab.url(), app.base);
    }
    assert.deepEqual(trips(app), [2, 1]);
    await tab.signIn();
  },
);

test(
  'with restore: "none" a lost session is said to be lost, and nobody is asked',
  inOneCell,
  async () => {
    const app = await e2e.application({ options: { restore: "none", vaultUrl: MORTAL_URL } });
    const tab = await app.openSignedIn();
    await loseVault(tab);
    await app.open({ tab });
    await tab.ready();
    assert.deepEqual(await tab.state(), { status: "signedOut", reason: "vault_gone" });
    assert.equal(await tab.url(), app.base);
    assert.deepEqual(trips(app), [1, 1]);
  },
);

test("a session that ended by itself is asked for by the next page (rf10)", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const { provider } = e2e.servers.direct;
  assert.equal(provider.revokeGrants({ clientId: app.clientId }), 1);
  app.refuseTokens();
  await tab.run((auth, url) => auth.fetch(url).catch(() => {}), `${e2e.servers.api}/me`);
  await tab.untilSignedOut("session_ended");
  // The provider took back what it had granted, and still knows who it is.
  await tab.driver.navigate().refresh();
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  // Where it does not, one page asked, and none again.
  provider.endSessions();
  provider.revokeGrants({ clientId: app.clientId });
  app.refuseTokens();
  await tab.run((auth, url) => auth.fetch(url).catch(() => {}), `${e2e.servers.api}/me`);
  await tab.untilSignedOut("session_ended");
  await tab.driver.navigate().refresh();
  await tab.untilSignedOut("vault_gone");
  const { authorizations } = app.counts();
  await tab.driver.navigate().refresh();
  await tab.ready();
  assert.equal((await tab.state()).status, "signedOut");
  assert.equal(app.counts().authorizations, authorizations);
});

test(
  "who signs out and reloads stays signed out, though the provider still knows them",
  once,
  async () => {
    const app = await e2e.application(mortal);
    const tab = await app.openSignedIn();
    await tab.run((auth) => auth.signOut({ local: true }));
    await loseVault(tab);
    await app.open({ tab });
    await tab.ready();
    assert.deepEqual(await tab.state(), { status: "signedOut", reason: "no_session" });
    assert.equal(await tab.url(), app.base);
    assert.deepEqual(trips(app), [1, 1]);
  },
);

test("of tabs that load together one leaves for all that share its vault", inShared, async () => {
  const app = await e2e.application(mortal);
  const first = await app.openSignedIn();
  const tabs = [first, await app.openTabSignedIn(), await app.openTabSignedIn()];
  const before = trips(app)[0] ?? 0;
  await loseVault(...tabs);
  await app.loadTogether(tabs);
  for (const tab of tabs) {
    await tab.untilUrl("the application", (url) => url.startsWith(app.base));
    await tab.until("somebody signed in", (auth) => auth?.state.status === "signedIn");
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  }
  assert.equal(trips(app)[0], before + 1);
});

test("a call that is a page's first word is answered once the page is back", once, async () => {
  const app = await e2e.application(mortal);
  const tab = await app.openSignedIn();
  await loseVault(tab);
  await app.settle({ page: { start: false } });
  await app.open({ tab });
  await tab.run((auth, url) => void auth.fetch(url).catch(() => {}), `${e2e.servers.api}/me`);
  await tab.untilUrl("the way back", (url) => url.startsWith(app.callback));
  await tab.untilStarted();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  assert.equal((await tab.state()).restoredBy, "redirect");
  assert.deepEqual(trips(app), [2, 2]);
});

test(
  "a page that comes back from the back/forward cache finds its vault gone",
  cached,
  async () => {
    const app = await e2e.application(mortal);
    const tab = await app.openSignedIn();
    await app.open({ tab, path: "inbox" });
    await tab.ready();
    await loseVault(tab);
    const before = trips(app)[0] ?? 0;
    await tab.driver.navigate().back();
    const state = await untilBack(app, tab);
    assert.deepEqual([state.status, state.restoredBy], ["signedIn", "redirect"]);
    assert.equal(await tab.run((auth) => auth.returnTo), `/c/${app.clientId}/inbox`);
    assert.equal(trips(app)[0], before + 1);
  },
);

test("pages in use whose vault dies meet in the next one, signed in", inShared, async () => {
  const app = await e2e.application({ options: { vaultUrl: MORTAL_URL } });
  const first = await app.openSignedIn();
  const second = await app.openTabSignedIn();
  await killVaults(first);
  await eventually("the way back", async () => app.callbacks().length === 2);
  for (const tab of [first, second]) {
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  }
  assert.deepEqual(trips(app), [2, 2]);
});
