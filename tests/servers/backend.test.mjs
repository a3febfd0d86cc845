// @ts-check
// Shows that the backend keeps what it is given: the browser gets a cookie and no refresh token, nobody gets
// anything without its header or from an origin that it does not serve, and no answer that is lost costs a session.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { FetchUser } from "./fetch-user.mjs";
import { startServers } from "./start.mjs";

/** @type {import("./start.mjs").Servers} */
let servers;
/** @type {import("./backend.mjs").BackendHandle} */
let backend;
/** @type {FetchUser} a new user of a new client in each test */
let user;
let serial = 0;

before(async () => {
  servers = await startServers();
  ({ backend } = servers.direct);
});
after(() => servers.close());
beforeEach(async () => {
  serial += 1;
  const clientId = `client-${serial}`;
  await servers.direct.provider.addClient({ clientId });
  user = new FetchUser(servers, clientId);
  backend.reset();
});

/**
 * What a vault sends.
 *
 * @param {string} path
 * @param {Record<string, string>} form
 * @param {Record<string, string>} [headers] beside the usual ones; an empty one is left out
 */
function post(path, form, headers = {}) {
  const all = { origin: servers.app, "x-tokenward": "1", ...headers };
  return fetch(servers.backend + path, {
    method: "POST",
    headers: Object.entries(all).filter(([, value]) => value),
    body: new URLSearchParams({ client_id: user.clientId, ...form }),
  });
}

/** @param {string} cookie */
const refresh = (cookie) => post("/token", { grant_type: "refresh_token" }, { cookie });

/**
 * Has a code exchanged by the backend.
 *
 * @param {string} [scope]
 * @param {string} [cookie] that the browser has already
 */
async function exchange(scope, cookie = "") {
  const { callback, verifier } = await user.authorize(scope ? { scope } : {});
  const form = {
    grant_type: "authorization_code",
    code: callback.searchParams.get("code") ?? "",
    redirect_uri: user.redirectUri,
    code_verifier: verifier,
  };
  return post("/token", form, { cookie });
}

/** Signs in through the backend. */
async function signIn() {
  const response = await exchange();
  assert.equal(response.status, 200);
  const [set = ""] = response.headers.getSetCookie();
  const [cookie = "", ...attributes] = set.split("; ");
  return { response, tokens: await response.json(), cookie, attributes };
}

/** Whether an answer takes the client's cookie away. @param {Response} response */
function takesCookie(response) {
  const gone = `__Host-Http-${user.clientId}=; Secure; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`;
  return response.headers.getSetCookie().includes(gone);
}

const counts = () => servers.direct.provider.counters.of(user.clientId);

/** @param {string} token */
async function callApi(token) {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`${servers.api}/me`, { headers })).status;
}

test("a sign-in gives a cookie that no script reads, and no refresh token", async () => {
  const { response, tokens, cookie, attributes } = await signIn();
  assert.match(cookie, new RegExp(`^__Host-Http-${user.clientId}=[\\w-]{43}$`));
  assert.deepEqual(attributes, ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"]);
  assert.deepEqual(Object.keys(tokens).sort(), [
    "access_token",
    "expires_in",
    "id_token",
    "scope",
    "token_type",
  ]);
  assert.equal(response.headers.get("access-control-allow-origin"), servers.app);
  assert.equal(response.headers.get("access-control-allow-credentials"), "true");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(await callApi(tokens.access_token), 200);
  assert.deepEqual([counts().codesSucceeded, backend.kept(user.clientId)], [1, 1]);
});

test("the cookie refreshes, also twice at once, and the provider sees no reuse", async () => {
  const { cookie } = await signIn();
  for (const times of [1, 2, 1]) {
    const answers = await Promise.all(Array.from({ length: times }, () => refresh(cookie)));
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      const tokens = await answer.json();
      assert.equal(tokens.refresh_token, undefined);
      assert.equal(await callApi(tokens.access_token), 200);
    }
  }
  const { refreshesSucceeded, refreshesFailed, reuses } = counts();
  assert.deepEqual([refreshesSucceeded, refreshesFailed, reuses], [4, 0, 0]);
  assert.deepEqual(
    backend.log.list().map(({ path, cookie: sent }) => [path, sent !== undefined]),
    [["/token", false], ...Array(4).fill(["/token", true])],
  );
});

