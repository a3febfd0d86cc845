// @ts-check
// The end of a session: the provider's logout and the way back from it, its own word that somebody
// signed out, revocation under every answer; and what the provider tells of the person until then.
import assert from "node:assert/strict";
import { test } from "node:test";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();

/**
 * The browsers' requests to an endpoint of the provider since `from`.
 *
 * @param {string} path
 * @param {number} [from]
 */
const requests = (path, from = 0) =>
  e2e.servers.direct.provider.log
    .list()
    .slice(from)
    .filter((request) => request.path === path && request.method !== "OPTIONS");

const seen = () => e2e.servers.direct.provider.log.list().length;

/**
 * Signs out at the provider, and waits until the app is back.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {object} [options]
 */
async function signOut(app, tab, options) {
  await tab.run((auth, options) => {
    window.tw.left = true;
    void auth.signOut(options);
  }, options);
  await tab.untilUrl("the page after the logout", app.isHome);
  await tab.until("its client", () => window.tw !== undefined && window.tw.left !== true);
  await tab.ready();
}

test("a logout comes back to where the application wants to be (lo1, lo2)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const from = seen();
  await signOut(app, tab, { returnTo: "/bye?x=1" });
  const [left] = requests("/session/end", from);
  const { state, ...rest } = left?.query ?? {};
  assert.match(String(state), /^[\w-]{43}$/);
  assert.deepEqual(rest, { client_id: app.clientId, post_logout_redirect_uri: app.base });
  assert.equal(await tab.url(), `${app.base}?state=${state}`);

  // Another one's way back takes nothing away.
  const other = await app.openTab();
  for (const query of ["", `?state=${"A".repeat(43)}`, `?state=${state}&state=${state}`]) {
    await other.go(app.base + query);
    await other.untilApp();
    assert.equal(await other.run((auth) => auth.afterSignOut()), null, query);
    assert.equal(await other.url(), app.base + query, "it is the application's");
  }
  assert.equal(await tab.run((auth) => auth.afterSignOut()), "/bye?x=1");
  assert.equal(await tab.url(), app.base, "the answer's `state` is gone");
  await tab.go(`${app.base}?state=${state}`);
  await tab.untilApp();
  assert.equal(await tab.run((auth) => auth.afterSignOut()), null, "it was told once");
});

test("a wish for another origin is refused, and the session ends all the same (lo3)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await assert.rejects(
    tab.run((auth, returnTo) => auth.signOut({ returnTo }), `${e2e.servers.other}/`),
    authError("return_to_invalid", /origin/, { phase: "signOut" }),
  );
  assert.equal((await tab.state()).reason, "signed_out");
  assert.equal(app.counts().logouts, 0, "nobody left");
  assert.equal(app.counts().revocations, 1);
});

test("the ID token passes through the page only where the options expose it (lo1)", async () => {
  const app = await e2e.application();
  await app.settle({
    options: { logout: { postLogoutRedirectUri: app.base, idTokenHint: "expose" } },
  });
  const tab = await app.openSignedIn();
  const from = seen();
  await signOut(app, tab);
  const [left] = requests("/session/end", from);
  assert.equal(left?.query.id_token_hint, app.tokens("id").at(-1)?.token);
  const [revoked] = requests("/token/revocation", from);
  assert.equal(revoked?.form.token, app.tokens("refresh").at(-1)?.token, "before that");
});

test("the provider's own word ends the session that it names, and no other (lo4)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn({ login: "dora" });
  const { issuer } = e2e.servers;
  const page = await app.openTab();
  /** @param {Record<string, string>} query */
  const told = async (query) => {
    await page.go(`${app.base}logged-out?${new URLSearchParams(query)}`);
    await page.untilApp();
    await page.run((auth) => auth.frontChannelLogout());
  };
  const others = /** @type {Record<string, string>[]} */ ([
    {},
    { iss: issuer },
    { sid: "session-of-dora" },
    { iss: issuer, sid: "session-of-alice" },
    { iss: `${issuer}/`, sid: "session-of-dora" },
    { iss: e2e.servers.other, sid: "session-of-dora" },
  ]);
  for (const query of others) {
    await assert.rejects(
      told(query),
      authError("logout_invalid", /session|sid/),
      JSON.stringify(query),
    );
    assert.equal((await tab.state()).status, "signedIn");
  }
  await told({ iss: issuer, sid: "session-of-dora" });
  await tab.untilSignedOut("signed_out");
  await eventually("the revocation", async () => app.counts().revocations === 1);
  assert.equal(app.counts().logouts, 0, "the provider knows it already");
});

