// @ts-check
// What a sign-in says to the provider: every parameter as it was asked for, pushed where somebody wants
// that, and not at all where sign-ins go round and round.
import assert from "node:assert/strict";
import { test } from "node:test";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();

/**
 * The requests of this client at an endpoint.
 *
 * @param {string} path
 * @param {string} clientId
 */
function requests(path, clientId) {
  const log = e2e.servers.direct.provider.log.list();
  return log.filter(
    ({ query, form, ...request }) =>
      request.path === path && (query.client_id ?? form.client_id) === clientId,
  );
}

test("a sign-in asks for what the application wants, unchanged (ar12, ar14)", async () => {
  const { api } = e2e.servers;
  const app = await e2e.application({ options: { resource: [api], extraParams: { x: "a b&c" } } });
  const tab = await app.open();
  await tab.ready();
  const claims = { id_token: { email: null }, userinfo: { name: { essential: true } } };
  await tab.toLogin({
    prompt: "login",
    loginHint: "bob+1@example.test",
    maxAge: 60,
    acrValues: "gold silver",
    uiLocales: "de-CH en",
    claims,
    extraParams: { kind: "x=y" },
  });
  await tab.submitLogin("bob");
  await tab.ready();
  assert.equal((await tab.state()).status, "signedIn");
  const [asked] = requests("/auth", app.clientId);
  const { state, nonce, code_challenge, scope, ...rest } = asked?.query ?? {};
  for (const random of [state, nonce, code_challenge]) assert.match(String(random), /^[\w-]{43}$/);
  assert.deepEqual(rest, {
    response_type: "code",
    client_id: app.clientId,
    redirect_uri: app.callback,
    code_challenge_method: "S256",
    prompt: "login",
    login_hint: "bob+1@example.test",
    max_age: "60",
    acr_values: "gold silver",
    ui_locales: "de-CH en",
    claims: JSON.stringify(claims),
    kind: "x=y",
    x: "a b&c",
    resource: api,
  });
  const [exchange] = requests("/token", app.clientId);
  assert.equal(exchange?.form.resource, api);
  assert.equal((await tab.call(`${api}/me`)).status, 200, "a token for that resource");
});

test("what no provider could read is refused before the page leaves (ar13, ar14)", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  for (const [wrong, says] of /** @type {[object, RegExp][]} */ ([
    [{ maxAge: -1 }, /maxAge/],
    [{ maxAge: 1.5 }, /maxAge/],
    [{ claims: [] }, /claims/],
    [{ extraParams: { resource: "https://evil.example" } }, /resource/],
    [{ extraParams: { response_type: "token" } }, /response_type/],
    [{ prompt: "login", extraParams: { prompt: "none" } }, /prompt/],
  ])) {
    await assert.rejects(
      tab.run((auth, options) => auth.signIn(options), wrong),
      authError("config_invalid", says, { phase: "signIn" }),
    );
  }
  assert.equal(requests("/auth", app.clientId).length, 0);
});

test("a client that must push its requests does, and the browser carries a reference (pa1, pa2, pa3)", async () => {
  const app = await e2e.application({
    provider: { requiresPushed: true },
    options: { pushAuthorizationRequests: true },
  });
  const tab = await app.open();
  await tab.ready();
  await tab.toLogin({ loginHint: "carol" });
  await tab.submitLogin("carol");
  await tab.ready();
  assert.equal((await tab.state()).claims.sub, "carol");
  const [pushed] = requests("/request", app.clientId);
  assert.deepEqual(
    [pushed?.form.login_hint, pushed?.form.redirect_uri, pushed?.form.request_uri],
    ["carol", app.callback, undefined],
  );
  const [asked] = requests("/auth", app.clientId);
  assert.deepEqual(Object.keys(asked?.query ?? {}).sort(), ["client_id", "request_uri"]);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);

  // Each navigation has a reference of its own.
  await app.signInAgain(tab);
  await tab.untilStatus("signedIn");
  const references = requests("/auth", app.clientId).map(({ query }) => query.request_uri);
  assert.equal(new Set(references).size, references.length);
  const { pushed: pushes, authorizations } = app.counts();
  assert.deepEqual([pushes, authorizations], [2, 2]);
});

