// @ts-check
// A session that outlives its vault under a seal (`persistence: "sealed"`): the next vault goes on with one
// refresh, and nothing that can be read is stored. Where the browser does not keep it, the session goes on
// without, and says so.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BROKEN } from "./harness/broken.mjs";
import { loseVault, MORTAL_URL } from "./harness/mortal.mjs";
import { apart, inOneCell, inWorker, once, place, storesKeys } from "./harness/place.mjs";
import { removeStored } from "./harness/proofs.mjs";
import { everythingStored, sealedRecords, tamper } from "./harness/stored.mjs";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, authError, eventually } from "./harness/tab.mjs";
import { search } from "./harness/token-search.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */
/** @typedef {import("./harness/tab.mjs").Tab} Tab */

const e2e = suite();
/** For tests of a record that does in each place what it does in one: WebKit's is the one that it has by itself. */
const storedOnce = { ...storesKeys, ...(e2e.engine.storesKeysShared ? once : inWorker) };
const SEALED = { dpop: true, persistence: /** @type {const} */ ("sealed"), vaultUrl: MORTAL_URL };
const BOUND = { requiresProofs: true, requiresNonce: true };
const sealed = { options: SEALED, provider: BOUND };
/** Without a way to the provider: what is restored is restored by the record alone. */
const alone = { options: { ...SEALED, restore: /** @type {const} */ ("none") }, provider: BOUND };

/**
 * Has a page's vault end once its sign-in is over.
 *
 * @param {Tab} tab
 */
async function loseSettled(tab) {
  await tab.ready();
  await loseVault(tab);
}

/** @param {Application} app */
function asked(app) {
  const { authorizations, codeRequests, refreshesSucceeded, reuses } = app.counts();
  return { authorizations, codeRequests, refreshesSucceeded, reuses };
}

/** @param {Tab} tab @returns {Promise<string[]>} the codes of what the vault warned of */
async function warnings(tab) {
  /** @type {any[]} */
  const events = await tab.run((auth) => auth.diagnostics());
  const warned = events.filter(({ type }) => type === "warning");
  return warned.map((event) => event.error?.code ?? "");
}

/** @param {Tab} tab @param {Application} app */
const records = (tab, app) => tab.run(sealedRecords, app.clientId);

/** @param {Tab} tab */
async function call(tab) {
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
}

test(
  "a new vault goes on with one refresh, the same key, and no way to the provider (rf9, st5, dp12)",
  storesKeys,
  async () => {
    const app = await e2e.application(sealed);
    const tab = await app.openSignedIn();
    await call(tab);
    const key = app.calls().at(-1)?.proof?.jkt;
    for (const path of ["", "deep/page?x=1#part"]) {
      await loseSettled(tab);
      const before = asked(app);
      await app.open({ tab, path });
      await tab.ready();
      const state = await tab.state();
      assert.deepEqual(
        [state.status, state.restoredBy, state.claims.sub],
        ["signedIn", "sealed", "alice"],
      );
      assert.equal(await tab.url(), app.base + path);
      const refreshesSucceeded = before.refreshesSucceeded + 1;
      assert.deepEqual(asked(app), { ...before, refreshesSucceeded });
      await call(tab);
      assert.equal(app.calls().at(-1)?.proof?.jkt, key);
    }
    // A renewal is written down, too: the old token is of no more use.
    app.refuseTokens();
    await call(tab);
    await loseSettled(tab);
    await app.open({ tab });
    await tab.ready();
    assert.equal((await tab.state()).restoredBy, "sealed");
    assert.equal(asked(app).reuses, 0);
    assert.deepEqual(await warnings(tab), []);
    /** @type {any[]} */
    const events = await tab.run((auth) => auth.diagnostics());
    assert.deepEqual(
      events.map(({ type }) => type),
      ["restored"],
    );
  },
);

test("a reload in the middle of everything finds the session (rf10)", apart, async () => {
  const app = await e2e.application(sealed);
  const tab = await app.openSignedIn();
  for (let at = 0; at < 6; at += 1) await app.reload(tab);
  assert.equal((await tab.state()).restoredBy, "sealed");
  assert.deepEqual([asked(app).authorizations, asked(app).reuses], [1, 0]);
});

