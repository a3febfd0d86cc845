// @ts-check
// What a secret leaves in the vault's memory: nothing, once it is over. The memory is read whole, from the
// first byte to the last, and the same search finds what is alive.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { readableUrl, searchMemory } from "./harness/memory.mjs";
import { once } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */
/** @typedef {import("./harness/token-search.mjs").Sought} Sought */

const e2e = suite();

for (const [name, options, provider] of /** @type {const} */ ([
  ["bearer tokens", {}, {}],
  ["bound tokens", { dpop: true }, { requiresProofs: true }],
])) {
  test(`the vault's memory has no token that is over: ${name} (st7, t21)`, once, async (t) => {
    const { api } = e2e.servers;
    const app = await e2e.application({
      options: {
        resources: [{ origin: api }, { origin: api, paths: ["/open/"], credential: "apiKey:k" }],
        apiKeys: { k: {} },
        vaultUrl: readableUrl(),
        ...options,
      },
      provider,
    });
    const tab = await app.open();
    await app.keepVault();
    await tab.signIn();
    const key = { kind: "API key", token: randomBytes(24).toString("base64url") };
    await tab.run((auth, key) => auth.setApiKey("k", key), key.token);
    assert.equal((await tab.call(`${api}/me`)).status, 200);
    assert.equal((await tab.call(`${api}/open/1?kind=json`)).status, 200);

    let searched = 0;
    const search = async (/** @type {Sought[]} */ sought) => {
      const { hits, bytes } = await searchMemory(tab, sought);
      searched += bytes;
      return hits;
    };
    const before = app.tokens();
    for (const one of [...before, key]) {
      const hits = await search([one]);
      assert.ok(hits.length > 0, `the ${one.kind} that is alive was not found`);
    }
    const once = sentOnce(app);
    assert.deepEqual(once.map(({ kind }) => kind).sort(), ["code", "verifier"]);
    assert.deepEqual(await search(once), [], "after the sign-in");

    app.refuseTokens();
    assert.equal((await tab.call(`${api}/me`)).status, 200);
    assert.equal(app.counts().refreshesSucceeded, 1);
    const isOver = before.filter(({ kind }) => kind !== "id");
    assert.deepEqual(isOver.map(({ kind }) => kind).sort(), ["access", "refresh"]);
    assert.deepEqual(await search([...isOver, ...once]), [], "after the rotation");
    const fresh = app.tokens().filter(({ token }) => !before.some((old) => old.token === token));
    assert.ok(fresh.length >= 2, `${fresh.map(({ kind }) => kind)}`);
    for (const one of fresh.filter(({ kind }) => kind !== "id")) {
      assert.ok((await search([one])).length > 0, `the new ${one.kind} was not found`);
    }

    // What no type of the vault's own has: the address passes through JavaScript's strings, and is decoded.
    const refused = { kind: "code", token: `${randomBytes(24).toString("base64url")}+%/~` };
    const url = `${app.callback}?state=unknown&code=${encodeURIComponent(refused.token)}`;
    await tab.run((auth, url) => auth.handleCallback(url).catch(() => {}), url);
    assert.deepEqual(await search([refused]), [], "after a callback that was refused");

    // A sign-in over the first one, which it replaces.
    await tab.toLogin({ prompt: "login" });
    await tab.submitLogin();
    await tab.untilStatus("signedIn");
    assert.equal((await tab.call(`${api}/me`)).status, 200);

    await tab.run((auth) => auth.signOut({ local: true }));
    const all = [...app.tokens(), ...sentOnce(app), key];
    assert.ok(all.length >= 2 * 3 + 2 + 4 + 1, `${all.length}`);
    assert.deepEqual(await search(all), [], "after the sign-out");
    t.diagnostic(`searched ${searched} bytes of memory`);
  });
}

/**
 * What the provider took once: codes and their verifiers.
 *
 * @param {Application} app
 * @returns {Sought[]}
 */
function sentOnce(app) {
  return e2e.servers.direct.provider.log
    .list()
    .filter(({ form }) => form.client_id === app.clientId && form.code_verifier)
    .flatMap(({ form }) => [
      { kind: "code", token: String(form.code) },
      { kind: "verifier", token: String(form.code_verifier) },
    ]);
}
