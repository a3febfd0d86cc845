// @ts-check
// What a script can use and what it can take where a backend keeps the refresh token behind a cookie: a column of its
// own where the backend serves the page's origin, since the vault is there; the same scripts where the vault is at an
// origin of its own, in the column of that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mediated, refreshCookie } from "../e2e/harness/cookie.mjs";
import { framedApplication } from "../e2e/harness/framed.mjs";
import { inShared } from "../e2e/harness/place.mjs";
import * as stage from "./harness.mjs";

/** @typedef {import("../e2e/harness/tab.mjs").Tab} Tab */

const { e2e } = stage;

const READ = { name: "looks for the refresh cookie (ck3, t1)" };
const REPLACE = { name: "puts a cookie of its own in the refresh cookie's place (ck2)" };
const BARE = { name: "asks the backend for tokens without its header (ck1)" };
const FORM = { name: "has a form ask the backend for tokens (ck1)" };
const THROUGH = { name: "asks the backend for tokens through the vault (ck4, t4)" };
const START = { name: "starts a vault of its own that the cookie would fill (ck4, st4)" };
const ASK = { name: "asks the backend for tokens as the vault does (t1)" };
const WORD = "a-cookie-that-every-script-sees";

/**
 * Runs what tries to get by the cookie, and notes what is not as it should be.
 *
 * @param {stage.Application} app
 * @param {Tab} tab
 * @param {Map<string, string>} problems
 */
async function attempt(app, tab, problems) {
  const { token } = refreshCookie(e2e);
  const run = (
    /** @type {stage.Attack} */ { name },
    /** @type {string} */ what,
    /** @type {unknown[]} */ ...given
  ) => stage.attack(tab, "cookie.js", what, stage.short(name), ...given);
  const { cookie = "", headers } = mediated(app).at(-1) ?? {};
  const names = `${headers?.cookie}`.split("; ").map((pair) => pair.split("=")[0]);
  assert.ok(cookie, "no cookie was ever sent");
  const sought = () => [
    ...app.tokens(),
    { kind: "cookie", token: cookie },
    ...stage.verifiers(app),
  ];

  await run(READ, "read", WORD);
  await run(REPLACE, "replace", names);
  const before = app.counts().refreshesSucceeded;
  const answers = [
    await run(BARE, "ask", token, app.clientId, {}),
    await run(FORM, "post", token, app.clientId),
  ];
  if (app.counts().refreshesSucceeded > before) problems.set(BARE.name, JSON.stringify(answers));
  // The backend may be at an origin whose API the application calls.
  const through = await run(THROUGH, "askThrough", token, app.clientId);
  if (through !== "target_not_allowed") problems.set(THROUGH.name, JSON.stringify(through));
  const refused = e2e.servers.direct.backend.log.list().filter((one) => one.refused && one.cookie);
  assert.ok(refused.length >= 2, "no request of the script's arrived, with the cookie");
  // The cookie is the vault's still.
  app.refuseTokens();
  await stage.assertUnharmed(tab);
  if (mediated(app).at(-1)?.cookie !== cookie) problems.set(REPLACE.name, "another cookie arrived");
  const kept = await stage.hoard(tab);
  const seen = kept.filter((_, at) => kept[at - 1] === stage.short(READ.name)).join("\n");
  if (!seen.includes(WORD)) problems.set(READ.name, "it saw no cookie at all");
  for (const [what, hits] of stage.stolen(kept, sought())) {
    const attack = [READ, REPLACE, BARE, FORM, THROUGH].find(
      ({ name }) => stage.short(name) === what,
    );
    problems.set(attack?.name ?? what, hits.join());
  }

  const got = await run(ASK, "ask", token, app.clientId, { "X-Tokenward": "1" });
  const found = stage.stolen(await stage.hoard(tab), sought());
  await stage.assertUnharmed(tab);
  return { got, found };
}

test(
  "behind a cookie: a script has access tokens of the backend, and no refresh token (ck1)",
  inShared,
  async (t) => {
    const { api, backend, other } = e2e.servers;
    /** @type {Map<string, string>} */
    const problems = new Map();
    const given = {
      resources: [{ origin: api }, { origin: backend }],
      apiKeys: undefined,
      refreshCookie: refreshCookie(e2e),
    };
    const app = await stage.application();
    const vaultUrl = await app.bake(given);
    await app.settle({ ...app.wanted, options: { ...given, vaultUrl } });
    e2e.changePage({
      "connect-src": [other, backend],
      "form-action": [backend],
      "frame-src": [backend],
    });
    const tab = await app.openSignedIn();
    await stage.live(app, tab);
    // One without a configuration in it, and the application's own for more than is in it.
    for (const [url, origins] of [
      ["/tokenward/vault.js", [api]],
      [vaultUrl, [api, other]],
    ]) {
      const what = stage.short(START.name);
      const got = await stage.attack(tab, "cookie.js", "start", what, url, origins);
      if (got !== "config_invalid") problems.set(START.name, JSON.stringify(got));
    }
    const { got, found } = await attempt(app, tab, problems);
    const kinds = new Set([...found.values()].flat().map((hit) => hit.split(" ")[0]));
    const isAsSaid = got === 200 && [...found.keys()].join() === stage.short(ASK.name);
    if (!isAsSaid || kinds.has("refresh") || kinds.has("cookie")) {
      problems.set(ASK.name, JSON.stringify([got, ...found]));
    }
    const asks = { ...ASK, limit: "asks the backend itself" };
    const attacks = [READ, REPLACE, BARE, FORM, THROUGH, START, asks];
    await stage.judge(t, attacks, problems, `${stage.CELL} cookie`);
  },
);

test(
  "behind a cookie, at an origin of its own: a script has nothing of the backend (ck1, ck4)",
  inShared,
  async (t) => {
    const { api, backend, other, vault, direct } = e2e.servers;
    direct.backend.settle({ origins: [vault] });
    /** @type {Map<string, string>} */
    const problems = new Map();
    const resources = [{ origin: api }, { origin: backend }];
    const baked = { resources, refreshCookie: refreshCookie(e2e) };
    const app = await framedApplication(e2e, { page: { attacker: other }, baked });
    e2e.changePage({
      "connect-src": [other, backend],
      "form-action": [backend],
      "frame-src": [backend, vault],
    });
    const tab = await app.openFramed();
    app.refuseTokens();
    assert.equal((await tab.call(`${api}/me`)).status, 200);
    const { got, found } = await attempt(app, tab, problems);
    if (got !== "TypeError" || found.size > 0) {
      problems.set(ASK.name, JSON.stringify([got, ...found]));
    }
    await stage.judge(
      t,
      [READ, REPLACE, BARE, FORM, THROUGH, ASK],
      problems,
      `${e2e.engine.name}/origin`,
    );
  },
);
