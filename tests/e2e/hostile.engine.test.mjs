// @ts-check
// A provider that lies, or that stands beside an honest one: its answers are refused with the session
// as it was, and neither code nor verifier nor token reaches anybody else.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BEARER_TYPES,
  DOUBLE_MEMBERS,
  DOUBLE_METADATA,
  DOUBLE_USERINFO,
  DOUBLED,
  NEAR_ISSUERS,
  OTHER_TYPES,
  redirectingTo,
  sendingTo,
  silentOnPkce,
  swappingTo,
} from "../servers/hostile/attacks.mjs";
import {
  FORGED_USERINFO,
  forgeries,
  OTHER_KINDS,
  SIGNED_USERINFO,
  strangeKids,
} from "../servers/hostile/forgeries.mjs";
import { MODULES } from "../servers/hostile/modules.mjs";
import { assertKept, assertRefused, hostileSuite } from "./harness/hostile.mjs";
import { place } from "./harness/place.mjs";
import { authError } from "./harness/tab.mjs";
import { byPlace } from "./harness/token-search.mjs";

const stage = hostileSuite();

/** @typedef {import("./harness/hostile.mjs").Scenario} Scenario */

/**
 * Plays one after the other to somebody who is signed in and signs in again.
 *
 * @param {Record<string, Scenario>} scenarios
 * @param {string} codes any of these, with bars between
 * @param {RegExp} says
 * @param {string[]} steps what was asked of the issuer after the authorization
 * @returns {Promise<number>} how often the keys were asked for
 */
async function assertAllRefused(scenarios, codes, says, steps) {
  const story = await stage.signedIn({});
  const before = await story.tab.state();
  let keys = 0;
  for (const [name, scenario] of Object.entries(scenarios)) {
    story.issuer.play(scenario);
    try {
      const outcome = await story.signIn();
      const code = codes.split("|").find((code) => code === outcome.error?.code) ?? codes;
      assertKept(outcome, before, code, says);
      assert.deepEqual(story.steps(), ["authorization", ...steps]);
      keys += story.asked("jwks").length;
    } catch (error) {
      throw new Error(`${name}: ${/** @type {Error} */ (error).message}`, { cause: error });
    }
  }
  story.issuer.play({});
  assert.equal((await story.call()).status, 200);
  return keys;
}

test("an issuer that is nearly the right one is another one (mx1, t32)", async () => {
  await assertAllRefused(NEAR_ISSUERS, "issuer_mismatch", /another provider/, []);
});

test("a callback that says something twice, or two things, is refused (cb4)", async () => {
  await assertAllRefused(DOUBLED, "callback_invalid", /twice|both|asked/, []);
});

test("a token type that is not Bearer is refused (tk5, tk6)", async () => {
  const codes = "token_answer_invalid|token_type_refused";
  await assertAllRefused(OTHER_TYPES, codes, /Bearer|DPoP/, ["token"]);
});

test("a token type is Bearer in any letters (tk5)", async () => {
  const story = await stage.begin();
  for (const [name, scenario] of Object.entries(BEARER_TYPES)) {
    story.issuer.play(scenario);
    const { state, error } = await story.signIn();
    assert.deepEqual([state.status, error], ["signedIn", undefined], name);
    assert.equal((await story.call()).status, 200, name);
    assert.match(story.authorizations()[0] ?? "", /^Bearer /, name);
  }
});

/** Somebody whose keys no token of the issuer's may lead to. */
function stranger() {
  const issuer = stage.provider.issuer({ clientId: "none", redirectUri: "http://localhost/" });
  return { issuer, keys: issuer.url + issuer.paths.jwks };
}

test("an ID token that its issuer's keys did not sign is refused (id4, jw1, jw3, jw5, jb1, jb3, t24)", async () => {
  const { issuer, keys } = stranger();
  const fetched = await assertAllRefused(forgeries(keys), "id_token_invalid", /./, ["token"]);
  assert.deepEqual(issuer.requests(), [], "nobody else's keys were asked for");
  assert.ok(fetched <= 1, `the keys were asked for ${fetched} times`);
});

test("a kid is a name and nothing else, and unknown ones are no flood (jw7, jw8, t27, t28)", async () => {
  const { issuer, keys } = stranger();
  // After the first one the issuer's keys are left alone for a while.
  const codes = "id_token_invalid|keys_unavailable";
  const fetched = await assertAllRefused(strangeKids(keys), codes, /./, ["token"]);
  assert.deepEqual(issuer.requests(), []);
  assert.ok(fetched <= 1, `the keys were asked for ${fetched} times`);
});

test("a signed token of another kind is no ID token (jb4)", async () => {
  await assertAllRefused(OTHER_KINDS, "id_token_invalid", /typ/, ["token"]);
});

/** @type {[module: string, code: string, says: RegExp][]} */
const SILENT = [
  [
    "fapi2-security-profile-final-client-test-ensure-authorization-response-with-invalid-state-fails",
    "callback_unknown",
    /signIn/,
  ],
  ["oidcc-client-test-nonce-invalid", "id_token_invalid", /nonce/],
];
for (const [module, code, says] of SILENT) {
  test(`where nothing is said of PKCE, the rest holds as ever: ${module} (ar6, ds7)`, async () => {
    const story = await stage.begin(silentOnPkce(MODULES[module] ?? {}));
    assertRefused(await story.signIn(), code, says);
    assert.equal(story.asked("authorization")[0]?.query.get("code_challenge_method"), "S256");
  });
}

