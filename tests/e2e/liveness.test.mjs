// @ts-check
// A vault that dies is noticed and replaced; a page that goes takes its calls with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hangVaults, killVaults, MORTAL_URL } from "./harness/mortal.mjs";
import { endsAlone, inShared, once, place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();
/** What is told of a loss itself; `restore.test.mjs` has what is done about it. */
const mortal = { options: { restore: "none", vaultUrl: MORTAL_URL } };

test(
  "a killed vault is noticed: calls end with a typed error, and the page goes on",
  endsAlone,
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
    assert.equal(state.reason, "vault_gone");
    await assert.rejects(
      tab.run((auth, url) => auth.fetch(url), `${e2e.servers.api}/me`),
      authError("not_signed_in", /signIn/),
    );
    await app.signInAgain(tab);
    await tab.ready();
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  },
);

test("every tab of a killed vault meets in the next one", inShared, async () => {
  const app = await e2e.application(mortal);
  const first = await app.openSignedIn();
  const second = await app.openTabSignedIn();
  await killVaults(first);
  for (const tab of [first, second]) {
    assert.equal((await tab.untilStatus("signedOut")).reason, "vault_gone");
  }
  await app.signInAgain(first);
  await second.untilStatus("signedIn");
  assert.equal((await second.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a vault that hangs is left behind: the next page gets another", endsAlone, async () => {
  const app = await e2e.application({ options: { vaultUrl: MORTAL_URL } });
  const first = await app.openSignedIn();
  await hangVaults(first);
  try {
    // The first page stays, and keeps the vault that hangs.
    const tab = await app.openTab();
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  } finally {
    await e2e.engine.devTools?.kill(e2e.driver, place.target ?? "none");
  }
});

test("a page that is closed in the middle of calls frees them, and others go on", async () => {
  const app = await e2e.application();
  e2e.letPageConnect(e2e.servers.api);
  const first = await app.openSignedIn();
  const second = await app.openTabSignedIn();
  await startDownloads(app, second);
  await startOwn(app, second);
  await second.close();
  await first.focus();
  await ownFreed(app);
  await freed(app);
  assert.equal((await first.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a last page that is closed or left in mid-download frees its connections", async () => {
  const app = await e2e.application();
  const tab = await app.openTab();
  await tab.signIn();
  // Elsewhere the vault goes into the back/forward cache with its page, or stands still while that is there,
  // and its requests with it, as a page's own do.
  if (place.sharesTabs && !e2e.engine.suspendsSharedWorkers) {
    await startDownloads(app, tab);
    await tab.go(`${e2e.servers.other}/`);
    await freed(app);
  }

  e2e.letPageConnect(e2e.servers.api);
  const last = await app.openTabSignedIn();
  await startDownloads(app, last);
  await startOwn(app, last);
  await tab.close();
  await last.close();
  await e2e.tab().focus();
  await ownFreed(app);
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
    await app.reload(tab);
  }
  // Browsers give one host six connections.
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a page without its locks is not taken for dead", once, async () => {
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

test("a page that comes back from the back/forward cache shows what is, not what was (lo3, t35)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const other = await app.openTabSignedIn();
  await tab.run(() => {
    window.tw.mark = "before";
  });
  await tab.go(`${e2e.servers.app}/c/keeper/`);
  await other.run((auth) => auth.signOut({ local: true }));
  await tab.focus();
  await tab.driver.navigate().back();
  await tab.untilApp();
  await tab.untilStatus("signedOut");
  if ((await tab.run(() => window.tw.mark)) !== "before") return;
  // It was in the cache, and so was its vault where that is its own: it knows why.
  await tab.untilSignedOut("signed_out");
  await assertNoneHonoured(app);
});

test("a page from the back/forward cache sees a sign-in elsewhere", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  await tab.run(() => {
    window.tw.mark = "before";
  });
  await tab.go(`${e2e.servers.app}/c/keeper/`);
  const other = await app.openTab();
  await other.ready();
  await other.signIn();
  await tab.focus();
  await tab.driver.navigate().back();
  await tab.untilApp();
  if (place.sharesTabs) await tab.untilStatus("signedIn");
  else if ((await tab.run(() => window.tw.mark)) === "before") {
    await tab.untilSignedOut("signed_in_elsewhere");
  }
});

test("a vault that hangs is replaced for the next client of its page", endsAlone, async () => {
  const app = await e2e.application({ page: { watched: true }, ...mortal });
  const tab = await app.openSignedIn();
  await hangVaults(tab);
  try {
    await tab.run(async () => {
      window.tw.older = window.tw.auth;
      window.tw.auth = window.tw.sdk.createClient(window.tw.settings.options);
      await window.tw.auth.ready;
    });
    assert.equal((await tab.state()).status, "signedOut");
    // A worker of the page's own is ended, so the older client notices, and finds the new one.
    if (!place.sharesTabs) {
      await tab.until("the older client", () => window.tw.older.state.status === "signedOut");
      assert.equal(await tab.run(() => window.tw.made.length), 2, "both clients in one vault");
    }
    await app.signInAgain(tab);
    await tab.untilStatus("signedIn");
  } finally {
    if (place.sharesTabs) await e2e.engine.devTools?.kill(e2e.driver, "shared_worker");
  }
});

/**
 * Asserts that each of two tabs' sessions was revoked, and the provider honours none of their tokens.
 *
 * @param {import("./harness/suite.mjs").Application} app
 */
async function assertNoneHonoured(app) {
  const sessions = place.sharesTabs ? 1 : 2;
  await eventually("the revocations", async () => app.counts().revocations >= sessions);
  const tokens = app.tokens("refresh");
  assert.ok(tokens.length >= sessions);
  for (const { token } of tokens) assert.equal(await app.refreshDirectly(token), 400);
}

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

/** Where a page calls the API by its own `fetch`. */
const OWN = "/stream?chunks=100000&delay=50&own";

/**
 * Has the page itself download something: the browser ends that when it ends the page, which on a busy
 * machine is some time after the tab has gone.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 */
async function startOwn(app, tab) {
  const status = await tab.run(
    async (_auth, url, token) => {
      const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
      void response.text().catch(() => {});
      return response.status;
    },
    e2e.servers.api + OWN,
    app.tokens("access").at(-1)?.token,
  );
  assert.equal(status, 200);
}

/**
 * Waits until the browser has ended what the closed page had under way itself.
 *
 * @param {import("./harness/suite.mjs").Application} app
 */
async function ownFreed(app) {
  const own = () => app.calls().filter(({ url }) => url.endsWith("&own"));
  assert.ok(own().length > 0);
  await eventually("the end of the page", async () => own().every(({ aborted }) => aborted));
}

/**
 * Waits, at most two seconds, until no connection of the application's is open at the API.
 *
 * @param {import("./harness/suite.mjs").Application} app
 */
async function freed(app) {
  const open = () => app.calls().filter(({ aborted }) => !aborted);
  const what = () => `the end of ${open().map(({ url }) => url)}`;
  await eventually(what, async () => open().length === 0, 2000);
}
