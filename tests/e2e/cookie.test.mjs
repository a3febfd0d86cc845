// @ts-check
// A backend of the application's keeps the refresh token behind a cookie (`refreshCookie`): a vault that begins
// with nothing asks it, and the page stays. Only where it knows of no session is the provider asked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { askBackend, mediated, refreshCookie } from "./harness/cookie.mjs";
import { loseVault, mortal } from "./harness/mortal.mjs";
import { inOneCell, once, place } from "./harness/place.mjs";
import { everythingStored } from "./harness/stored.mjs";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, authError, eventually } from "./harness/tab.mjs";
import { search } from "./harness/token-search.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */
/** @typedef {import("./harness/suite.mjs").Wanted} Wanted */
/** @typedef {import("./harness/tab.mjs").Tab} Tab */

const e2e = suite();

/**
 * An application whose vault has a configuration with `refreshCookie` in it, and can die.
 *
 * @param {Wanted["options"]} [options]
 */
async function kept(options = {}) {
  const app = await e2e.application();
  const given = { refreshCookie: refreshCookie(e2e), ...options };
  const vaultUrl = mortal(await app.bake(given));
  await app.settle({ options: { ...given, vaultUrl } });
  return app;
}

/** @param {Application} app how often provider and backend were asked, and how often a page was loaded */
function asked(app) {
  const { authorizations, codeRequests, refreshRequests } = app.counts();
  const backend = mediated(app).length;
  return { authorizations, codeRequests, refreshRequests, backend, loads: app.loads() };
}

/**
 * What was asked since then.
 *
 * @param {Application} app
 * @param {ReturnType<typeof asked>} before
 */
function since(app, before) {
  const now = asked(app);
  return {
    authorizations: now.authorizations - before.authorizations,
    codeRequests: now.codeRequests - before.codeRequests,
    refreshRequests: now.refreshRequests - before.refreshRequests,
    backend: now.backend - before.backend,
    loads: now.loads - before.loads,
  };
}

/** A page that was loaded once, and asked nobody. */
const NOTHING = { authorizations: 0, codeRequests: 0, refreshRequests: 0, backend: 0, loads: 1 };
/** A page that was loaded once, whose vault had a refresh from the backend. */
const RESTORED = { ...NOTHING, refreshRequests: 1, backend: 1 };

/** @param {Tab} tab */
async function calls(tab) {
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
}

test("a page that finds no vault is signed in by the backend's cookie, and stays (ck3)", async () => {
  const app = await kept();
  const tab = await app.open();
  await tab.ready();
  assert.deepEqual(mediated(app), [], "nobody was signed in, and the backend not asked");
  await tab.signIn();
  assert.deepEqual([app.counts().codeRequests, mediated(app).length], [1, 1]);
  await loseVault(tab);
  const before = asked(app);
  const path = "deep/page?x=1#part";
  await app.open({ tab, path });
  await tab.ready();
  const { status, restoredBy, claims } = await tab.state();
  assert.deepEqual([status, restoredBy, claims.sub], ["signedIn", "cookie", "alice"]);
  assert.equal(await tab.url(), app.base + path);
  assert.deepEqual(since(app, before), RESTORED, "one refresh, the page itself");
  assert.equal(await tab.run((auth) => auth.returnTo ?? null), null, "it is where it was");
  await calls(tab);
  const stored = await tab.run(everythingStored);
  assert.deepEqual([stored.local, stored.session, stored.cookies], [{}, {}, ""]);
  const texts = stored.records.flatMap((record) => ["IndexedDB", JSON.stringify(record)]);
  const { cookie = "" } = mediated(app).at(-1) ?? {};
  assert.match(cookie, /^[\w-]{43}$/);
  assert.deepEqual(search(texts, [...app.tokens(), { kind: "cookie", token: cookie }]), []);
  const { reuses, refreshesFailed } = app.counts();
  assert.deepEqual([reuses, refreshesFailed], [0, 0]);
});

