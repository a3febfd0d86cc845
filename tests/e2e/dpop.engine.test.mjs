// @ts-check
// DPoP with a real provider and an API that checks each proof, and with servers that lie about nonces.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { assertRefused, hostileSuite } from "./harness/hostile.mjs";
import { place, storesKeys } from "./harness/place.mjs";
import { claimsOf, refreshBound, storedKey } from "./harness/proofs.mjs";
import { authError, eventually } from "./harness/tab.mjs";
import { byPlace, search } from "./harness/token-search.mjs";

const stage = hostileSuite();
const { e2e } = stage;

const HOUR = 60 * 60 * 1000;
const bound = { options: { dpop: true }, provider: { requiresProofs: true } };
const strict = { options: { dpop: true }, provider: { requiresProofs: true, requiresNonce: true } };

/**
 * The requests of this client at an endpoint, with the claims of their proofs.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {string} path
 */
function proven(app, path) {
  const log = e2e.servers.direct.provider.log.list();
  const own = log.filter((asked) => {
    return asked.path === path && (asked.form.client_id ?? asked.query.client_id) === app.clientId;
  });
  return own.map(({ proof, ...asked }) => ({ ...asked, claims: proof ? claimsOf(proof) : {} }));
}

/** @param {import("./harness/suite.mjs").Application} app */
const statuses = (app) => app.calls().map(({ status }) => status);

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {string} url
 * @param {RequestInit} [init]
 */
const status = async (tab, url, init) => (await tab.call(url, init)).status;

test("signs in and calls where provider and API want nonces (dp1, dp2, dp3, dp4, dp5, dp7, dp10)", async () => {
  const { api, issuer } = e2e.servers;
  e2e.servers.direct.api.wantNonce({ nonce: "rs-1" });
  const app = await e2e.application(strict);
  const tab = await app.openSignedIn();
  const [asked] = proven(app, "/auth");
  const exchanges = proven(app, "/token");
  assert.deepEqual(
    exchanges.map(({ claims }) => [claims.htm, claims.htu, typeof claims.nonce, claims.ath]),
    [
      ["POST", `${issuer}/token`, "undefined", undefined],
      ["POST", `${issuer}/token`, "string", undefined],
    ],
  );
  assert.equal(new Set(exchanges.map(({ form }) => form.code)).size, 1, "the code is as it was");
  assert.equal(await status(tab, `${api}/me?x=1#y`), 200);
  assert.deepEqual(statuses(app), [401, 200]);
  const [refused, taken] = app.calls();
  assert.match(String(taken?.headers.authorization), /^DPoP /);
  assert.equal(taken?.headers.authorization, refused?.headers.authorization, "the same lease");
  if (place.storesKeys) assert.equal(taken?.proof?.jkt, asked?.query.dpop_jkt);
  assert.equal(taken?.proof?.nonce, "rs-1");
  assert.equal(claimsOf(taken?.headers.dpop).htu, `${api}/me`);

  // From now on the nonce is known, and no try is wasted.
  assert.equal(await status(tab, `${api}/echo`, { method: "POST", body: "x" }), 200);
  assert.deepEqual(statuses(app), [401, 200, 200]);
  const jtis = [
    ...exchanges.map(({ claims }) => claims.jti),
    ...app.calls().map(({ headers }) => claimsOf(headers.dpop).jti),
  ];
  assert.equal(new Set(jtis).size, 5, "each proof is another");
  assert.equal(app.counts().refreshRequests, 0);
});

test("a nonce that a good answer tells is the next one, and a body is sent whole again (dp6, dp7)", async () => {
  const { api } = e2e.servers;
  const app = await e2e.application(bound);
  const tab = await app.openSignedIn();
  e2e.servers.direct.api.wantNonce({ nonce: "one", next: "two" });
  const post = { method: "POST", body: "the same bytes" };
  assert.equal(await status(tab, `${api}/echo`, post), 200);
  const [first, second] = app.calls();
  assert.deepEqual([first?.status, first?.bodySha256], [401, second?.bodySha256]);
  assert.equal(await status(tab, `${api}/echo`, post), 200);
  assert.deepEqual(statuses(app), [401, 200, 200]);
  assert.equal(app.calls()[2]?.proof?.nonce, "two");

  // A body that is too large to be kept is sent once, and the answer is the API's.
  e2e.servers.direct.api.wantNonce({ nonce: "three" });
  const large = await tab.run(async (auth, url) => {
    const body = new Uint8Array(2 * 1024 * 1024);
    return (await auth.fetch(url, { method: "POST", body })).status;
  }, `${api}/echo`);
  assert.equal(large, 401);
  assert.equal(await status(tab, `${api}/echo`, post), 200, "its nonce was taken in");
  assert.deepEqual(statuses(app).slice(3), [401, 200]);

  // A hundred calls at once meet the same challenge, each of them once.
  e2e.servers.direct.api.wantNonce({ nonce: "four" });
  const before = app.calls().length;
  const good = await tab.run(async (auth, url) => {
    const calls = Array.from({ length: 100 }, () => auth.fetch(url));
    return (await Promise.all(calls)).filter((/** @type {Response} */ { ok }) => ok).length;
  }, `${api}/me`);
  assert.equal(good, 100);
  assert.ok(app.calls().length - before <= 200);
  assert.equal(app.counts().refreshRequests, 0);
});

