// @ts-check
// Tokens, and canaries in their place, are looked for after every step of a session and after each of more than
// two hundred ways to fail: in all that a page can see, and at last in the vaults' memory.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { claims, failing, misuses, refusals, spoilt } from "./harness/canaries.mjs";
import { readableUrl, searchMemory } from "./harness/memory.mjs";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { search } from "./harness/token-search.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */
/** @typedef {import("./harness/tab.mjs").Tab} Tab */
/** @typedef {import("./harness/token-search.mjs").Sought} Sought */

const e2e = suite({ vaultConnects: "{other}" });

/** What a page itself said has what it was given to say; a vault in the page hears it there. */
const HANDED = ["message sent", "page request", ...(place.isolates ? [] : ["message received"])];

/** How a way to fail ends where it went well. */
const WELL = /^(came|200)/;

class Watch {
  /** @type {Record<string, number>} what was found after each step */
  counts = { "forced failures": 0 };
  /** @type {string[]} */
  wentWell = [];
  /** @type {Set<string>} */
  codes = new Set();

  /**
   * @param {Tab} tab
   * @param {() => Sought[]} tokens that the page must never see
   * @param {Sought[]} handed what it was given itself, and must not see come back
   */
  constructor(tab, tokens, handed) {
    this.tab = tab;
    this.tokens = tokens;
    this.handed = handed;
  }

  /** @param {string} step that is over */
  async after(step) {
    await this.tab.run(() => window.tw.collect?.());
    const kept = await this.tab.run(() => window.tw.kept);
    for (const line of await e2e.engine.consoleLines(e2e.driver)) kept.push("console of all", line);
    const handed = search(kept, this.handed).filter(({ place }) => !HANDED.includes(place));
    const hits = [...search(kept, this.tokens()), ...handed];
    assert.deepEqual(hits, [], `after ${step}`);
    this.counts[`after ${step}`] = hits.length;
  }

  /**
   * @param {string} way
   * @param {string} name of the client's function
   * @param {unknown[]} given
   */
  async fail(way, name, given) {
    this.judge(way, await this.tab.run(failing, name, given));
  }

  /**
   * @param {string} way
   * @param {string} outcome
   */
  judge(way, outcome) {
    this.codes.add(outcome);
    if (WELL.test(outcome)) this.wentWell.push(`${way}: ${outcome}`);
    else this.counts["forced failures"] = (this.counts["forced failures"] ?? 0) + 1;
  }

  async afterSignOut() {
    await this.after("sign-out");
    const { hits } = await searchMemory(this.tab, [...this.tokens(), ...this.handed]);
    assert.deepEqual(hits, [], "in the vault's memory");
    this.counts["in memory"] = hits.length;
    assert.deepEqual(this.wentWell, [], "these were to fail");
  }

  /** @param {import("node:test").TestContext} t */
  report(t) {
    const matrix = "canaries";
    t.diagnostic(`figure: ${JSON.stringify({ matrix, counts: Object.entries(this.counts) })}`);
    t.diagnostic(`${this.codes.size} ways to end: ${[...this.codes].join(", ")}`);
  }
}

const canary = (/** @type {string} */ kind) => `${kind}-${randomBytes(24).toString("base64url")}`;
const PARTS = { access: canary("at"), refresh: canary("rt"), id: `e30.e30.${canary("id")}` };
const CANARIES = Object.entries(PARTS).map(([kind, token]) => ({ kind, token }));

