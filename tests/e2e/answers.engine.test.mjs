// @ts-check
// Token answers that are none, or unusual ones: the first are typed errors with the session as it
// was, the others simply work.
import assert from "node:assert/strict";
import { test } from "node:test";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, eventually } from "./harness/tab.mjs";

const e2e = suite();
const me = () => `${e2e.servers.api}/me`;

const GOOD = { access_token: "opaque-1", token_type: "Bearer", expires_in: 300 };

/** @type {[name: string, fault: import("../servers/faults.mjs").Fault, codes: string, says: RegExp][]} */
const BROKEN = [
  [
    "HTML",
    { status: 200, body: "<!doctype html><title>hello</title>", contentType: "text/html" },
    "provider_answer_invalid",
    /provider/,
  ],
  [
    "truncated JSON",
    { status: 200, body: '{"access_token":"a","token_type":"Bea' },
    "token_answer_invalid",
    /JSON/,
  ],
  ["nothing", { status: 200, body: "" }, "token_answer_invalid", /token answer/],
  ["an array", { status: 200, body: "[]" }, "token_answer_invalid", /token answer/],
  [
    "a huge one",
    { status: 200, body: { ...GOOD, padding: "x".repeat(1_000_000) } },
    "token_answer_invalid",
    /token answer/,
  ],
  [
    "duplicate members",
    {
      status: 200,
      body: '{"access_token":"a","access_token":"b","token_type":"Bearer","expires_in":300}',
    },
    "token_answer_invalid",
    /JSON/,
  ],
  [
    "a byte order mark",
    { status: 200, body: `\ufeff${JSON.stringify(GOOD)}` },
    "token_answer_invalid",
    /JSON/,
  ],
  [
    "another token type",
    { status: 200, body: { ...GOOD, token_type: "mac" } },
    "token_answer_invalid",
    /Bearer/,
  ],
  [
    "no access token",
    { status: 200, body: { token_type: "Bearer" } },
    "token_answer_invalid",
    /token answer/,
  ],
  [
    "a token of other characters",
    { status: 200, body: { ...GOOD, access_token: "a\r\nSet-Cookie: b" } },
    "token_answer_invalid",
    /characters/,
  ],
  [
    "a redirect",
    { status: 307, headers: { Location: "/jwks" } },
    "provider_unreachable",
    /provider/,
  ],
  [
    "a failing server",
    { status: 500, body: "down", contentType: "text/plain" },
    "provider_answer_invalid",
    /500/,
  ],
  // Several times: a browser sends again by itself what it lost on a connection it kept open.
  ["a dropped connection", { drop: true, count: 10 }, "provider_unreachable", /CORS|network/],
];

test("a code's answer that is none fails the sign-in, and the next one works (tk9, tk12, cb8)", async () => {
  const { faults } = e2e.servers.direct.provider;
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await tab.run((auth) => auth.signOut({ local: true }));
  for (const [name, fault, code, says] of BROKEN) {
    const { codeRequests } = app.counts();
    app.planFault({ grantType: "authorization_code", ...fault });
    await app.signInAgain(tab);
    await tab.ready();
    const state = await tab.state();
    assert.deepEqual([state.status, state.reason], ["signedOut", "callback_failed"], name);
    assertAuthErrorInfo(state.error, code, says);
    assert.equal(state.error.retryable, false, `a code is never sent again: ${name}`);
    if (!fault.drop) assert.equal(app.counts().codeRequests, codeRequests + 1, name);
    faults.clear();
  }
  await app.signInAgain(tab);
  await tab.untilStatus("signedIn");
});

test("a refresh's answer that is none keeps the session (tk9, rf6)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  for (const [name, fault, code, says] of BROKEN) {
    // Anew each time: after a failure the next attempt has to wait.
    await app.signInAgain(tab);
    await tab.ready();
    const before = await tab.state();
    app.planFault({ grantType: "refresh_token", ...fault });
    app.refuseTokens();
    // The refused token cannot be renewed now: the caller gets the resource's own answer.
    assert.equal((await tab.call(me())).status, 401, name);
    const { degraded, ...state } = await tab.state();
    assertAuthErrorInfo(degraded, code, says);
    assert.deepEqual(
      [state.status, state.claims, state.expiresAt],
      ["signedIn", before.claims, before.expiresAt],
      name,
    );
    e2e.servers.direct.provider.faults.clear();
  }
});

test("a refresh that failed is tried again by itself, and then all is well (tk9)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  app.planFault({ grantType: "refresh_token", status: 502, body: "down" });
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 401);
  await eventually("the next refresh", async () => app.counts().refreshesSucceeded === 1);
  await tab.until("health", (auth) => auth.state.degraded === undefined);
  assert.equal((await tab.call(me())).status, 200);
});

test("an expired token whose refresh fails rejects the call and keeps the session", async () => {
  const app = await e2e.application({ provider: { accessTokenTtl: 3 } });
  const tab = await app.openSignedIn();
  const { expiresAt } = await tab.state();
  const down = { status: 503, body: "down", headers: { "Retry-After": "3600" } };
  app.planFault({ grantType: "refresh_token", ...down, count: 20 });
  await eventually("the expiry", async () => Date.now() > expiresAt);
  const error = await tab.until(
    "a rejected call",
    (auth, url) =>
      auth.fetch(url).then(
        () => undefined,
        (/** @type {any} */ error) => ({ ...error, message: error.message }),
      ),
    me(),
  );
  assertAuthErrorInfo(error, "refresh_failed", /session is kept/);
  assert.equal(error.retryable, true);
  assert.ok(error.retryAfterMs > 0, "it says when to come again");
  assert.equal((await tab.state()).status, "signedIn");
  assert.equal(app.calls().length, 0, "nothing went out with an expired token");
  const { refreshRequests } = app.counts();
  await assert.rejects(tab.call(me()));
  assert.equal(app.counts().refreshRequests, refreshRequests, "Retry-After is obeyed");
});