test(
  "the cookie goes to the backend alone, each time with the header (ck1, ck3, ck4)",
  once,
  async () => {
    // What touches cookies in the page, whose vault may be there, too.
    await e2e.make("cookies.js", SPY);
    const app = await kept();
    await app.settle({ page: { first: ["/made/cookies.js"] } });
    const { provider } = e2e.servers.direct;
    const from = provider.log.list().length;
    const tab = await app.openSignedIn();
    await calls(tab);
    app.refuseTokens();
    await calls(tab);
    await loseVault(tab);
    await app.open({ tab });
    await tab.ready();
    assert.equal((await tab.state()).restoredBy, "cookie");
    await calls(tab);
    // Its access token is the API's: all that counts here is what goes along.
    await tab.run((auth) => auth.userInfo().catch(() => {}));
    assert.deepEqual(await tab.run(() => window.tw.touched), []);
    await tab.run((auth) => auth.signOut({ local: true }));

    const requests = mediated(app);
    assert.deepEqual(
      new Set(requests.map(({ headers }) => headers["x-tokenward"])),
      new Set(["1"]),
    );
    assert.deepEqual(
      new Set(requests.map(({ headers }) => headers.origin)),
      new Set([e2e.servers.app]),
    );
    const [first, ...later] = requests.map(({ cookie }) => cookie !== undefined);
    assert.deepEqual([first, later.includes(false)], [false, false], "from the sign-in on");
    for (const { form } of requests) {
      assert.deepEqual([form.refresh_token, form.token], [undefined, undefined]);
    }

    assert.ok(app.calls().length >= 3);
    const preflights = e2e.servers.direct.api.log.list().filter(({ preflight }) => preflight);
    const sent = [...app.calls(), ...preflights].filter(
      ({ headers }) => headers.cookie !== undefined,
    );
    assert.deepEqual(sent, [], "to the API");
    // The browser goes to its pages itself, with the cookies of the provider's and with ours.
    const isPage = /^\/(auth|interaction|session)\b/;
    const asked = provider.log.list().slice(from);
    const others = asked.filter(({ path }) => !isPage.test(path));
    const paths = new Set(others.map(({ path }) => path));
    for (const path of ["/.well-known/openid-configuration", "/jwks", "/me", "/token"]) {
      assert.ok(paths.has(path), path);
    }
    assert.ok(asked.some(({ cookies }) => cookies !== undefined));
    const told = others.filter(({ cookies }) => cookies !== undefined);
    assert.deepEqual(told, [], "to the provider");
    const { tokenRequests, revocations } = app.counts();
    assert.equal(tokenRequests + revocations, requests.length, "all of them came from the backend");
  },
);

test(
  "who signs out leaves no cookie and no session at the backend, and nobody is asked",
  once,
  async () => {
    const app = await kept();
    const tab = await app.openSignedIn();
    const { backend } = e2e.servers.direct;
    assert.equal(backend.kept(app.clientId), 1);
    await tab.run((auth) => {
      window.tw.left = true;
      void auth.signOut();
    });
    await tab.untilUrl("the page after the logout", app.isHome);
    await tab.until("its client", () => window.tw !== undefined && window.tw.left !== true);
    await tab.ready();
    const revocation = mediated(app).at(-1);
    assert.equal(revocation?.path, "/revoke");
    assert.deepEqual(revocation?.form, {
      token_type_hint: "refresh_token",
      client_id: app.clientId,
    });
    assert.deepEqual([backend.kept(app.clientId), app.counts().revocations], [0, 1]);
    for (const lose of [false, true]) {
      if (lose) await loseVault(tab);
      const before = asked(app);
      await app.open({ tab });
      await tab.ready();
      assert.equal((await tab.state()).status, "signedOut");
      assert.deepEqual(since(app, before), NOTHING);
    }
    await tab.signIn();
    const exchange = mediated(app).at(-1);
    assert.deepEqual(
      [exchange?.form.grant_type, exchange?.cookie],
      ["authorization_code", undefined],
    );
  },
);

test(
  "a backend that knows of no session is followed by the redirect, or by nothing",
  once,
  async () => {
    const app = await kept();
    const tab = await app.openSignedIn();
    const { backend } = e2e.servers.direct;
    backend.forget();
    await loseVault(tab);
    let before = asked(app);
    await tab.go(`${app.base}inbox`);
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    await tab.ready();
    assert.equal(await tab.run((auth) => auth.returnTo), `/c/${app.clientId}/inbox`);
    const trip = { authorizations: 1, codeRequests: 1, refreshRequests: 0, backend: 2, loads: 2 };
    assert.deepEqual(since(app, before), trip, "its refusal, then its code");
    await calls(tab);

    // The provider knows of none either.
    const { provider } = e2e.servers.direct;
    provider.revokeGrants({ clientId: app.clientId });
    provider.endSessions();
    await loseVault(tab);
    before = asked(app);
    await tab.go(`${app.base}inbox`);
    await tab.untilSignedOut("vault_gone");
    assert.deepEqual([since(app, before).authorizations, since(app, before).backend], [1, 1]);
    assert.equal(backend.kept(app.clientId), 0);

    const alone = await kept({ restore: "none" });
    await alone.open({ tab });
    await tab.ready();
    await tab.signIn();
    backend.forget();
    await loseVault(tab);
    before = asked(alone);
    await alone.open({ tab });
    await tab.untilSignedOut("vault_gone");
    assert.equal(await tab.url(), alone.base);
    assert.deepEqual(since(alone, before), { ...NOTHING, backend: 1 });
  },
);

