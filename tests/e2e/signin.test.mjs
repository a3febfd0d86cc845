// @ts-check
// The main job: sign-in by redirect at a real provider, back to the page, and a call that the API
// verifies; what the callback leaves behind; where a returnTo may lead.
import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError } from "./harness/tab.mjs";

const e2e = suite();

test("a sign-in by redirect ends in claims and a call that the API accepts", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  assert.deepEqual(await tab.state(), { status: "signedOut", reason: "no_session" });

  const before = Date.now();
  await tab.toLogin();
  await tab.typeLogin("alice");
  await tab.ready();
  const state = await tab.state();
  assert.equal(state.status, "signedIn");
  const { claims, scopes, expiresAt, refreshing } = state;
  assert.deepEqual(
    [claims.sub, claims.name, claims.email, claims.aud, claims.iss],
    ["alice", "Alice", "alice@example.test", app.clientId, e2e.servers.issuer],
  );
  assert.deepEqual([...scopes].sort(), ["email", "offline_access", "openid", "profile"]);
  assert.equal(refreshing, false);
  assert.ok(expiresAt > before + 290_000 && expiresAt < Date.now() + 310_000, String(expiresAt));

  const { status, text } = await tab.call(`${e2e.servers.api}/me`);
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(text), { sub: "alice", clientId: app.clientId });

  const [call] = app.calls();
  assert.equal(app.calls().length, 1);
  const [access] = app.tokens("access");
  assert.equal(call?.headers.authorization, `Bearer ${access?.token}`);
  const { authorizations, codeRequests, refreshRequests } = app.counts();
  assert.deepEqual([authorizations, codeRequests, refreshRequests], [1, 1, 0]);
});

test(
  "states go from restoring through signingIn to signedIn, each a frozen object",
  once,
  async () => {
    const app = await e2e.application();
    const tab = await app.openSignedIn();
    const statuses = await tab.run(() => window.tw.states.map(({ status }) => status));
    assert.equal(statuses.at(-1), "signedIn");
    assert.ok(statuses.includes("signingIn"), statuses.join());
    // Who guards a page with "signed out? then sign in" must not do so on the way back.
    assert.ok(!statuses.includes("signedOut"), statuses.join());
    const frozen = await tab.run((auth) => {
      const { state } = auth;
      return [state === auth.state, Object.isFrozen(state), Object.isFrozen(state.claims)];
    });
    assert.deepEqual(frozen, [true, true, true]);
  },
);

test("the callback's URL is clean at once, and nowhere to be found (cb7, t18)", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const [callback] = app.callbacks();
  const code = callback?.searchParams.get("code") ?? "";
  const state = callback?.searchParams.get("state") ?? "";
  assert.ok(code && state, "the callback was not seen");

  const seen = await tab.run(async () => {
    await fetch("/settings/none.json");
    return {
      urlAfterReady: window.tw.urlAfterReady,
      now: location.href,
      history: JSON.stringify(history.state),
      html: document.documentElement.outerHTML,
      // All but the page's own: what a browser navigated to, it keeps there for ever.
      performance: performance
        .getEntries()
        .filter(({ entryType }) => entryType !== "navigation")
        .map(({ name }) => name),
    };
  });
  assert.equal(seen.urlAfterReady, app.callback);
  assert.equal(seen.now, app.callback);
  for (const secret of [code, state]) assert.ok(!JSON.stringify(seen).includes(secret));
  // Not awaited: where the page goes, no answer comes.
  await tab.run(() => void setTimeout(() => history.back()));
  await tab.untilUrl("the page before", (url) => url !== app.callback);
  await tab.run(() => void setTimeout(() => history.forward()));
  await tab.untilUrl("the callback page again", (url) => url === app.callback);

  // The page's own first requests had it as their Referer; those after the client was made do not.
  const later = e2e.servers.direct.app.log
    .list()
    .filter(({ url }) => /vault\.js|shield\.js|none\.json/.test(url));
  assert.ok(later.length > 0);
  for (const { url, headers } of later) assert.ok(!headers.referer?.includes(code), url);
});

