// @ts-check
// One session for every tab and over a reload; a sign-out that holds everywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();
const me = () => `${e2e.servers.api}/me`;

test("a reload keeps the session without a request to the provider", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await app.keepVault();
  const before = await tab.state();
  const { requests } = e2e.servers.direct.provider.counters.of();
  for (let round = 0; round < 3; round += 1) {
    await tab.driver.navigate().refresh();
    await tab.ready();
    const state = await tab.state();
    assert.deepEqual([state.status, state.claims], ["signedIn", before.claims]);
    assert.equal(state.expiresAt, before.expiresAt, "it is the same token");
    assert.equal((await tab.call(me())).status, 200);
  }
  assert.equal(e2e.servers.direct.provider.counters.of().requests, requests);
  const stored = await tab.run(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(stored, [0, 0, ""]);
});

test("a reload of the only tab finds its vault, or a new one that says so", async () => {
  const app = await e2e.application();
  // Not the tab of the sign-in: in WebKit's back/forward cache its earlier pages keep the vault.
  const first = await app.openTab();
  await first.signIn();
  const tab = await app.openTab();
  await tab.untilStatus("signedIn");
  await first.close();
  await tab.focus();
  await tab.driver.navigate().refresh();
  await tab.ready();
  const state = await tab.state();
  if (place.outlivesPage) return assert.equal(state.status, "signedIn");
  assert.deepEqual(state, { status: "signedOut", reason: "no_session" });
  await app.signInAgain(tab);
  await tab.untilStatus("signedIn");
});

test("a second tab is signed in at once, and stays when the first is closed", async () => {
  const app = await e2e.application();
  const first = await app.openSignedIn();
  const { requests } = e2e.servers.direct.provider.counters.of();
  const second = await app.openTab();
  await second.ready();
  const state = await second.state();
  assert.deepEqual([state.status, state.claims.sub], ["signedIn", "alice"]);
  const statuses = await second.run(() => window.tw.states.map(({ status }) => status));
  assert.ok(!statuses.includes("signedOut"), statuses.join());
  assert.equal(e2e.servers.direct.provider.counters.of().requests, requests);
  assert.equal((await second.call(me())).status, 200);
  await first.go("about:blank");
  assert.equal((await second.call(me())).status, 200);
});

test("a reload in the middle of a sign-in loses nothing", async () => {
  const app = await e2e.application();
  await app.keepVault();
  const { faults } = e2e.servers.direct.provider;
  const tab = await app.open();
  app.planFault({ grantType: "authorization_code", hold: true });
  await tab.toLogin();
  await tab.submitLogin();
  await eventually("the code at the provider", async () => faults.held === 1);
  await tab.driver.navigate().refresh();
  await tab.untilStatus("signingIn");
  // A call waits for the sign-in instead of failing.
  await tab.run((auth, url) => {
    window.tw.call = auth.fetch(url);
  }, me());
  faults.release();
  assert.equal(await tab.run(async () => (await window.tw.call).status), 200);
  assert.equal((await tab.state()).status, "signedIn");
  assert.equal(app.counts().codeRequests, 1);
});

test("a sign-in in one tab signs the other in", async () => {
  const app = await e2e.application();
  const first = await app.open();
  await first.ready();
  const second = await app.openTab();
  await second.ready();
  assert.equal((await second.state()).status, "signedOut");
  await first.signIn({ login: "carol" });
  const state = await second.untilStatus("signedIn");
  assert.equal(state.claims.sub, "carol");
  assert.equal((await second.call(me())).status, 200);
});

test("another user replaces the first in every tab, and the first one's token is gone (rf14)", async () => {
  const app = await e2e.application();
  const first = await app.openSignedIn({ login: "alice" });
  const second = await app.openTab();
  await second.untilStatus("signedIn");
  await first.toLogin({ prompt: "login" });
  await first.submitLogin("bob");
  await first.ready();
  await second.until("bob", (auth) => auth.state.claims?.sub === "bob");
  assert.equal(JSON.parse((await second.call(me())).text).sub, "bob");
  const [old] = app.tokens("refresh");
  await eventually("the first session's revocation", async () => app.counts().revocations >= 1);
  assert.equal(await refreshDirectly(app, old?.token ?? ""), 400);
});

test("a sign-out ends the session here, at the API and at the provider", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const other = await app.openTab();
  await other.untilStatus("signedIn");
  const [access] = app.tokens("access");
  const [refresh] = app.tokens("refresh");

  await tab.run((auth) => void auth.signOut());
  // To the provider and back to where the configuration says.
  await tab.untilUrl("the page after the logout", app.isHome);
  await tab.untilApp();
  await tab.ready();
  const back = await tab.state();
  assert.equal(back.status, "signedOut");

  const state = await other.untilStatus("signedOut");
  assert.equal(state.reason, "signed_out");
  for (const each of [tab, other]) {
    await assert.rejects(
      each.run((auth, url) => auth.fetch(url), me()),
      authError("not_signed_in", /sign/i, { phase: "fetch" }),
    );
  }
  assert.deepEqual([app.counts().logouts, app.counts().revocations >= 1], [1, true]);
  assert.equal(await refreshDirectly(app, refresh?.token ?? ""), 400);
  const direct = await fetch(me(), { headers: { authorization: `Bearer ${access?.token}` } });
  assert.equal(direct.status, 401);
  // The provider's own session is over too: the form is shown again.
  await tab.toLogin();
});

