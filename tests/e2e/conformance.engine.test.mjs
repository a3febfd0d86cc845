// @ts-check
// The modules of the OpenID conformance suite that apply to a public client in a browser, each played
// by the scripted provider (tests/servers/hostile/modules.mjs) and held to what the module demands.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MODULES } from "../servers/hostile/modules.mjs";
import { assertKept, assertRefused, hostileSuite } from "./harness/hostile.mjs";
import { assertAuthErrorInfo, authError } from "./harness/tab.mjs";

const stage = hostileSuite();
/** @type {Set<string>} */
const played = new Set();

/**
 * @param {string} name of a module
 * @param {string} ids that it covers, in parentheses
 * @param {(scenario: import("./harness/hostile.mjs").Scenario) => Promise<void>} play
 */
function conformance(name, ids, play) {
  const scenario = MODULES[name];
  if (!scenario) throw new Error(`there is no module ${name}`);
  if (played.has(name)) throw new Error(`${name} is played twice`);
  played.add(name);
  test(`${name} ${ids}`.trim(), () => play(scenario));
}

const FAPI = "fapi2-security-profile-final-client-";
const OIDC = "oidcc-client-test";

// ---- sign-ins that are refused

/** @type {[name: string, ids: string, code: string, says: RegExp, steps: string[]][]} */
const REFUSED = [
  [
    `${FAPI}test-ensure-authorization-response-with-invalid-state-fails`,
    "(ar5, cb1)",
    "callback_unknown",
    /signIn/,
    [],
  ],
  [
    `${FAPI}test-invalid-authorization-response-iss`,
    "(mx1)",
    "issuer_mismatch",
    /another provider/,
    [],
  ],
  [
    `${FAPI}test-remove-authorization-response-iss`,
    "(mx3)",
    "issuer_mismatch",
    /another provider/,
    [],
  ],
  [`${FAPI}test-invalid-alternate-alg`, "(jw2)", "id_token_invalid", /alg/, ["token"]],
  [`${FAPI}test-invalid-aud`, "(id2)", "id_token_invalid", /aud/, ["token"]],
  [`${FAPI}test-invalid-expired-exp`, "(id5)", "id_token_invalid", /exp/, ["token"]],
  [`${FAPI}test-invalid-iss`, "(id1)", "id_token_invalid", /iss/, ["token"]],
  [`${FAPI}test-invalid-missing-aud`, "(id2)", "id_token_invalid", /aud/, ["token"]],
  [`${FAPI}test-invalid-missing-exp`, "(id5)", "id_token_invalid", /exp/, ["token"]],
  [`${FAPI}test-invalid-missing-iss`, "(id1)", "id_token_invalid", /iss/, ["token"]],
  [`${FAPI}test-invalid-missing-nonce`, "(id7)", "id_token_invalid", /nonce/, ["token"]],
  [`${FAPI}test-invalid-nonce`, "(id7)", "id_token_invalid", /nonce/, ["token"]],
  [`${FAPI}test-invalid-null-alg`, "(jw3, ds10)", "id_token_invalid", /none|signature/, ["token"]],
  [`${FAPI}test-invalid-secondary-aud`, "(id2)", "id_token_invalid", /aud/, ["token"]],
  [`${OIDC}-idtoken-sig-none`, "(jw3, ds10)", "id_token_invalid", /none|signature/, ["token"]],
  [`${OIDC}-invalid-aud`, "(id2)", "id_token_invalid", /aud/, ["token"]],
  [`${OIDC}-invalid-iss`, "(id1)", "id_token_invalid", /iss/, ["token"]],
  [`${OIDC}-invalid-sig-es256`, "(id4)", "id_token_invalid", /signature/, ["token"]],
  [`${OIDC}-invalid-sig-hs256`, "(id4, jw5)", "id_token_invalid", /shared secret/, ["token"]],
  [`${OIDC}-invalid-sig-rs256`, "(id4)", "id_token_invalid", /signature/, ["token"]],
  // Either would do: to try each key that fits, or to take none of several.
  [`${OIDC}-kid-absent-multiple-jwks`, "(jw6)", "id_token_invalid", /kid/, ["token"]],
  [`${OIDC}-missing-aud`, "(id2)", "id_token_invalid", /aud/, ["token"]],
  [`${OIDC}-missing-iat`, "(id6)", "id_token_invalid", /iat/, ["token"]],
  [`${OIDC}-missing-sub`, "(id8)", "id_token_invalid", /sub/, ["token"]],
  [`${OIDC}-nonce-invalid`, "(id7)", "id_token_invalid", /nonce/, ["token"]],
];

