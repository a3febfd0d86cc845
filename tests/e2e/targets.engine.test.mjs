// @ts-check
// Invariant 2: a credential goes where the configuration says, and nowhere else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { suite } from "./harness/suite.mjs";
import { authError } from "./harness/tab.mjs";

// The vault's policy would let a request through to the look-alike: what stops it is the vault.
const e2e = suite({ vaultConnects: "{other} http://localhost:* http://127.0.0.1:*" });

/** @returns {string[]} what reached the look-alike with any sign of a credential, or at all */
const leaked = () =>
  e2e.servers.direct.other.log.list().map(({ method, url }) => `${method} ${url}`);

test("a target outside the configuration is refused, and nothing is sent (st8, t6, t8)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const { api, other, issuer, app: page } = e2e.servers;
  const { port: apiPort } = new URL(api);
  const { host: otherHost, port: otherPort } = new URL(other);
  const targets = [
    `${other}/`,
    `http://127.0.0.1:${apiPort}/me`,
    `http://[::1]:${apiPort}/me`,
    `http://localhost.:${apiPort}/me`,
    `http://localhost:${otherPort}/`,
    `${api}0/me`,
    `${api}.0/me`,
    `https://localhost:${apiPort}/me`,
    `http://localhost:${apiPort}.example.com/`,
    `http://localhost@${otherHost}/`,
    `http://${new URL(api).host}@${otherHost}/`,
    `http://${new URL(api).host}%2f@${otherHost}/`,
    `http://${otherHost}\\@${new URL(api).host}/`,
    `//${otherHost}/`,
    `\\\\${otherHost}\\`,
    `http:/\t/${otherHost}/`,
    `http://${otherHost}/?${api}/me`,
    `http://${otherHost}/#${api}/me`,
    `${api}.${otherHost}/`,
    `http://user:pass@${new URL(api).host}/me`,
    "/settings/none.json",
    `${page}/`,
    `${issuer}/token`,
    `${issuer}/me`,
    "data:text/plain,x",
    "about:blank",
    "ftp://localhost/",
    "file:///etc/hosts",
  ];
  for (const target of targets) {
    await assert.rejects(
      tab.run((auth, url) => auth.fetch(url), target),
      (/** @type {any} */ error) => {
        // What the browser's own parser refuses is its TypeError; the rest is ours.
        if (error.name === "TypeError" && !error.isAuthError) return true;
        return authError(
          error.code === "request_invalid" ? "request_invalid" : "target_not_allowed",
          /resources|remove|http|user|credential/i,
          { phase: "fetch", retryable: false },
        )(error);
      },
      target,
    );
  }
  const blob = tab.run((auth) => auth.fetch(URL.createObjectURL(new Blob(["x"]))));
  await assert.rejects(blob, authError("request_invalid", /blob:/));
  assert.deepEqual(leaked(), []);
  assert.equal(app.calls().length, 0);
  assert.equal((await tab.call(`${api}/me`)).status, 200, "the session is as it was");
});

test("the provider's own endpoints are no targets, even where their origin is a resource", async () => {
  const { issuer, api } = e2e.servers;
  const app = await e2e.application({
    options: { resources: [{ origin: api }, { origin: issuer }] },
  });
  const tab = await app.openSignedIn();
  const before = app.counts().tokenRequests;
  for (const path of ["/token", "/token/revocation", "/session/end", "/auth", "/jwks"]) {
    await assert.rejects(
      tab.run((auth, url) => auth.fetch(url, { method: "POST", body: "a=b" }), issuer + path),
      authError("target_not_allowed", /provider/i),
      path,
    );
  }
  assert.equal(app.counts().tokenRequests, before);
});

test("an API of the page's own origin may be a resource, by its path alone", async () => {
  const { app: page } = e2e.servers;
  const app = await e2e.application({
    options: { resources: [{ origin: page, paths: ["/settings"] }] },
  });
  e2e.servers.direct.app.setHeaders({
    vault: edit(e2e.headers().vault, "connect-src", "connect-src 'self'"),
  });
  const tab = await app.openSignedIn();
  const seen = await tab.run(async (auth, clientId) => {
    const response = await auth.fetch(`/settings/${clientId}.json`);
    return [response.status, response.type, (await response.json()).sdk];
  }, app.clientId);
  assert.deepEqual(seen, [200, "basic", "/pkg/index.js"]);
  const [access] = app.tokens("access");
  const calls = e2e.servers.direct.app.log.list().filter(({ headers }) => headers.authorization);
  assert.deepEqual(
    calls.map(({ url, headers }) => [url, headers.authorization]),
    [[`/settings/${app.clientId}.json`, `Bearer ${access?.token}`]],
  );
  await assert.rejects(
    tab.run((auth) => auth.fetch("/main.js")),
    authError("target_not_allowed", /path/i),
  );
});

