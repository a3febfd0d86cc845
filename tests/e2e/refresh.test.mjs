// @ts-check
// Silent refresh: it happens without a call, once for everybody who waits, in every tab.
import assert from "node:assert/strict";
import { test } from "node:test";
import { apart, inOneCell, once, place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { eventually } from "./harness/tab.mjs";

const e2e = suite();
/** For tests of tabs whose vaults are their own. */

/** A provider may take its time: refreshes are held here until everybody waits. */
const PATIENT = { timeouts: { networkMs: 120_000 } };

/**
 * Lets the token expire while the refresh that is due anyway is held at the provider, until
 * `faults.release()`. The next token lives long.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 */
async function expire(app, tab) {
  const { provider } = e2e.servers.direct;
  app.planFault({ grantType: "refresh_token", hold: true });
  const { expiresAt } = await tab.state();
  await eventually("the refresh at the provider", async () => provider.faults.held === 1);
  await eventually("the expiry", async () => Date.now() > expiresAt);
  provider.changeClient(app.clientId, { accessTokenTtl: 300 });
}

test("short tokens are refreshed in time without any call", async () => {
  const app = await e2e.application({ provider: { accessTokenTtl: 4 } });
  const tab = await app.openSignedIn();
  const first = await tab.state();
  assert.ok(first.refreshAt < first.expiresAt, "the refresh is due before the expiry");
  await eventually("two refreshes", async () => app.counts().refreshesSucceeded >= 2);
  const state = await tab.untilStatus("signedIn");
  assert.ok(state.expiresAt > first.expiresAt);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  const { reuses, refreshesFailed } = app.counts();
  assert.deepEqual([reuses, refreshesFailed], [0, 0]);
  assert.deepEqual(
    app.calls().map(({ status }) => status),
    [200],
    "no call went out with an old token",
  );
});

test(
  "1,000 calls on a token that has expired cause one refresh and no failure (rf2)",
  inOneCell,
  async () => {
    const app = await e2e.application({ provider: { accessTokenTtl: 3 }, options: PATIENT });
    const tab = await app.openSignedIn();
    await expire(app, tab);
    await startCalls(tab, 1000);
    await waiting(tab, 1000);
    assert.equal(app.calls().length, 0, "a call went out with an expired token");
    e2e.servers.direct.provider.faults.release();
    assert.deepEqual(await statuses(tab), { 200: 1000 });

    const { refreshRequests, refreshesSucceeded, reuses } = app.counts();
    assert.deepEqual([refreshRequests, refreshesSucceeded, reuses], [1, 1, 0]);
    assert.equal(app.calls().length, 1000);
  },
);

test(
  "1,000 calls with a token that the API refuses cause one refresh and no failure",
  inOneCell,
  async () => {
    const app = await e2e.application();
    const tab = await app.openSignedIn();
    assert.equal(app.refuseTokens(), 1);
    await startCalls(tab, 1000);
    assert.deepEqual(await statuses(tab), { 200: 1000 });
    const { refreshRequests, refreshesSucceeded, reuses } = app.counts();
    assert.deepEqual([refreshRequests, refreshesSucceeded, reuses], [1, 1, 0]);
    const refused = app.calls().filter(({ status }) => status === 401).length;
    assert.ok(refused >= 1 && refused <= 1000, String(refused));
    assert.equal(app.calls().length, 1000 + refused, "each refused call is sent once more");
  },
);

test(
  "10 tabs of 20 calls on an expired token cause one refresh and no failure (rf2)",
  inOneCell,
  async () => {
    const app = await e2e.application({ provider: { accessTokenTtl: 3 }, options: PATIENT });
    const tabs = [await app.openSignedIn()];
    await expire(app, /** @type {import("./harness/tab.mjs").Tab} */ (tabs[0]));
    while (tabs.length < 10) tabs.push(await app.openTab());
    for (const tab of tabs) await startCalls(tab, 20);
    assert.equal(app.calls().length, 0, "a call went out with an expired token");
    e2e.servers.direct.provider.faults.release();
    for (const tab of tabs) assert.deepEqual(await statuses(tab), { 200: 20 });

    const { refreshRequests, refreshesSucceeded, reuses } = app.counts();
    assert.deepEqual([refreshRequests, refreshesSucceeded, reuses], [1, 1, 0]);
    assert.equal(app.calls().length, 200);
  },
);

test("tabs with a session each refresh it once each, one after the other", apart, async () => {
  const app = await e2e.application({ options: PATIENT });
  const { faults } = e2e.servers.direct.provider;
  const tabs = [await app.openSignedIn()];
  while (tabs.length < 4) tabs.push(await app.openTabSignedIn());
  app.refuseTokens();
  app.planFault({ grantType: "refresh_token", hold: true });
  for (const tab of tabs) await startCalls(tab, 20);
  await eventually("a refresh at the provider", async () => faults.held === 1);
  // Every call is refused by now, so every tab wants its refresh.
  await eventually("all refusals", async () => app.calls().length === 80);
  assert.equal(app.counts().refreshRequests, 1, "a second began before the first was answered");
  faults.release();
  for (const tab of tabs) assert.deepEqual(await statuses(tab), { 200: 20 });
  const { refreshRequests, refreshesSucceeded, reuses } = app.counts();
  assert.deepEqual([refreshRequests, refreshesSucceeded, reuses], [4, 4, 0]);
});

test(
  "a valid token is lent while its refresh fails, and the session is kept (rf6)",
  inOneCell,
  async () => {
    const app = await e2e.application({ provider: { accessTokenTtl: 8 } });
    const tab = await app.openSignedIn();
    const { expiresAt } = await tab.state();
    app.planFault({ grantType: "refresh_token", status: 503, body: "down", count: 50 });
    const degraded = await tab.until("a failed refresh", (auth) => auth.state.degraded);
    assert.equal(degraded.retryable, true);
    if (Date.now() < expiresAt - 2000) {
      assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
    }
    e2e.servers.direct.provider.faults.clear();
    await eventually("a refresh", async () => app.counts().refreshesSucceeded > 0);
    await tab.until("no degradation", (auth) => !auth.state.degraded);
    const statuses = await tab.run(() => window.tw.states.map(({ status }) => status));
    assert.ok(!statuses.slice(statuses.indexOf("signedIn")).includes("signedOut"));
  },
);

test("invalid_grant ends the session once, with its reason (rf5)", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const other = await app.openTabSignedIn();
  assert.ok(e2e.servers.direct.provider.revokeGrants({ clientId: app.clientId }) >= 1);
  const learn = (/** @type {import("./harness/tab.mjs").Tab} */ each) =>
    each.call(`${e2e.servers.api}/me`).then(
      ({ status }) => assert.equal(status, 401),
      (error) => assert.equal(error.code, "session_ended"),
    );
  await learn(tab);
  // What the provider ended is nobody's sign-out: a vault of its own finds it out by itself.
  if (!place.sharesTabs) {
    await tab.untilStatus("signedOut");
    assert.equal((await other.state()).status, "signedIn");
    await learn(other);
  }
  for (const each of [tab, other]) {
    const state = await each.untilStatus("signedOut");
    assert.equal(state.reason, "session_ended");
    const ends = await each.run(
      () => window.tw.states.filter(({ reason }) => reason === "session_ended").length,
    );
    assert.equal(ends, 1);
  }
  assert.equal(app.counts().refreshRequests, place.sharesTabs ? 1 : 2);
});