test(
  "nothing that can be read is in a storage, and no key that can be taken (st1, st5)",
  storedOnce,
  async () => {
    const app = await e2e.application(sealed);
    const tab = await app.openSignedIn();
    app.refuseTokens();
    await call(tab);
    const [record, ...others] = await records(tab, app);
    assert.ok(record);
    assert.deepEqual(others, []);
    const { extractable, exported, version } = record;
    const refused = ["InvalidAccessError", "InvalidAccessError"];
    assert.deepEqual(
      { extractable, exported, version },
      { extractable: false, exported: refused, version: 1 },
    );
    const stored = await tab.run(everythingStored);
    const texts = [...stored.records.map((one) => JSON.stringify(one)), ...record.texts];
    const kept = texts.flatMap((text) => ["IndexedDB", text]);
    assert.deepEqual(search(kept, app.tokens()), []);
    assert.ok(app.tokens("refresh").length >= 2);
    assert.ok(!record.texts.some((text) => text.includes("alice")));

    // Each record has a number of its own.
    const numbers = new Set([record.texts[1]?.slice(2, 26)]);
    for (let at = 0; at < 3; at += 1) {
      app.refuseTokens();
      await call(tab);
      numbers.add((await records(tab, app))[0]?.texts[1]?.slice(2, 26));
    }
    assert.equal(numbers.size, 4);
  },
);

test(
  "a sign-out leaves neither record nor key, and nothing is restored (st1)",
  storedOnce,
  async () => {
    const app = await e2e.application(sealed);
    const tab = await app.openSignedIn();
    assert.equal((await records(tab, app)).length, 1);
    await tab.run((auth) => auth.signOut({ local: true }));
    assert.deepEqual(await records(tab, app), []);
    await loseSettled(tab);
    const before = asked(app);
    await app.open({ tab });
    await tab.ready();
    assert.deepEqual(await tab.state(), { status: "signedOut", reason: "no_session" });
    assert.deepEqual(asked(app), before);
  },
);

for (const how of [
  "a byte",
  "another form",
  "cut off",
  "hardly anything",
  "another key",
  "a key that can be read",
  "no record at all",
  "another key for proofs",
]) {
  // What the cipher and the store have to do with it in each engine, and what the rules have in one.
  const cells = how === "a byte" || how === "another key" ? storedOnce : inOneCell;
  test(`a record that does not open is a clean sign-out: ${how} (st5)`, cells, async () => {
    const app = await e2e.application(alone);
    const tab = await app.openSignedIn();
    await loseSettled(tab);
    if (how === "another key for proofs") {
      await tab.run(removeStored, `key ${e2e.servers.issuer} ${app.clientId}`);
    } else {
      assert.equal(await tab.run(tamper, app.clientId, how), 1);
    }
    const before = asked(app);
    await app.open({ tab });
    await tab.ready();
    const { status, reason, error } = await tab.state();
    assert.deepEqual([status, reason], ["signedOut", "sealed_unreadable"]);
    assertAuthErrorInfo(error, "sealed_unreadable", /signIn/);
    assert.deepEqual(asked(app), before, "nothing was sent");
    await eventually("its removal", async () => (await records(tab, app)).length === 0);
    await app.signInAgain(tab);
    await tab.untilStatus("signedIn");
    assert.equal((await records(tab, app)).length, 1);
  });
}

