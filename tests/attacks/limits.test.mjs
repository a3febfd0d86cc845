// @ts-check
// What is not stopped, and what it comes to: each outcome is asserted as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../e2e/harness/place.mjs";
import { ECHO, ENDS, HEARS, USES } from "./attacks.mjs";
import * as stage from "./harness.mjs";

const { e2e } = stage;

test(
  "a script uses the session, and takes only what others give it (t4)",
  stage.isolated,
  async (t) => {
    const { api } = e2e.servers;
    const app = await stage.application();
    const tab = await app.openSignedIn();
    /** @type {Map<string, string>} */
    const problems = new Map();
    /**
     * @param {stage.Attack} attack
     * @param {string} name
     * @param {unknown[]} given
     */
    const run = (attack, name, ...given) => {
      return stage.attack(tab, "limits.js", name, stage.short(attack.name), ...given);
    };

    const used = await run(USES, "useSession", `${api}/me`);
    if (used[0] !== 200 || !used[1].includes("alice"))
      problems.set(USES.name, JSON.stringify(used));

    await run(HEARS, "hearHandIn");
    const key = await stage.handIn(tab);
    await stage.live(app, tab);
    // By now only what is heard at the hand-in is known, and no token.
    const before = stage.stolen(await stage.hoard(tab), [...app.tokens(), ...stage.verifiers(app)]);
    assert.deepEqual([...before], []);
    const heard = stage.stolen(await stage.hoard(tab), [key]);
    if (!heard.has(stage.short(HEARS.name))) problems.set(HEARS.name, "it heard nothing");

    const status = await run(ECHO, "readDownload", `${api}/reflect/download`);
    const echoed = stage.stolen(await stage.hoard(tab), app.tokens("access"));
    const [where] = [...echoed.keys()];
    if (echoed.size !== 1 || where !== stage.short(ECHO.name)) {
      problems.set(ECHO.name, JSON.stringify([status, [...echoed]]));
    }
    assert.equal(stage.stolen(await stage.hoard(tab), app.tokens("refresh,id")).size, 0);

    const ended = await run(ENDS, "signOut");
    if (ended !== "signedOut") problems.set(ENDS.name, ended);
    await stage.judge(t, [USES, HEARS, ECHO, ENDS], problems);
  },
);

const OWN = {
  name: "signs in for itself in a hidden frame (t3)",
  limit: "signs in for itself",
};

test(
  "a login of the script's own brings it tokens of its own, and none of the vault's (t3)",
  stage.isolated,
  async (t) => {
    const { issuer, other } = e2e.servers;
    const app = await stage.application();
    e2e.changePage({ "connect-src": [other, issuer], "frame-src": [issuer, "'self'"] });
    const tab = await app.openSignedIn();
    await stage.live(app, tab);
    const vaults = app.tokens();
    const what = stage.short(OWN.name);
    const redirect = app.silentCallback;
    const got = await stage.attack(tab, "limits.js", "signInForItself", what, redirect);
    const kept = await stage.hoard(tab);
    const own = app.tokens().filter(({ token }) => vaults.every((one) => one.token !== token));
    /** @type {Map<string, string>} */
    const problems = new Map();
    if (!got.includes("access_token")) problems.set(OWN.name, JSON.stringify(got));
    if (!stage.stolen(kept, own).has(what)) problems.set(OWN.name, "it has no token of its own");
    const stolen = stage.stolen(kept, [...vaults, ...stage.verifiers(app).slice(0, 1)]);
    if (stolen.size > 0) problems.set(OWN.name, JSON.stringify([...stolen]));
    await stage.judge(t, [OWN], problems);
    await stage.assertUnharmed(tab);
  },
);

const RECORD = {
  name: "reads the sign-in's record on the callback page (t3, st1)",
  limit: "reads the sign-in on its way",
};

test(
  "the verifier is in a storage for the way, and nowhere after it (t3)",
  stage.isolated,
  async (t) => {
    const app = await stage.application({ first: ["/attacks/callback.js"] });
    const tab = await app.openSignedIn();
    await stage.live(app, tab);
    const kept = await stage.hoard(tab);
    const what = stage.short(RECORD.name);
    /** @type {Map<string, string>} */
    const problems = new Map();
    const tokens = stage.stolen(kept, app.tokens());
    const found = stage.stolen(kept, stage.verifiers(app));
    const address = kept.some((text, at) => kept[at - 1] === what && /[?&]code=/.test(text));
    if (!address) problems.set(RECORD.name, "it was not there first");
    // What is read now has it no more.
    await stage.attack(tab, "limits.js", "readTransaction", "later");
    if (stage.stolen(await stage.hoard(tab), stage.verifiers(app)).has("later")) {
      problems.set(RECORD.name, "the record is still there");
    }
    if (tokens.size > 0 || !found.has(what)) {
      problems.set(RECORD.name, JSON.stringify([...tokens, ...found]));
    }
    await stage.judge(t, [RECORD], problems);
  },
);

const EXPORT = { name: "takes the stored DPoP key and exports it (st5, t2)" };
const PROOFS = {
  name: "signs a thousand DPoP proofs for later (t2)",
  limit: "uses the key in place",
};
const storesKeys =
  stage.isolated.skip || place.storesKeys
    ? stage.isolated
    : { skip: "here the key lives as long as its vault" };

test("a stored key signs for a script, and leaves with none (st5, t2)", storesKeys, async (t) => {
  const { api } = e2e.servers;
  const app = await stage.application({
    options: { dpop: true, resources: [{ origin: api }], apiKeys: undefined },
    provider: { requiresProofs: true },
    connects: [api],
  });
  const tab = await app.openSignedIn();
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  /** @type {Map<string, string>} */
  const problems = new Map();
  const tried = stage.short(EXPORT.name);
  const outcomes = await stage.attack(tab, "limits.js", "exportKey", tried);
  if (outcomes.some((/** @type {unknown} */ one) => typeof one !== "string")) {
    problems.set(EXPORT.name, JSON.stringify(outcomes));
  }
  const signing = stage.short(PROOFS.name);
  const signed = await stage.attack(tab, "limits.js", "signProofs", signing, `${api}/me`, 1000);
  if (JSON.stringify(signed) !== "[1000,401,401]")
    problems.set(PROOFS.name, JSON.stringify(signed));
  const found = stage.stolen(await stage.hoard(tab), [...app.tokens(), ...stage.verifiers(app)]);
  for (const attack of [EXPORT, PROOFS]) {
    const hits = found.get(stage.short(attack.name));
    if (hits) problems.set(attack.name, hits.join());
  }
  await stage.judge(t, [EXPORT, PROOFS], problems);
  await stage.assertUnharmed(tab);
});
