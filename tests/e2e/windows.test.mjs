// @ts-check
// Signing in beside the page: in a window of its own, which the provider may cut off from its opener,
// and in a hidden frame that asks nobody (im1 to im6).
import assert from "node:assert/strict";
import { test } from "node:test";
import { By } from "selenium-webdriver";
import { once } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually, focusOn, Tab } from "./harness/tab.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */

const e2e = suite();
const me = () => `${e2e.servers.api}/me`;
const SILENT = "/tokenward/callback.html";

/**
 * Clicks on a button of the page that signs in in a window, and notes what comes of it.
 *
 * @param {Tab} tab
 * @param {Record<string, unknown>} [options]
 */
async function click(tab, options = {}) {
  await tab.run((auth, options) => {
    window.tw.outcome = undefined;
    const button = document.createElement("button");
    button.id = "popup";
    button.textContent = "Sign in";
    button.onclick = () => {
      button.remove();
      auth.signIn({ ...options, mode: "popup" }).then(
        () => {
          window.tw.outcome = "signed in";
        },
        (/** @type {{ code: string }} */ { code }) => {
          window.tw.outcome = code;
        },
      );
    };
    document.body.append(button);
  }, options);
  await tab.focus();
  await tab.driver.findElement(By.id("popup")).click();
}

/**
 * The window that was opened.
 *
 * @param {Tab} tab
 */
async function opened(tab) {
  const handle = await eventually("a window", async () => {
    const handles = await tab.driver.getAllWindowHandles();
    return handles.find((handle) => handle !== tab.handle);
  });
  const popup = new Tab(tab.driver, handle ?? "", e2e.servers);
  // Nothing waits in the window's page: a provider that cuts the window off gives it another process,
  // and WebKit's driver never answers for a script that waited in the one before.
  await popup.untilUrl("the provider's page", (url) => url.startsWith(e2e.servers.issuer));
  await eventually("the login form", () =>
    popup.driver.executeScript("return document.getElementById('login') !== null;"),
  );
  return popup;
}

/**
 * Fills the form in the window and sends it; the window closes by itself.
 *
 * @param {Tab} popup
 * @param {string} login
 */
async function fill(popup, login) {
  await popup.focus();
  await popup.driver.executeScript(
    // Later, so that the driver has its answer before the window goes.
    "document.querySelector('#login').value = arguments[0];" +
      "setTimeout(() => document.querySelector('button[type=submit]').click(), 50);",
    login,
  );
}

/** @param {Tab} tab */
async function alone(tab) {
  await eventually("the window to close", async () => {
    const handles = await tab.driver.getAllWindowHandles();
    return handles.length === 1;
  });
  await focusOn(tab.driver, tab.handle);
}

/** @param {Tab} tab */
const outcome = (tab) => tab.until("an outcome", () => window.tw.outcome);

for (const cutsOff of [false, true]) {
  const name = cutsOff ? " that the provider cuts off" : "";
  test(`a window${name} signs in beside the page, which stays (im3, im6)`, once, async () => {
    const app = await e2e.application({ provider: { cutsOff } });
    const tab = await app.open();
    await tab.run((auth) => {
      window.tw.stayed = true;
      return auth.ready;
    });
    await click(tab);
    const popup = await opened(tab);
    assert.equal(await popup.run(() => window.opener === null), cutsOff);
    await fill(popup, "alice");
    await alone(tab);
    assert.equal(await outcome(tab), "signed in");
    const { status, claims } = await tab.state();
    assert.deepEqual([status, claims.sub], ["signedIn", "alice"]);
    assert.equal(await tab.run(() => window.tw.stayed), true, "the page was left");
    assert.equal((await tab.call(me())).status, 200);
    const { authorizations, codeRequests, codesSucceeded } = app.counts();
    assert.deepEqual([authorizations, codeRequests, codesSucceeded], [1, 1, 1]);

    // Somebody else, in another window.
    e2e.servers.direct.provider.endSessions();
    await click(tab, { prompt: "login" });
    await fill(await opened(tab), "bob");
    await alone(tab);
    assert.equal(await outcome(tab), "signed in");
    assert.equal((await tab.state()).claims.sub, "bob");
    assert.equal(JSON.parse((await tab.call(me())).text).sub, "bob");
  });
}

