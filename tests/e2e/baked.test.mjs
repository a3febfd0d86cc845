// @ts-check
// A vault with a configuration written into it serves that one, and whoever asks for more is refused
// before anything is there that they could use.
import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError } from "./harness/tab.mjs";

const e2e = suite();

/** An application whose vault has the usual configuration in it. @param {Record<string, unknown>} [options] of its pages */
async function baked(options = {}) {
  const app = await e2e.application();
  const vaultUrl = await app.bake();
  await app.settle({ options: { ...options, vaultUrl } });
  return app;
}

test(
  "a baked vault serves its own configuration: sign-in, a call, a reload, a second tab",
  once,
  async () => {
    const app = await baked();
    const tab = await app.openSignedIn();
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
    await app.reload(tab);
    assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
    const second = await app.openTabSignedIn();
    assert.equal((await second.call(`${e2e.servers.api}/me`)).status, 200);
  },
);

test("the same in other words is the same", once, async () => {
  const { api } = e2e.servers;
  const resources = [{ origin: `${api}/` }];
  const app = await baked({ dpop: false, restore: "redirect", resources });
  const tab = await app.openSignedIn();
  assert.equal((await tab.call(`${api}/me`)).status, 200);
});

test(
  "every other configuration is refused, and the session unharmed (st4, t4, t5)",
  once,
  async () => {
    const app = await baked();
    const tab = await app.openSignedIn();
    const { api, other } = e2e.servers;
    const { direct } = e2e.servers;
    const before = direct.provider.counters.of().requests;
    /** @type {Record<string, Record<string, unknown>>} */
    const wishes = {
      "a wider allow-list": { resources: [{ origin: api }, { origin: other }] },
      "another allow-list": { resources: [{ origin: other }] },
      "another issuer": { issuer: other },
      "another client": { clientId: "spa" },
      "another redirect URI": { redirectUri: `${app.base}elsewhere` },
      "a wider scope": { scope: ["openid", "api:write"] },
      "endpoints of its own": {
        endpoints: { authorization: `${other}/a`, token: `${other}/t`, jwks: `${other}/k` },
      },
      "tokens for the page": { allowTokenExport: true },
    };
    for (const [what, changes] of Object.entries(wishes)) {
      const asked = tab.run(async (_, changes) => {
        const { createClient } = window.tw.sdk;
        const auth = createClient({ ...window.tw.settings.options, ...changes });
        await auth.ready.finally(() => auth.close());
      }, changes);
      await assert.rejects(asked, authError("config_invalid", /init --config/), what);
    }
    assert.equal(direct.provider.counters.of().requests, before, "the provider heard of none");
    assert.deepEqual(direct.other.log.list(), []);
    assert.equal((await tab.state()).status, "signedIn");
    assert.equal((await tab.call(`${api}/me`)).status, 200);
  },
);

test("origins of an application are no page's to name (t14)", once, async () => {
  const app = await baked();
  const tab = await app.open();
  const asked = tab.run((_, other) => {
    const { createClient } = window.tw.sdk;
    createClient({ ...window.tw.settings.options, appOrigins: [other] });
  }, e2e.servers.other);
  await assert.rejects(asked, authError("config_invalid", /`appOrigins` is unknown/));
});