test("a pushed request is proven, too (dp10)", storesKeys, async () => {
  const app = await e2e.application({
    options: { dpop: true, pushAuthorizationRequests: true },
    provider: { ...strict.provider, requiresPushed: true },
  });
  const tab = await app.openSignedIn();
  const pushed = proven(app, "/request");
  assert.deepEqual(
    pushed.map(({ claims }) => [claims.htu, typeof claims.nonce]),
    [
      [`${e2e.servers.issuer}/request`, "undefined"],
      [`${e2e.servers.issuer}/request`, "string"],
    ],
  );
  assert.ok(pushed[0]?.form.dpop_jkt);
  assert.equal(await status(tab, `${e2e.servers.api}/me`), 200);
  assert.equal(app.calls()[0]?.proof?.jkt, pushed[0]?.form.dpop_jkt);
});

test("UserInfo takes the bound token (dp4, dp9)", async () => {
  const app = await e2e.application({
    options: { dpop: true },
    provider: { ...strict.provider, forUserInfo: true },
  });
  const tab = await app.openSignedIn();
  assert.equal((await tab.run((auth) => auth.userInfo())).sub, "alice");
  // The provider as a resource has a nonce of its own.
  const asked = e2e.servers.direct.provider.log.list().filter(({ path }) => path === "/me");
  const own = asked.filter(({ method }) => method === "GET").map(({ proof }) => claimsOf(proof));
  assert.deepEqual(
    own.slice(-2).map(({ nonce }) => typeof nonce),
    ["undefined", "string"],
  );
});

test("every refresh has the one key (rf9, dp5)", async () => {
  await refreshBound(e2e, 5);
});

test(
  "the key is used and never taken, and a sign-out makes another (dp12, st5, t2)",
  storesKeys,
  async () => {
    const app = await e2e.application({ ...bound, page: { watched: true } });
    const tab = await app.openSignedIn();
    const { api } = e2e.servers;
    assert.equal(await status(tab, `${api}/me`), 200);
    const key = await tab.run(storedKey, app.clientId);
    assert.deepEqual([key?.extractable, key?.usages], [false, ["sign"]]);
    assert.deepEqual(key?.outcomes, ["InvalidAccessError", "InvalidAccessError"]);
    await tab.run(() => window.tw.collect?.());
    const kept = await tab.run(() => window.tw.kept);
    assert.ok(byPlace(kept).size > 5, "the page saw something");
    assert.deepEqual(search(kept, app.tokens()), []);
    for (const { headers } of app.calls()) {
      assert.ok(!kept.join().includes(String(headers.dpop)), "a proof was in the page");
    }

    await tab.run((auth) => auth.signOut({ local: true }));
    assert.equal(await tab.run(storedKey, app.clientId), null);
    await app.signInAgain(tab);
    await tab.untilStatus("signedIn");
    const next = await tab.run(storedKey, app.clientId);
    assert.ok(next && next.x !== key?.x);
    assert.equal(await status(tab, `${api}/me`), 200);
    const used = new Set(app.calls().map(({ proof }) => proof?.jkt));
    assert.equal(used.size, 2);
  },
);

test("what is the vault's own is refused: a DPoP header, an export, a redirect (dp9, dp14, t9)", async () => {
  const { api, other } = e2e.servers;
  const app = await e2e.application({ ...bound, options: { dpop: true, allowTokenExport: true } });
  const tab = await app.openSignedIn();
  await assert.rejects(
    tab.run((auth, url) => auth.fetch(url, { headers: { DPoP: "x" } }), `${api}/me`),
    authError("request_invalid", /`DPoP` header/),
  );
  await assert.rejects(
    tab.run((auth) => auth.exportAccessToken()),
    authError("export_not_allowed", /`dpop`/),
  );
  assert.equal(app.calls().length, 0);
  for (const to of [`${other}/steal`, `${api}/me`, "http://localhost:1/"]) {
    const url = `${api}/redirect?to=${encodeURIComponent(to)}`;
    for (const init of [{}, { redirect: "follow" }]) {
      await assert.rejects(
        tab.run((auth, url, init) => auth.fetch(url, init), url, init),
        authError("redirect_refused", /could carry the credential/),
      );
    }
  }
  assert.deepEqual(e2e.servers.direct.other.log.list(), []);
  assert.ok(
    app.calls().every(({ url }) => url.startsWith("/redirect?")),
    "none was followed",
  );
});

test("a provider that lists no ES256 is named before anybody leaves (dp1)", async () => {
  const story = await stage.begin(
    {
      metadata: ({ body }) => Object.assign(body, { dpop_signing_alg_values_supported: ["RS256"] }),
    },
    bound,
  );
  await assert.rejects(
    story.tab.run((auth) => auth.signIn()),
    authError("provider_unsupported", /ES256/),
  );
  assert.deepEqual(story.steps(), []);
});

