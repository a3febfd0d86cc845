// @ts-check
// Shows that the servers do what the other tests lean on: a real sign-in, rotation, reuse detection,
// strict CORS, logout, counters, faults.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { FetchUser } from "./fetch-user.mjs";
import { startServers } from "./start.mjs";

/** @type {import("./start.mjs").Servers} */
let servers;
/** @type {FetchUser} a new user of a new client in each test */
let user;
let serial = 0;

before(async () => {
  servers = await startServers({ pagesDir: fileURLToPath(new URL(".", import.meta.url)) });
});
after(() => servers.close());
beforeEach(async () => {
  serial += 1;
  const clientId = `client-${serial}`;
  await control("POST", "/clients", { clientId });
  user = new FetchUser(servers, clientId);
});

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
async function control(method, path, body) {
  const response = await fetch(servers.control + path, { method, body: JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`);
  return response.status === 204 ? undefined : response.json();
}

/** @param {() => Promise<boolean>} isDone asked again at once until it is */
async function until(isDone) {
  while (!(await isDone())) await new Promise((resolve) => setImmediate(resolve));
}

/** @param {string} origin a new connection to it, closed at once */
async function reach(origin) {
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}

const counts = () => control("GET", `/counters?client=${user.clientId}`);

/**
 * @param {string} token
 * @param {string} [path]
 * @param {RequestInit} [init]
 */
function callApi(token, path = "/me", init = {}) {
  const headers = { authorization: `Bearer ${token}`, origin: servers.app };
  return fetch(servers.api + path, { ...init, headers });
}

test("discovery names the issuer exactly and the endpoints that a client needs", async () => {
  const found = await (await fetch(`${servers.issuer}/.well-known/openid-configuration`)).json();
  assert.equal(found.issuer, servers.issuer);
  assert.deepEqual(found.code_challenge_methods_supported, ["S256"]);
  for (const name of ["token", "authorization", "revocation", "end_session"]) {
    assert.ok(found[`${name}_endpoint`].startsWith(servers.issuer), name);
  }
});

test("a sign-in gives claims and a token that the API accepts", async () => {
  const tokens = await user.signIn();
  const claims = decodeJwt(tokens.id_token);
  assert.equal(claims.aud, user.clientId);
  assert.equal(claims.nonce, "nonce-1");
  assert.equal(typeof claims.auth_time, "number");
  const { sub, name, email } = claims;
  assert.deepEqual(
    { sub, name, email },
    { sub: "alice", name: "Alice", email: "alice@example.test" },
  );
  assert.equal(tokens.expires_in, 300);
  assert.equal(tokens.scope, "openid profile email offline_access");

  const response = await callApi(tokens.access_token);
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { sub: "alice", clientId: user.clientId });
  assert.equal(response.headers.get("access-control-allow-origin"), servers.app);

  const { authorizations, codesSucceeded, tokenRequests } = await counts();
  assert.deepEqual([authorizations, codesSucceeded, tokenRequests], [1, 1, 1]);
  const issued = await control("GET", `/tokens?client=${user.clientId}`);
  assert.deepEqual(
    issued.map((/** @type {{ token: string }} */ { token }) => token).sort(),
    [tokens.access_token, tokens.refresh_token, tokens.id_token].sort(),
  );
});

test("without PKCE there is no authorization", async () => {
  const { callback } = await user.authorize({ params: { code_challenge: "" } });
  assert.equal(callback.searchParams.get("error"), "invalid_request");
});

test("a cancelled sign-in comes back as access_denied", async () => {
  const { redirectUri, clientId } = user;
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid",
    code_challenge: "x".repeat(43),
    code_challenge_method: "S256",
  });
  const form = await user.walk(`${servers.issuer}/auth?${query}`);
  assert.match(form.html, /name="login"/);
  const { url } = await user.walk(`${form.url.href}/cancel`);
  assert.equal(url.searchParams.get("error"), "access_denied");
});

test("prompt=none needs a session, and then no page", async () => {
  const silent = { params: { prompt: "none" } };
  const before = await user.authorize(silent);
  assert.equal(before.callback.searchParams.get("error"), "login_required");
  await user.signIn();
  const during = await user.authorize(silent);
  assert.ok(during.callback.searchParams.get("code"));
  await control("POST", "/end-sessions", { sub: "alice" });
  const afterwards = await user.authorize(silent);
  assert.equal(afterwards.callback.searchParams.get("error"), "login_required");
});

test("without offline_access there is no refresh token", async () => {
  const tokens = await user.signIn({ scope: "openid" });
  assert.equal(tokens.refresh_token, undefined);
});

test("refresh tokens rotate, and reuse revokes the family", async () => {
  const first = await user.signIn();
  const second = await (await user.refresh(first.refresh_token)).json();
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await callApi(second.access_token)).status, 200);

  const reused = await user.refresh(first.refresh_token);
  assert.equal(reused.status, 400);
  assert.equal((await reused.json()).error, "invalid_grant");
  assert.equal((await user.refresh(second.refresh_token)).status, 400);
  assert.equal((await callApi(second.access_token)).status, 401);

  const { refreshRequests, refreshesSucceeded, refreshesFailed, reuses } = await counts();
  assert.deepEqual([refreshRequests, refreshesSucceeded, refreshesFailed, reuses], [3, 1, 2, 1]);
});

test("of two refreshes at once with one token, one is reuse", async () => {
  const { refresh_token } = await user.signIn();
  const answers = await Promise.all([user.refresh(refresh_token), user.refresh(refresh_token)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400]);
  assert.equal((await counts()).reuses, 1);
});

test("revoking the refresh token ends the grant, at the API too", async () => {
  const { access_token, refresh_token } = await user.signIn();
  const body = new URLSearchParams({ client_id: user.clientId, token: refresh_token });
  const headers = { origin: servers.app };
  const revoked = await fetch(`${servers.issuer}/token/revocation`, {
    method: "POST",
    body,
    headers,
  });
  assert.equal(revoked.status, 200);
  assert.equal(revoked.headers.get("access-control-allow-origin"), servers.app);
  assert.equal((await user.refresh(refresh_token)).status, 400);
  assert.equal((await callApi(access_token)).status, 401);
  assert.equal((await counts()).revocations, 1);
});

test("an administrator's revocation is invalid_grant at the next refresh", async () => {
  const { refresh_token } = await user.signIn();
  const { revoked } = await control("POST", "/revoke-grants", { clientId: user.clientId });
  assert.equal(revoked, 1);
  assert.equal((await (await user.refresh(refresh_token)).json()).error, "invalid_grant");
});

test("logout without an ID token hint confirms itself and returns with the state", async () => {
  await user.signIn();
  const query = new URLSearchParams({
    client_id: user.clientId,
    post_logout_redirect_uri: `${servers.app}/`,
    state: "bye",
  });
  const page = await user.walk(`${servers.issuer}/session/end?${query}`);
  assert.match(page.html, /getElementById\("op\.logoutForm"\)\.submit\(\)/);
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.html)?.[1] ?? "";
  const body = new URLSearchParams({ xsrf, logout: "yes" });
  const confirm = `${servers.issuer}/session/end/confirm`;
  const { url } = await user.walk(confirm, { method: "POST", body });
  assert.equal(url.href, `${servers.app}/?state=bye`);
  const silent = await user.authorize({ params: { prompt: "none" } });
  assert.equal(silent.callback.searchParams.get("error"), "login_required");
  assert.equal((await counts()).logouts, 1);
});

test("another origin gets no CORS permission anywhere", async () => {
  const { refresh_token } = await user.signIn();
  const headers = { origin: servers.other };
  const preflight = { "access-control-request-method": "POST" };
  const answers = await Promise.all([
    fetch(`${servers.issuer}/.well-known/openid-configuration`, { headers }),
    fetch(`${servers.issuer}/jwks`, { headers }),
    fetch(`${servers.issuer}/token`, { method: "OPTIONS", headers: { ...headers, ...preflight } }),
    user.token({ grant_type: "refresh_token", refresh_token }, servers.other),
    fetch(`${servers.api}/me`, { headers }),
  ]);
  for (const { url, headers } of answers) {
    assert.equal(headers.get("access-control-allow-origin"), null, url);
  }
  assert.equal((await user.refresh(refresh_token)).status, 200, "the foreign attempt used it up");
});

test("lifetimes, formats and omissions change while the provider runs", async () => {
  const path = `/clients/${user.clientId}`;
  await control("PATCH", path, { accessTokenTtl: 7, accessTokenFormat: "opaque" });
  const first = await user.signIn();
  assert.equal(first.expires_in, 7);
  assert.equal(first.access_token.split(".").length, 1);
  assert.equal((await callApi(first.access_token)).status, 200);
  await control("PATCH", path, { accessTokenTtl: 9, omit: ["expires_in"] });
  const second = await (await user.refresh(first.refresh_token)).json();
  assert.equal(second.expires_in, undefined);
  assert.ok(!("expires_in" in second));
});

test("an expired token is refused", async () => {
  await control("PATCH", `/clients/${user.clientId}`, { accessTokenTtl: 1 });
  const { access_token } = await user.signIn();
  const left = (decodeJwt(access_token).exp ?? 0) * 1000 - Date.now();
  await new Promise((resolve) => setTimeout(resolve, left + 50));
  const response = await callApi(access_token);
  assert.equal(response.status, 401);
  assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer .*error="invalid_token"/);
});

test("the API refuses what a test tells it to refuse", async () => {
  const { access_token } = await user.signIn();
  await control("POST", "/api/refuse-next", { count: 1 });
  const statuses = [await callApi(access_token), await callApi(access_token)];
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [401, 200],
  );
  const { revoked } = await control("POST", "/api/revoke", { clientId: user.clientId });
  assert.equal(revoked, 1);
  assert.equal((await callApi(access_token)).status, 401);
});

test("a token that the page declares expired is refused, a new one is not", async () => {
  const { access_token, refresh_token } = await user.signIn();
  assert.equal((await callApi(access_token, "/expire", { method: "POST" })).status, 204);
  assert.equal((await callApi(access_token)).status, 401);
  const renewed = await (await user.refresh(refresh_token)).json();
  assert.equal((await callApi(renewed.access_token)).status, 200);
});

test("the API echoes a digest, streams, redirects, and records who asked", async () => {
  const { access_token } = await user.signIn();
  await control("DELETE", "/api/requests");
  const echo = await (await callApi(access_token, "/echo", { method: "PUT", body: "abc" })).json();
  assert.equal(echo.method, "PUT");
  assert.equal(echo.bodySha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const stream = await (await callApi(access_token, "/stream?chunks=3")).text();
  assert.equal(stream, "chunk 0\nchunk 1\nchunk 2\n");
  const redirect = await callApi(access_token, `/redirect?to=${servers.other}/x`, {
    redirect: "manual",
  });
  assert.equal(redirect.headers.get("location"), `${servers.other}/x`);
  assert.equal((await callApi(access_token, "/status/204")).status, 204);
  const abort = AbortSignal.timeout(50);
  await assert.rejects(callApi(access_token, "/slow?ms=60000", { signal: abort }));

  await until(async () => (await control("GET", "/api/requests")).at(-1).aborted === true);
  const log = await control("GET", "/api/requests");
  assert.deepEqual(
    log.map((/** @type {any} */ { url, sub }) => [url.split("?")[0], sub]),
    [
      ["/echo", "alice"],
      ["/stream", "alice"],
      ["/redirect", "alice"],
      ["/status/204", "alice"],
      ["/slow", "alice"],
    ],
  );
  assert.equal(log[0].headers.authorization, `Bearer ${access_token}`);
});

test("faults answer, hold and drop token requests, and are used up", async () => {
  const { refresh_token } = await user.signIn();
  const { clientId } = user;
  const html = { status: 503, body: "<h1>down</h1>", contentType: "text/html" };
  await control("POST", "/faults", { clientId, ...html, headers: { "Retry-After": "1" } });
  const down = await user.refresh(refresh_token);
  assert.equal(down.status, 503);
  assert.equal(down.headers.get("retry-after"), "1");
  assert.match(down.headers.get("content-type") ?? "", /^text\/html/);
  assert.equal(await down.text(), "<h1>down</h1>");

  await control("POST", "/faults", { clientId, drop: true });
  await assert.rejects(user.refresh(refresh_token));

  await control("POST", "/faults", { clientId, hold: true });
  const held = user.refresh(refresh_token);
  await until(async () => (await control("GET", "/faults/held")).held === 1);
  await control("POST", "/faults/release");
  assert.equal((await held).status, 200);
  const { faults, refreshesFailed, refreshesSucceeded } = await counts();
  assert.deepEqual([faults, refreshesFailed, refreshesSucceeded], [3, 2, 1]);
});

test("a real answer is spoilt on its way back, and the server has acted", async () => {
  const { clientId } = user;
  let { refresh_token } = await user.signIn();
  const spoil = async (/** @type {object} */ fault) => {
    await control("POST", "/faults", { clientId, step: "refresh", ...fault });
    return user.refresh(refresh_token);
  };
  const again = async () => {
    ({ refresh_token } = await user.signIn());
  };
  await assert.rejects(spoil({ spoil: "lose" }));
  assert.equal((await user.refresh(refresh_token)).status, 400, "it was used up");
  await again();
  const cut = await spoil({ spoil: "truncate" });
  assert.equal(cut.status, 200);
  await assert.rejects(cut.text());
  await again();
  const headers = { origin: servers.app };
  const form = (/** @type {string} */ token) =>
    new URLSearchParams({
      client_id: clientId,
      grant_type: "refresh_token",
      refresh_token: token,
    });
  await control("POST", "/faults", { clientId, step: "refresh", spoil: "hide" });
  const body = form(refresh_token);
  const hidden = await fetch(`${servers.issuer}/token`, { method: "POST", body, headers });
  assert.equal(hidden.headers.get("access-control-allow-origin"), null);
  ({ refresh_token } = await hidden.json());
  const retyped = await spoil({ spoil: "retype", dateMs: 86_400_000 });
  assert.match(retyped.headers.get("content-type") ?? "", /^text\/html/);
  const day = Date.parse(retyped.headers.get("date") ?? "") - Date.now();
  assert.ok(Math.abs(day - 86_400_000) < 60_000);
  ({ refresh_token } = await retyped.json());
  const swollen = await (await spoil({ spoil: "swell" })).json();
  assert.equal(swollen.padding.length, 1024 * 1024);
  const { refreshRequests, refreshesSucceeded, faults } = await counts();
  assert.deepEqual([refreshRequests, refreshesSucceeded, faults], [6, 5, 5]);
});

test("faults meet each step, and a port that is refused comes back", async () => {
  const { access_token, refresh_token } = await user.signIn();
  /** @type {[string, () => Promise<Response>][]} */
  const steps = [
    ["discovery", () => fetch(`${servers.issuer}/.well-known/openid-configuration`)],
    ["keys", () => fetch(`${servers.issuer}/jwks`)],
    ["api", () => callApi(access_token)],
    ["refresh", () => user.refresh(refresh_token)],
    [
      "revocation",
      () => {
        const body = new URLSearchParams({ client_id: user.clientId, token: refresh_token });
        return fetch(`${servers.issuer}/token/revocation`, { method: "POST", body });
      },
    ],
  ];
  for (const [step, ask] of steps) {
    await control("POST", "/faults", { step, status: 429 });
    assert.equal((await ask()).status, 429, step);
    assert.notEqual((await ask()).status, 429, step);
  }
  for (const name of /** @type {const} */ (["issuer", "api"])) {
    const resume = await servers.refuse(name);
    await assert.rejects(reach(servers[name]), { code: "ECONNREFUSED" });
    await resume();
    await reach(servers[name]);
  }
});

test("an ID token is forged on its way, and keys are rotated", async () => {
  const keys = createRemoteJWKSet(new URL(`${servers.issuer}/jwks`), { cooldownDuration: 0 });
  const { refresh_token, id_token } = await user.signIn();
  const first = await jwtVerify(id_token, keys);
  await control("POST", "/rotate-keys");
  await control("POST", "/faults", { clientId: user.clientId, step: "refresh", spoil: "forge" });
  const forged = await (await user.refresh(refresh_token)).json();
  assert.equal(decodeJwt(forged.id_token).forged, true);
  await assert.rejects(jwtVerify(forged.id_token, keys), {
    code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
  });
  const good = await (await user.refresh(forged.refresh_token)).json();
  const { protectedHeader } = await jwtVerify(good.id_token, keys);
  assert.notEqual(protectedHeader.kid, first.protectedHeader.kid);
  assert.equal((await callApi(good.access_token)).status, 200, "access tokens keep their key");
  await assert.rejects(jwtVerify(id_token, keys), { code: "ERR_JWKS_NO_MATCHING_KEY" });
});

test("the control port is not for pages", async () => {
  /** @type {[string, string][]} */
  const marks = [
    ["origin", servers.app],
    ["sec-fetch-site", "cross-site"],
  ];
  for (const mark of marks) {
    const response = await fetch(`${servers.control}/tokens`, { headers: [mark] });
    assert.equal(response.status, 403);
  }
});

test("pages come with a policy, routes fall back to the index, files do not", async () => {
  const accept = { headers: { accept: "text/html" } };
  const callback = await fetch(`${servers.app}/callback?code=x`, accept);
  assert.equal(callback.status, 200);
  assert.match(callback.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(callback.headers.get("content-security-policy") ?? "", /require-trusted-types-for/);
  assert.equal(callback.headers.get("x-content-type-options"), "nosniff");
  const file = await fetch(`${servers.app}/start.mjs`);
  assert.match(file.headers.get("content-type") ?? "", /^text\/javascript/);
  const missing = await fetch(`${servers.app}/tokenward/vault.js`, accept);
  assert.equal(missing.status, 404);
  const policy = missing.headers.get("content-security-policy") ?? "";
  assert.ok(policy.includes(`connect-src ${servers.issuer} ${servers.api}`), policy);
  for (const outside of ["/..%2f..%2fCargo.toml", "/%2e%2e/tsconfig.json", "/%00"]) {
    assert.equal((await fetch(servers.app + outside)).status, 404, outside);
  }
});

test("the look-alike records everything", async () => {
  await control("PUT", "/other/answers", { path: "/jwks", status: 418, body: "no" });
  const headers = { authorization: "Bearer leaked" };
  const response = await fetch(`${servers.other}/jwks`, { method: "POST", body: "b", headers });
  assert.equal(response.status, 418);
  const [caught] = await control("GET", "/other/requests");
  assert.deepEqual([caught.body, caught.headers.authorization], ["b", "Bearer leaked"]);
});

test("the command prints its addresses and stops when its parent goes", async () => {
  const script = fileURLToPath(new URL("start.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, "--json", "--ttl", "3"]);
  const [line] = await once(createInterface(child.stdout), "line");
  const { issuer, control } = JSON.parse(line);
  assert.equal((await fetch(`${issuer}/jwks`)).status, 200);
  assert.equal((await fetch(control)).status, 200);
  child.stdin.end();
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
});