for (const [name, ids, code, says, steps] of REFUSED) {
  conformance(name, ids, async (scenario) => {
    // What the vault may remember of an issuer must not stand between the lie and its judge.
    if (scenario.setup || scenario.metadata) {
      const story = await stage.begin(scenario);
      assertRefused(await story.signIn(), code, says);
      await assert.rejects(story.call(), authError("not_signed_in", /signIn/));
      assert.deepEqual(story.steps(), ["authorization", ...steps]);
      return;
    }
    const story = await stage.signedIn(scenario);
    const before = await story.tab.state();
    const { status } = await story.call();
    const [token] = story.authorizations();
    assertKept(await story.signIn(), before, code, says);
    assert.equal((await story.call()).status, status);
    // Nothing else was sent, and of the tokens that came with a lie none to the resource.
    assert.deepEqual(story.steps(), ["resource", "authorization", ...steps, "resource"]);
    assert.deepEqual(story.authorizations(), [token, token]);
  });
}

conformance(
  `${FAPI}test-ensure-authorization-response-with-invalid-missing-state-fails`,
  "(ar5, cb1)",
  async (scenario) => {
    const story = await stage.signedIn(scenario);
    const before = await story.tab.state();
    // What has no `state` is no callback: the page is as any other, and the address the application's.
    const { state, error } = await story.signIn();
    assert.deepEqual([state, error], [before, undefined]);
    const url = await story.tab.url();
    assert.match(url, /[?&]code=/);
    await assert.rejects(
      story.tab.run((auth, url) => auth.handleCallback(url), url),
      authError("callback_invalid", /state/, { phase: "callback" }),
    );
    assert.deepEqual(story.issuer.steps(), ["authorization"]);
  },
);

for (const [name, ids] of /** @type {const} */ ([
  [`${FAPI}test-discovery-issuer-mismatch`, "(ds2)"],
  [`${OIDC}-discovery-issuer-mismatch`, "(ds2)"],
])) {
  conformance(name, ids, async (scenario) => {
    const story = await stage.begin(scenario);
    await story.tab.ready();
    await assert.rejects(
      story.tab.run((auth) => auth.signIn()),
      authError("metadata_invalid", /another issuer/, { phase: "discovery" }),
    );
    assert.equal(await story.tab.url(), story.app.base, "nobody is sent there");
    assert.deepEqual(story.issuer.steps(), []);
  });
}

// ---- sign-ins that are accepted

/**
 * @param {import("./harness/hostile.mjs").Scenario} scenario
 * @param {import("./harness/hostile.mjs").Wanted} [wanted]
 */
async function signIn(scenario, wanted) {
  const story = await stage.begin(scenario, wanted);
  const { state, error } = await story.signIn();
  assert.equal(error, undefined);
  assert.equal(state.status, "signedIn");
  assert.equal(state.claims.sub, "alice");
  return { story, state };
}

/** The modules about DPoP, played whole: by a client whose tokens are bound to a key. */
for (const [name, ids, steps] of /** @type {const} */ ([
  [
    `${FAPI}test-happy-path`,
    "(dp5, dp6, dp7)",
    ["authorization", "token", "token", "resource", "resource"],
  ],
  [`${FAPI}test-happy-path-no-dpop-nonce`, "(dp1, dp4)", ["authorization", "token", "resource"]],
  [
    `${FAPI}test-rs-dpop-auth-scheme-case-insensitivity`,
    "(br4, dp9)",
    ["authorization", "token", "resource", "token", "resource"],
  ],
  [
    `${FAPI}test-token-type-case-insensitivity`,
    "(tk5, dp9)",
    ["authorization", "token", "resource"],
  ],
])) {
  test(`${name}, with DPoP ${ids}`, async () => {
    const { story } = await signIn(MODULES[name] ?? {}, { options: { dpop: true } });
    assert.deepEqual(await story.call(), { status: 200, text: '{"sub":"alice"}' });
    assert.deepEqual(story.issuer.steps(), steps);
    assert.ok(story.authorizations().every((sent) => sent?.startsWith("DPoP ")));
    assert.equal((await story.call()).status, 200);
    assert.deepEqual(story.issuer.steps(), [...steps, "resource"], "the next nonce is known");
  });
}

