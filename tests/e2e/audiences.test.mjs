// @ts-check
// Two APIs of one sign-in, each with an access token for it alone (RFC 8707): no token goes to the other
// one, and each is renewed by itself, all by one refresh token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { burst } from "./harness/bursts.mjs";
import { inOneCell, once } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite({ vaultConnects: "{other}" });

/** The options of an application with two APIs. */
function twofold() {
  const { api, other } = e2e.servers;
  return { resources: [api, other].map((origin) => ({ origin, resource: origin })) };
}

/** @param {string} token */
function claims(token) {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

/**
 * Checks that each API received tokens for itself alone, from the provider, that had not expired.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @returns {Record<"api" | "other", string[]>} what each received, each token once
 */
function received(app) {
  const { direct, ...servers } = e2e.servers;
  const issued = new Set(app.tokens("access").map(({ token }) => token));
  const tokensAt = (/** @type {"api" | "other"} */ name) => {
    const sent = direct[name].log.list().map(({ headers }) => String(headers.authorization ?? ""));
    const tokens = [...new Set(sent.filter(Boolean))].map((value) => value.replace("Bearer ", ""));
    for (const token of tokens) {
      assert.ok(issued.has(token), "of this provider");
      assert.equal(claims(token).aud, servers[name], `for ${name} alone`);
    }
    return tokens;
  };
  return { api: tokensAt("api"), other: tokensAt("other") };
}

test(
  "each API receives a token for itself alone, the second from its first call on (st8)",
  once,
  async () => {
    const app = await e2e.application({ options: { ...twofold(), allowTokenExport: true } });
    const { api, other } = e2e.servers;
    const tab = await app.openSignedIn();
    const { log } = e2e.servers.direct.provider;
    const asked = log
      .list()
      .filter(({ query, form }) => [query.client_id, form.client_id].includes(app.clientId));
    const resources = asked.map(({ path, query, form }) => [path, query.resource ?? form.resource]);
    assert.deepEqual(
      resources.filter(([path]) => path === "/auth" || path === "/token"),
      [
        ["/auth", [api, other]],
        ["/token", api],
      ],
    );
    assert.equal(app.counts().refreshRequests, 0, "nobody called the second");

    const calls = [`${api}/me`, `${other}/a`, `${other}/b`, `${api}/me`];
    for (const url of calls) assert.equal((await tab.call(url)).status, 200, url);
    const tokens = received(app);
    assert.deepEqual([tokens.api.length, tokens.other.length], [1, 1]);
    assert.equal(app.counts().refreshRequests, 1);
    assert.equal(await tab.run((auth) => auth.exportAccessToken()), tokens.api[0]);
    const exported = await tab.run((auth, resource) => auth.exportAccessToken({ resource }), other);
    assert.equal(exported, tokens.other[0]);
    await assert.rejects(
      tab.run((auth) => auth.exportAccessToken({ resource: "urn:nobody" })),
      authError("export_not_allowed", /none of the configuration/),
    );
  },
);

test(
  "a refused token is renewed for its own API alone, however many calls (br5, rf2)",
  inOneCell,
  async () => {
    const app = await e2e.application({ options: twofold() });
    const { api, other, direct } = e2e.servers;
    const tab = await app.openSignedIn();
    assert.equal((await tab.call(`${other}/a`)).status, 200);
    direct.other.setAnswer("/b", { status: 401 });
    const statuses = await tab.run(
      (auth, url) =>
        Promise.all(Array.from({ length: 50 }, async () => (await auth.fetch(url)).status)),
      `${other}/b`,
    );
    assert.deepEqual([...new Set(statuses)], [401], "the last word is the API's");
    assert.equal((await tab.call(`${api}/me`)).status, 200);
    const tokens = received(app);
    assert.equal(tokens.api.length, 1);
    const { refreshRequests, reuses } = app.counts();
    // The calls that came with the renewed token were refused that one too.
    assert.ok(tokens.other.length >= 2 && refreshRequests <= 6, `${refreshRequests}`);
    assert.equal(reuses, 0);
  },
);

test(
  "an API that the provider issues no token for leaves the other working (rf5)",
  inOneCell,
  async () => {
    // This provider rotates before it looks at the resource: where it does, its refusal costs the refresh
    // token.
    const app = await e2e.application({
      options: twofold(),
      page: { listens: true },
      provider: { keepsRefreshTokens: true },
    });
    const { api, other, direct } = e2e.servers;
    const tab = await app.openSignedIn();
    direct.provider.changeClient(app.clientId, { refusedResources: [other] });
    const refused = () =>
      assert.rejects(
        tab.call(`${other}/a`),
        authError("audience_unavailable", /`resource`/, { oauthError: "invalid_target" }),
      );
    await refused();
    await refused();
    assert.equal(app.counts().refreshRequests, 1, "and it is not asked again at once");
    assert.equal((await tab.state()).status, "signedIn");
    app.refuseTokens();
    assert.equal((await tab.call(`${api}/me`)).status, 200);
    assert.equal(app.counts().refreshesSucceeded, 1, "the refresh token is good as before");
    await tab.until("every event", () => window.tw.events.length === 3);
    const events = /** @type {any[]} */ (await tab.run(() => window.tw.events));
    assert.deepEqual(
      events.map(({ type, resource }) => [type, resource]),
      [
        ["signedIn", undefined],
        ["degraded", other],
        ["refreshed", undefined],
      ],
    );
    assert.deepEqual(received(app).other, []);
  },
);

test(
  "a refusal that uses up the refresh token ends the session at the next one, as lost (rf10)",
  inOneCell,
  async () => {
    const app = await e2e.application({ options: twofold() });
    const { api, other, direct } = e2e.servers;
    const tab = await app.openSignedIn();
    direct.provider.changeClient(app.clientId, { refusedResources: [other] });
    await assert.rejects(tab.call(`${other}/a`), authError("audience_unavailable", /`resource`/));
    assert.equal((await tab.call(`${api}/me`)).status, 200, "until then its token is good");
    app.refuseTokens();
    assert.equal((await tab.call(`${api}/me`)).status, 401);
    assert.equal((await tab.untilStatus("signedOut")).reason, "refresh_lost");
  },
);

test(
  "without a refresh token the second API has an error that says what to do",
  inOneCell,
  async () => {
    const app = await e2e.application({ options: { ...twofold(), scope: ["openid"] } });
    const { api, other } = e2e.servers;
    const tab = await app.openSignedIn();
    await assert.rejects(
      tab.call(`${other}/a`),
      authError("audience_unavailable", /offline_access/),
    );
    assert.equal((await tab.call(`${api}/me`)).status, 200);
  },
);

test(
  "resources of one name share a token, and the state speaks of the default one",
  inOneCell,
  async () => {
    const { api, other } = e2e.servers;
    const resources = [
      { origin: api },
      { origin: other, paths: ["/a"], resource: other },
      { origin: other, paths: ["/b"], resource: other },
    ];
    const app = await e2e.application({ options: { resource: [api], resources } });
    const tab = await app.openSignedIn();
    const before = await tab.state();
    for (const path of ["/a", "/b/c"]) assert.equal((await tab.call(other + path)).status, 200);
    assert.equal(received(app).other.length, 1);
    const { expiresAt, scopes } = await tab.state();
    assert.deepEqual([expiresAt, scopes], [before.expiresAt, before.scopes]);
  },
);

test("a sign-out ends every API's token", inOneCell, async () => {
  const app = await e2e.application({ options: twofold() });
  const { other, direct } = e2e.servers;
  const tab = await app.openSignedIn();
  assert.equal((await tab.call(`${other}/a`)).status, 200);
  await tab.run((auth) => auth.signOut({ local: true }));
  await assert.rejects(tab.call(`${other}/a`), authError("not_signed_in", /signIn/));
  await eventually("the revocation", async () => app.counts().revocations === 1);
  const [token = ""] = received(app).other;
  assert.ok(direct.provider.register.refusal(token), "the family is gone");
});

test("5 tabs of 20 calls a second to two APIs through 2 expiries of each: each is one refresh (rf1, rf2, st8)", {
  ...inOneCell,
  timeout: 150_000,
}, async (t) => {
  const second = e2e.servers.other;
  t.diagnostic(JSON.stringify(await burst(e2e, { tabs: 5, expiries: 2, life: 10, second })));
});
