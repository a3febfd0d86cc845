// @ts-check
// A vault ends, and the next one has a hidden frame ask the provider who was signed in
// (`restore: "frame"`): the page stays. Only where that comes to nothing does a page leave, once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { killVaults, loseVault, mortal } from "./harness/mortal.mjs";
import { inShared, once, storesKeys } from "./harness/place.mjs";
import { everythingStored } from "./harness/stored.mjs";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, authError, eventually } from "./harness/tab.mjs";
import { search } from "./harness/token-search.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */
/** @typedef {import("./harness/tab.mjs").Tab} Tab */

const e2e = suite();
const SILENT = "/tokenward/callback.html";
const FRAMED = { restore: /** @type {const} */ ("frame"), silentRedirectUri: SILENT };
/** For tests of what the record does besides, where there is one. */
const stored = { ...once, ...storesKeys };

/**
 * An application whose vault has a configuration with `restore: "frame"` in it, and can die.
 *
 * @param {import("./harness/suite.mjs").Wanted["options"]} [options]
 */
async function framed(options = {}) {
  const app = await e2e.application();
  const given = { ...FRAMED, ...options };
  const vaultUrl = mortal(await app.bake(given));
  await app.settle({ options: { ...given, vaultUrl } });
  e2e.changePage({ "frame-src": ["'self'", e2e.servers.issuer] });
  return app;
}

/** @param {Application} app how often the provider was asked, and how often a page was loaded */
function asked(app) {
  const { authorizations, codeRequests } = app.counts();
  return { authorizations, codeRequests, loads: app.loads() };
}

/**
 * What was asked since then.
 *
 * @param {Application} app
 * @param {ReturnType<typeof asked>} before
 */
function since(app, before) {
  const { authorizations, codeRequests, loads } = asked(app);
  return [
    authorizations - before.authorizations,
    codeRequests - before.codeRequests,
    loads - before.loads,
  ];
}

/** @param {Tab} tab */
async function calls(tab) {
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
}

/** @param {Tab} tab */
const frames = (tab) => tab.run(() => document.querySelectorAll("iframe").length);

test("a page that finds no vault is signed in by a hidden frame, and stays (im5)", async () => {
  const app = await framed();
  const tab = await app.openSignedIn();
  for (const path of ["", "deep/page?x=1#part"]) {
    await loseVault(tab);
    const before = asked(app);
    await app.open({ tab, path });
    await tab.ready();
    const { status, restoredBy, claims } = await tab.state();
    assert.deepEqual([status, restoredBy, claims.sub], ["signedIn", "frame", "alice"]);
    assert.equal(await tab.url(), app.base + path);
    assert.deepEqual(since(app, before), [1, 1, 1], "one question, one code, the page itself");
    assert.equal(await tab.run((auth) => auth.returnTo ?? null), null, "it is where it was");
    // The page hears of the session first, and then that its frame is no longer wanted.
    await eventually("the frame's end", async () => (await frames(tab)) === 0);
    await calls(tab);
  }
  const kept = await tab.run(everythingStored);
  const own = kept.records.filter(([, key]) => String(key).includes(app.clientId));
  const texts = own.flatMap((record) => ["IndexedDB", JSON.stringify(record)]);
  assert.deepEqual(search(texts, app.tokens()), []);
  assert.ok(!texts.some((text) => /verifier| frame/.test(text)), "nothing is left of the attempt");
});

test("a page in use whose vault dies stays as it is, signed in", inShared, async () => {
  const app = await framed();
  const tab = await app.openSignedIn();
  await tab.run(() => {
    document.body.append(Object.assign(document.createElement("input"), { value: "half a text" }));
  });
  const before = asked(app);
  await killVaults(tab);
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "frame");
  await calls(tab);
  assert.deepEqual(since(app, before), [1, 1, 0]);
  const text = await tab.run(() => document.querySelector("input")?.value);
  assert.equal(text, "half a text");
});

test(
  "of tabs that load together one shows a frame for all that share its vault",
  inShared,
  async () => {
    const app = await framed();
    const first = await app.openSignedIn();
    const tabs = [first, await app.openTabSignedIn(), await app.openTabSignedIn()];
    await loseVault(...tabs);
    const before = asked(app);
    await app.loadTogether(tabs);
    for (const tab of tabs) {
      await tab.untilUrl("the application", app.isHome);
      await tab.until("somebody signed in", (auth) => auth?.state.status === "signedIn");
      assert.equal((await tab.state()).restoredBy, "frame");
      await calls(tab);
    }
    assert.deepEqual(since(app, before), [1, 1, tabs.length]);
  },
);

test(
  "where the provider's session is over too, each way is gone once and no more",
  once,
  async () => {
    const app = await framed();
    const tab = await app.openSignedIn();
    e2e.servers.direct.provider.endSessions();
    await loseVault(tab);
    const before = asked(app);
    await tab.go(`${app.base}deep?x=1`);
    await tab.untilSignedOut("vault_gone");
    const { error } = await tab.state();
    assertAuthErrorInfo(error, "oauth_error", /login_required/);
    assert.equal(await tab.url(), app.callback);
    await tab.ready();
    assert.equal(await tab.run((auth) => auth.returnTo), `/c/${app.clientId}/deep?x=1`);
    assert.deepEqual(
      since(app, before),
      [2, 0, 2],
      "in the frame, then by the page that came back",
    );

    for (const lose of [false, true]) {
      if (lose) await loseVault(tab);
      await app.open({ tab });
      await tab.ready();
      assert.equal((await tab.state()).status, "signedOut");
      assert.equal(await tab.url(), app.base);
      assert.equal(await frames(tab), 0);
    }
    assert.deepEqual(since(app, before), [2, 0, 4]);
    await tab.signIn();
  },
);