test("the way out and back carries no token", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  e2e.servers.direct.app.log.reset();
  await tab.run((auth) => void auth.signOut());
  await tab.untilUrl("the page after the logout", app.isHome);
  const { log } = e2e.servers.direct.app;
  await eventually("the arrival", async () => log.list().length > 0);
  const arrivals = log.list();
  // The provider is another origin, so its address is all that comes along.
  const seen = JSON.stringify([arrivals, await tab.run(() => document.referrer)]);
  for (const { token } of app.tokens()) assert.ok(!seen.includes(token.split(".").at(-1) ?? ""));
});

test("a local sign-out stays in the page and revokes all the same", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const [refresh] = app.tokens("refresh");
  await tab.run((auth) => auth.signOut({ local: true }));
  assert.equal(await tab.url(), app.callback);
  const state = await tab.untilStatus("signedOut");
  assert.equal(state.reason, "signed_out");
  await eventually("the revocation", async () => app.counts().revocations >= 1);
  assert.equal(await refreshDirectly(app, refresh?.token ?? ""), 400);
  assert.equal(app.counts().logouts, 0);
  // Twice is once.
  await tab.run((auth) => auth.signOut({ local: true }));
  assert.equal((await tab.state()).status, "signedOut");
});

test("a sign-out beats a refresh that is under way: its late answer is revoked (rf13)", async () => {
  const app = await e2e.application({ provider: { accessTokenTtl: 3 } });
  const tab = await app.openSignedIn();
  // An answer of our own, since the real provider would refuse what was revoked meanwhile.
  const late = { access_token: "late-1", refresh_token: "late-2", token_type: "Bearer" };
  app.planFault({ grantType: "refresh_token", hold: true, status: 200, body: late });
  const { faults } = e2e.servers.direct.provider;
  const { expiresAt } = await tab.state();
  await eventually("the refresh at the provider", async () => faults.held === 1);
  await eventually("the expiry", async () => Date.now() > expiresAt);
  await tab.run((auth, url) => {
    window.tw.call = auth.fetch(url);
    window.tw.call.catch(() => {});
  }, me());
  await tab.run((auth) => auth.signOut({ local: true }));
  await assert.rejects(
    tab.run(() => window.tw.call),
    authError("session_ended", /signIn/, { phase: "fetch" }),
  );
  assert.equal(app.counts().revocations, 1);
  faults.release();
  await eventually("the late token's revocation", async () => app.counts().revocations === 2);
  const { status, reason } = await tab.state();
  assert.deepEqual([status, reason], ["signedOut", "signed_out"]);
  assert.equal(app.calls().length, 0);
});

test("close() lets go of the vault and keeps the session", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const outcome = await tab.run(async (auth, url) => {
    auth.close();
    const closed = await auth.fetch(url).catch((/** @type {any} */ error) => error.code);
    const next = window.tw.sdk.createClient(window.tw.settings.options);
    await next.ready;
    const { status } = await next.fetch(url);
    return [closed, next.state.status, status];
  }, me());
  assert.deepEqual(outcome, ["closed", "signedIn", 200]);
});

test("two clients of one configuration share a session, another configuration does not", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const statuses = await tab.run(async () => {
    const { sdk, settings } = window.tw;
    const same = sdk.createClient(settings.options);
    const { clientId, issuer, ...rest } = settings.options;
    const inOtherOrder = sdk.createClient({ ...rest, issuer, clientId });
    const wider = sdk.createClient({
      ...settings.options,
      resources: [{ origin: "https://attacker.example" }],
    });
    const clients = [same, inOtherOrder, wider];
    await Promise.all(clients.map(({ ready }) => ready));
    return clients.map(({ state }) => state.status);
  });
  assert.deepEqual(statuses, [
    "signedIn",
    place.outlivesPage ? "signedIn" : statuses[1],
    "signedOut",
  ]);
});

/**
 * Asks the provider with a refresh token, as a thief would.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {string} token
 * @returns {Promise<number>} the answer's status
 */
async function refreshDirectly(app, token) {
  const body = new URLSearchParams({
    client_id: app.clientId,
    grant_type: "refresh_token",
    refresh_token: token,
  });
  const headers = { "x-tokenward-internal": "1" };
  return (await fetch(`${e2e.servers.issuer}/token`, { method: "POST", body, headers })).status;
}