for (const [name, ids] of /** @type {const} */ ([
  [`${FAPI}test-happy-path`, "(mx1)"],
  [`${FAPI}test-happy-path-no-dpop-nonce`, "(ar15)"],
  [`${FAPI}test-token-type-case-insensitivity`, "(tk5)"],
  [`${FAPI}test-valid-aud-as-array`, "(id2)"],
  [`${OIDC}-kid-absent-single-jwks`, "(jw6)"],
])) {
  conformance(name, ids, async (scenario) => {
    const { story, state } = await signIn(scenario);
    assert.deepEqual(state.scopes, ["openid", "profile", "email", "offline_access"]);
    assert.deepEqual(await story.call(), { status: 200, text: '{"sub":"alice"}' });
    assert.deepEqual(story.issuer.steps(), ["authorization", "token", "resource"]);
    assert.match(story.authorizations()[0] ?? "", /^Bearer [\w-]{32}$/);
  });
}

conformance(`${FAPI}test-token-endpoint-response-without-expires_in`, "(tk7)", async (scenario) => {
  const { story, state } = await signIn(scenario);
  assert.deepEqual([state.expiresAt, state.refreshAt], [null, null]);
  assert.equal((await story.call()).status, 200);
});

conformance(`${OIDC}-discovery-openid-config`, "(ds3, ds4)", async (scenario) => {
  const { story } = await signIn(scenario);
  assert.equal((await story.call()).status, 200);
  await story.tab.run((auth) => auth.signOut({ local: true }));
  // Each of these is found at a path that this issuer alone has.
  assert.deepEqual(story.issuer.steps(), ["authorization", "token", "resource", "revocation"]);
  assert.equal(story.asked("elsewhere").length, 0);
});

for (const [name, ids] of /** @type {const} */ ([
  [`${OIDC}-discovery-jwks-uri-keys`, "(jw1)"],
  [`${OIDC}-idtoken-sig-rs256`, "(id4)"],
])) {
  conformance(name, ids, async (scenario) => {
    const { story } = await signIn(scenario);
    const [asked, ...more] = story.asked("jwks");
    assert.ok(asked, "the keys were not asked for");
    assert.equal(more.length, 0);
    assert.deepEqual([asked.method, asked.query.size, asked.headers.cookie], ["GET", 0, undefined]);
  });
}

conformance(`${OIDC}-signing-key-rotation`, "(jw7)", async (scenario) => {
  const { story } = await signIn(scenario);
  story.issuer.rotate();
  const { state, error } = await story.signIn();
  assert.deepEqual([state.status, error], ["signedIn", undefined]);
  assert.equal(story.asked("jwks").length, 2);
});

conformance(`${OIDC}-signing-key-rotation-just-before-signing`, "(jw7)", async (scenario) => {
  const { story } = await signIn({});
  story.issuer.play(scenario);
  const { state, error } = await story.signIn();
  assert.deepEqual([state.status, error], ["signedIn", undefined]);
  assert.equal(story.asked("jwks").length, 1, "the old keys do not help");
});

conformance(`${OIDC}-3rd-party-init-login`, "(ar16)", async (scenario) => {
  const story = await stage.begin(scenario);
  const { app, issuer, tab } = story;
  const { other } = stage.e2e.servers;
  /** @param {Record<string, string>} told */
  const initiate = async (told) => {
    const asked = { iss: issuer.url, login_hint: "alice", target_link_uri: app.base, ...told };
    await app.open({ path: `initiate?${new URLSearchParams(asked)}` });
    await tab.ready();
  };
  const follow = () => tab.run((auth) => auth.signInInitiated());
  for (const target of [other, `//${new URL(other).host}/`, "javascript:alert(1)", "\\\\evil"]) {
    await initiate({ target_link_uri: target });
    await assert.rejects(follow(), authError("return_to_invalid", /origin/), target);
  }
  await initiate({ iss: `${issuer.url}/` });
  await assert.rejects(follow(), authError("issuer_mismatch", /another provider/));
  assert.deepEqual(issuer.steps(), [], "nobody left for anywhere");

  await initiate({ target_link_uri: `${app.base}orders/7` });
  await tab.run((auth) => {
    window.tw.left = true;
    void auth.signInInitiated();
  });
  const { state, returnTo } = await story.returned();
  assert.equal(state.status, "signedIn");
  assert.equal(returnTo, new URL(`${app.base}orders/7`).pathname);
  assert.equal(story.asked("authorization")[0]?.query.get("login_hint"), "alice");
});