test(
  "another configuration has a record of its own, and opens no other (st4, st5)",
  storedOnce,
  async () => {
    const app = await e2e.application(alone);
    const tab = await app.openSignedIn();
    await loseSettled(tab);
    const other = { ...alone.options, scope: ["openid", "offline_access"] };
    await app.settle({ options: other });
    const before = asked(app);
    await app.open({ tab });
    await tab.ready();
    assert.equal((await tab.state()).reason, "vault_gone");
    assert.deepEqual(asked(app), before);
    await app.signInAgain(tab);
    await tab.untilStatus("signedIn");
    assert.equal((await records(tab, app)).length, 2);
    // One that is put in the other's place does not open there.
    await loseSettled(tab);
    assert.equal(await tab.run(tamper, app.clientId, "another configuration's"), 2);
    const then = asked(app);
    for (const options of [other, alone.options]) {
      await app.settle({ options });
      await app.open({ tab });
      await tab.ready();
      const { reason, restoredBy } = await tab.state();
      assert.ok(reason === "sealed_unreadable" || restoredBy === "sealed", reason);
      if (reason) break;
      await loseSettled(tab);
    }
    assert.equal((await tab.state()).reason, "sealed_unreadable");
    assert.ok(asked(app).refreshesSucceeded <= then.refreshesSucceeded + 1);
  },
);

test(
  "tabs that each have a vault share the record: none uses a token twice (rf1, rf2, t35)",
  apart,
  async () => {
    const app = await e2e.application(sealed);
    const first = await app.openSignedIn();
    // Duplicated, or restored with its window.
    const tabs = [first, await app.openTab(), await app.openTab()];
    for (const tab of tabs) {
      await tab.ready();
      assert.equal((await tab.state()).status, "signedIn");
    }
    assert.equal(asked(app).authorizations, 1, "nobody left for the provider");
    assert.equal((await tabs[1]?.state())?.restoredBy, "sealed");
    for (let round = 0; round < 2; round += 1) {
      app.refuseTokens();
      await Promise.all(tabs.map((tab) => call(tab)));
      for (const tab of tabs) await call(tab);
    }
    assert.equal(asked(app).reuses, 0);
    // A sign-out in one holds in all, and leaves no record.
    await first.run((auth) => auth.signOut({ local: true }));
    for (const tab of tabs) await tab.untilStatus("signedOut");
    assert.deepEqual(await records(first, app), []);
  },
);

test(
  "a page that comes back from the back/forward cache goes on, whatever others did meanwhile (t35)",
  storedOnce,
  async () => {
    const app = await e2e.application(sealed);
    const tab = await app.openSignedIn();
    await app.open({ tab, path: "inbox" });
    await tab.ready();
    app.refuseTokens();
    await call(tab);
    await tab.driver.navigate().back();
    await tab.until("somebody signed in", (auth) => auth?.state.status === "signedIn");
    app.refuseTokens();
    await call(tab);
    await call(tab);
    assert.deepEqual([asked(app).authorizations, asked(app).reuses], [1, 0]);
  },
);

test(
  "a token that the provider takes no more is followed by the provider's word (rf10)",
  storedOnce,
  async () => {
    const app = await e2e.application(sealed);
    const tab = await app.openSignedIn();
    await loseSettled(tab);
    assert.equal(e2e.servers.direct.provider.revokeGrants({ clientId: app.clientId }), 1);
    await tab.go(app.base);
    await tab.untilUrl(
      "the way back",
      (url) => url.startsWith(app.callback) || url === app.callback,
    );
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    assert.equal((await records(tab, app)).length, 1);
  },
);

test("an outage while the session is restored ends nothing (rf6)", storedOnce, async () => {
  const app = await e2e.application(sealed);
  const tab = await app.openSignedIn();
  await loseSettled(tab);
  app.planFault({ step: "refresh", status: 503 });
  await app.open({ tab });
  await tab.ready();
  const { status, claims, degraded } = await tab.state();
  assert.deepEqual([status, claims.sub], ["signedIn", "alice"]);
  assert.ok(degraded);
  await tab.until("the renewed token", (auth) => auth?.state.degraded === undefined);
  await call(tab);
  assert.deepEqual([asked(app).authorizations, asked(app).reuses], [1, 0]);
});

