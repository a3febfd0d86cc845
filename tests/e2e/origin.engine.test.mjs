// @ts-check
// A vault at an origin of its own: everything works as with a vault of the page's origin, nothing of the session
// is at the page's, and neither a stranger's page nor an address that somebody made up gets anything.
import assert from "node:assert/strict";
import { test } from "node:test";
import { By } from "selenium-webdriver";
import { engine } from "./harness/browser.mjs";
import { everythingKept, framedApplication } from "./harness/framed.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();

const NOTHING = {
  databases: [],
  local: {},
  session: {},
  cookies: "",
  caches: [],
  workers: [],
  name: "",
};

test("sign-in by a person, a call, and the page again where it was (cb9)", async () => {
  const app = await framedApplication(e2e);
  const tab = await app.open({ path: "inbox?page=2#row" });
  await tab.ready();
  assert.deepEqual(await tab.state(), { status: "signedOut", reason: "no_session" });
  assert.equal(await tab.run((auth) => auth.place), "origin");
  await tab.toLogin();
  const state = await app.signedInAfter(tab, async () => {
    await tab.driver.findElement(By.id("password")).sendKeys("any");
    await tab.driver.findElement(By.css("button[type=submit]")).click();
  });
  assert.equal(state.claims.sub, "alice");
  assert.equal(await tab.url(), `${app.base}inbox?page=2#row`);
  const { status, text } = await tab.call(`${e2e.servers.api}/me`);
  assert.deepEqual([status, JSON.parse(text).sub], [200, "alice"]);

  // The provider and the API speak to the vault's origin alone.
  assert.equal(app.framedCallbacks().length, 1);
  assert.equal(app.callbacks().length, 0);
  assert.deepEqual(
    [...new Set(app.calls().map(({ headers }) => headers.origin))],
    [e2e.servers.vault],
  );
  const { codeRequests, refreshRequests } = app.counts();
  assert.deepEqual([codeRequests, refreshRequests], [1, 0]);
  await tab
    .run((auth) => auth.fetch(`${window.tw.settings.options.vaultUrl}`))
    .then(
      () => assert.fail("the vault's own origin is no target"),
      authError("target_not_allowed", /resources/),
    );
});

test("a reload and a second tab are signed in, and a refused token is renewed", async () => {
  const app = await framedApplication(e2e);
  const tab = await app.openFramed();
  await app.reloadFramed(tab);
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  const second = await app.openTabSignedIn();
  assert.equal((await second.call(`${e2e.servers.api}/me`)).status, 200);
  app.refuseTokens();
  const [one, other] = await Promise.all([
    tab.call(`${e2e.servers.api}/me`),
    second.call(`${e2e.servers.api}/me`).catch(() => second.call(`${e2e.servers.api}/me`)),
  ]);
  assert.deepEqual([one.status, other.status], [200, 200]);
  assert.equal(app.counts().refreshesSucceeded, 1, "one vault, one refresh");
});

test("streams, bodies and aborts pass as they do elsewhere", async () => {
  const app = await framedApplication(e2e);
  const tab = await app.openFramed();
  const { api } = e2e.servers;
  const seen = await tab.run(async (auth, api) => {
    const form = new FormData();
    form.append("file", new Blob(["some text"], { type: "text/plain" }), "a.txt");
    const echo = await auth.fetch(`${api}/echo`, { method: "POST", body: form });
    const streamed = await auth.fetch(`${api}/stream?chunks=4&delay=5`);
    const reader = streamed.body.getReader();
    let pieces = 0;
    while (!(await reader.read()).done) pieces += 1;
    const aborted = await auth
      .fetch(`${api}/slow?ms=20000`, { signal: AbortSignal.timeout(100) })
      .catch((/** @type {Error} */ { name }) => name);
    return { echo: echo.status, text: await echo.text(), pieces, aborted };
  }, api);
  assert.deepEqual([seen.echo, seen.aborted], [200, "TimeoutError"]);
  assert.ok(seen.pieces >= 1, `${seen.pieces} pieces`);
});

test("a sign-out holds for every tab, and comes back", async () => {
  const app = await framedApplication(e2e, {});
  const tab = await app.openFramed();
  const second = await app.openTabSignedIn();
  await tab.run((auth) => {
    void auth.signOut({ returnTo: `${location.pathname}bye` });
  });
  await tab.untilUrl("the way back", (url) => url.startsWith(app.base) && url.includes("state="));
  await second.untilStatus("signedOut");
  await tab.ready();
  assert.equal((await tab.state()).status, "signedOut");
  const returnTo = await tab.run((auth) => auth.afterSignOut());
  assert.equal(returnTo, `${app.base}bye`);
  await tab.go(app.base);
  await tab.ready();
  assert.equal((await tab.state()).status, "signedOut");
  assert.equal(app.counts().codeRequests, 1, "nobody was asked again");
});

test("nothing of a session is kept at the application's origin (st1, st2, st5)", async () => {
  const app = await framedApplication(e2e, { baked: { dpop: true } });
  const tab = await app.openFramed();
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
  assert.deepEqual(await tab.run(everythingKept), NOTHING);
  // Nor while somebody is at the provider.
  await tab.run((auth) => auth.signOut({ local: true }));
  e2e.servers.direct.provider.endSessions();
  await tab.toLogin();
  await tab.go(`${e2e.servers.app}/c/nobody/`);
  assert.deepEqual(await tab.run(everythingKept), NOTHING);
});

