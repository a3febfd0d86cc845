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
  swappingTo,
} from "../servers/hostile/attacks.mjs";
import { assertKept, assertRefused, hostileSuite } from "./harness/hostile.mjs";
import { place } from "./harness/place.mjs";
import { authError } from "./harness/tab.mjs";

const stage = hostileSuite();

/** @typedef {import("./harness/hostile.mjs").Scenario} Scenario */

/**
 * Plays one after the other to somebody who is signed in and signs in again.
 *
 * @param {Record<string, Scenario>} scenarios
 * @param {string} code
 * @param {RegExp} says
 * @param {string[]} steps what was asked of the issuer after the authorization
 */
async function assertAllRefused(scenarios, code, says, steps) {
  const story = await stage.signedIn({});
  const before = await story.tab.state();
  for (const [name, scenario] of Object.entries(scenarios)) {
    story.issuer.play(scenario);
    try {
      assertKept(await story.signIn(), before, code, says);
      assert.deepEqual(story.issuer.steps(), ["authorization", ...steps]);
    } catch (error) {
      throw new Error(`${name}: ${/** @type {Error} */ (error).message}`, { cause: error });
    }
  }
  story.issuer.play({});
  assert.equal((await story.call()).status, 200);
}

test("an issuer that is nearly the right one is another one (mx1, t32)", () =>
  assertAllRefused(NEAR_ISSUERS, "issuer_mismatch", /another provider/, []));

test("a callback that says something twice, or two things, is refused (cb4)", () =>
  assertAllRefused(DOUBLED, "callback_invalid", /twice|both|asked/, []));

test("a token type that is not Bearer is refused (tk5, tk6)", () =>
  assertAllRefused(OTHER_TYPES, "token_answer_invalid", /Bearer/, ["token"]));

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

/** @type {[place: string, codes: string, steps: string[]][]} */
const TWICE = [
  ["a token answer", "token_answer_invalid", ["token"]],
  ["an ID token's claims", "id_token_invalid", ["token"]],
  ["a JWK set", "provider_answer_invalid", ["token"]],
  ["a key", "provider_answer_invalid", ["token"]],
];
for (const [where, code, steps] of TWICE) {
  test(`a member that stands twice in ${where} is refused (jb5, tk9, t31)`, async () => {
    const story = await stage.begin(DOUBLE_MEMBERS[where]);
    assertRefused(await story.signIn(), code, /JSON/);
    assert.deepEqual(story.issuer.steps(), ["authorization", ...steps]);
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

test("a token endpoint cannot send code and verifier on to another (tk3, t9)", async () => {
  const story = await stage.begin();
  const thief = stage.provider.issuer(story.issuer.client);
  story.issuer.play(redirectingTo(thief.url + thief.paths.token));
  assertRefused(await story.signIn(), "provider_unreachable", /provider/);
  assert.deepEqual(story.issuer.steps(), ["authorization", "token"]);
  assert.deepEqual(thief.requests(), []);
});

test("metadata that change during a sign-in do not choose where its code goes (mx6, t38)", async () => {
  const story = await stage.begin();
  const thief = stage.provider.issuer(story.issuer.client);
  story.issuer.play(swappingTo(thief.url + thief.paths.token));
  const outcome = await story.signIn();
  if (place.outlivesPage) {
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
