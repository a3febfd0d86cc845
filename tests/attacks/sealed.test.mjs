// @ts-check
// What a script can use and what it can take where the refresh token is sealed in IndexedDB. Each is a column
// of its own: nothing of it is there with the default persistence.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../e2e/harness/place.mjs";
import * as stage from "./harness.mjs";

const { e2e } = stage;

const READ = { name: "reads the sealed record out of IndexedDB (st1, st5)" };
const EXPORT = { name: "takes the key of the sealed record and exports it (st5)" };
const OPEN = {
  name: "opens the sealed record with its key, in place (st5, t2)",
  limit: "opens the record in place",
};
const ALONE = "uses the opened refresh token elsewhere, without a proof (t2)";
const NONCES = {
  name: "takes proofs along for it, and the provider wants nonces (t2)",
};
const NO_NONCES = {
  name: "takes proofs along for it, and the provider wants no nonces (t2)",
  limit: "takes as much as it signs",
};
const SIGNED_OUT = { name: "opens the sealed record after a sign-out (st1)" };

const keeps =
  stage.isolated.skip || place.storesKeys
    ? stage.isolated
    : { skip: "here no key is stored, so nothing is sealed" };

/**
 * Asks the provider from elsewhere, as a thief.
 *
 * @param {stage.Application} app
 * @param {string} token
 * @param {string} [proof]
 * @returns {Promise<[status: number, answer: Record<string, any>]>}
 */
async function useElsewhere(app, token, proof) {
  const body = new URLSearchParams({
    client_id: app.clientId,
    grant_type: "refresh_token",
    refresh_token: token,
  });
  const headers = { "x-tokenward-internal": "1", ...(proof ? { DPoP: proof } : {}) };
  const answer = await fetch(`${e2e.servers.issuer}/token`, { method: "POST", body, headers });
  return [answer.status, await answer.json()];
}

/**
 * Reads, tries to export, and opens: what is the same for both words.
 *
 * @param {stage.Application} app
 * @param {import("../e2e/harness/tab.mjs").Tab} tab
 * @param {Map<string, string>} problems
 * @returns {Promise<string>} the refresh token
 */
async function open(app, tab, problems) {
  const run = (/** @type {stage.Attack} */ { name }, /** @type {string} */ what) =>
    stage.attack(tab, "sealed.js", what, stage.short(name));
  const length = await run(READ, "read");
  if (!(length > 100)) problems.set(READ.name, `it read nothing: ${length}`);
  const outcomes = await run(EXPORT, "exportKey");
  const refused = outcomes
    .slice(0, 4)
    .every((/** @type {unknown} */ one) => one === "InvalidAccessError");
  if (!refused) problems.set(EXPORT.name, JSON.stringify(outcomes));
  const before = stage.stolen(await stage.hoard(tab), [...app.tokens(), ...stage.verifiers(app)]);
  for (const [what, hits] of before) {
    const attack = [READ, EXPORT].find(({ name }) => stage.short(name) === what);
    problems.set(attack?.name ?? what, hits.join());
  }
  const token = await run(OPEN, "open");
  const found = stage.stolen(await stage.hoard(tab), app.tokens());
  // The refresh token, and no other: neither access nor ID token is in it.
  const kinds = new Set([...found.values()].flat().map((hit) => hit.split(" ")[0]));
  if (
    JSON.stringify([...kinds]) !== '["refresh"]' ||
    [...found.keys()].join() !== stage.short(OPEN.name)
  ) {
    problems.set(OPEN.name, JSON.stringify([...found]));
  }
  return token;
}

/**
 * @param {import("../e2e/harness/tab.mjs").Tab} tab
 * @param {Map<string, string>} problems
 */
async function afterSignOut(tab, problems) {
  await tab.run((auth) => auth.signOut({ local: true }));
  const tried = stage.attack(tab, "sealed.js", "open", stage.short(SIGNED_OUT.name));
  const opened = await tried.then(
    () => "it opened one",
    () => "",
  );
  if (opened) problems.set(SIGNED_OUT.name, opened);
}

test(
  "sealed and bound: a script opens the record, and takes what its proofs are worth (st5, t2)",
  keeps,
  async (t) => {
    const attacks = [READ, EXPORT, OPEN, { name: ALONE }, NONCES, NO_NONCES, SIGNED_OUT];
    /** @type {Map<string, string>} */
    const problems = new Map();
    const { api, issuer } = e2e.servers;
    for (const [attack, requiresNonce] of /** @type {const} */ ([
      [NONCES, true],
      [NO_NONCES, false],
    ])) {
      const app = await stage.application({
        options: {
          dpop: true,
          persistence: "sealed",
          resources: [{ origin: api }],
          apiKeys: undefined,
        },
        provider: { requiresProofs: true, requiresNonce },
      });
      const tab = await app.openSignedIn();
      assert.equal((await tab.call(`${api}/me`)).status, 200);
      const token = await open(app, tab, problems);
      const [proof] = await stage.attack(
        tab,
        "sealed.js",
        "signProofs",
        stage.short(attack.name),
        `${issuer}/token`,
        1000,
      );
      const [alone] = await useElsewhere(app, token);
      if (alone === 200) problems.set(ALONE, "the token was good without a proof");
      const [status, answer] = await useElsewhere(app, token, proof);
      const isTaken = status === 200 && typeof answer.access_token === "string";
      if (isTaken === requiresNonce) problems.set(attack.name, `${status} ${answer.error}`);
      // What it has is bound to the key that stayed: an API wants proofs of it, too.
      if (isTaken) {
        const headers = { authorization: `DPoP ${answer.access_token}` };
        const used = await fetch(`${api}/me`, { headers });
        if (used.ok) problems.set(attack.name, "the access token was good without a proof");
      } else {
        await stage.assertUnharmed(tab);
        await afterSignOut(tab, problems);
      }
    }
    await stage.judge(t, attacks, problems, `${stage.CELL} sealed`);
  },
);

test("sealed and not bound: a script takes the session away (st5, t2)", keeps, async (t) => {
  const alone = { name: ALONE, limit: "takes the session away" };
  /** @type {Map<string, string>} */
  const problems = new Map();
  const app = await stage.application({ options: { persistence: "sealed-unbound" } });
  const tab = await app.openSignedIn();
  await stage.live(app, tab);
  const token = await open(app, tab, problems);
  const [status, answer] = await useElsewhere(app, token);
  if (status !== 200) problems.set(ALONE, `${status} ${answer.error}`);
  const used = await fetch(`${e2e.servers.api}/me`, {
    headers: { authorization: `Bearer ${answer.access_token}` },
  });
  if (!used.ok) problems.set(ALONE, `the access token was ${used.status} at the API`);
  await afterSignOut(tab, problems);
  await stage.judge(
    t,
    [READ, EXPORT, OPEN, alone, SIGNED_OUT],
    problems,
    `${stage.CELL} sealed-unbound`,
  );
});
