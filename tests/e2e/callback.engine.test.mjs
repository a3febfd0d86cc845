// @ts-check
// What comes back from the provider is hostile until its `state` was found: foreign, used, doubled
// and lying callbacks, and a provider that cannot be reached or is another one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, authError, eventually } from "./harness/tab.mjs";

const e2e = suite({ vaultConnects: "{other} http://localhost:*" });

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {string} code
 * @param {RegExp} says
 */
async function assertCallbackFailed(tab, code, says) {
  await tab.ready();
  const state = await tab.state();
  assert.deepEqual([state.status, state.reason], ["signedOut", "callback_failed"]);
  assertAuthErrorInfo(state.error, code, says);
  const error = await tab.run(({ callbackError }) => ({
    ...callbackError,
    message: callbackError?.message,
  }));
  assertAuthErrorInfo(error, code, says);
}

test("a callback without a transaction is refused without a request (cb12)", async () => {
  const app = await e2e.application();
  const tab = await app.open({ path: "callback?code=abc&state=nobody-asked" });
  await assertCallbackFailed(tab, "callback_unknown", /signIn\(\)/);
  assert.equal(await tab.url(), app.callback, "the address is cleaned all the same");
  assert.equal(app.counts().tokenRequests, 0);
  await tab.signIn();
});

test("a callback with a foreign state is refused, and the honest one still works (ar5, t12)", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  await tab.toLogin();
  const attacked = await e2e.newTab();
  await attacked.go(`${app.callback}?code=stolen&state=${"A".repeat(43)}`);
  await attacked.untilApp();
  await assertCallbackFailed(attacked, "callback_unknown", /signIn\(\)/);
  assert.equal(app.counts().tokenRequests, 0);
  await tab.focus();
  await tab.submitLogin();
  await tab.ready();
  assert.equal((await tab.state()).status, "signedIn");
  if (place.sharesTabs) await attacked.untilStatus("signedIn");
  else await attacked.untilSignedOut("signed_in_elsewhere");
});

