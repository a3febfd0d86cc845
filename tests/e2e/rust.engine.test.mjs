// @ts-check
// An application in Rust (examples/yew), which uses the crate and nothing of the package but the
// vault's script. It chooses its place by its own query.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE_HEADERS, VAULT_HEADERS } from "../servers/start.mjs";
import { suite } from "./harness/suite.mjs";
import { eventually } from "./harness/tab.mjs";

/** @typedef {import("./harness/tab.mjs").Tab} Tab */

const e2e = suite();
const POLICY = "Content-Security-Policy";
/** What a debugger calls the workers of a place. */
const KINDS = { shared: "shared_worker", worker: "worker" };
const killed = e2e.engine.devTools ? {} : { skip: "no debugger reaches a worker here" };

test("a Yew app signs in, calls and signs out with the vault in a SharedWorker", async () => {
  const { app, page } = await yew("shared");
  const tab = await signedIn(page);
  assert.ok(requests("/tokenward/vault.js").length > 0, "no worker was asked for");
  await calls(tab, app);

  // One vault serves every tab: nothing is asked of the provider.
  const second = await e2e.newTab();
  await second.go(page);
  await untilStatus(second, "signed-in");
  await calls(second, app);
  assert.equal(app.counts().authorizations, 1);

  await tab.focus();
  await click(tab, "sign-out");
  await untilStatus(second, "signed-out");
  await untilSignedOut(tab, app, page);
});

test("a Yew app signs in, calls and signs out with the vault in its own module", async () => {
  const { app, page } = await yew("page");
  const tab = await signedIn(page);
  await calls(tab, app);
  assert.deepEqual(requests("/tokenward/vault.js"), []);
  await click(tab, "sign-out");
  await untilSignedOut(tab, app, page);
});

test("a Yew app signs in, calls and signs out with the vault in a worker of its own", async () => {
  const { app, page } = await yew("worker");
  const tab = await signedIn(page);
  assert.ok(requests("/tokenward/vault.js").length > 0, "no worker was asked for");
  await calls(tab, app);
  await click(tab, "sign-out");
  await untilSignedOut(tab, app, page);
});

test("a reload of a Yew app finds the session again, in its vault or at the provider", async () => {
  const { app, page } = await yew("shared");
  const tab = await signedIn(page);
  await tab.run(() => location.reload());
  await tab.until("the page anew", () => !("before" in window));
  await untilStatus(tab, "signed-in");
  await calls(tab, app);
  const { codeRequests, authorizations } = app.counts();
  assert.equal(codeRequests, authorizations);
  if (e2e.engine.keepsSharedWorkers) assert.equal(codeRequests, 1);
});

for (const where of /** @type {const} */ (["shared", "worker"])) {
  test(`a Yew app whose vault was killed finds another, and works on: ${where}`, killed, () =>
    surviveDeath(where),
  );
}

/** @param {"shared" | "worker"} where */
async function surviveDeath(where) {
  const { app, page } = await yew(where);
  const tab = await signedIn(page);
  await tab.run(() => {
    const main = document.querySelector("main");
    new MutationObserver(() => {
      sessionStorage.seen = `${sessionStorage.seen ?? ""} ${main?.dataset.status}`;
    }).observe(document, { subtree: true, attributeFilter: ["data-status"] });
  });
  assert.ok(Number(await e2e.engine.devTools?.kill(e2e.driver, KINDS[where])) > 0, "no vault");
  await tab.until("the page to notice", () => sessionStorage.seen?.includes("restoring"));
  // The next vault asks the provider, who remembers.
  await untilStatus(tab, "signed-in");
  await eventually("the second code", async () => app.counts().codesSucceeded === 2);
  await untilStatus(tab, "signed-in");
  await calls(tab, app);
}

test("a Yew app goes on with a newer build's vault, and shows nothing of it", async () => {
  const { app, page } = await yew("shared");
  const others = await vaultLocks(e2e.tab());
  const old = await signedIn(page);
  const [lock] = (await vaultLocks(old)).filter((name) => !others.includes(name));
  assert.ok(lock, "the old vault holds a lock");
  await old.run(() => {
    // What another test saw in this tab.
    delete sessionStorage.seen;
    const main = document.querySelector("main");
    new MutationObserver(() => {
      sessionStorage.seen = `${sessionStorage.seen ?? ""} ${main?.dataset.status}`;
    }).observe(document, { subtree: true, attributeFilter: ["data-status"] });
  });

  await e2e.deployYew("9.9.9");
  await e2e.deploy("feedfacefeedface");
  // Its vault restores the session at the provider.
  const fresh = await e2e.newTab();
  await fresh.go(page);
  await untilStatus(fresh, "signed-in");
  await eventually("the end of the old vault", async () => {
    return !(await vaultLocks(fresh)).includes(lock);
  });
  await calls(old, app);
  await calls(fresh, app);
  const left = (await vaultLocks(fresh)).filter((name) => !others.includes(name));
  assert.equal(left.length, 1, "one vault for both");
  assert.equal(await old.run(() => sessionStorage.seen ?? ""), "", "its status changed on the way");
  await old.focus();
  await click(old, "sign-out");
  await untilStatus(fresh, "signed-out");
});