// ---- refreshes

/** @param {import("./harness/hostile.mjs").Story} story */
const refreshes = (story) =>
  story.asked("token").flatMap(({ form }) => form.get("refresh_token") ?? []);

conformance(`${FAPI}refresh-token-test`, "(rf1, br5)", async (scenario) => {
  const { story } = await signIn(scenario);
  for (const _ of [1, 2]) assert.equal((await story.call()).status, 401, "the resource's own word");
  const sent = refreshes(story);
  assert.equal(sent.length, 2);
  assert.equal(new Set(sent).size, 2, "each refresh token is sent once");
  assert.equal(new Set(story.authorizations()).size, 3, "a new access token after each refresh");
  assert.equal((await story.tab.state()).status, "signedIn");
});

conformance(
  `${FAPI}test-rs-dpop-auth-scheme-case-insensitivity`,
  "(br4, br5)",
  async (scenario) => {
    const { story } = await signIn(scenario);
    assert.equal((await story.call()).status, 200);
    assert.deepEqual(story.issuer.steps(), [
      "authorization",
      "token",
      "resource",
      "token",
      "resource",
    ]);
  },
);

for (const [name, says] of /** @type {const} */ ([
  [`${OIDC}-refresh-token-invalid-issuer`, /iss/],
  [`${OIDC}-refresh-token-invalid-sub`, /another user|sub/],
])) {
  conformance(name, "(rf11)", async (scenario) => {
    const { story } = await signIn(scenario);
    story.issuer.grants.expire();
    await story.call().catch(() => {});
    // Nobody becomes somebody else: what came with the lie is not used for anything.
    const { status, error } = await story.tab.untilStatus("signedOut");
    assertAuthErrorInfo(error, "id_token_invalid", says);
    assert.deepEqual([status, refreshes(story).length], ["signedOut", 1]);
    assert.equal(story.authorizations().length, 1, "the new access token went nowhere");
    await assert.rejects(story.call(), authError("not_signed_in", /signIn/));
  });
}

// ---- userinfo

/** @param {import("./harness/hostile.mjs").Story} story */
const userInfo = (story) => story.tab.run((auth) => auth.userInfo());

conformance(OIDC, "(ui1)", async (scenario) => {
  const { story } = await signIn(scenario);
  assert.equal((await userInfo(story)).sub, "alice");
  assert.deepEqual(story.issuer.steps(), ["authorization", "token", "userinfo"]);
});

conformance(`${OIDC}-userinfo-bearer-header`, "(br1, br2)", async (scenario) => {
  const { story } = await signIn(scenario);
  await userInfo(story);
  const [asked] = story.asked("userinfo");
  assert.match(asked?.headers.authorization ?? "", /^Bearer [\w-]{32}$/);
  assert.deepEqual([asked?.query.size, asked?.form.size], [0, 0], "in the header alone");
});

conformance(`${OIDC}-scope-userinfo-claims`, "(ui1)", async (scenario) => {
  const scope = ["openid", "profile", "email", "phone", "address"];
  const { story } = await signIn(scenario, { options: { scope } });
  assert.deepEqual(await userInfo(story), story.issuer.person);
});

conformance(`${OIDC}-userinfo-invalid-sub`, "(ui1)", async (scenario) => {
  const { story, state } = await signIn(scenario);
  await assert.rejects(userInfo(story), authError("userinfo_invalid", /sub/));
  const after = await story.tab.state();
  assert.deepEqual([after.status, after.claims], ["signedIn", state.claims]);
});

conformance(`${OIDC}-refresh-token`, "(rf1)", async (scenario) => {
  const { story } = await signIn(scenario);
  story.issuer.grants.expire();
  assert.equal((await story.call()).status, 200);
  assert.equal(refreshes(story).length, 1);
  assert.equal((await userInfo(story)).sub, "alice");
  const [asked] = story.asked("userinfo");
  assert.equal(asked?.headers.authorization, story.authorizations().at(-1), "with the new token");
});