test("a page of another origin gets no port, whatever it asks (t5, t16)", async () => {
  const app = await framedApplication(e2e);
  await app.openFramed();
  const { other, vault, direct } = e2e.servers;
  // What refuses is the frame's script, not the header that would refuse first.
  direct.vault.setHeaders({ page: {} });
  direct.other.setAnswer("/frames", {
    headers: { "Content-Type": "text/html" },
    body: "<!doctype html><title>a stranger</title>",
  });
  const stranger = await e2e.newTab();
  await stranger.go(`${other}/frames`);
  const heard = await stranger.run(
    (_, src, vault) =>
      new Promise((resolve) => {
        /** @type {unknown[]} */
        const heard = [];
        const frame = document.createElement("iframe");
        addEventListener("message", ({ data, ports }) => heard.push([data, ports.length]));
        frame.onload = () => {
          const ask = (/** @type {unknown} */ message) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = ({ data, ports }) =>
              heard.push([data.type, data.error?.code, ports.length]);
            frame.contentWindow?.postMessage(message, vault, [port2]);
          };
          for (const message of [{ tokenward: 1, first: 0 }, { first: 0 }, { first: "0" }, null])
            ask(message);
          frame.contentWindow?.postMessage({ tokenward: 1, first: 0 }, vault);
          setTimeout(() => resolve(heard), 1500);
        };
        frame.src = src;
        document.body.append(frame);
      }),
    `${app.folder}frame.html`,
    vault,
  );
  assert.deepEqual(heard, [
    ["refused", "config_invalid", 0],
    ["refused", "config_invalid", 0],
  ]);
});

test("an application that the vault does not list is told so, and the header keeps it out (t5)", async () => {
  const app = await framedApplication(e2e, { baked: { appOrigins: ["http://localhost:1"] } });
  e2e.servers.direct.vault.setHeaders({ page: {} });
  const tab = await app.open();
  const asked = tab.run((auth) => auth.ready);
  await assert.rejects(asked, authError("config_invalid", /`appOrigins`/));
});

test("no address that somebody makes up leads elsewhere (cb9, t14)", async () => {
  const app = await framedApplication(e2e);
  const tab = await app.openFramed();
  const { other, vault, app: page } = e2e.servers;
  for (const returnTo of [`${other}/`, `${vault}/`, "//evil.example", "javascript:alert(1)"]) {
    const asked = tab.run((auth, returnTo) => auth.signIn({ returnTo }), returnTo);
    await assert.rejects(asked, authError("return_to_invalid", /returnTo/), returnTo);
  }
  // Nobody is on the way to the provider from there when the next address is opened.
  const idle = { sdk: "/pkg/index.js", create: false, start: false, watched: false, options: {} };
  await e2e.settle("", idle);
  for (const query of [
    `code=x&state=${encodeURIComponent(other)}`,
    `code=x&state=y&returnTo=${encodeURIComponent(other)}&return_to=${other}`,
    `error=access_denied&state=y`,
    "",
    "code=x&code=y",
  ]) {
    await tab.go(`${app.wayBack}?${query}`);
    await tab.untilUrl("the application's start", (url) => url === `${page}/`);
  }
  assert.deepEqual(e2e.servers.direct.other.log.list(), []);
  await app.settleFramed();
  await app.open({ tab });
  await tab.untilStatus("signedIn");
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
});

test("a callback that a person cancelled is told of, and the next sign-in works", async () => {
  const app = await framedApplication(e2e);
  const tab = await app.open();
  await tab.ready();
  await tab.toLogin();
  await tab.driver.findElement(By.id("cancel")).click();
  const state = await tab.untilSignedOut("callback_failed");
  assert.equal(state.error.oauthError, "access_denied");
  assert.equal(await tab.url(), app.base);
  await app.signInFramed(tab);
});

test("what is not for this place is refused in words", async () => {
  const app = await framedApplication(e2e);
  const tab = await app.open();
  await tab.ready();
  for (const mode of ["popup", "silent"]) {
    const asked = tab.run((auth, mode) => auth.signIn({ mode }), mode);
    await assert.rejects(asked, authError("config_invalid", /by redirect/), mode);
  }
  const { vaultUrl } = app.wanted.options;
  for (const [options, says] of /** @type {[Record<string, unknown>, RegExp][]} */ ([
    [{ isolation: "origin" }, /`vaultUrl` must be a URL of another origin than/],
    [{ isolation: "origin", vaultUrl: "/tokenward/vault.js" }, /another origin than/],
    [{ isolation: "shared", vaultUrl }, /`issuer` is missing/],
    [
      { isolation: "origin", vaultUrl, scope: ["admin"], clientId: "x" },
      /take away `clientId`, `scope`/,
    ],
  ])) {
    const asked = tab.run((_, options) => window.tw.sdk.createClient(options).ready, options);
    await assert.rejects(asked, authError("config_invalid", says), JSON.stringify(options));
  }
});

test("a policy without the frame is named", async () => {
  const app = await framedApplication(e2e);
  e2e.servers.direct.app.setHeaders(e2e.headers());
  const tab = await app.open();
  const asked = tab.run((auth) => auth.ready);
  await assert.rejects(asked, authError("frame_blocked", /`frame-src`/));
});

test(
  "a vault that dies is noticed and replaced",
  engine.devTools ? {} : { skip: "no debugger reaches workers here" },
  async () => {
    const app = await framedApplication(e2e);
    const tab = await app.openFramed();
    const killed = await engine.devTools?.kill(tab.driver, "shared_worker");
    assert.ok(killed, "there is no vault");
    await tab.until("the way to the provider and back", (auth) => auth?.state.restoredBy);
    assert.equal((await tab.state()).restoredBy, "redirect");
    await eventually(
      "a call",
      async () => (await tab.call(`${e2e.servers.api}/me`)).status === 200,
    );
  },
);