test(
  "without a refresh token the session ends at its expiry, once, with its reason",
  inOneCell,
  async () => {
    const app = await e2e.application({
      options: { scope: ["openid"] },
      provider: { accessTokenTtl: 3 },
    });
    const tab = await app.openSignedIn();
    assert.equal((await tab.state()).refreshAt, null);
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
    const state = await tab.untilStatus("signedOut");
    assert.equal(state.reason, "expired");
    assert.equal(app.counts().refreshRequests, 0);
  },
);

test("a tab that is closed in the middle of its refresh lets the other go on", once, async () => {
  const app = await e2e.application({ options: PATIENT });
  const { faults } = e2e.servers.direct.provider;
  const first = await app.openSignedIn();
  const second = await app.openTabSignedIn();
  app.refuseTokens();
  app.planFault({ grantType: "refresh_token", hold: true });
  await startCalls(second, 1);
  await eventually("its refresh at the provider", async () => faults.held === 1);
  await startCalls(first, 20);
  await eventually("all refusals", async () => app.calls().length === 21);
  assert.equal(app.counts().refreshRequests, 1, "the other went ahead without the lock");
  await second.close();
  // One vault for both still waits for that answer; a vault that died with its tab waits for nothing.
  if (place.sharesTabs) faults.release();
  assert.deepEqual(await statuses(first), { 200: 20 });
  const { refreshRequests, reuses } = app.counts();
  assert.deepEqual([refreshRequests, reuses], [place.sharesTabs ? 1 : 2, 0]);
});

test("a lock whose holder does not let go is taken from it (t17)", once, async () => {
  const app = await e2e.application({ options: { timeouts: { networkMs: 1000 } } });
  const tab = await app.openSignedIn();
  // As a vault that hangs would, or a script of the origin that means no good.
  const holder = await e2e.newTab();
  await holder.go(`${e2e.servers.app}/c/keeper/`);
  await holder.run(
    (_, name) =>
      new Promise((held) => {
        const request = navigator.locks.request(name, () => {
          held(undefined);
          return new Promise(() => {});
        });
        request.catch((/** @type {DOMException} */ error) => {
          window.tw.lost = error.name;
        });
      }),
    `tokenward/${e2e.servers.issuer}/${app.clientId}`,
  );
  app.refuseTokens();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  assert.equal(app.counts().refreshesSucceeded, 1);
  await holder.until("the loss", () => window.tw.lost === "AbortError");
  // And it is let go afterwards.
  app.refuseTokens();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {number} count
 */
function startCalls(tab, count) {
  return tab.run(
    (auth, url, count) => {
      const one = async () => {
        const response = await auth.fetch(url);
        await response.text();
        return response.status;
      };
      window.tw.calls = Promise.allSettled(Array.from({ length: count }, one));
      window.tw.settledCalls = 0;
      window.tw.calls.then(() => {
        window.tw.settledCalls = count;
      });
    },
    `${e2e.servers.api}/me`,
    count,
  );
}

/**
 * Waits until every call has reached the vault: messages of one port keep their order, so an answer
 * to a later question says that the earlier ones arrived.
 *
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {number} count
 */
async function waiting(tab, count) {
  await tab.run((auth) => auth.exportAccessToken().catch(() => {}));
  assert.notEqual(await tab.run(() => window.tw.settledCalls), count);
}

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @returns {Promise<Record<string, number>>} how often each outcome occurred
 */
function statuses(tab) {
  return tab.run(async () => {
    /** @type {Record<string, number>} */
    const counts = {};
    /** @type {PromiseSettledResult<number>[]} */
    const calls = await window.tw.calls;
    for (const call of calls) {
      const key = call.status === "fulfilled" ? call.value : `${call.reason}`;
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  });
}