test(
  "the way back is heard by nobody else, and nobody else is heard (im1, im2, im6)",
  once,
  async () => {
    const app = await e2e.application();
    const tab = await app.open();
    await tab.ready();
    await tab.run(
      (_, issuer, clientId) => {
        window.tw.heard = [];
        const hear = (/** @type {MessageEvent} */ { data }) => {
          window.tw.heard.push(JSON.stringify(data));
        };
        // A window that answered its opener in the usual way would call this.
        window.postMessage = (/** @type {unknown} */ data) => {
          window.tw.heard.push(JSON.stringify(data));
        };
        const names = ["", "tokenward", "tokenward/callback/", `tokenward/${issuer}/${clientId}`];
        for (const name of names) new BroadcastChannel(name).onmessage = hear;
      },
      e2e.servers.issuer,
      app.clientId,
    );
    await click(tab);
    const popup = await opened(tab);
    // Lies, as other windows, frames and scripts would tell them while the person signs in.
    await tab.run(
      (_, callback, issuer) => {
        const data = `${callback}?code=forged&state=w.forged`;
        for (const origin of [issuer, location.origin, "null"]) {
          dispatchEvent(new MessageEvent("message", { data, origin }));
        }
        for (const name of ["tokenward/callback/", "tokenward/callback/w.forged"]) {
          const channel = new BroadcastChannel(name);
          channel.postMessage(data);
          channel.close();
        }
      },
      app.callback,
      e2e.servers.issuer,
    );
    await fill(popup, "alice");
    await alone(tab);
    assert.equal(await outcome(tab), "signed in");
    const { codeRequests, codesSucceeded } = app.counts();
    assert.deepEqual([codeRequests, codesSucceeded], [1, 1]);
    const heard = await tab.run(() => window.tw.heard);
    const told = heard.filter((/** @type {string} */ text) => !text.includes("forged")).join();
    assert.ok(!/code|state|callback/.test(told), told);
  },
);

test(
  "a window that the person closes, or the provider's refusal, leaves the session as it was",
  once,
  async () => {
    const app = await e2e.application();
    const tab = await app.openSignedIn();
    e2e.servers.direct.provider.endSessions();
    await click(tab, { prompt: "login" });
    const closed = await opened(tab);
    // It is seen to be at the provider before it goes.
    await tab.run(() => new Promise((resolve) => setTimeout(resolve, 700)));
    await closed.close();
    await focusOn(tab.driver, tab.handle);
    assert.equal(await outcome(tab), "popup_closed");

    await click(tab, { prompt: "login" });
    const refused = await opened(tab);
    await refused.run(() => document.getElementById("cancel")?.click());
    await alone(tab);
    assert.equal(await outcome(tab), "oauth_error");
    const { status, claims } = await tab.state();
    assert.deepEqual([status, claims.sub], ["signedIn", "alice"]);
    assert.equal((await tab.call(me())).status, 200);
  },
);

test("a browser that opens no window is told, and nothing was asked", once, async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  const rejected = tab.run((auth) => {
    const { open } = window;
    window.open = () => null;
    const signingIn = auth.signIn({ mode: "popup" });
    window.open = open;
    return signingIn;
  });
  await assert.rejects(
    rejected,
    authError("popup_blocked", /click's handler/, { retryable: true }),
  );
  assert.equal(app.counts().authorizations, 0);
});

/** @param {import("./harness/suite.mjs").Wanted["options"]} [options] */
const framed = (options) => e2e.application({ options: { silentRedirectUri: SILENT, ...options } });

/** @param {Tab} tab */
const signInSilently = (tab) => tab.run((auth) => auth.signIn({ mode: "silent" }));

test(
  "a hidden frame finds who is signed in at the provider, and asks nobody (im3, im5)",
  once,
  async () => {
    const app = await framed();
    allowFrames(e2e.servers.issuer);
    const tab = await app.open();
    await tab.ready();
    const before = await tab.state();
    const nobody = authError("oauth_error", /login_required/, { oauthError: "login_required" });
    await assert.rejects(signInSilently(tab), nobody);
    assert.deepEqual(await tab.state(), before, "it changes nothing");

    await tab.signIn();
    await tab.run((auth) => auth.signOut({ local: true }));
    const { authorizations } = app.counts();
    await signInSilently(tab);
    const { status, claims } = await tab.state();
    assert.deepEqual([status, claims.sub], ["signedIn", "alice"]);
    assert.equal((await tab.call(me())).status, 200);
    assert.equal(app.counts().authorizations, authorizations + 1);
    assert.equal(await tab.run(() => document.querySelectorAll("iframe").length), 0);
  },
);

test("a hidden frame that comes to nothing says what is known of why (im4)", once, async () => {
  const { issuer, app: origin } = e2e.servers;
  const app = await framed();
  const tab = await app.open();
  await tab.ready();
  await assert.rejects(signInSilently(tab), authError("frame_blocked", /frame-src/));

  allowFrames(issuer);
  const shows = await framed({
    endpoints: {
      authorization: `${origin}/c/blank/`,
      token: `${issuer}/token`,
      jwks: `${issuer}/jwks`,
    },
    timeouts: { networkMs: 1000 },
  });
  await shows.open({ tab });
  await tab.ready();
  await assert.rejects(signInSilently(tab), authError("timeout", /showed a page/));

  const plain = await e2e.application();
  await plain.open({ tab });
  await assert.rejects(signInSilently(tab), authError("config_invalid", /silentRedirectUri/));
  for (const { clientId } of [app, shows, plain]) {
    const { codeRequests } = e2e.servers.direct.provider.counters.of(clientId);
    assert.equal(codeRequests, 0);
  }
});

/** @param {string} issuer whose pages the app's pages may frame, beside their own */
function allowFrames(issuer) {
  const name = "Content-Security-Policy";
  const { page } = e2e.headers();
  const policy = `${page[name]}; frame-src 'self' ${issuer}`;
  e2e.servers.direct.app.setHeaders({ page: { ...page, [name]: policy } });
}
