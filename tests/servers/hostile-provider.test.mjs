// @ts-check
// Shows that the scripted provider is honest where no scenario speaks, that a scenario's lie is the one
// it names, and that there is a scenario for each module of the conformance suite.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { after, before, beforeEach, test } from "node:test";
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { NEAR_ISSUERS } from "./hostile/attacks.mjs";
import { leftHash } from "./hostile/keys.mjs";
import { MODULES } from "./hostile/modules.mjs";
import { startHostileProvider } from "./hostile-provider.mjs";

const VECTORS = new URL("../../../shared/vectors/oidf-conformance/", import.meta.url);
const APPLICABLE = new URL("applicable-to-browser-public-client.json", VECTORS);
const VERIFIER = "v".repeat(43);
const CLIENT = {
  clientId: "spa",
  redirectUri: "https://app.example.com/callback",
  postLogoutRedirectUri: "https://app.example.com/",
};

/** @type {import("./hostile-provider.mjs").HostileProvider} */
let provider;
/** @type {import("./hostile/issuer.mjs").Issuer} a new one in each test */
let issuer;

before(async () => {
  provider = await startHostileProvider();
});
after(() => provider.close());
beforeEach(() => {
  issuer = provider.issuer(CLIENT);
});

/** @returns {Promise<any>} */
const metadata = async () => (await fetch(issuer.url + issuer.paths.discovery)).json();

/**
 * @param {Record<string, string>} [more]
 * @returns {Promise<URL>} where the browser is sent
 */
async function authorize(more = {}) {
  const query = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT.clientId,
    redirect_uri: CLIENT.redirectUri,
    scope: "openid profile offline_access",
    state: "s",
    nonce: "n",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    ...more,
  });
  const { authorization_endpoint } = await metadata();
  const answer = await fetch(`${authorization_endpoint}?${query}`, { redirect: "manual" });
  return new URL(answer.headers.get("location") ?? "about:blank");
}

/**
 * @param {Record<string, string>} form
 * @returns {Promise<{ status: number, body: any }>}
 */
async function token(form) {
  const body = new URLSearchParams({ client_id: CLIENT.clientId, ...form });
  const answer = await fetch((await metadata()).token_endpoint, { method: "POST", body });
  return { status: answer.status, body: await answer.json() };
}

/** @param {Record<string, string>} [more] */
const exchange = (more = {}) =>
  token({
    grant_type: "authorization_code",
    redirect_uri: CLIENT.redirectUri,
    code_verifier: VERIFIER,
    ...more,
  });

/** @returns {Promise<any>} the tokens of a sign-in */
async function signIn() {
  const code = (await authorize()).searchParams.get("code") ?? "";
  return (await exchange({ code })).body;
}

/** @param {string} id_token */
async function verify(id_token) {
  const { jwks_uri } = await metadata();
  const options = { issuer: issuer.url, audience: CLIENT.clientId };
  return (await jwtVerify(id_token, createRemoteJWKSet(new URL(jwks_uri)), options)).payload;
}

/** @param {string} accessToken */
const bearer = (accessToken) => ({ headers: { authorization: `Bearer ${accessToken}` } });

test("without a scenario a sign-in is what the standards say", async () => {
  assert.equal((await metadata()).issuer, issuer.url);
  const { origin, pathname, searchParams } = await authorize();
  assert.equal(origin + pathname, CLIENT.redirectUri);
  assert.deepEqual([searchParams.get("state"), searchParams.get("iss")], ["s", issuer.url]);
  const { status, body } = await exchange({ code: searchParams.get("code") ?? "" });
  assert.equal(status, 200);
  const claims = await verify(body.id_token);
  assert.deepEqual([claims.sub, claims.nonce, claims.sid], ["alice", "n", issuer.sid]);
  assert.equal(claims.at_hash, leftHash(body.access_token, "RS256"));
  const userinfo = await fetch((await metadata()).userinfo_endpoint, bearer(body.access_token));
  assert.deepEqual(await userinfo.json(), { sub: "alice", name: "Alice" });
  assert.equal((await fetch(provider.accounts(issuer), bearer(body.access_token))).status, 200);
  assert.equal((await fetch(provider.accounts(issuer), bearer("another"))).status, 401);
  assert.deepEqual(issuer.steps(), ["authorization", "token", "userinfo", "resource", "resource"]);
});

test("the hash of an access token is that of the standard", () => {
  // OpenID Connect Core, A.3.
  const token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
  assert.equal(leftHash(token, "RS256"), "77QmUPtjPfzWtF2AnpK9RQ");
});