test("another sign-in has a cookie of its own, and the one before counts no more", async () => {
  const first = await signIn();
  const again = await exchange(undefined, first.cookie);
  const [second = ""] = (again.headers.getSetCookie()[0] ?? "").split("; ");
  assert.notEqual(second, first.cookie);
  assert.equal((await refresh(first.cookie)).status, 400);
  assert.equal((await refresh(second)).status, 200);
  assert.equal(backend.kept(user.clientId), 1);
});

test("a sign-in without a refresh token takes the cookie of the one before away", async () => {
  const first = await signIn();
  const other = await exchange("openid", first.cookie);
  assert.equal(other.status, 200);
  assert.deepEqual(
    await other
      .json()
      .then(Object.keys)
      .then((keys) => keys.sort()),
    ["access_token", "expires_in", "id_token", "scope", "token_type"],
  );
  assert.ok(takesCookie(other));
  assert.deepEqual([backend.kept(user.clientId), counts().revocations], [0, 0]);
  assert.equal((await refresh(first.cookie)).status, 400);
  assert.equal(counts().refreshRequests, 0);
  // Where there was none there is none to take away.
  assert.deepEqual((await exchange("openid")).headers.getSetCookie(), []);

  // Who is not signed in takes nobody's place: the provider refuses the code, or is not there.
  const { cookie } = await signIn();
  const form = { grant_type: "authorization_code", code: "x", redirect_uri: user.redirectUri };
  const { faults } = servers.direct.provider;
  for (const status of [400, 502]) {
    if (status === 502) faults.plan({ clientId: user.clientId, step: "code", drop: true });
    const failed = await post("/token", { ...form, code_verifier: "x".repeat(43) }, { cookie });
    assert.deepEqual([failed.status, failed.headers.getSetCookie()], [status, []]);
  }
  assert.equal((await refresh(cookie)).status, 200);
});

test("without a cookie that it knows there is no session, and the provider is not asked", async () => {
  const { cookie } = await signIn();
  const others = ["", "x=1", `__Host-Http-${user.clientId}=x`, cookie.replace("client", "other")];
  for (const other of others) {
    const answer = await refresh(other);
    assert.equal(answer.status, 400);
    assert.deepEqual(await answer.json(), { error: "invalid_grant" });
    assert.ok(takesCookie(answer), other);
  }
  assert.equal(counts().refreshRequests, 0);
  backend.forget();
  assert.equal((await refresh(cookie)).status, 400);
  assert.equal(counts().refreshRequests, 0);
});

test("what the provider refuses is refused, and the cookie goes", async () => {
  const { cookie } = await signIn();
  servers.direct.provider.revokeGrants({ clientId: user.clientId });
  const answer = await refresh(cookie);
  assert.equal(answer.status, 400);
  assert.equal((await answer.json()).error, "invalid_grant");
  assert.ok(takesCookie(answer));
  assert.equal(backend.kept(user.clientId), 0);
});

test("a sign-out revokes what is kept, and the cookie goes", async () => {
  const { tokens, cookie } = await signIn();
  const revoke = () => post("/revoke", { token_type_hint: "refresh_token" }, { cookie });
  const answer = await revoke();
  assert.equal(answer.status, 200);
  assert.ok(takesCookie(answer));
  assert.deepEqual([counts().revocations, backend.kept(user.clientId)], [1, 0]);
  assert.equal(await callApi(tokens.access_token), 401);
  assert.equal((await refresh(cookie)).status, 400);
  // Nothing is left to revoke.
  assert.equal((await revoke()).status, 200);
  assert.equal(counts().revocations, 1);
});

