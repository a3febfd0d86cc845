// @ts-check
// A vault that dies is noticed and replaced; a page that goes takes its calls with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hangVaults, killVaults, MORTAL_URL } from "./harness/mortal.mjs";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();
const mortal = { options: { vaultUrl: MORTAL_URL } };
const shared = place.isolation === "shared" ? {} : { skip: "nothing outlives the page here" };

test(
  "a killed vault is noticed: calls end with a typed error, and the page goes on",
  shared,
  async () => {
    const app = await e2e.application(mortal);
    const tab = await app.openSignedIn();
    await tab.run((auth, api) => {
      window.tw.waiting = auth.fetch(`${api}/slow?ms=60000`);
      window.tw.waiting.catch(() => {});
      window.tw.reading = auth
        .fetch(`${api}/stream?chunks=10000&delay=50`)
        .then((/** @type {Response} */ response) => response.text());
      window.tw.reading.catch(() => {});
    }, e2e.servers.api);
    await eventually("both calls at the API", async () => app.calls().length === 2);

    await killVaults(tab);
    const crashed = authError("vault_crashed", /again/, { retryable: true });
    await assert.rejects(
      tab.run(() => window.tw.waiting),
      crashed,
    );
    await assert.rejects(
      tab.run(() => window.tw.reading),
      crashed,
    );

    // The session was in that vault alone: the page says so instead of showing an old state.
    const state = await tab.untilStatus("signedOut");
    assert.ok(["no_session", "vault_gone"].includes(state.reason), state.reason);
    await assert.rejects(
      tab.run((auth, url) => auth.fetch(url), `${e2e.servers.api}/me`),
      authError("not_signed_in", /signIn/),
    );
    await app.signInAgain(tab);
    await tab.ready();
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  },
);

test("every tab of a killed vault meets in the next one", shared, async () => {
  const app = await e2e.application(mortal);
  const first = await app.openSignedIn();
  const second = await app.openTab();
  await second.untilStatus("signedIn");
  await killVaults(first);
  for (const tab of [first, second]) await tab.untilStatus("signedOut");
  await app.signInAgain(first);
  await second.untilStatus("signedIn");
  assert.equal((await second.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a vault that hangs is left behind: the next page gets another", shared, async () => {
  const app = await e2e.application(mortal);
  const first = await app.openSignedIn();
  await hangVaults(first);
  try {
    // The first page stays, and keeps the vault that hangs.
    const tab = await app.openTab();
    const state = await tab.untilStatus("signedOut");
    assert.ok(["no_session", "vault_gone"].includes(state.reason), state.reason);
    await assert.rejects(
      tab.run((auth, url) => auth.fetch(url), `${e2e.servers.api}/me`),
      authError("not_signed_in", /signIn/),
    );
  } finally {
    await e2e.engine.devTools?.kill(e2e.driver);
  }
});

test("a page that is closed in the middle of calls frees them, and others go on", async () => {
  const app = await e2e.application();
  const first = await app.openSignedIn();
  const second = await app.openTab();
  await second.untilStatus("signedIn");
  await startDownloads(app, second);
  await second.close();
  await first.focus();
  await freed(app);
  assert.equal((await first.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a last page that is closed or left in mid-download frees its connections", async () => {
  const app = await e2e.application();
  const tab = await app.openTab();
  await tab.signIn();
  await startDownloads(app, tab);
  await tab.go(`${e2e.servers.other}/`);
  await freed(app);

  const last = await app.openTab();
  await last.ready();
  if ((await last.state()).status !== "signedIn") await app.signInAgain(last);
  await last.untilStatus("signedIn");
  await startDownloads(app, last);
  await tab.close();
  await last.close();
  await e2e.tab().focus();
  await freed(app);
});

test("reloads with open streams leave the API reachable", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await app.keepVault();
  for (let round = 1; round <= 6; round += 1) {
    await tab.run((auth, api) => {
      void auth
        .fetch(`${api}/stream?chunks=100000&delay=50`)
        .then((/** @type {Response} */ response) => response.text());
    }, e2e.servers.api);
    await eventually("the stream at the API", async () => app.calls().length === round);
    await tab.driver.navigate().refresh();
    await tab.ready();
  }
  // Browsers give one host six connections.
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a page without its locks is not taken for dead", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  // Locks are hints: any script of the page can take them.
  await tab.run(async () => {
    const { held = [] } = await navigator.locks.query();
    for (const { name = "" } of held) {
      await navigator.locks.request(name, { steal: true }, () => {});
    }
  });
  await tab.run((auth, api) => auth.fetch(`${api}/slow?ms=4000`), e2e.servers.api);
  assert.equal((await tab.state()).status, "signedIn");
  assert.deepEqual(
    app.calls().map(({ status }) => status),
    [200],
  );
});

test("a page that comes back from the back/forward cache shows what is, not what was", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const other = await app.openTab();
  await other.untilStatus("signedIn");
  await tab.go(`${e2e.servers.app}/c/keeper/`);
  await other.run((auth) => auth.signOut({ local: true }));
  await tab.focus();
  await tab.driver.navigate().back();
  await tab.untilStatus("signedOut");
});

/**
 * Leaves one call that is not answered yet and one whose body is on its way.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 */
async function startDownloads(app, tab) {
  const before = app.calls().length;
  await tab.run((auth, api) => {
    void auth.fetch(`${api}/slow?ms=60000`);
    void auth
      .fetch(`${api}/stream?chunks=100000&delay=50`)
      .then((/** @type {Response} */ response) => response.text());
  }, e2e.servers.api);
  await eventually("both calls at the API", async () => app.calls().length === before + 2);
}

/**
 * Waits, at most two seconds, until no connection of the application's is open at the API.
 *
 * @param {import("./harness/suite.mjs").Application} app
 */
async function freed(app) {
  const isOver = async () => app.calls().every(({ aborted }) => aborted);
  await eventually("the end of both", isOver, 2000);
}