test("a bearer token in place of a bound one is revoked and never used (dp9, tk6)", async () => {
  const bearer = /** @type {import("./harness/hostile.mjs").Scenario} */ ({
    token({ body }) {
      body.token_type = "Bearer";
    },
  });
  const story = await stage.begin(bearer, bound);
  assertRefused(await story.signIn(), "token_type_refused", /bearer token/);
  await eventually("the revocation", async () => story.asked("revocation").length === 1);

  const later = await stage.begin({}, bound);
  await later.signIn();
  assert.equal((await later.call()).status, 200);
  later.issuer.play(bearer);
  later.issuer.grants.expire();
  await later.call().catch(() => {});
  const { reason, error } = await later.tab.untilStatus("signedOut");
  assert.deepEqual([reason, error.code], ["session_ended", "token_type_refused"]);
  assert.ok(later.authorizations().every((sent) => sent?.startsWith("DPoP ")));
});

test("a resource that asks for a bearer token gets none (dp9)", async () => {
  const story = await stage.begin(
    {
      resource(answer) {
        answer.status = 401;
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_request"';
      },
    },
    bound,
  );
  await story.signIn();
  assert.equal((await story.call()).status, 401);
  assert.equal(story.authorizations().length, 1);
  assert.match(String(story.authorizations()[0]), /^DPoP /);
});

test("servers that always want another nonce are asked twice, and no session ends (dp7, rf9)", async () => {
  const story = await stage.begin({ nonce: () => randomBytes(9).toString("hex") }, bound);
  const { error } = await story.signIn();
  assert.deepEqual([error.code, error.oauthError], ["oauth_error", "use_dpop_nonce"]);
  assert.equal(story.asked("token").length, 2);

  story.issuer.play({});
  await story.signIn();
  story.issuer.play({ nonce: () => randomBytes(9).toString("hex") });
  assert.equal((await story.call()).status, 401);
  assert.deepEqual(story.steps(), ["resource", "resource"], "and no refresh for it");

  story.issuer.play({
    nonce: (endpoint) => (endpoint === "token" ? randomBytes(9).toString("hex") : undefined),
  });
  story.issuer.grants.expire();
  assert.equal((await story.call()).status, 401);
  assert.deepEqual(story.steps(), ["resource", "token", "token"]);
  const { status, degraded } = await story.tab.state();
  assert.deepEqual([status, degraded.oauthError], ["signedIn", "use_dpop_nonce"]);
  story.issuer.play({});
});

/** @type {[string, import("./harness/hostile.mjs").Scenario["challenge"]][]} */
const UNREADABLE = [
  [
    "is not exposed",
    ({ headers }) =>
      Object.assign(headers, { "Access-Control-Expose-Headers": "WWW-Authenticate" }),
  ],
  [
    "stands twice",
    ({ headers }) => Object.assign(headers, { "DPoP-Nonce": /** @type {any} */ (["a", "b"]) }),
  ],
];
for (const [how, challenge] of UNREADABLE) {
  test(`a nonce that ${how} is told as such, without a loop (dp8, dp13)`, async () => {
    const wants = (/** @type {string} */ at) => ({
      nonce: (/** @type {string} */ endpoint) => (endpoint === at ? "n" : undefined),
      ...(challenge ? { challenge } : {}),
    });
    const story = await stage.begin(wants("token"), bound);
    assertRefused(await story.signIn(), "dpop_nonce_unreadable", /Access-Control-Expose-Headers/);
    assert.equal(story.asked("token").length, 1);
    story.issuer.play(wants("resource"));
    await story.signIn();
    await assert.rejects(story.call(), authError("dpop_nonce_unreadable", /DPoP-Nonce/));
    assert.equal(story.asked("resource").length, 1);
    assert.equal((await story.tab.state()).status, "signedIn");
  });
}

for (const [way, skewMs] of /** @type {const} */ ([
  ["ahead", HOUR],
  ["behind", -HOUR],
])) {
  test(`a clock that is an hour ${way} is put right by \`Date\` (dp11)`, async () => {
    const story = await stage.begin({}, bound);
    story.issuer.skewMs = skewMs;
    const { state } = await story.signIn();
    assert.equal(state.status, "signedIn");
    assert.equal(story.asked("token").length, 2, "refused once for its date");
    assert.equal((await story.call()).status, 200);
    assert.equal(story.asked("resource").length, 1);
  });

  test(`a clock that is an hour ${way} does no harm where nonces are (dp11)`, async () => {
    const hidden = (/** @type {import("../servers/hostile/points.js").Answer} */ { headers }) => {
      headers["Access-Control-Expose-Headers"] = "WWW-Authenticate, DPoP-Nonce";
    };
    const story = await stage.begin(
      {
        nonce: (endpoint) => (endpoint === "token" ? "n" : undefined),
        challenge: hidden,
        token: hidden,
      },
      bound,
    );
    story.issuer.skewMs = skewMs;
    const { state } = await story.signIn();
    assert.equal(state.status, "signedIn");
    assert.equal((await story.call()).status, 200, "by the ID token's `iat`");
    assert.equal(story.asked("resource").length, 1);
  });
}