test("a frame that comes to nothing is followed by the redirect, once (im4)", once, async () => {
  const app = await framed();
  const tab = await app.openSignedIn();
  // The page's policy forbids it.
  e2e.servers.direct.app.setHeaders(e2e.headers());
  await loseVault(tab);
  let before = asked(app);
  await tab.go(`${app.base}inbox`);
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  await tab.ready();
  assert.equal(await tab.run((auth) => auth.returnTo), `/c/${app.clientId}/inbox`);
  assert.deepEqual(since(app, before), [1, 1, 2]);
  await calls(tab);

  // The provider takes no code of it.
  e2e.changePage({ "frame-src": ["'self'", e2e.servers.issuer] });
  await loseVault(tab);
  before = asked(app);
  app.planFault({ step: "code", status: 400, body: { error: "invalid_grant" } });
  await tab.go(`${app.base}inbox`);
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  assert.deepEqual(since(app, before), [2, 2, 2]);

  // What may pass has no page leave.
  await loseVault(tab);
  before = asked(app);
  app.planFault({ step: "code", status: 503 });
  await app.open({ tab });
  await tab.untilSignedOut("vault_gone");
  const { error } = await tab.state();
  assertAuthErrorInfo(error, "provider_answer_invalid", /status 503/);
  assert.equal(await tab.url(), app.base);
  assert.deepEqual(since(app, before), [1, 1, 1]);
});

test(
  "a page that is reloaded while its frame is shown leaves, and is signed in",
  once,
  async () => {
    const app = await framed();
    const tab = await app.openSignedIn();
    await loseVault(tab);
    const before = asked(app);
    app.planFault({ step: "code", hold: true });
    const { faults } = e2e.servers.direct.provider;
    for (const pages of [1, 2]) {
      await app.open({ tab });
      if (pages === 1) await eventually("a code on its way", async () => faults.held === 1);
      // A vault that outlives its page would hear of the code all the same.
      if (pages === 1) await loseVault(tab);
    }
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    faults.release();
    const [authorizations] = since(app, before);
    assert.equal(authorizations, 2, "one frame, one way to the provider");
  },
);

test("who signs out and reloads stays signed out, and no frame is shown", once, async () => {
  const app = await framed();
  const tab = await app.openSignedIn();
  await tab.run((auth) => auth.signOut({ local: true }));
  await loseVault(tab);
  const before = asked(app);
  await app.open({ tab });
  await tab.ready();
  assert.deepEqual(await tab.state(), { status: "signedOut", reason: "no_session" });
  assert.deepEqual(since(app, before), [0, 0, 1]);
});

test(
  "the sealed record comes first, and the frame where its token is refused",
  stored,
  async () => {
    const app = await framed({ persistence: "sealed-unbound" });
    const tab = await app.openSignedIn();
    await loseVault(tab);
    let before = asked(app);
    await app.open({ tab });
    await tab.ready();
    assert.equal((await tab.state()).restoredBy, "sealed");
    assert.deepEqual(since(app, before), [0, 0, 1]);

    assert.equal(e2e.servers.direct.provider.revokeGrants({ clientId: app.clientId }), 1);
    await loseVault(tab);
    before = asked(app);
    await app.open({ tab });
    await tab.ready();
    assert.equal((await tab.state()).restoredBy, "frame");
    assert.deepEqual(since(app, before), [1, 1, 1]);
    await calls(tab);
  },
);

test("bound tokens are restored by a frame, too (dp10)", once, async () => {
  const app = await framed({ dpop: true });
  const tab = await app.openSignedIn();
  await loseVault(tab);
  await app.open({ tab });
  await tab.ready();
  assert.equal((await tab.state()).restoredBy, "frame");
  await calls(tab);
});

test("without a configuration in the vault no frame is to be had (st4)", once, async () => {
  const { provider } = e2e.servers.direct;
  const app = await e2e.application({ options: FRAMED });
  const before = provider.counters.of().requests;
  const tab = await app.open();
  const words = /`restore` is "frame" for `npx tokenward init --config` alone/;
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("config_invalid", words),
  );
  assert.equal(await frames(tab), 0);
  // Nor where another one is there, or without a page for frames.
  const baked = await e2e.application();
  await baked.settle({ options: { ...FRAMED, vaultUrl: await baked.bake() } });
  await baked.open({ tab });
  const others = /not those that `npx tokenward init --config` wrote/;
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("config_invalid", others),
  );
  const bare = await e2e.application();
  const options = { restore: FRAMED.restore };
  await bare.settle({ options: { ...options, vaultUrl: await bare.bake(options) } });
  await bare.open({ tab });
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("config_invalid", /`restore` is "frame" without `silentRedirectUri`/),
  );
  assert.equal(provider.counters.of().requests, before);
});

test("what is in a hidden frame cannot have the page leave (im5)", once, async () => {
  await e2e.make("away.js", 'top.location.href = "/c/away/";');
  await e2e.make("away.html", '<!doctype html><script src="/made/away.js"></script>');
  const { app: origin, issuer } = e2e.servers;
  const endpoints = {
    authorization: `${origin}/made/away.html`,
    token: `${issuer}/token`,
    jwks: `${issuer}/jwks`,
  };
  const options = { endpoints, silentRedirectUri: SILENT, timeouts: { networkMs: 1000 } };
  const app = await e2e.application({ options });
  e2e.changePage({ "frame-src": ["'self'"] });
  const tab = await app.open();
  await tab.ready();
  const silent = tab.run((auth) => auth.signIn({ mode: "silent" }));
  await assert.rejects(silent, authError("timeout", /showed a page/));
  const served = e2e.servers.direct.app.log.list().map(({ url }) => url);
  assert.ok(served.includes("/made/away.js"), "it did try");
  assert.equal(await tab.url(), app.base);
});