test("a callback works once: its URL again changes nothing and sends nothing (cb1)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await app.keepVault();
  const [callback] = app.callbacks();
  const { tokenRequests } = app.counts();
  const before = await tab.state();
  await tab.go(callback?.href ?? "");
  if (!place.sharesTabs) {
    // A vault that went with its page knows nothing of it any more: the session comes from the provider.
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
    assert.equal(await tab.url(), app.callback);
    const { codeRequests, codesSucceeded } = app.counts();
    assert.deepEqual([codeRequests, codesSucceeded], [2, 2], "the old code was not sent");
    return;
  }
  await tab.ready();
  assert.equal(await tab.url(), app.callback);
  const state = await tab.state();
  assert.deepEqual([state.status, state.expiresAt], ["signedIn", before.expiresAt]);
  const error = await tab.run(({ callbackError }) => ({
    ...callbackError,
    message: callbackError?.message,
  }));
  assertAuthErrorInfo(error, "callback_used", /remove/);
  assert.equal(app.counts().tokenRequests, tokenRequests);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a page that begins twice, as under StrictMode, is signed in once", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  await intercept(app, tab);
  const seen = await tab.run(async () => {
    const { sdk, settings } = window.tw;
    /** What an effect does when it begins, and what ends it. */
    const begin = () => {
      const auth = sdk.createClient(settings.options);
      const states = [auth.state.status];
      const leave = auth.subscribe(() => states.push(auth.state.status));
      return {
        auth,
        states,
        end() {
          leave();
          auth.close();
        },
      };
    };
    const first = begin();
    first.end();
    const second = begin();
    await second.auth.ready;
    window.tw.auth = second.auth;
    return { first: first.states, second: second.states, returnTo: second.auth.returnTo };
  });
  assert.deepEqual(seen.first, ["restoring"]);
  assert.equal(seen.second.at(-1), "signedIn");
  assert.ok(!seen.second.includes("signedOut"), seen.second.join());
  assert.ok(seen.returnTo, "where the application wanted to be is lost");
  assert.deepEqual([app.counts().codeRequests, app.counts().codesSucceeded], [1, 1]);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

test("handleCallback brings a callback by hand, once however often it is called", async () => {
  const app = await e2e.application({ options: { callback: "manual" } });
  const tab = await app.open();
  await tab.ready();
  await tab.toLogin({ returnTo: "/by-hand" });
  await tab.submitLogin();
  await tab.ready();
  assert.equal((await tab.state()).status, "signedOut", "nobody brought the callback yet");
  assert.match(await tab.url(), /[?&]code=/, "the address is the application's");
  const [returnTo, status] = await tab.run(async (auth) => {
    const { href } = location;
    await Promise.all([auth.handleCallback(href), auth.handleCallback(href)]);
    return [auth.returnTo, auth.state.status];
  });
  assert.deepEqual([returnTo, status], ["/by-hand", "signedIn"]);
  assert.equal(app.counts().codeRequests, 1);
  await assert.rejects(
    tab.run((auth, base) => auth.handleCallback(`${base}?code=x&state=y`), app.callback),
    authError("callback_unknown", /signIn/, { phase: "callback" }),
  );
  assert.equal((await tab.state()).status, "signedIn");
});

test("who refuses at the provider comes back to a typed error, and its state is used up (cb2, cb5)", async () => {
  const app = await e2e.application();
  await app.keepVault();
  const tab = await app.open();
  await tab.ready();
  await tab.toLogin();
  await tab.driver.executeScript("document.querySelector('#cancel').click()");
  await tab.untilApp();
  await assertCallbackFailed(tab, "oauth_error", /access_denied/);
  assert.equal((await tab.state()).error.oauthError, "access_denied");
  assert.equal(await tab.url(), app.callback);

  const [refused] = app.callbacks();
  assert.ok(refused);
  await tab.go(forged(refused, { error: undefined, error_description: undefined, code: "stolen" }));
  await tab.untilApp();
  await assertCallbackFailed(tab, place.sharesTabs ? "callback_used" : "callback_unknown", /./);
  assert.equal(app.counts().tokenRequests, 0);
});

test("a description from the network is inert (cb6)", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  const callback = await intercept(app, tab);
  const error_description = `<img src=x onerror=alert(1)>"'\`\u202e\u0000\n${"x".repeat(5000)}`;
  await tab.go(forged(callback, { code: undefined, error: "x<b>y", error_description }));
  await tab.untilApp();
  await assertCallbackFailed(tab, "oauth_error", /./);
  const { error } = await tab.state();
  assert.doesNotMatch(error.message + error.oauthError, /[<>"`\u202e\0\n]/);
  assert.ok(error.message.length < 500);
});

test("malformed callbacks are refused, and the sign-in survives them (cb3, cb4, cb10, cb11)", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  const callback = await intercept(app, tab);
  const { search } = callback;
  const malformed = [
    `${search}&code=b`,
    `${search}&state=b`,
    `${search}&iss=${encodeURIComponent(e2e.servers.issuer)}`,
    `${search}&error=access_denied`,
    `${search}&access_token=t`,
    `${search}&id_token=t`,
    search.replace(/code=[^&]*/, "code="),
    search.replace(/state=[^&]*/, "state="),
    search.replace(/state=[^&]*/, `state=${"s".repeat(9000)}`),
  ];
  for (const query of malformed) {
    await tab.go(app.callback + query);
    await tab.untilApp();
    await assertCallbackFailed(tab, "callback_invalid", /./);
    assert.equal(await tab.url(), app.callback);
  }
  // On another path, or not in the query: no callback at all.
  for (const url of [`${app.base}elsewhere${search}`, `${app.callback}#${search.slice(1)}`]) {
    await tab.go(url);
    await tab.untilApp();
    await tab.ready();
    assert.equal(await tab.url(), url, "it is the application's");
  }
  assert.equal(app.counts().tokenRequests, 0);
  await tab.go(callback.href);
  await tab.untilApp();
  await tab.ready();
  assert.equal((await tab.state()).status, "signedIn");
});

test("a callback of another issuer is refused before any request (mx1, mx3)", async () => {
  const { issuer, other } = e2e.servers;
  const lies = [
    other,
    `${issuer}/`,
    issuer.toUpperCase(),
    issuer.replace("localhost", "127.0.0.1"),
    issuer.replace(/:\d+$/, ":443"),
    encodeURIComponent(issuer),
    "",
    undefined,
  ];
  const app = await e2e.application();
  const tab = await app.open();
  for (const iss of lies) {
    await tab.ready();
    const callback = await intercept(app, tab);
    await tab.go(forged(callback, { iss }));
    await tab.untilApp();
    await assertCallbackFailed(tab, "issuer_mismatch", /sign-in/);
    assert.equal(app.counts().tokenRequests, 0, String(iss));
  }
});

test("an error of another issuer does not end the sign-in at the honest one (mx5)", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  const callback = await intercept(app, tab);
  const lie = { code: undefined, error: "access_denied", iss: e2e.servers.other };
  await tab.go(forged(callback, lie));
  await tab.untilApp();
  await assertCallbackFailed(tab, "issuer_mismatch", /sign-in/);
  await tab.go(callback.href);
  await tab.untilApp();
  await tab.ready();
  assert.equal((await tab.state()).status, "signedIn");
});

