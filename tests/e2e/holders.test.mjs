// @ts-check
// Whoever holds the lock around token requests dies, at each step: the next goes on, and no refresh
// token is used twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CRASH_URL, crashVaults, killVaults, MORTAL_URL } from "./harness/mortal.mjs";
import { apart, inShared } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();
const me = () => `${e2e.servers.api}/me`;

/** How soon another tab must have the lock and its token. */
const SOON_MS = 5000;
/** No answer is late here: the lock is let go by a death alone. */
const PATIENT = { timeouts: { networkMs: 60_000 } };

/** @type {[moment: string, fault: import("../servers/faults.mjs").Fault][]} */
const OF_A_CODE = [
  // A new vault asks for the metadata with the lock in its hand.
  ["before its request is sent", { step: "discovery", hold: true }],
  ["while its request is under way", { step: "code", hold: true }],
  ["after it was answered", { step: "code", spoil: "stall" }],
];

for (const [moment, fault] of OF_A_CODE) {
  test(`a tab that holds the lock is closed ${moment}: another goes on`, apart, async () => {
    const app = await e2e.application({
      options: { ...PATIENT, callback: "manual", restore: "none" },
    });
    const { faults } = e2e.servers.direct.provider;
    const tab = await app.open();
    await tab.toLogin();
    await tab.submitLogin();
    await tab.run((auth) => auth.handleCallback(location.href));
    const holder = await app.openTab();
    await holder.ready();
    await app.signInAgain(holder);
    app.planFault(fault);
    await holder.run((auth) => {
      auth.handleCallback(location.href).catch(() => {});
    });
    await eventually("the holder's request", async () => faults.held === 1);

    app.refuseTokens();
    await startCall(tab);
    await eventually("the refusal", async () => app.calls().length === 1);
    assert.equal(app.counts().refreshRequests, 0, "the other went ahead without the lock");
    await holder.close();
    const status = () => tab.run(() => window.tw.status);
    assert.equal(await eventually("the other's token", status, SOON_MS), 200);
    const { refreshRequests, reuses } = app.counts();
    assert.deepEqual([refreshRequests, reuses], [1, 0]);
  });
}

/** @type {[moment: string, fault: import("../servers/faults.mjs").Fault | undefined][]} */
const OF_A_REFRESH = [
  ["before a refresh is sent", undefined],
  ["while a refresh is under way", { step: "refresh", hold: true }],
  ["after a refresh was answered", { step: "refresh", spoil: "stall" }],
];

for (const [moment, fault] of OF_A_REFRESH) {
  test(`a vault of all tabs that dies ${moment} is replaced, and asks anew`, inShared, async () => {
    const app = await e2e.application({ options: { ...PATIENT, vaultUrl: MORTAL_URL } });
    const { faults } = e2e.servers.direct.provider;
    const tab = await app.openSignedIn();
    const second = await app.openTabSignedIn();
    if (fault) app.planFault(fault);
    else await holdLock(app);
    app.refuseTokens();
    await startCall(tab);
    await startCall(second);
    await eventually("the refusals", async () => app.calls().length === 2);
    if (fault) await eventually("the refresh", async () => faults.held === 1);
    else await tab.until("a refresh that waits", (auth) => auth.state.refreshing);
    await killVaults(tab);
    for (const one of [tab, second]) await untilAnswered(one, "vault_crashed");
    faults.release();
    await second.run(() => new BroadcastChannel("release").postMessage("now"));
    for (const one of [tab, second]) {
      await one.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
      assert.equal((await one.call(me())).status, 200);
    }
    const { codesSucceeded, refreshRequests, reuses } = app.counts();
    assert.deepEqual([codesSucceeded, refreshRequests, reuses], [2, fault ? 1 : 0, 0]);
  });
}

test(
  "a vault in which something breaks ends itself, and the session comes back",
  inShared,
  async () => {
    const app = await e2e.application({ options: { ...PATIENT, vaultUrl: CRASH_URL } });
    const tab = await app.openSignedIn();
    app.planFault({ step: "refresh", hold: true });
    app.refuseTokens();
    await startCall(tab);
    await eventually("the refresh", async () => e2e.servers.direct.provider.faults.held === 1);
    await crashVaults(tab);
    await untilAnswered(tab, "vault_crashed");
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    assert.equal((await tab.call(me())).status, 200);
    assert.equal(app.counts().reuses, 0);
  },
);

test("and where it cannot come back, it ends with its reason", inShared, async () => {
  const app = await e2e.application({ options: { vaultUrl: CRASH_URL } });
  const tab = await app.openSignedIn();
  e2e.servers.direct.provider.endSessions();
  await crashVaults(tab);
  const state = await tab.untilSignedOut("vault_gone");
  assert.equal(state.error.oauthError, "login_required");
  const [ended] = await tab.run((auth) => auth.diagnostics());
  assert.deepEqual([ended.type, ended.reason], ["ended", "vault_gone"]);
  await assert.rejects(tab.call(me()), authError("not_signed_in", /signIn/));
});

/**
 * Begins a call; its status or its error's code will be in `tw.status`, over a reload too.
 *
 * @param {import("./harness/tab.mjs").Tab} tab
 */
function startCall(tab) {
  return tab.run((auth, url) => {
    sessionStorage.removeItem("outcome");
    const told = (/** @type {string | number} */ outcome) => {
      window.tw.status = outcome;
      sessionStorage.outcome = outcome;
    };
    auth.fetch(url).then(
      (/** @type {Response} */ { status }) => told(status),
      (/** @type {{ code: string }} */ { code }) => told(code),
    );
  }, me());
}

/**
 * Waits until the call has an answer, in whatever page the tab is meanwhile.
 *
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {string} code
 */
async function untilAnswered(tab, code) {
  const outcome = await tab.until("the call's answer", () => sessionStorage.outcome);
  assert.equal(outcome, code);
}

/**
 * Holds the lock around token requests in a page of its own, until that is closed.
 *
 * @param {import("./harness/suite.mjs").Application} app
 */
async function holdLock(app) {
  const holder = await e2e.newTab();
  await holder.go(`${e2e.servers.app}/c/keeper/`);
  await holder.run(
    (_, name) =>
      new Promise((held) => {
        navigator.locks.request(name, () => {
          held(undefined);
          // Not for ever: whoever is signed in again needs it for the code.
          return new Promise((release) => {
            new BroadcastChannel("release").onmessage = release;
          });
        });
      }),
    `tokenward/${e2e.servers.issuer}/${app.clientId}`,
  );
}