test("a backend that fails is asked again, and the page stays", inOneCell, async () => {
  const app = await kept();
  const tab = await app.openSignedIn();
  await loseVault(tab);
  const before = asked(app);
  const { faults } = e2e.servers.direct.backend;
  const { clientId } = app;
  faults.plan({ clientId, step: "refresh", status: 503 });
  faults.plan({ clientId, step: "refresh", drop: true });
  await app.open({ tab });
  await tab.untilStatus("signedIn");
  assert.equal((await tab.state()).restoredBy, "cookie");
  assert.equal(await tab.url(), app.base);
  // What broke off may be what the browser itself sends again.
  assert.deepEqual(since(app, before), { ...RESTORED, backend: 3 });
  await calls(tab);
});

test("one that stays away ends no session: it is asked again later", inOneCell, async () => {
  const app = await kept();
  const tab = await app.openSignedIn();
  await loseVault(tab);
  const before = asked(app);
  const { faults } = e2e.servers.direct.backend;
  faults.plan({ clientId: app.clientId, step: "refresh", status: 503, count: 100 });
  await app.open({ tab });
  const { error } = await tab.untilSignedOut("vault_gone");
  assert.equal(error.retryable, true);
  assert.equal(await tab.url(), app.base);
  assert.deepEqual(since(app, before), { ...NOTHING, backend: 3 });
  faults.clear();
  await tab.run(() => {
    for (const type of ["offline", "online"]) dispatchEvent(new Event(type));
  });
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "cookie");
  assert.deepEqual(since(app, before), { ...RESTORED, backend: 4 });
  await calls(tab);
});

test(
  "of an expiry each vault makes one refresh, however many tabs and calls wait (ck7)",
  once,
  async () => {
    // The backend may take its time: a refresh is held there until everybody waits.
    const app = await kept({ timeouts: { networkMs: 120_000 } });
    const tabs = [
      await app.openSignedIn(),
      await app.openTabSignedIn(),
      await app.openTabSignedIn(),
    ];
    const { provider, backend } = e2e.servers.direct;
    assert.equal(app.counts().authorizations, 1, "the others came by the cookie");
    provider.changeClient(app.clientId, { accessTokenTtl: 6 });
    app.refuseTokens();
    for (const tab of tabs) await calls(tab);

    backend.faults.plan({ clientId: app.clientId, step: "refresh", hold: true });
    provider.changeClient(app.clientId, { accessTokenTtl: 300 });
    const before = asked(app);
    const from = app.calls().length;
    await eventually("a refresh at the backend", async () => backend.faults.held === 1);
    const expiries = await Promise.all(tabs.map(async (tab) => (await tab.state()).expiresAt));
    await eventually("the expiry", async () => Date.now() > Math.max(...expiries));
    for (const tab of tabs) await tab.run(startCalls, `${e2e.servers.api}/me`, 20);
    assert.equal(app.calls().length, from, "a call went out with an expired token");
    assert.equal(since(app, before).backend, 1, "a second began before the first was answered");
    backend.faults.release();
    for (const tab of tabs) {
      const statuses = await tab.run(() => window.tw.answers);
      assert.deepEqual(statuses, Array(20).fill(200));
    }
    const vaults = place.sharesTabs ? 1 : tabs.length;
    const { refreshRequests, backend: requests } = since(app, before);
    assert.deepEqual([refreshRequests, requests, app.counts().reuses], [vaults, vaults, 0]);
  },
);

test(
  "of tabs that load together each is signed in, and no token is used twice (ck7)",
  once,
  async () => {
    const app = await kept();
    const tabs = [await app.openSignedIn(), await app.openTabSignedIn()];
    await loseVault(...tabs);
    const before = asked(app);
    await app.loadTogether(tabs);
    for (const tab of tabs) {
      await tab.untilUrl("the application", app.isHome);
      await tab.until("somebody signed in", (auth) => auth?.state.status === "signedIn");
      assert.equal((await tab.state()).restoredBy, "cookie");
      await calls(tab);
    }
    const each = place.sharesTabs ? 1 : tabs.length;
    const own = { ...NOTHING, refreshRequests: each, backend: each, loads: tabs.length };
    assert.deepEqual(since(app, before), own);
    assert.equal(app.counts().reuses, 0);
  },
);

test("without a configuration in the vault no backend is asked (st4)", inOneCell, async () => {
  const { provider, backend } = e2e.servers.direct;
  const given = { refreshCookie: refreshCookie(e2e) };
  const app = await e2e.application({ options: given });
  const before = provider.counters.of().requests;
  const tab = await app.open();
  const words = /`refreshCookie` is for `npx tokenward init --config` alone/;
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("config_invalid", words),
  );
  // Nor where another one is there.
  const baked = await e2e.application();
  await baked.settle({ options: { ...given, vaultUrl: await baked.bake() } });
  await baked.open({ tab });
  const others = /not those that `npx tokenward init --config` wrote/;
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("config_invalid", others),
  );
  assert.equal(provider.counters.of().requests, before);
  assert.deepEqual(backend.log.list(), []);
});

