// @ts-check
// One session for every tab and over a reload; a sign-out that holds everywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { once, place } from "./harness/place.mjs";
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
  if (!place.sharesTabs) return aReloadAsksTheProvider(app, tab);
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

/**
 * Where the vault goes with its page, a reload has the provider asked, and nobody else.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 */
async function aReloadAsksTheProvider(app, tab) {
  await tab.driver.navigate().refresh();
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  assert.equal((await tab.call(me())).status, 200);
  assert.equal(app.counts().codesSucceeded, 2);
}

test("a reload of the only tab finds its vault, or asks the provider", async () => {
  const app = await e2e.application();
  // Not the tab of the sign-in: in WebKit's back/forward cache its earlier pages keep the vault.
  const first = await app.openTab();
  await first.signIn();
  const tab = await app.openTabSignedIn();
  await first.close();
  await tab.focus();
  await tab.driver.navigate().refresh();
  await app.untilSignedIn(tab);
  const expected = place.outlivesPage ? undefined : "redirect";
  assert.equal((await tab.state()).restoredBy, expected);
  assert.equal((await tab.call(me())).status, 200);
});

test("a second tab is signed in at once, and stays when the first is closed", async () => {
  const app = await e2e.application();
  const first = await app.openSignedIn();
  const { requests } = e2e.servers.direct.provider.counters.of();
  if (!place.sharesTabs) {
    // Its vault is its own: it asks the provider, which shows no form, and has a session of its own.
    const own = await app.openTab();
    await own.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    await first.go("about:blank");
    assert.equal((await own.call(me())).status, 200);
    return;
  }
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

test("a reload in the middle of a sign-in loses nothing", once, async () => {
  const app = await e2e.application();
  await app.keepVault();
  const { faults } = e2e.servers.direct.provider;
  const tab = await app.open();
  app.planFault({ grantType: "authorization_code", hold: true });
  await tab.toLogin();
  await tab.submitLogin();
  await eventually("the code at the provider", async () => faults.held === 1);
  await tab.driver.navigate().refresh();
  if (!place.sharesTabs) {
    // The code's answer went with the page; the address is clean, so nothing is tried twice.
    const state = await tab.untilStatus("signedOut");
    assert.equal(state.reason, "no_session");
    faults.release();
    await app.signInAgain(tab);
    await tab.untilStatus("signedIn");
    return;
  }
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

test("a sign-in in one tab signs the other in, or is told to it", async () => {
  const app = await e2e.application();
  const first = await app.open();
  await first.ready();
  const second = await app.openTab();
  await second.ready();
  assert.equal((await second.state()).status, "signedOut");
  await first.signIn({ login: "carol" });
  if (!place.sharesTabs) {
    await second.untilSignedOut("signed_in_elsewhere");
    // What an application may do then: no form is shown, whatever the answer.
    const { authorizations } = app.counts();
    await second.run((auth) => void auth.signIn({ prompt: "none" }));
    await eventually("the way back", async () => app.callbacks().length === 2);
    await second.untilApp();
    assert.equal(app.counts().authorizations, authorizations + 1);
  }
  const state = await second.untilStatus("signedIn");
  assert.equal(state.claims.sub, "carol");
  assert.equal((await second.call(me())).status, 200);
});

test(
  "another user replaces the first in every tab, and the first one's token is gone (rf14)",
  once,
  async () => {
    const app = await e2e.application();
    const first = await app.openSignedIn({ login: "alice" });
    const second = await app.openTabSignedIn();
    await first.toLogin({ prompt: "login" });
    await first.submitLogin("bob");
    await first.ready();
    if (!place.sharesTabs) {
      // Each tab keeps its own user, and its own user's token.
      for (const [tab, sub] of /** @type {const} */ ([
        [first, "bob"],
        [second, "alice"],
      ])) {
        assert.equal((await tab.state()).claims.sub, sub);
        assert.equal(JSON.parse((await tab.call(me())).text).sub, sub);
      }
      const changed = await second.run(() => window.tw.states.map(({ status }) => status));
      assert.ok(!changed.slice(changed.indexOf("signedIn")).includes("signedOut"), changed.join());
      return;
    }
    await second.until("bob", (auth) => auth.state.claims?.sub === "bob");
    assert.equal(JSON.parse((await second.call(me())).text).sub, "bob");
    const [old] = app.tokens("refresh");
    await eventually("the first session's revocation", async () => app.counts().revocations >= 1);
    assert.equal(await app.refreshDirectly(old?.token ?? ""), 400);
  },
);

test("a sign-out ends the session here, at the API and at the provider", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const other = await app.openTabSignedIn();
  const access = app.tokens("access");
  const refresh = app.tokens("refresh");

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
  const sessions = place.sharesTabs ? 1 : 2;
  assert.equal(app.counts().logouts, 1);
  await eventually("each session's revocation", async () => app.counts().revocations >= sessions);
  assert.deepEqual([access.length, refresh.length], [sessions, sessions]);
  for (const { token } of refresh) assert.equal(await app.refreshDirectly(token), 400);
  for (const { token } of access) {
    const direct = await fetch(me(), { headers: { authorization: `Bearer ${token}` } });
    assert.equal(direct.status, 401);
  }
  // The provider's own session is over too: the form is shown again.
  await tab.toLogin();
});

test("a sign-out in one tab is there in the others in under a second (lo3)", async () => {
  const app = await e2e.application();
  const first = await app.openSignedIn();
  const second = await app.openTabSignedIn();
  const third = await app.openTab();
  await third.ready();
  await first.run((auth) => void auth.signOut({ local: true }));
  for (const tab of [second, third]) {
    const told = () => tab.run((auth) => auth.state.reason === "signed_out");
    // Nobody was ever signed in in the third, where each has a vault of its own.
    if (tab === second || place.sharesTabs) await eventually("the sign-out", told, 1000);
    else assert.equal((await tab.state()).status, "signedOut");
  }
});

test("a sign-out where nobody is signed in ends the sessions of other tabs too", once, async () => {
  const app = await e2e.application();
  const second = await app.openSignedIn();
  const first = await app.openTab();
  await first.ready();
  await first.run((auth) => auth.signOut({ local: true }));
  await second.untilSignedOut("signed_out");
  await eventually("the revocation", async () => app.counts().revocations >= 1);
});

test(
  "what tabs tell each other is an event and its epoch, and nothing of anybody (im6, t16)",
  once,
  async () => {
    const app = await e2e.application();
    const listener = await app.open();
    await listener.run((_, name) => {
      window.tw.heard = [];
      const channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => window.tw.heard.push(data);
    }, `tokenward/${e2e.servers.issuer}/${app.clientId}`);
    const tab = await app.openTab();
    await tab.ready();
    await tab.signIn();
    await tab.run((auth) => auth.signOut({ local: true }));
    await listener.until("all", () => window.tw.heard.length === 3);
    const [first, build, last] = await listener.run(() => window.tw.heard);
    assert.deepEqual(
      [first, last],
      [
        { epoch: 1, event: "signedIn" },
        { epoch: 2, event: "signedOut" },
      ],
    );
    // When the vault began, and what it is.
    assert.deepEqual(Object.keys(build).sort(), ["epoch", "event"]);
    assert.match(build.event, /^vault 1 [0-9a-f]{16}$/);
    // What others say there is heard only where it is such an event.
    await app.signInAgain(tab);
    await tab.untilStatus("signedIn");
    await listener.run((_, name) => {
      const channel = new BroadcastChannel(name);
      const noise = [null, 7, "signedOut", [], {}, { event: "signedOut" }, { epoch: "9" }];
      for (const message of noise) channel.postMessage(message);
      channel.postMessage({ epoch: 9, event: "signedOver" });
      channel.postMessage({ epoch: 9, event: "signedIn" });
    }, `tokenward/${e2e.servers.issuer}/${app.clientId}`);
    assert.equal((await tab.call(me())).status, 200);
    assert.equal((await tab.state()).status, "signedIn");
  },
);

test("the client says where its vault is", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  assert.equal(await tab.run((auth) => auth.place), place.place);
  const usual = await tab.run(async () => {
    const { isolation: _, ...options } = window.tw.settings.options;
    const client = window.tw.sdk.createClient(options);
    await client.ready;
    client.close();
    return client.place;
  });
  assert.equal(usual, await tab.run(() => ("SharedWorker" in window ? "shared" : "worker")));
});

test("the way out and back carries no token", once, async () => {
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

test("a local sign-out stays in the page and revokes all the same (rv4)", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const [refresh] = app.tokens("refresh");
  await tab.run((auth) => auth.signOut({ local: true }));
  assert.equal(await tab.url(), app.callback);
  const state = await tab.untilStatus("signedOut");
  assert.equal(state.reason, "signed_out");
  await eventually("the revocation", async () => app.counts().revocations >= 1);
  assert.equal(await app.refreshDirectly(refresh?.token ?? ""), 400);
  assert.equal(app.counts().logouts, 0);
  // Twice is once.
  await tab.run((auth) => auth.signOut({ local: true }));
  assert.equal((await tab.state()).status, "signedOut");
});

test(
  "a sign-out beats a refresh that is under way: its late answer is revoked (rf13)",
  once,
  async () => {
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
  },
);

test("close() lets go of the vault and keeps the session", once, async () => {
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

test(
  "two clients of one configuration share a session, another configuration does not",
  once,
  async () => {
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
        // Or it would have the page ask the provider.
        restore: "none",
      });
      const clients = [same, inOtherOrder, wider];
      await Promise.all(clients.map(({ ready }) => ready));
      return clients.map(({ state }) => state.status);
    });
    assert.deepEqual(statuses, ["signedIn", "signedIn", "signedOut"]);
    assert.equal(app.counts().codesSucceeded, 1);
  },
);