test("where the metadata require it, requests are pushed without being asked to (pa4)", async () => {
  const { issuer } = e2e.servers;
  const good = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const body = { ...good, require_pushed_authorization_requests: true };
  const app = await e2e.application();
  // Also for the vault after this one.
  app.planFault({ step: "discovery", status: 200, body, count: 9 });
  const tab = await app.openSignedIn();
  assert.equal((await tab.state()).status, "signedIn");
  assert.equal(app.counts().pushed, 1);
  e2e.servers.direct.provider.faults.clear();

  const without = { ...body, pushed_authorization_request_endpoint: undefined };
  const other = await e2e.application();
  other.planFault({ step: "discovery", status: 200, body: without });
  const page = await other.open();
  await page.ready();
  await assert.rejects(
    page.run((auth) => auth.signIn()),
    authError("provider_unsupported", /pushAuthorizationRequests/),
  );
  assert.equal(requests("/auth", other.clientId).length, 0, "nothing goes through the browser");
});

test("a push that fails is a typed error, and nobody leaves (pa5)", async () => {
  const app = await e2e.application({ options: { pushAuthorizationRequests: true } });
  const tab = await app.open();
  await tab.ready();
  const held = { request_uri: "urn:x", expires_in: 60 };
  /** @type {[import("../servers/faults.mjs").Fault, string, RegExp][]} */
  const faults = [
    [{ status: 400, body: { error: "invalid_request" } }, "oauth_error", /invalid_request/],
    [{ status: 503 }, "provider_answer_invalid", /503/],
    [{ status: 200, body: held }, "provider_answer_invalid", /9126/],
    [{ status: 201, body: "<html>" }, "provider_answer_invalid", /9126/],
    [{ status: 201, body: { request_uri: "urn:x" } }, "provider_answer_invalid", /9126/],
    [
      { status: 307, headers: { Location: `${e2e.servers.other}/request` } },
      "provider_unreachable",
      /./,
    ],
    [{ drop: true }, "provider_unreachable", /CORS|network/],
  ];
  for (const [fault, code, says] of faults) {
    app.planFault({ step: "pushed", count: 3, ...fault });
    await assert.rejects(
      tab.run((auth) => auth.signIn()),
      authError(code, says, { phase: "signIn" }),
      JSON.stringify(fault),
    );
    e2e.servers.direct.provider.faults.clear();
  }
  assert.equal(e2e.servers.direct.other.log.list().length, 0, "a redirect was followed");
  assert.equal(requests("/auth", app.clientId).length, 0);
  await tab.signIn();
});

test("sign-ins that go round and round are stopped before the fourth", async () => {
  const app = await e2e.application({ options: { restore: "none" } });
  const tab = await app.open();
  await tab.ready();
  for (let round = 1; round <= 3; round += 1) {
    await tab.run((auth) => {
      window.tw.left = true;
      void auth.signIn({ prompt: "none" });
    });
    await eventually("the way back", async () => app.callbacks().length === round);
    await tab.until("the next page", () => window.tw !== undefined && window.tw.left !== true);
    await tab.ready();
    assert.equal((await tab.state()).reason, "callback_failed");
  }
  await assert.rejects(
    tab.run((auth) => auth.signIn({ prompt: "none" })),
    authError("login_loop", /30 seconds/, { phase: "signIn", retryable: true }),
  );
  assert.equal(await tab.url(), app.callback, "the page stays where it is");
  assert.equal(app.counts().authorizations, 3);
  // A person who signs out, or a moment, makes it good again.
  await tab.run((auth) => auth.signOut());
  await tab.signIn();
});