/** @param {Tab} tab of the app's origin */
async function vaultLocks(tab) {
  if (!(await tab.url()).startsWith(e2e.servers.app)) await tab.go(`${e2e.servers.app}/c/nobody/`);
  return tab.run(async () => {
    const { held = [] } = await navigator.locks.query();
    return held.map(({ name }) => String(name)).filter((name) => /^tokenward\/vault\//.test(name));
  });
}

test("a Yew app says what is wrong: a refused sign-in, every problem of its options", async () => {
  const { app, page } = await yew("shared");
  const tab = e2e.tab();
  await tab.go(`${page}&state=unknown&error=access_denied`);
  await tab.until("the reason", () =>
    document.querySelector("[role=alert]")?.textContent?.startsWith("callback_unknown"),
  );
  assert.equal(await tab.url(), page);
  await e2e.settleYew({
    issuer: "http://id.example.com",
    clientId: app.clientId,
    api: "nowhere",
  });
  await tab.go(page);
  await tab.until("every problem of the options", () => {
    const words = document.querySelector("[role=alert]")?.textContent ?? "";
    return /`issuer`/.test(words) && /`resources\[0\].origin`/.test(words);
  });
});

/**
 * The example's page for a client of this test's own, under the policy that its place needs.
 *
 * @param {"shared" | "worker" | "page"} where
 */
async function yew(where) {
  const { issuer, api } = e2e.servers;
  const page = `${e2e.servers.app}/yew/?place=${where}`;
  const app = await e2e.application();
  const { clientId } = app;
  const back = { redirectUris: [page], postLogoutRedirectUris: [page] };
  await e2e.servers.direct.provider.addClient({ clientId, ...back });
  await e2e.settleYew({ issuer, clientId, api });
  const strict = PAGE_HEADERS[POLICY] ?? "";
  // Behind the worker, the page itself may speak to its own origin alone.
  const own = "connect-src 'self'";
  const policy = where === "page" ? strict.replace(own, `${own} {issuer} {api}`) : strict;
  e2e.servers.direct.app.setHeaders(
    e2e.filled({ page: { ...PAGE_HEADERS, [POLICY]: policy }, vault: VAULT_HEADERS }),
  );
  return { app, page };
}

/** @param {string} page */
async function signedIn(page) {
  const tab = e2e.tab();
  await tab.go(page);
  await untilStatus(tab, "signed-out");
  await click(tab, "sign-in");
  await tab.untilUrl("the provider", (url) => url.startsWith(e2e.servers.issuer));
  await tab.until("the login form", () => document.querySelector("#login"));
  await tab.driver.executeScript(
    "document.querySelector('#login').value = 'alice';" +
      "document.querySelector('button[type=submit]').click();",
  );
  await tab.untilUrl("the app", (url) => url.startsWith(e2e.servers.app));
  await untilStatus(tab, "signed-in");
  assert.equal(await tab.url(), page, "the address is not clean");
  assert.equal(await tab.run(() => document.querySelector("#name")?.textContent), "Alice");
  await tab.run(() => void Object.assign(window, { before: true }));
  return tab;
}

/**
 * Calls the API by the page's button, and compares with what the API received.
 *
 * @param {Tab} tab
 * @param {import("./harness/suite.mjs").Application} app
 */
async function calls(tab, app) {
  const url = `${e2e.servers.api}/me`;
  const before = app.calls().length;
  await click(tab, "call");
  const said = await tab.until("the answer", () => document.querySelector("#said")?.textContent);
  assert.equal(said, `200 ${url} ${JSON.stringify({ sub: "alice", clientId: app.clientId })}`);
  assert.equal(app.calls().length, before + 1);
  const access = app.tokens("access").at(-1);
  assert.equal(app.calls().at(-1)?.headers.authorization, `Bearer ${access?.token}`);
}

/**
 * @param {Tab} tab
 * @param {string} id
 */
function click(tab, id) {
  return tab.run((_, id) => document.getElementById(id)?.click(), id);
}

/**
 * @param {Tab} tab
 * @param {string} status
 */
function untilStatus(tab, status) {
  return tab.until(
    status,
    (_, status) => document.querySelector("main")?.dataset.status === status,
    status,
  );
}

/**
 * To the provider and back, with nothing left of the session.
 *
 * @param {Tab} tab
 * @param {import("./harness/suite.mjs").Application} app
 * @param {string} page
 */
async function untilSignedOut(tab, app, page) {
  await eventually("the provider's logout", async () => app.counts().logouts === 1);
  await tab.untilUrl("the page after the logout", (url) => url.split("&")[0] === page);
  await untilStatus(tab, "signed-out");
  assert.ok(app.counts().revocations >= 1);
}

/** @param {string} path */
function requests(path) {
  return e2e.servers.direct.app.log.list().filter(({ url }) => url === path);
}
