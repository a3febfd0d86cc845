// @ts-check
// A refresh cookie and a vault at an origin of its own: the backend serves that origin alone, so no script of the
// application's page has anything from it, whatever the browser sends along.
import assert from "node:assert/strict";
import { test } from "node:test";
import { engine } from "./harness/browser.mjs";
import { askBackend, mediated, refreshCookie } from "./harness/cookie.mjs";
import { everythingKept, framedApplication } from "./harness/framed.mjs";
import { suite } from "./harness/suite.mjs";

const e2e = suite();

/** An application whose vault's origin is the one that the backend serves. */
async function kept() {
  const { vault, backend, direct } = e2e.servers;
  direct.backend.settle({ origins: [vault] });
  const app = await framedApplication(e2e, { baked: { refreshCookie: refreshCookie(e2e) } });
  // A page's own policy would keep its script away before the backend does.
  e2e.changePage({ "frame-src": [vault], "connect-src": [backend] });
  return app;
}

test("a vault that is gone is followed by one that the cookie signs in, and the page stays (ck4)", async () => {
  const app = await kept();
  const tab = await app.openFramed();
  const { authorizations, refreshRequests } = app.counts();
  for (const times of [1, 2]) {
    if (engine.devTools) assert.ok(await engine.devTools.kill(tab.driver, "shared_worker"));
    await tab.focus();
    await tab.driver.navigate().refresh();
    await tab.until("the restored session", (auth) => auth?.state.restoredBy === "cookie");
    assert.equal(await tab.url(), app.base);
    const counts = app.counts();
    assert.equal(counts.authorizations, authorizations);
    assert.equal(counts.refreshRequests, refreshRequests + times);
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  }
  const requests = mediated(app);
  assert.deepEqual(
    requests.map(({ headers, cookie }) => [headers.origin, cookie !== undefined]),
    [false, true, true].map((has) => [e2e.servers.vault, has]),
  );
  const { databases, cookies } = await tab.run(everythingKept);
  assert.deepEqual([databases, cookies], [[], ""]);
  assert.deepEqual(
    app.calls().filter(({ headers }) => headers.cookie !== undefined),
    [],
  );
});

test("a script of the application's page gets nothing of the backend, and nothing is done for it (ck1)", async () => {
  const app = await kept();
  const tab = await app.openFramed();
  const { backend } = e2e.servers.direct;
  const { token, revocation } = refreshCookie(e2e);
  const before = { counts: app.counts(), tokens: app.tokens().length };
  for (const url of [token, revocation]) {
    // The header makes the browser ask first, and without it the request arrives, with the cookie.
    for (const headers of /** @type {Record<string, string>[]} */ ([{ "X-Tokenward": "1" }, {}])) {
      const got = await tab.run(askBackend, url, app.clientId, headers);
      assert.deepEqual(got, { failure: "TypeError" });
    }
  }
  const own = backend.log.list().filter(({ headers }) => headers.origin === e2e.servers.app);
  assert.deepEqual(
    own.map(({ method, path, refused }) => [method, path, refused]),
    ["/token", "/revoke"].flatMap((path) => [
      ["OPTIONS", path, true],
      ["POST", path, true],
    ]),
  );
  assert.ok(
    own.some(({ cookie }) => cookie !== undefined),
    "no cookie keeps it away",
  );
  assert.deepEqual({ counts: app.counts(), tokens: app.tokens().length }, before);
  assert.equal(backend.kept(app.clientId), 1);
  // The vault's session is unharmed.
  app.refuseTokens();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});