test("returnTo is held once, and only for this origin (cb9, t14)", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn({ returnTo: "/deep/page?tab=2#here" });
  const [first, same] = await tab.run((auth) => [auth.returnTo, auth.returnTo]);
  assert.equal(first, "/deep/page?tab=2#here");
  assert.equal(same, first, "one turn may read it twice");
  assert.equal(await tab.run((auth) => auth.returnTo), null);

  const { other } = e2e.servers;
  const hostile = [
    `${other}/`,
    `//${new URL(other).host}/`,
    `/\\${new URL(other).host}/`,
    `\\\\${new URL(other).host}/`,
    `/\t/${new URL(other).host}/`,
    "javascript:alert(1)",
    "data:text/html,x",
    `http://localhost@${new URL(other).host}/`,
    "https://localhost/",
  ];
  const before = app.counts().authorizations;
  for (const returnTo of hostile) {
    await assert.rejects(
      tab.run((auth, returnTo) => auth.signIn({ returnTo }), returnTo),
      authError("return_to_invalid", /origin/, { phase: "signIn" }),
      returnTo,
    );
  }
  assert.equal(app.counts().authorizations, before);
  assert.equal((await tab.state()).status, "signedIn");
});

test("without returnTo, a sign-in remembers where it began", once, async () => {
  const app = await e2e.application();
  const tab = await app.open({ path: "list?page=3" });
  await tab.signIn();
  assert.equal(await tab.run((auth) => auth.returnTo), `/c/${app.clientId}/list?page=3`);
});

test("nothing is stored where the page could read it", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await tab.call(`${e2e.servers.api}/me`);
  const stored = await tab.run(async () => ({
    local: localStorage.length,
    session: sessionStorage.length,
    cookies: document.cookie,
    caches: await caches.keys(),
    name: window.name,
  }));
  assert.deepEqual(stored, { local: 0, session: 0, cookies: "", caches: [], name: "" });
  const records = await tab.run(async (_, clientId) => {
    const found = [];
    for (const { name = "" } of await indexedDB.databases()) {
      /** @type {IDBDatabase} */
      const database = await new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const store of database.objectStoreNames) {
        /** @type {unknown[]} */
        const all = await new Promise((resolve, reject) => {
          const request = database.transaction(store).objectStore(store).getAll();
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        found.push(...all.map((record) => JSON.stringify(record)));
      }
      database.close();
    }
    return found.filter((record) => record.includes(clientId));
  }, app.clientId);
  assert.deepEqual(records, [], "the transaction is still there after its use");
});

test(
  "what a sign-in asks for reaches the provider unchanged, and nothing can be overwritten (ar13, ar14)",
  once,
  async () => {
    const app = await e2e.application({ options: { extraParams: { audience: "a b&c" } } });
    const tab = await app.open();
    await tab.ready();
    await tab.toLogin({
      loginHint: "bob@example.test",
      uiLocales: "de en",
      maxAge: 60,
      extraParams: { kind: "x=y" },
    });
    const shown = await tab.run(() => {
      const field = /** @type {HTMLInputElement} */ (document.querySelector("#login"));
      return field.value;
    });
    assert.equal(shown, "bob@example.test");
    await tab.submitLogin("bob");
    await tab.ready();
    assert.equal((await tab.state()).claims.sub, "bob");
    await assert.rejects(
      tab.run((auth) => auth.signIn({ extraParams: { client_id: "other" } })),
      authError("config_invalid", /client_id/),
    );
  },
);

test("two sign-ins can be under way at once, and either may come back", once, async () => {
  const app = await e2e.application();
  const first = await app.open();
  await first.ready();
  await first.toLogin({ returnTo: "/first" });
  const second = await app.openTab();
  await second.ready();
  await second.toLogin({ returnTo: "/second" });
  await first.focus();
  await first.submitLogin("alice");
  await first.ready();
  assert.equal(await first.run((auth) => auth.returnTo), "/first");
  await second.focus();
  await second.submitLogin("alice");
  await second.ready();
  assert.equal(await second.run((auth) => auth.returnTo), "/second");
  assert.equal((await first.state()).status, "signedIn");
  assert.equal(app.counts().codesSucceeded, 2);
});