test("a provider that does not answer in time is given up (tk12, cb8)", async () => {
  const app = await e2e.application({ options: { timeouts: { networkMs: 1000 } } });
  const tab = await app.open();
  await tab.ready();
  app.planFault({ grantType: "authorization_code", hold: true });
  await tab.toLogin();
  await tab.submitLogin();
  const state = await tab.untilStatus("signedOut");
  assert.equal(state.reason, "callback_failed");
  assertAuthErrorInfo(state.error, "timeout", /networkMs/);
  assert.equal(app.counts().codeRequests, 1, "the code is not sent again");
});

test("an answer without expires_in works until a resource refuses the token (tk7)", async () => {
  const app = await e2e.application({ provider: { omit: ["expires_in"] } });
  const tab = await app.openSignedIn();
  const { expiresAt, refreshAt } = await tab.state();
  assert.deepEqual([expiresAt, refreshAt], [null, null]);
  assert.equal((await tab.call(me())).status, 200);
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 200);
  assert.equal(app.counts().refreshesSucceeded, 1);
});

test("an answer without a refresh token works, and a new sign-in follows (ar15)", async () => {
  const app = await e2e.application({ provider: { omit: ["refresh_token"] } });
  const tab = await app.openSignedIn();
  assert.equal((await tab.state()).refreshAt, null);
  assert.equal((await tab.call(me())).status, 200);
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 401);
  assert.equal(app.counts().refreshRequests, 0);
});

test("a refresh answer without a new refresh token keeps the old one (rf3)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const body = { ...GOOD, access_token: "not-for-this-api" };
  app.planFault({ grantType: "refresh_token", status: 200, body });
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 401, "the new token is no good there");
  assert.equal((await tab.call(me())).status, 200, "renewed with the refresh token it kept");
  assert.deepEqual([app.counts().refreshesSucceeded, app.counts().reuses], [1, 0]);
});

test("opaque access tokens are normal (id14)", async () => {
  const app = await e2e.application({ provider: { accessTokenFormat: "opaque" } });
  const tab = await app.openSignedIn();
  assert.equal((await tab.call(me())).status, 200);
  assert.equal(app.tokens("access")[0]?.token.includes("."), false);
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 200);
});

test("plain OAuth without an ID token is normal", async () => {
  const app = await e2e.application({ options: { scope: ["offline_access"] } });
  const tab = await app.open();
  await tab.ready();
  const body = { ...GOOD, refresh_token: "r", scope: "offline_access" };
  app.planFault({ grantType: "authorization_code", status: 200, body });
  await tab.signIn();
  const { claims, scopes } = await tab.state();
  assert.deepEqual([claims, scopes], [{}, ["offline_access"]]);
});

test("with openid, an answer without an ID token, or with a wrong one, is refused", async () => {
  const part = (/** @type {unknown} */ value) =>
    Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  for (const alg of [undefined, "none", "RS256"]) {
    const app = await e2e.application();
    const tab = await app.open();
    await tab.ready();
    const claims = {
      iss: e2e.servers.issuer,
      sub: "mallory",
      aud: app.clientId,
      iat: now,
      exp: now + 300,
    };
    const id_token = alg && `${part({ alg })}.${part(claims)}.${alg === "none" ? "" : part("s")}`;
    app.planFault({ grantType: "authorization_code", status: 200, body: { ...GOOD, id_token } });
    await tab.toLogin({ prompt: "login" });
    await tab.submitLogin();
    await tab.ready();
    const { status, reason, error } = await tab.state();
    assert.deepEqual([status, reason], ["signedOut", "callback_failed"], String(alg));
    assertAuthErrorInfo(error, "id_token_invalid", /./);
  }
});

test("token requests are what the standards ask of a public client (tk1, tk2, tk3)", async () => {
  const { other, issuer } = e2e.servers;
  e2e.allowConnect(other);
  const app = await e2e.application({
    options: {
      endpoints: {
        authorization: `${issuer}/auth`,
        token: `${other}/token`,
        jwks: `${issuer}/jwks`,
      },
    },
  });
  const tab = await app.open();
  await tab.ready();
  await tab.run(() => {
    // Cookies of a host go to every port of it: none may come along.
    document.cookie = "mine=1";
  });
  await tab.toLogin();
  await tab.submitLogin();
  await tab.ready();
  const [sent] = e2e.servers.direct.other.log.list().filter(({ method }) => method === "POST");
  assert.ok(sent, "no token request");
  assert.match(String(sent.headers["content-type"]), /^application\/x-www-form-urlencoded/);
  const { cookie, authorization, referer } = sent.headers;
  assert.deepEqual([cookie, authorization, referer], [undefined, undefined, undefined]);
  const form = new URLSearchParams(sent.body);
  assert.deepEqual([...form.keys()].sort(), [
    "client_id",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
  ]);
  assert.match(form.get("code_verifier") ?? "", /^[\w.~-]{43,128}$/);
  assert.equal(form.get("redirect_uri"), app.callback);
  await tab.run(() => {
    document.cookie = "mine=; max-age=0";
  });
});