test("the verifier is not in the page's reach after a sign-in, nor in its address before (pk4)", async () => {
  const story = await stage.begin({}, { page: { watched: true } });
  await story.signIn();
  const verifier = story.asked("token")[0]?.form.get("code_verifier") ?? "";
  assert.match(verifier, /^[\w-]{43}$/);
  assert.ok(!String(story.asked("authorization")[0]?.query).includes(verifier));
  const kept = await story.tab.run(async () => {
    await window.tw.collect?.();
    return window.tw.kept;
  });
  const places = byPlace(kept);
  assert.ok(places.has("IndexedDB") && places.has("location"), "the search looked there");
  for (const [place, texts] of places) assert.ok(!texts.join().includes(verifier), place);
});

/** @type {[place: string, codes: string, steps: string[]][]} */
const TWICE = [
  ["a token answer", "token_answer_invalid", ["token"]],
  ["an ID token's claims", "id_token_invalid", ["token"]],
  ["a JWK set", "keys_unavailable", ["token"]],
  ["a key", "keys_unavailable", ["token"]],
];
for (const [where, code, steps] of TWICE) {
  test(`a member that stands twice in ${where} is refused (jb5, tk9, t31)`, async () => {
    const story = await stage.begin(DOUBLE_MEMBERS[where]);
    assertRefused(await story.signIn(), code, /JSON/);
    assert.deepEqual(story.steps(), ["authorization", ...steps]);
  });
}

test("a member that stands twice in the metadata is refused (jb5, ds4)", async () => {
  const { tab, issuer, app } = await stage.begin(DOUBLE_METADATA);
  await tab.ready();
  await assert.rejects(
    tab.run((auth) => auth.signIn()),
    authError("provider_answer_invalid", /JSON/, { phase: "discovery" }),
  );
  assert.equal(await tab.url(), app.base);
  assert.deepEqual(issuer.steps(), []);
});

test("a member that stands twice in the user's claims is refused (jb5, ui1)", async () => {
  const story = await stage.begin(DOUBLE_USERINFO);
  assert.equal((await story.signIn()).state.status, "signedIn");
  await assert.rejects(
    story.tab.run((auth) => auth.userInfo()),
    authError("userinfo_invalid", /JSON/),
  );
});

test("signed UserInfo is believed where its issuer signed it for this client (ui1, ui2)", async () => {
  const story = await stage.signedIn(SIGNED_USERINFO);
  const userInfo = () => story.tab.run((auth) => auth.userInfo());
  const { sub, iss } = await userInfo();
  assert.deepEqual([sub, iss], [story.issuer.person.sub, story.issuer.url]);
  for (const [name, scenario] of Object.entries(FORGED_USERINFO)) {
    story.issuer.play(scenario);
    await assert.rejects(userInfo(), authError("userinfo_invalid", /UserInfo/), name);
  }
  story.issuer.play({});
  assert.equal((await story.call()).status, 200);
});

test("a token endpoint cannot send code and verifier on to another (tk3, t9)", async () => {
  const story = await stage.begin();
  const thief = stage.provider.issuer(story.issuer.client);
  story.issuer.play(redirectingTo(thief.url + thief.paths.token));
  assertRefused(await story.signIn(), "provider_unreachable", /provider/);
  assert.deepEqual(story.issuer.steps(), ["authorization", "token"]);
  assert.deepEqual(thief.requests(), []);
});

test("metadata that change during a sign-in do not choose where its code goes (mx6, ds6, t38)", async () => {
  const story = await stage.begin();
  const thief = stage.provider.issuer(story.issuer.client);
  story.issuer.play(swappingTo(thief.url + thief.paths.token));
  const outcome = await story.signIn();
  // In a back/forward cache a page may have kept its vault alive where no vault outlives its page.
  if (place.outlivesPage || outcome.state.status === "signedIn") {
    assert.equal(outcome.state.status, "signedIn");
    assert.deepEqual(story.issuer.steps(), ["authorization", "token"]);
  } else {
    // A new vault has the record's word, which a script may have written, against the provider's.
    assertRefused(outcome, "metadata_invalid", /metadata/);
    assert.deepEqual(story.issuer.steps(), ["authorization"]);
  }
  assert.deepEqual(thief.requests(), []);
});

test("a code of the honest issuer does not reach one that sent its user there (mx2, t11)", async () => {
  const story = await stage.begin();
  const honest = stage.provider.issuer(story.issuer.client);
  story.issuer.play(sendingTo(honest.url + honest.paths.authorization));
  assertRefused(await story.signIn(), "issuer_mismatch", /another provider/);
  assert.deepEqual(honest.steps(), ["authorization"]);
  assert.equal(honest.requests()[0]?.query.get("code_challenge_method"), "S256");
  assert.deepEqual(story.issuer.steps(), [], "neither code nor verifier");
});
