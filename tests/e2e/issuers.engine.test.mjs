// @ts-check
// A second issuer beside the first, honest or not: no code and no verifier reaches a token endpoint that
// it is not for; and sign-ins that an issuer or a portal begins.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startServers } from "../servers/start.mjs";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, authError, eventually } from "./harness/tab.mjs";

const e2e = suite({ vaultConnects: "{other} http://localhost:*" });

/** What the look-alike says of itself as an issuer. */
function lyingIssuer() {
  const { other } = e2e.servers;
  return {
    issuer: other,
    authorization_endpoint: `${other}/auth`,
    token_endpoint: `${other}/token`,
    jwks_uri: `${other}/jwks`,
  };
}

/** The forms that reached the look-alike's token endpoint. */
const stolen = () =>
  e2e.servers.direct.other.log
    .list()
    .filter(({ method, url }) => method === "POST" && url === "/token");

test("two issuers in one page: each has its own session, and nothing of the other's (mx2)", async () => {
  const second = await startServers({ hasOwnKeys: true });
  try {
    const app = await e2e.application({ page: { create: false } });
    const back = `${app.base}back`;
    await second.direct.provider.addClient({ clientId: app.clientId, redirectUris: [back] });
    const options = {
      first: { ...app.usualOptions(), restore: "none" },
      second: {
        ...app.usualOptions(),
        restore: "none",
        issuer: second.issuer,
        redirectUri: back,
        resources: [{ origin: second.api }],
      },
    };
    const tab = await app.open();
    const begin = () =>
      tab.until(
        "both clients",
        async (_, options) => {
          if (!window.tw?.sdk || window.tw.left) return false;
          for (const name of ["first", "second"]) {
            window.tw[name] ??= window.tw.sdk.createClient(options[name]);
            void window.tw[name].ready;
          }
          await Promise.all([window.tw.first.ready, window.tw.second.ready]);
          return true;
        },
        options,
      );
    /** @type {() => Promise<any[]>} */
    const states = () => tab.run(() => [window.tw.first.state, window.tw.second.state]);
    const leave = async (/** @type {string} */ name) => {
      await tab.run((_, name) => {
        window.tw.left = true;
        void window.tw[name].signIn();
      }, name);
      await tab.until("the way back", () => window.tw !== undefined && window.tw.left !== true);
      await begin();
    };
    e2e.servers.direct.provider.recognize("alice");
    second.direct.provider.recognize("bob");
    await begin();
    await leave("second");
    assert.deepEqual(
      (await states()).map(({ status }) => status),
      ["signedOut", "signedIn"],
    );
    await leave("first");
    const [mine, theirs] = await states();
    assert.equal(mine.claims.sub, "alice");
    // A page in the back/forward cache may have kept the vault where none outlives its page.
    if (!e2e.engine.keepsSharedWorkers && theirs.status === "signedOut") {
      assert.equal(theirs.reason, "vault_gone", "it went with its page");
      return;
    }
    assert.equal(theirs.claims.sub, "bob");
    const statuses = await tab.run(
      async (_, first, second) => [
        (await window.tw.first.fetch(first)).status,
        (await window.tw.second.fetch(second)).status,
      ],
      `${e2e.servers.api}/me`,
      `${second.api}/me`,
    );
    assert.deepEqual(statuses, [200, 200]);
    const sent = (/** @type {import("../servers/start.mjs").Servers} */ { direct }) =>
      direct.provider.log.list().filter(({ path, form }) => {
        return path === "/token" && form.client_id === app.clientId;
      });
    assert.deepEqual(
      [sent(e2e.servers).length, sent(second).length],
      [1, 1],
      "each code went to its own issuer",
    );
  } finally {
    await second.close();
  }
});

test("two clients whose vaults go with the page do not chase each other for ever", async () => {
  const apps = [await e2e.application({ page: { create: false } }), await e2e.application()];
  const [first, second] = /** @type {import("./harness/suite.mjs").Application[]} */ (apps);
  assert.ok(first && second);
  const back = `${first.base}back`;
  await e2e.servers.direct.provider.addClient({ clientId: second.clientId, redirectUris: [back] });
  const isolation = "worker";
  const options = [
    { ...first.usualOptions(), isolation },
    { ...second.usualOptions(), isolation, redirectUri: back },
  ];
  const tab = await first.open();
  e2e.servers.direct.provider.recognize("alice");
  const settled = () =>
    tab.until(
      "two clients that know who is signed in",
      async (_, options) => {
        if (!window.tw?.sdk || window.tw.left) return false;
        window.tw.clients ??= options.map((/** @type {object} */ one) => {
          const client = window.tw.sdk.createClient(one);
          client.ready.catch(() => {});
          return client;
        });
        return window.tw.clients.every((/** @type {{ state: { status: string } }} */ { state }) =>
          state.status.startsWith("signed"),
        );
      },
      options,
    );
  await settled();
  for (const at of [0, 1]) {
    await tab.run((_, at) => {
      window.tw.left = true;
      void window.tw.clients[at].signIn();
    }, at);
    await settled();
  }
  /** @type {any[]} */
  const states = await tab.run(() =>
    window.tw.clients.map((/** @type {{ state: object }} */ { state }) => state),
  );
  const signedIn = states.filter(({ status }) => status === "signedIn");
  const lost = states.filter(({ status }) => status === "signedOut");
  assert.deepEqual([signedIn.length, lost.length], [1, 1]);
  // Where both left at once, the one that was not the browser's choice waits for its turn in vain.
  const code = lost[0].error?.code === "timeout" ? "timeout" : "login_loop";
  assertAuthErrorInfo(lost[0].error, code, /signIn\(\)/);
  const trips = first.counts().authorizations + second.counts().authorizations;
  assert.ok(trips <= 6, `${trips} trips to the provider`);
});