test("paths hold by whole segments and methods by name", async () => {
  const { api } = e2e.servers;
  const app = await e2e.application({
    options: { resources: [{ origin: api, paths: ["/me", "/status/"], methods: ["GET"] }] },
  });
  const tab = await app.openSignedIn();
  for (const path of ["/me", "/me?x=1", "/me/more", "/status/403", "/x/../me", "/./me"]) {
    assert.notEqual((await tab.call(api + path)).status, 401, path);
  }
  const calls = app.calls().length;
  const refused = [
    "/",
    "/echo",
    "/mean",
    "/Me",
    "/me/../echo",
    "/me/%2e%2e/echo",
    "/me/%2E./echo",
    "/me%2f..%2fecho",
    "/me/..%2fecho",
    "/me\\..\\echo",
    "//me",
    "/status/../echo",
  ];
  for (const path of refused) {
    await assert.rejects(
      tab.run((auth, url) => auth.fetch(url), api + path),
      authError("target_not_allowed", /path/i),
      path,
    );
  }
  await assert.rejects(
    tab.run((auth, url) => auth.fetch(url, { method: "POST" }), `${api}/me`),
    authError("target_not_allowed", /method/i),
  );
  assert.equal(app.calls().length, calls);
});

test("a redirect takes no credential to another origin (t9)", async () => {
  const { api, other } = e2e.servers;
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const to = encodeURIComponent(`${other}/caught`);
  const answer = await tab.run(async (auth, url) => {
    const response = await auth.fetch(url);
    return [response.url, response.redirected, response.status];
  }, `${api}/redirect?to=${to}`);
  assert.deepEqual(answer, [`${other}/caught`, true, 200]);
  const caught = e2e.servers.direct.other.log.list();
  assert.ok(caught.length > 0);
  for (const { headers, url, body } of caught) {
    assert.equal(headers.authorization, undefined, url);
    for (const { token } of app.tokens()) {
      assert.ok(!JSON.stringify([headers, url, body]).includes(token));
    }
  }
  const own = await tab.run(async (auth, url) => {
    const response = await auth.fetch(url);
    return [response.url, response.redirected, response.status];
  }, `${api}/redirect?to=/me`);
  assert.deepEqual(own, [`${api}/me`, true, 200]);
});

test("where paths or methods are set, a redirect is refused", async () => {
  const { api, other } = e2e.servers;
  const app = await e2e.application({
    options: { resources: [{ origin: api, paths: ["/redirect", "/me"] }] },
  });
  const tab = await app.openSignedIn();
  for (const to of [`${other}/caught`, "/echo", "/me"]) {
    await assert.rejects(
      tab.run((auth, url) => auth.fetch(url), `${api}/redirect?to=${encodeURIComponent(to)}`),
      authError("redirect_refused", /redirect/i, { phase: "fetch" }),
      to,
    );
  }
  assert.deepEqual(leaked(), []);
  assert.equal((await tab.call(`${api}/me`)).status, 200);
});

test("a 401 from an origin that is no resource is never seen, so nothing is renewed for it (br7)", async () => {
  const { api, other } = e2e.servers;
  e2e.servers.direct.other.setAnswer("/", {
    status: 401,
    headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' },
  });
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const failed = tab.run((auth, url) => auth.fetch(url), `${other}/`);
  await assert.rejects(failed, authError("target_not_allowed", /resources/));
  const to = encodeURIComponent(`${other}/`);
  // Redirected there, its answer is one that was asked without a credential.
  assert.equal((await tab.call(`${api}/redirect?to=${to}`)).status, 401);
  assert.ok(app.counts().refreshRequests <= 1);
  for (const { headers } of e2e.servers.direct.other.log.list()) {
    assert.equal(headers.authorization, undefined);
  }
});

/**
 * @param {Record<string, string>} headers
 * @param {string} from
 * @param {string} to
 * @returns {Record<string, string>}
 */
function edit(headers, from, to) {
  const name = "Content-Security-Policy";
  return { ...headers, [name]: (headers[name] ?? "").replace(from, to) };
}