test("an access token of a wider scope than asked for is refused (ck5)", inOneCell, async () => {
  const app = await kept({ restore: "none" });
  const { provider, backend } = e2e.servers.direct;
  backend.settle({ members: { scope: WIDER } });
  const tab = await app.open();
  await tab.ready();
  provider.recognize("alice");
  await tab.leave();
  const { error } = await tab.untilSignedOut("callback_failed");
  assertAuthErrorInfo(error, "token_answer_invalid", /wider scope than/);
  await assert.rejects(tab.call(`${e2e.servers.api}/me`), authError("not_signed_in", /signIn/));
  await eventually("the session's end", async () => backend.kept(app.clientId) === 0);
  assert.deepEqual(app.calls(), []);
});

test("nor is a session restored with one (ck5)", inOneCell, async () => {
  const app = await kept({ restore: "none" });
  const { backend } = e2e.servers.direct;
  const tab = await app.openSignedIn();
  await loseVault(tab);
  backend.settle({ members: { scope: WIDER } });
  await app.open({ tab });
  const state = await tab.untilSignedOut("vault_gone");
  assertAuthErrorInfo(state.error, "token_answer_invalid", /wider scope than/);
});

test("the header has the name that the options give it", inOneCell, async () => {
  const { backend } = e2e.servers.direct;
  backend.settle({ header: "X-CSRF" });
  const app = await kept({ refreshCookie: { ...refreshCookie(e2e), header: "X-CSRF" } });
  const tab = await app.openSignedIn();
  await loseVault(tab);
  await app.open({ tab });
  await tab.ready();
  assert.equal((await tab.state()).restoredBy, "cookie");
  await tab.run((auth) => auth.signOut({ local: true }));
  assert.deepEqual(
    mediated(app).map(({ path, headers }) => [path, headers["x-csrf"], headers["x-tokenward"]]),
    [
      ["/token", "1", undefined],
      ["/token", "1", undefined],
      ["/revoke", "1", undefined],
    ],
  );
});

// What `isolation: "origin"` is for: see cookie-origin.engine.test.mjs.
test(
  "a script of the origin that the backend serves can have an access token, and no refresh token (written limit)",
  once,
  async () => {
    const app = await kept();
    e2e.changePage({ "connect-src": [e2e.servers.backend] });
    const tab = await app.openSignedIn();
    const { token } = refreshCookie(e2e);
    const without = await tab.run(askBackend, token, app.clientId, {});
    assert.deepEqual(without, { status: 403, answer: { error: "access_denied" } });
    const { status, answer } = await tab.run(askBackend, token, app.clientId, {
      "X-Tokenward": "1",
    });
    assert.equal(status, 200);
    const headers = { authorization: `Bearer ${answer.access_token}` };
    assert.equal((await fetch(`${e2e.servers.api}/me`, { headers })).status, 200);
    const refreshTokens = app.tokens("refresh").map(({ token: one }) => one);
    assert.equal(refreshTokens.length, 2, "it was rotated, at the backend");
    assert.deepEqual(search(["the answer", JSON.stringify(answer)], app.tokens("refresh")), []);
    assert.equal(await tab.run(() => document.cookie), "");
    // The vault's session is unharmed.
    app.refuseTokens();
    await calls(tab);
    assert.equal(app.counts().reuses, 0);
  },
);

/** What the application asks for, and more. */
const WIDER = "openid profile email offline_access api:write";

/** Notes whatever reads or writes cookies, before the package is there. */
const SPY = `
  const touched = (window.tw.touched = []);
  const cookies = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(document, "cookie", {
    configurable: true,
    get() {
      touched.push("read");
      return cookies.get.call(document);
    },
    set(text) {
      touched.push(text);
      cookies.set.call(document, text);
    },
  });
  for (const name of window.cookieStore ? ["get", "getAll", "set", "delete"] : []) {
    cookieStore[name] = () => {
      touched.push(name);
      return Promise.reject(new TypeError(name));
    };
  }
`;

/**
 * Begins calls whose statuses `answers` will have: for `tab.run`.
 *
 * @param {import("./app/page.js").Auth} auth
 * @param {string} url
 * @param {number} count
 */
function startCalls(auth, url, count) {
  const one = async () => {
    const response = await auth.fetch(url);
    await response.text();
    return response.status;
  };
  window.tw.answers = Promise.all(Array.from({ length: count }, one));
  window.tw.answers.catch(() => {});
}