test("a revocation names the refresh token first, and no answer to it keeps anybody (rv1, rv2, rv3, rv4, rv5)", async () => {
  const { other } = e2e.servers;
  /** @type {[string, import("../servers/faults.mjs").Fault | undefined][]} */
  const answers = [
    ["a good one", undefined],
    ["an unknown token", { status: 200, body: "" }],
    ["another kind", { status: 400, body: { error: "unsupported_token_type" } }],
    ["no public clients", { status: 401, body: { error: "invalid_client" } }],
    ["a lost connection", { drop: true }],
    ["a redirect", { status: 307, headers: { Location: `${other}/revoke` } }],
    ["a failing server", { status: 500 }],
  ];
  for (const [name, fault] of answers) {
    const app = await e2e.application();
    const tab = await app.openSignedIn();
    const from = seen();
    if (fault) app.planFault({ step: "revocation", count: 9, ...fault });
    await tab.run((auth) => auth.signOut({ local: true }));
    assert.equal((await tab.state()).reason, "signed_out", name);
    const [sent] = requests("/token/revocation", from);
    assert.deepEqual(sent?.form, {
      token: app.tokens("refresh")[0]?.token,
      token_type_hint: "refresh_token",
      client_id: app.clientId,
    });
    e2e.servers.direct.provider.faults.clear();
  }
  assert.equal(e2e.servers.direct.other.log.list().length, 0, "a redirect was followed");
});

test("a provider that cannot revoke now is asked again when it says (rv3)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const from = seen();
  app.planFault({ step: "revocation", status: 503, headers: { "Retry-After": "1" } });
  await tab.run((auth) => auth.signOut({ local: true }));
  assert.equal((await tab.state()).reason, "signed_out", "that waits for nothing");
  await eventually(
    "the second attempt",
    async () => requests("/token/revocation", from).length === 2,
  );
  const [refresh] = app.tokens("refresh");
  const isOver = async () => (await app.refreshDirectly(refresh?.token ?? "")) === 400;
  await eventually("the token's end", isOver);
});

test("a revocation that failed is not sent again once somebody signs in (rv3)", async () => {
  const app = await e2e.application({ provider: { accessTokenTtl: 3 } });
  await app.keepVault();
  const tab = await app.openSignedIn();
  const from = seen();
  // A vault of another test may still have one to repeat.
  const own = () =>
    requests("/token/revocation", from).filter(({ form }) => form.client_id === app.clientId);
  const headers = { "Retry-After": "2" };
  app.planFault({ step: "revocation", count: 99, status: 503, headers });
  await tab.run((auth) => auth.signOut({ local: true }));
  await eventually("a revocation", async () => own().length > 0);
  await app.signInAgain(tab);
  await tab.untilStatus("signedIn");
  // On a slow machine some were sent before anybody had signed in. The next is due before the new token's
  // second refresh, and would take its grant away.
  const attempts = own().length;
  const before = app.counts().refreshesSucceeded;
  await eventually("two refreshes", async () => app.counts().refreshesSucceeded >= before + 2);
  assert.equal(own().length, attempts);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

test("UserInfo is told where it is about the same person (ui1, ui2)", async () => {
  const app = await e2e.application({ provider: { forUserInfo: true } });
  const tab = await app.open();
  await tab.ready();
  await assert.rejects(
    tab.run((auth) => auth.userInfo()),
    authError("not_signed_in", /signIn/),
  );
  await tab.signIn({ login: "erin" });
  const { sub, name, email } = await tab.run((auth) => auth.userInfo());
  assert.deepEqual([sub, name, email], ["erin", "Erin", "erin@example.test"]);

  const own = { sub: "erin" };
  /** @type {[import("../servers/faults.mjs").Fault, string, RegExp][]} */
  const faults = [
    [{ status: 200, body: { ...own, sub: "alice" } }, "userinfo_invalid", /somebody else/],
    [{ status: 200, body: { name: "Erin" } }, "userinfo_invalid", /somebody else/],
    [{ status: 200, body: "<html>" }, "userinfo_invalid", /JSON/],
    [{ status: 200, body: own, contentType: "application/jwt" }, "userinfo_invalid", /signature/],
    [{ status: 200, body: own, contentType: "text/html" }, "userinfo_invalid", /JSON/],
    [
      { status: 200, body: { ...own, echo: app.tokens("access").at(-1)?.token } },
      "userinfo_invalid",
      /token/,
    ],
    [{ status: 403, body: { error: "insufficient_scope" } }, "provider_answer_invalid", /403/],
    [{ drop: true }, "provider_unreachable", /CORS/],
  ];
  for (const [fault, code, says] of faults) {
    e2e.servers.direct.provider.faults.plan({ step: "userinfo", count: 99, ...fault });
    await assert.rejects(
      tab.run((auth) => auth.userInfo()),
      authError(code, says, { phase: "fetch" }),
      JSON.stringify(fault),
    );
    e2e.servers.direct.provider.faults.clear();
  }
  assert.equal((await tab.state()).status, "signedIn");

  // A token that is refused there is renewed, once, as for any resource.
  const before = app.counts().refreshRequests;
  e2e.servers.direct.provider.faults.plan({
    step: "userinfo",
    status: 401,
    headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' },
  });
  assert.equal((await tab.run((auth) => auth.userInfo())).sub, "erin");
  assert.equal(app.counts().refreshRequests, before + 1);
});