test("an issuer that sends people on to an honest one gets neither code nor verifier (mx2)", async () => {
  const { other, issuer } = e2e.servers;
  e2e.servers.direct.other.setAnswer("/.well-known/openid-configuration", { body: lyingIssuer() });
  const app = await e2e.application({ options: { issuer: other, restore: "none" } });
  const tab = await app.open();
  await tab.ready();
  await tab.leave();
  await tab.untilUrl("the lying issuer", (url) => url.startsWith(`${other}/auth?`));
  const asked = new URL(await tab.url());
  // The honest issuer knows the client by the same name, and is asked in its name.
  asked.protocol = new URL(issuer).protocol;
  e2e.servers.direct.provider.recognize("alice");
  await tab.go(`${issuer}/auth${asked.search}`);
  await tab.untilApp();
  await tab.ready();
  const state = await tab.state();
  assert.equal(state.reason, "callback_failed");
  assertAuthErrorInfo(state.error, "issuer_mismatch", /another provider/);
  assert.equal(app.callbacks().at(-1)?.searchParams.get("iss"), issuer);
  assert.deepEqual(stolen(), []);
  assert.equal(app.counts().tokenRequests, 0);
});

test("metadata that change while somebody is at the provider take nothing along (mx6)", async () => {
  const { issuer, other } = e2e.servers;
  const good = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const swapped = { ...good, token_endpoint: `${other}/token` };
  for (const [isolation, outcome] of /** @type {const} */ ([
    // The vault that began the sign-in is there still, and knows; a new one refuses.
    ["shared", e2e.engine.keepsSharedWorkers],
    ["worker", false],
  ])) {
    const app = await e2e.application({ options: { isolation, restore: "none" } });
    const tab = await app.open();
    await tab.ready();
    await tab.toLogin({ prompt: "login" });
    app.planFault({ step: "discovery", status: 200, body: swapped, count: 9 });
    await tab.submitLogin();
    await tab.ready();
    const state = await tab.state();
    // A page in the back/forward cache may have kept a shared vault, too.
    if (outcome || (isolation === "shared" && state.status === "signedIn")) {
      assert.equal(state.status, "signedIn", isolation);
    } else {
      assertAuthErrorInfo(state.error, "metadata_invalid", /signIn/);
      assert.equal(app.counts().tokenRequests, 0);
    }
    assert.deepEqual(stolen(), []);
    e2e.servers.direct.provider.faults.clear();
  }
});

test("a sign-in that somebody else begins leads to its own issuer, and back here alone (ar16)", async () => {
  const app = await e2e.application();
  const { issuer, other } = e2e.servers;
  const tab = await app.open();
  /** @param {Record<string, string>} query */
  const begin = async (query) => {
    await tab.go(`${app.base}login?${new URLSearchParams(query)}`);
    await tab.untilApp();
    await tab.ready();
  };
  const target = `${app.base}deep?x=1`;
  /** @type {[Record<string, string>, string][]} */
  const hostile = [
    [{}, "issuer_mismatch"],
    [{ iss: other }, "issuer_mismatch"],
    [{ iss: `${issuer}/` }, "issuer_mismatch"],
    [{ iss: issuer, target_link_uri: `${other}/` }, "return_to_invalid"],
    [{ iss: issuer, target_link_uri: `//${new URL(other).host}/` }, "return_to_invalid"],
    [{ iss: issuer, target_link_uri: "javascript:alert(1)" }, "return_to_invalid"],
  ];
  for (const [query, code] of hostile) {
    await begin(query);
    await assert.rejects(
      tab.run((auth) => auth.signInInitiated()),
      authError(code, /./, { phase: "signIn" }),
      JSON.stringify(query),
    );
  }
  assert.equal(app.counts().authorizations, 0);
  await begin({ iss: issuer, login_hint: "frank", target_link_uri: target });
  await tab.run((auth) => void auth.signInInitiated());
  await tab.until("the form", () => document.getElementById("login") !== null);
  const hint = await tab.run(() => /** @type {any} */ (document.getElementById("login")).value);
  assert.equal(hint, "frank");
  await tab.submitLogin("frank");
  await tab.ready();
  assert.equal((await tab.state()).claims.sub, "frank");
  assert.equal(await tab.run((auth) => auth.returnTo), `${new URL(target).pathname}?x=1`);
  await eventually("one sign-in", async () => app.counts().codesSucceeded === 1);
});