test("a code is for one client, one address, one verifier, and works once", async () => {
  for (const wrong of /** @type {Record<string, string>[]} */ ([
    { client_id: "another" },
    { redirect_uri: `${CLIENT.redirectUri}/` },
    { code_verifier: "w".repeat(43) },
  ])) {
    const code = (await authorize()).searchParams.get("code") ?? "";
    assert.equal((await exchange({ code, ...wrong })).body.error, "invalid_grant");
    assert.equal((await exchange({ code })).body.error, "invalid_grant", "it was used");
  }
  assert.equal((await authorize({ redirect_uri: "https://evil.example/" })).href, "about:blank");
  const plain = await authorize({ code_challenge_method: "plain" });
  assert.equal(plain.searchParams.get("error"), "invalid_request");
});

test("a refresh token rotates, and a second use ends the grant", async () => {
  const { refresh_token } = await signIn();
  const refresh = () => token({ grant_type: "refresh_token", refresh_token });
  const { body } = await refresh();
  assert.notEqual(body.refresh_token, refresh_token);
  assert.equal((await verify(body.id_token)).nonce, undefined);
  assert.equal((await refresh()).body.error, "invalid_grant");
  const next = { grant_type: "refresh_token", refresh_token: body.refresh_token };
  assert.equal((await token(next)).body.error, "invalid_grant");
  assert.equal((await fetch(provider.accounts(issuer), bearer(body.access_token))).status, 401);
});

test("revocation and expiry end what they are for", async () => {
  const [first, second] = [await signIn(), await signIn()];
  const { revocation_endpoint } = await metadata();
  const body = new URLSearchParams({ token: first.refresh_token });
  await fetch(revocation_endpoint, { method: "POST", body });
  const status = async (/** @type {any} */ { access_token }) =>
    (await fetch(provider.accounts(issuer), bearer(access_token))).status;
  assert.deepEqual([await status(first), await status(second)], [401, 200]);
  issuer.grants.expire();
  assert.equal(await status(second), 401);
  const { refresh_token } = second;
  assert.equal((await token({ grant_type: "refresh_token", refresh_token })).status, 200);
});

test("prompt=none works from the first sign-in to the logout", async () => {
  const silent = async () => (await authorize({ prompt: "none" })).searchParams.get("error");
  assert.equal(await silent(), "login_required");
  await authorize();
  assert.equal(await silent(), null);
  const { end_session_endpoint } = await metadata();
  const logout = async (/** @type {string} */ back) => {
    const query = new URLSearchParams({ post_logout_redirect_uri: back, state: "s" });
    const answer = await fetch(`${end_session_endpoint}?${query}`, { redirect: "manual" });
    return answer.headers.get("location");
  };
  assert.equal(await logout("https://evil.example/"), null);
  assert.equal(await silent(), "login_required");
  const back = `${CLIENT.postLogoutRedirectUri}?state=s`;
  assert.equal(await logout(CLIENT.postLogoutRedirectUri), back);
});

test("a key that is withdrawn is published no more", async () => {
  const { id_token } = await signIn();
  issuer.rotate();
  await assert.rejects(verify(id_token), { code: "ERR_JWKS_NO_MATCHING_KEY" });
  await verify((await signIn()).id_token);
});

test("a scenario lies about one thing, from when it is played", async () => {
  issuer.play(MODULES["oidcc-client-test-invalid-sig-rs256"] ?? {});
  const { id_token } = await signIn();
  await assert.rejects(verify(id_token), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
  assert.equal(decodeJwt(id_token).iss, issuer.url);
  issuer.play(MODULES["oidcc-client-test-idtoken-sig-none"] ?? {});
  const unsigned = (await signIn()).id_token;
  assert.deepEqual([decodeProtectedHeader(unsigned).alg, unsigned.endsWith(".")], ["none", true]);
  issuer.play({});
  await verify((await signIn()).id_token);
  assert.deepEqual(issuer.steps(), ["authorization", "token"], "what was before is forgotten");
});

test("every near issuer is another text than the right one, and no two are one", async () => {
  const named = new Set([issuer.url]);
  for (const [name, scenario] of Object.entries(NEAR_ISSUERS)) {
    issuer.play(scenario);
    const iss = (await authorize()).searchParams.get("iss") ?? "";
    assert.ok(!named.has(iss), `${name}: ${iss}`);
    named.add(iss);
  }
});

test("there is a scenario for each module that applies, and for no other", {
  skip: existsSync(APPLICABLE) ? false : "the list of modules is not here (../shared/vectors)",
}, async () => {
  const names = JSON.parse(await readFile(APPLICABLE, "utf8"));
  assert.equal(names.length, 54);
  assert.deepEqual(Object.keys(MODULES).sort(), names.sort());
});