// ---- logout

/**
 * Signs in and out again.
 *
 * @param {import("./harness/hostile.mjs").Scenario} scenario
 * @param {import("./harness/hostile.mjs").Wanted} [wanted]
 */
async function signOut(scenario, wanted) {
  const { story } = await signIn(scenario, wanted);
  const { state, error } = await story.signOut({ returnTo: "/bye" });
  assert.deepEqual([state.status, error], ["signedOut", undefined]);
  assert.deepEqual(story.issuer.steps(), ["authorization", "token", "revocation", "endSession"]);
  const { app } = story;
  const [asked] = story.asked("endSession");
  const { state: sent = "", ...more } = Object.fromEntries(asked?.query ?? []);
  assert.deepEqual(more, { client_id: app.clientId, post_logout_redirect_uri: app.base });
  assert.match(sent, /^[\w-]{43}$/, "a state that nobody can guess");
  const wish = await story.tab.run((auth) => auth.afterSignOut());
  return { ...story, wish };
}

conformance(`${OIDC}-rp-init-logout`, "(lo1, lo2)", async (scenario) => {
  const { app, tab, wish } = await signOut(scenario);
  assert.deepEqual([wish, await tab.url()], ["/bye", app.base], "the state is taken away");
});

conformance(`${OIDC}-rp-init-logout-no-state`, "(lo2)", async (scenario) => {
  const { app, tab, wish } = await signOut(scenario);
  assert.deepEqual([wish, await tab.url()], [null, app.base]);
});

conformance(`${OIDC}-rp-init-logout-other-state`, "(lo2)", async (scenario) => {
  const { app, tab, wish } = await signOut(scenario);
  assert.deepEqual([wish, await tab.url()], [null, `${app.base}?state=another`], "not ours");
});

/** @param {string} directive of the pages' policy, and what it allows besides */
function allow(directive) {
  const name = "Content-Security-Policy";
  const { page } = stage.e2e.headers();
  const [word = ""] = directive.split(" ", 1);
  const others = (page[name] ?? "").split("; ").filter((other) => !other.startsWith(word));
  const policy = [...others, directive].join("; ");
  stage.e2e.servers.direct.app.setHeaders({ page: { ...page, [name]: policy } });
}

conformance(`${OIDC}-rp-frontchannel-rpinitlogout`, "(lo4)", async (scenario) => {
  const { log } = stage.e2e.servers.direct.app;
  allow(`frame-ancestors 'self' ${stage.provider.origin}`);
  const { app, issuer, tab, wish } = await signOut(scenario, {
    client: ({ base }) => ({ frontchannelLogoutUri: `${base}frontchannel` }),
  });
  assert.deepEqual([wish, await tab.url()], ["/bye", app.base]);
  const frames = log.list().filter(({ url }) => url.includes("/frontchannel?"));
  assert.equal(frames.length, 1);
  const { searchParams } = new URL(frames[0]?.url ?? "", app.base);
  assert.deepEqual(Object.fromEntries(searchParams), { iss: issuer.url, sid: issuer.sid });
});

// The client has no session frame: an application can have one of its own (app/session-frame.js).
conformance(`${OIDC}-session-management`, "", async (scenario) => {
  allow(`frame-src ${stage.provider.origin}`);
  const story = await stage.begin(scenario, { options: { callback: "manual" } });
  const { app, issuer, tab } = story;
  await story.signIn();
  const sessionState = new URL(await tab.url()).searchParams.get("session_state");
  await tab.run((auth) => auth.handleCallback(location.href));
  assert.equal((await tab.state()).status, "signedIn");
  const frame = issuer.url + issuer.paths.sessionFrame;
  const check = () =>
    tab.run(
      async (_, ...asked) => (await window.tw.load("/session-frame.js")).checkSession(...asked),
      frame,
      app.clientId,
      sessionState,
    );
  assert.equal(await check(), "unchanged");
  await story.signOut();
  assert.equal(await tab.url().then((url) => url.split("?")[0]), app.base);
  assert.equal(await check(), "changed");
  assert.equal(story.asked("sessionFrame").length, 2);
});

// ---- the table

test("every module is played, and no other", () => {
  assert.deepEqual([...played].sort(), Object.keys(MODULES).sort());
});