test("what a provider's bad answers repeat is in no text and left in no memory (st9, t23, st7)", async (t) => {
  const { issuer, other, api } = e2e.servers;
  const app = await e2e.application({
    page: { watched: true },
    options: {
      scope: ["read"],
      restore: "none",
      resources: [{ origin: api }],
      // By passwords an answer is one call away.
      allowPasswordGrant: "deprecated",
      endpoints: {
        authorization: `${issuer}/auth`,
        token: `${other}/token`,
        revocation: `${other}/revocation`,
      },
      vaultUrl: readableUrl(),
    },
  });
  const tab = await app.open();
  await tab.ready();
  const password = { kind: "password", token: canary("pw") };
  const watch = new Watch(tab, () => CANARIES, [password]);
  const { other: server } = e2e.servers.direct;
  const given = ["alice", password.token];
  for (const [way, answer] of [...refusals(PARTS), ...spoilt(PARTS)]) {
    server.setAnswer("/token", answer);
    await watch.fail(`sign-in: ${way}`, "signInWithPassword", given);
  }
  await watch.after("error");

  const { access: access_token, refresh: refresh_token } = PARTS;
  const body = { access_token, refresh_token, token_type: "bearer", expires_in: 3600 };
  server.setAnswer("/token", { body });
  await tab.run((auth, given) => auth.signInWithPassword(...given), given);
  assert.equal((await tab.state()).status, "signedIn");
  await watch.after("sign-in");

  // Each is refused by the API, which takes none of these tokens, and so brings a refresh about.
  const asked = () => server.log.list().filter(({ body }) => body.includes("refresh_token")).length;
  for (const [way, answer] of refusals(PARTS).filter(([way]) => /^(429|50.),/.test(way))) {
    server.setAnswer("/token", answer);
    const before = asked();
    const outcome = await tab.run(refreshing, `${api}/me`);
    assert.equal(asked(), before + 1, way);
    watch.judge(`refresh: ${way}`, outcome);
  }
  await watch.after("refresh");

  server.setAnswer("/revocation", {
    status: 400,
    body: { error: "x", error_description: access_token },
  });
  await tab.run((auth) => auth.signOut({ local: true }));
  await watch.afterSignOut();
  watch.report(t);
});

test("what a session has is in no text after any step and left in no memory (st9, t23, st7)", async (t) => {
  const { api, other } = e2e.servers;
  const app = await e2e.application({
    page: { watched: true },
    options: {
      resources: [
        { origin: api },
        { origin: api, paths: ["/open/"], credential: "apiKey:k" },
        { origin: "http://localhost:1" },
      ],
      apiKeys: { k: {} },
      callback: "manual",
      vaultUrl: readableUrl(),
    },
  });
  const tab = await app.open();
  await app.keepVault();
  await tab.toLogin();
  await tab.submitLogin();
  await tab.run((auth) => auth.handleCallback(location.href));
  assert.equal((await tab.state()).status, "signedIn");
  await tab.run(() => {
    window.tw.create = window.tw.sdk.createClient;
  });
  const key = { kind: "API key", token: canary("key") };
  const watch = new Watch(tab, () => app.tokens(), [key, ...CANARIES]);
  await watch.after("sign-in");

  await tab.run((auth, key) => auth.setApiKey("k", key), key.token);
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  assert.equal((await tab.call(`${api}/open/1?kind=json`)).status, 200);
  await watch.after("call");

  app.refuseTokens();
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  assert.equal(app.counts().refreshesSucceeded, 1);
  await watch.after("refresh");

  for (const [name, given] of misuses({ api, other, callback: app.callback }, PARTS)) {
    await watch.fail(`${name}(${JSON.stringify(given).slice(1, 60)})`, name, given);
  }
  const { faults } = e2e.servers.direct.provider;
  const lent = app.tokens("access").at(-1)?.token ?? "";
  for (const [way, fault] of claims(PARTS, lent)) {
    app.planFault({ step: "userinfo", ...fault });
    await watch.fail(`UserInfo: ${way}`, "userInfo", []);
    faults.clear();
  }
  await watch.after("error");
  assert.equal((await tab.call(`${api}/me`)).status, 200, "the session is what it was");

  await tab.run((auth) => auth.signOut({ local: true }));
  await watch.afterSignOut();
  watch.report(t);
});

/**
 * In the page: a call that brings a refresh about, though one has just failed.
 *
 * @param {any} auth
 * @param {string} url
 * @returns {Promise<string>} why the session is degraded
 */
async function refreshing(auth, url) {
  for (const type of ["offline", "online"]) dispatchEvent(new Event(type));
  // To its end: a body that nobody reads keeps the token that it is searched for.
  const outcome = await auth
    .fetch(url)
    .then((/** @type {Response} */ answer) => answer.text())
    .catch((/** @type {unknown} */ error) => error);
  window.tw.note("error", [outcome, auth.state.degraded]);
  return auth.state.degraded?.code ?? `200 ${auth.state.reason}`;
}