test("a provider that cannot be reached is an error that may pass; nothing navigates", async () => {
  const app = await e2e.application({ options: { issuer: "http://localhost:8099" } });
  const tab = await app.open();
  await tab.ready();
  assert.equal((await tab.state()).status, "signedOut");
  await assert.rejects(
    tab.run((auth) => auth.signIn()),
    authError("provider_unreachable", /CORS|network/, { phase: "discovery", retryable: true }),
  );
  assert.equal(await tab.url(), app.base);
  assert.equal((await tab.state()).status, "signedOut");
});

test("a discovery document that lies, or is none, is refused before anyone is sent there (ds2, ds4, ds5, ar3)", async () => {
  const { other, issuer } = e2e.servers;
  const good = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const own = { ...good, issuer: other };
  /** @type {[string, unknown, string, RegExp][]} */
  const documents = [
    ["another issuer", good, "metadata_invalid", /another issuer/],
    ["with a slash", { ...good, issuer: `${other}/` }, "metadata_invalid", /issuer/],
    ["HTML", "<!doctype html><title>hello</title>", "provider_answer_invalid", /./],
    ["an array", "[]", "metadata_invalid|provider_answer_invalid", /./],
    [
      "duplicate members",
      `{"issuer":"${other}","issuer":"${other}"}`,
      "provider_answer_invalid",
      /./,
    ],
    [
      "no token endpoint",
      { ...own, token_endpoint: undefined },
      "provider_unsupported|metadata_invalid",
      /token/,
    ],
    [
      "plain http",
      { ...own, token_endpoint: "http://id.example.com/token" },
      "metadata_invalid",
      /https|token/,
    ],
    [
      "a script",
      { ...own, authorization_endpoint: "javascript:alert(1)" },
      "metadata_invalid",
      /./,
    ],
    [
      "no S256",
      { ...own, code_challenge_methods_supported: ["plain"] },
      "provider_unsupported",
      /S256/,
    ],
    [
      "no code flow",
      { ...own, response_types_supported: ["id_token"] },
      "provider_unsupported",
      /code/,
    ],
    [
      "too long",
      { ...own, padding: "x".repeat(300_000) },
      "provider_answer_invalid|metadata_invalid",
      /./,
    ],
  ];
  for (const [name, body, codes, says] of documents) {
    e2e.servers.direct.other.reset();
    e2e.servers.direct.other.setAnswer("/.well-known/openid-configuration", { body });
    e2e.servers.direct.other.setAnswer("/.well-known/oauth-authorization-server", { status: 404 });
    const app = await e2e.application({ options: { issuer: other } });
    const tab = await app.open();
    await tab.ready();
    await assert.rejects(
      tab.run((auth) => auth.signIn()),
      (/** @type {any} */ error) => {
        assert.ok(codes.split("|").includes(error.code), `${name}: ${error.code} ${error.message}`);
        return authError(error.code, says, { phase: "discovery" })(error);
      },
      name,
    );
    assert.equal(await tab.url(), app.base);
    for (const { method } of e2e.servers.direct.other.log.list()) assert.equal(method, "GET");
  }
});

test("endpoints can be given, for a provider without a discovery document", async () => {
  const { issuer } = e2e.servers;
  const app = await e2e.application({
    options: {
      endpoints: {
        authorization: `${issuer}/auth`,
        token: `${issuer}/token`,
        revocation: `${issuer}/token/revocation`,
        endSession: `${issuer}/session/end`,
        jwks: `${issuer}/jwks`,
      },
    },
  });
  const before = e2e.servers.direct.provider.counters.of().discovery;
  const tab = await app.openSignedIn();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  assert.equal(e2e.servers.direct.provider.counters.of().discovery, before);
  await tab.run((auth) => auth.signOut({ local: true }));
  await eventually("the revocation", async () => app.counts().revocations === 1);
});

/**
 * Signs in, and catches the callback before a client sees it.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 * @returns {Promise<URL>}
 */
async function intercept(app, tab) {
  await app.settle({ page: { create: false } });
  if (app.callbacks().length > 0) {
    await app.signInAgain(tab);
  } else {
    await tab.toLogin();
    await tab.submitLogin();
  }
  await app.settle({ page: {} });
  const callback = app.callbacks().at(-1);
  assert.ok(callback, "no callback was seen");
  return callback;
}

/**
 * @param {URL} callback
 * @param {Record<string, string | undefined>} change
 * @returns {string} the same with other parameters; `undefined` takes one away
 */
function forged(callback, change) {
  const url = new URL(callback);
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}