test("without the header, or from another origin, nothing is done", async () => {
  const { cookie } = await signIn();
  /** @type {Record<string, string>[]} */
  const wrong = [
    { "x-tokenward": "" },
    { "x-tokenward": "0" },
    { origin: servers.vault },
    { origin: servers.other },
    { origin: "null" },
    { origin: "" },
  ];
  for (const headers of wrong) {
    for (const [path, form] of /** @type {[string, Record<string, string>][]} */ ([
      ["/token", { grant_type: "refresh_token" }],
      ["/token", { grant_type: "authorization_code", code: "x" }],
      ["/revoke", { token_type_hint: "refresh_token" }],
    ])) {
      const answer = await post(path, form, { cookie, ...headers });
      assert.equal(answer.status, 403);
      assert.deepEqual(await answer.json(), { error: "access_denied" });
      assert.deepEqual(answer.headers.getSetCookie(), []);
      const allowed = answer.headers.get("access-control-allow-origin");
      assert.equal(allowed, "origin" in headers ? null : servers.app);
      assert.equal(answer.headers.get("vary"), "Origin");
      assert.equal(backend.log.list().at(-1)?.refused, true);
    }
  }
  const { tokenRequests, revocations } = counts();
  assert.deepEqual([tokenRequests, revocations, backend.kept(user.clientId)], [1, 0, 1]);
  assert.equal((await refresh(cookie)).status, 200);
});

test("a preflight is told what is allowed, of the origins that are served alone", async () => {
  const preflight = (/** @type {string} */ origin) =>
    fetch(`${servers.backend}/token`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-tokenward",
      },
    });
  const allowed = await preflight(servers.app);
  assert.equal(allowed.status, 204);
  const said = (/** @type {string} */ name) => allowed.headers.get(`access-control-allow-${name}`);
  assert.deepEqual(["origin", "credentials", "methods", "headers"].map(said), [
    servers.app,
    "true",
    "POST",
    "X-Tokenward, DPoP, Content-Type",
  ]);
  assert.equal(allowed.headers.get("vary"), "Origin");
  const foreign = await preflight(servers.vault);
  assert.equal(foreign.headers.get("access-control-allow-origin"), null);
  assert.equal(foreign.headers.get("access-control-allow-headers"), null);
});

test("origins, header and answers are a test's to say", async () => {
  const scope = "openid api:write";
  backend.settle({ origins: [servers.vault], header: "X-CSRF", members: { scope } });
  const form = { grant_type: "refresh_token" };
  assert.equal((await post("/token", form)).status, 403);
  const own = { origin: servers.vault, "x-csrf": "1" };
  assert.equal((await post("/token", form, own)).status, 400);
  backend.settle({ origins: [servers.app], header: "X-Tokenward" });
  const { tokens, cookie } = await signIn();
  assert.equal(tokens.scope, scope);
  backend.settle({ members: {} });
  assert.notEqual((await (await refresh(cookie)).json()).scope, scope);
  backend.reset();
  assert.deepEqual([backend.kept(user.clientId), backend.log.list()], [0, []]);
});

test("it can fail, break off, wait and lose an answer, and the session is there afterwards", async () => {
  const { cookie } = await signIn();
  const { clientId } = user;
  const { faults } = backend;
  faults.plan({ clientId, step: "refresh", status: 503 });
  const failed = await refresh(cookie);
  assert.equal(failed.status, 503);
  assert.equal(failed.headers.get("access-control-allow-origin"), servers.app);
  assert.equal(failed.headers.get("access-control-allow-credentials"), "true");
  faults.plan({ clientId, step: "refresh", drop: true });
  await assert.rejects(refresh(cookie));
  assert.equal(counts().refreshRequests, 0);

  faults.plan({ clientId, step: "refresh", hold: true });
  const held = refresh(cookie);
  while (faults.held === 0) await new Promise((resolve) => setImmediate(resolve));
  faults.release();
  assert.equal((await held).status, 200);

  // The provider rotated, and the browser does not know.
  faults.plan({ clientId, step: "refresh", spoil: "lose" });
  await assert.rejects(refresh(cookie));
  assert.equal(counts().refreshesSucceeded, 2);
  assert.equal((await refresh(cookie)).status, 200);

  // Nor is anything lost where the provider fails.
  servers.direct.provider.faults.plan({ clientId, step: "refresh", status: 503, body: "<h1>" });
  assert.equal((await refresh(cookie)).status, 502);
  assert.equal((await refresh(cookie)).status, 200);
  assert.equal(counts().reuses, 0);
});