test(
  "a vault that ends between rotation and record is a lost answer, asked for once (rf10)",
  storedOnce,
  async () => {
    const app = await e2e.application(alone);
    const tab = await app.openSignedIn();
    app.refuseTokens();
    app.planFault({ step: "refresh", spoil: "stall" });
    const { faults } = e2e.servers.direct.provider;
    const before = asked(app).refreshesSucceeded;
    await tab.run((auth, url) => void auth.fetch(url).catch(() => {}), `${e2e.servers.api}/me`);
    await eventually("the rotation", async () => asked(app).refreshesSucceeded > before);
    await loseSettled(tab);
    faults.release();
    await app.open({ tab });
    await tab.ready();
    const { status, reason, error } = await tab.state();
    assert.deepEqual(
      [status, reason, error?.oauthError],
      ["signedOut", "refresh_lost", "invalid_grant"],
    );
    assert.equal(asked(app).reuses, 1);
    // What is left of it says no more than that.
    await loseSettled(tab);
    const then = asked(app);
    await app.open({ tab });
    await tab.ready();
    assert.equal((await tab.state()).reason, "vault_gone");
    assert.deepEqual(asked(app), then);
  },
);

test(
  "what a seal gives up is said: tokens that are not bound, proofs without a nonce",
  storedOnce,
  async () => {
    const app = await e2e.application({ options: { persistence: "sealed" } });
    await assert.rejects(
      (await app.open()).run((auth) => auth.ready),
      authError("config_invalid", /dpop: true.*anywhere.*sealed-unbound/s),
    );
    const bound = await e2e.application({ ...sealed, provider: { requiresProofs: true } });
    assert.deepEqual(await warnings(await bound.openSignedIn()), ["sealed_without_nonce"]);

    const options = {
      ...SEALED,
      dpop: false,
      persistence: /** @type {const} */ ("sealed-unbound"),
    };
    const unbound = await e2e.application({ options });
    const tab = await unbound.openSignedIn();
    await loseSettled(tab);
    await unbound.open({ tab });
    await tab.ready();
    assert.equal((await tab.state()).restoredBy, "sealed");
    assert.deepEqual(await warnings(tab), []);
    assert.equal(asked(unbound).authorizations, 1);
  },
);

test(
  "where the place keeps no key, the session goes on without a seal, and says so",
  place.storesKeys ? { skip: "here keys are stored" } : {},
  async () => {
    const app = await e2e.application(sealed);
    const tab = await app.openSignedIn();
    await call(tab);
    assert.deepEqual(await warnings(tab), ["sealed_unavailable"]);
    assert.deepEqual(await records(tab, app), []);
    // The application did not say where the vault is to be: then it is where keys are kept.
    await app.settle({ options: { ...SEALED, isolation: undefined } });
    await app.open({ tab });
    assert.equal(await tab.run((auth) => auth.place), "worker");
  },
);

for (const [what, vaultUrl] of Object.entries(BROKEN)) {
  const keepsRecords = what === "stores no key";
  test(
    `a browser that ${what}: a typed error or a warning, and nobody is kept waiting (st1)`,
    inOneCell,
    async () => {
      const options = {
        ...SEALED,
        dpop: false,
        persistence: /** @type {const} */ ("sealed-unbound"),
        vaultUrl,
      };
      const silentRedirectUri = "/tokenward/callback.html";
      const app = await e2e.application({ options: { ...options, silentRedirectUri } });
      e2e.changePage({ "frame-src": [e2e.servers.issuer, "'self'"] });
      // The provider knows the user, from another application.
      const tab = await (await e2e.application()).openSignedIn();
      await app.open({ tab });
      await tab.ready();
      assert.deepEqual(await tab.state(), { status: "signedOut", reason: "no_session" });
      if (keepsRecords) {
        await app.signInAgain(tab);
      } else {
        // The page would not come back to who it was.
        await assert.rejects(
          tab.run((auth) => auth.signIn()),
          authError("transaction_storage_denied", /allow storage/),
        );
        // Beside the page nothing is to be remembered.
        await tab.run((auth) => auth.signIn({ mode: "silent" }));
      }
      await tab.untilStatus("signedIn");
      await call(tab);
      app.refuseTokens();
      await call(tab);
      assert.deepEqual(await warnings(tab), ["sealed_unavailable"]);
      await tab.run((auth) => auth.signOut({ local: true }));
      assert.equal((await tab.state()).reason, "signed_out");
    },
  );
}
