// @ts-check
// The same scripts in a page whose vault is at an origin of its own (`isolation: "origin"`): what was readable
// or usable at the page's origin is not there any more. Columns of their own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { framedApplication } from "../e2e/harness/framed.mjs";
import { inShared } from "../e2e/harness/place.mjs";
import { ECHO, ENDS, HEARS, PATCHES, READS, USES } from "./attacks.mjs";
import * as stage from "./harness.mjs";

const { e2e } = stage;
const CELL = `${e2e.engine.name}/origin`;

/** The API's paths that take an API key. */
const KEYED = "/open/";

/**
 * @param {{ first?: string[], connects?: string[], page?: Record<string, unknown>, baked?: Record<string, unknown>,
 *   provider?: Record<string, unknown> }} [wanted]
 */
async function application({ first = [], connects = [], page = {}, baked = {}, ...wanted } = {}) {
  const { api, other, vault } = e2e.servers;
  const app = await framedApplication(e2e, {
    ...wanted,
    page: { first, attacker: other, ...page },
    baked: {
      resources: [{ origin: api }, { origin: api, paths: [KEYED], credential: "apiKey:k" }],
      apiKeys: { k: {} },
      ...baked,
    },
  });
  e2e.changePage({ "connect-src": [other, ...connects], "frame-src": [vault] });
  return app;
}

test("replaced functions hear of no credential (t20)", inShared, async (t) => {
  /** @type {Map<string, string>} */
  const problems = new Map();
  const early = await application({ first: ["/attacks/spying.js"] });
  const tab = await early.openFramed();
  await stage.live(early, tab);
  await stage.spied(PATCHES, problems, early, tab, []);

  e2e.servers.direct.other.log.reset();
  const late = await application();
  const second = await e2e.newTab();
  await late.open({ tab: second });
  await second.ready();
  await late.signInFramed(second);
  const key = await stage.handIn(second);
  await stage.attack(second, "spies.js", "install");
  await stage.live(late, second);
  await stage.spied(PATCHES, problems, late, second, [key]);
  await stage.judge(t, PATCHES, problems, CELL);
});

/** What is about a vault of the page's own origin: its name, its module, its shield. */
const ELSEWHERE = /^(starts the vault's module|reads the service workers)/;

test("what a page can read has no credential in it (t1)", inShared, async (t) => {
  const { api, other, issuer } = e2e.servers;
  const app = await application({ connects: [api], page: { listens: true } });
  const tab = await app.openFramed();
  const key = await stage.handIn(tab);
  const attacks = READS.filter(({ name }) => !ELSEWHERE.test(name)).map((attack) =>
    // The locks of a page are other ones here.
    attack.name.includes("all locks") ? { ...attack, shows: /tokenward\/frame\// } : attack,
  );
  const words = stage.canaries(attacks.map(({ name }) => stage.short(name)));
  await stage.attack(tab, "reads.js", "listen", [`tokenward/${issuer}/${app.clientId}`], words);
  await stage.live(app, tab);
  const given = { api, other, config: "{}", modules: ["/pkg/index.js", "/pkg/origin.js"] };
  const threw = await stage.attack(tab, "reads.js", "readAll", words, given);
  await stage.live(app, tab);
  const sought = [...app.tokens(), key, ...stage.verifiers(app)];
  const { ran, problems } = stage.judgeReads(attacks, words, threw, await stage.hoard(tab), sought);
  await stage.judge(t, ran, problems, CELL);
  await stage.assertUnharmed(tab);
});

const RECORD = { name: "reads the sign-in's record on the callback page (t3, st1)" };
const COVER = { name: "registers a service worker over everything (t39, t1)" };
const OWN = { name: "signs in for itself in a hidden frame (t3)" };
const EXPORT = { name: "takes the stored DPoP key and exports it (st5, t2)" };
const PROOFS = { name: "signs a thousand DPoP proofs for later (t2)" };

test("a sign-in on its way is not at the page's origin (t3)", inShared, async (t) => {
  const app = await application({ first: ["/attacks/callback.js"] });
  const tab = await app.openFramed();
  await stage.live(app, tab);
  const kept = await stage.hoard(tab);
  const what = stage.short(RECORD.name);
  const read = kept.filter((_, at) => kept[at - 1] === what);
  /** @type {Map<string, string>} */
  const problems = new Map();
  const found = stage.stolen(kept, [...app.tokens(), ...stage.verifiers(app)]);
  if (found.size > 0 || read.some((text) => /[?&]code=/.test(text)) || read.length === 0) {
    problems.set(RECORD.name, JSON.stringify([read, [...found]]));
  }
  await stage.judge(t, [RECORD], problems, CELL);
});

test("a login of the script's own ends where it cannot read (t3)", inShared, async (t) => {
  const { issuer, other, vault } = e2e.servers;
  const app = await application();
  e2e.changePage({ "connect-src": [other, issuer], "frame-src": [issuer, vault, "'self'"] });
  const tab = await app.openFramed();
  await stage.live(app, tab);
  const vaults = app.tokens();
  /** @type {Map<string, string>} */
  const problems = new Map();
  const what = stage.short(OWN.name);
  const client = { issuer, clientId: app.clientId };
  const got = await stage.attack(tab, "limits.js", "signInForItself", what, app.wayBack, client);
  if (got !== "no code") problems.set(OWN.name, JSON.stringify(got));
  const own = app.tokens().filter(({ token }) => vaults.every((one) => one.token !== token));
  const found = stage.stolen(await stage.hoard(tab), [...vaults, ...own]);
  if (found.size > 0 || own.length > 0)
    problems.set(OWN.name, JSON.stringify([...found, own.length]));
  await stage.judge(t, [OWN], problems, CELL);
  await stage.assertUnharmed(tab);
});

test("a stored key is out of reach (st5, t2)", inShared, async (t) => {
  const { api } = e2e.servers;
  const app = await application({
    baked: { dpop: true, resources: [{ origin: api }], apiKeys: {} },
    provider: { requiresProofs: true },
    connects: [api],
  });
  const tab = await app.openFramed();
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  /** @type {Map<string, string>} */
  const problems = new Map();
  for (const [attack, act] of /** @type {const} */ ([
    [EXPORT, "exportKey"],
    [PROOFS, "signProofs"],
  ])) {
    const asked = stage.attack(tab, "limits.js", act, stage.short(attack.name), `${api}/me`, 1000);
    const outcome = await asked.then(JSON.stringify, ({ name }) => name);
    if (!/^(AbortError|TypeError)$/.test(outcome)) problems.set(attack.name, outcome);
  }
  await stage.judge(t, [EXPORT, PROOFS], problems, CELL);
  await stage.assertUnharmed(tab);
});

test("a service worker over everything sees no vault (t39)", inShared, async (t) => {
  const app = await application({ first: ["/attacks/covers.js"], page: { start: false } });
  const { other, vault } = e2e.servers;
  const sources = { "connect-src": [other], "frame-src": [vault] };
  e2e.changePage(sources, { "Service-Worker-Allowed": "/" });
  const tab = await app.open();
  const what = stage.short(COVER.name);
  await stage.attack(tab, "covers.js", "uncover");
  const url = await stage.attack(tab, "covers.js", "cover", what, "/", false);
  assert.match(url, /attacks\/sw\.js/);
  await app.settleFramed({ ...app.wanted.page, start: true });
  await app.open();
  await tab.ready();
  await app.signInFramed(tab);
  await stage.live(app, tab);
  await stage.assertUnharmed(tab);
  const kept = await stage.hoard(tab);
  await stage.attack(tab, "covers.js", "uncover");
  const requests = kept.filter((text, at) => kept[at - 1] === what && /^https?:/.test(text));
  const found = stage.stolen(kept, [...app.tokens(), ...stage.verifiers(app)]);
  assert.ok(requests.length > 0, "it saw nothing at all");
  /** @type {Map<string, string>} */
  const problems = new Map();
  if (
    found.size > 0 ||
    requests.some(
      (seen) => /vault\.js|frame\.js/.test(seen) || seen.startsWith(`${vault}/tokenward`),
    )
  )
    problems.set(COVER.name, JSON.stringify([requests, [...found]]));
  await stage.judge(t, [COVER], problems, CELL);
});

/** @type {stage.Attack} */
const DIRECT = {
  name: "connects to the page's vault and calls the API (t4, t33)",
  limit: "uses the session",
};
const WIDER = { name: "starts a vault of its own that may reach the attacker (t4, st4)" };

test("a script uses the session as the page does, and no more (t4)", inShared, async (t) => {
  const { api, issuer, other } = e2e.servers;
  const app = await application();
  const tab = await app.openFramed();
  /** @type {Map<string, string>} */
  const problems = new Map();
  /** @param {stage.Attack} attack @param {boolean} asSaid @param {unknown} outcome */
  const check = (attack, asSaid, outcome) => {
    if (!asSaid) problems.set(attack.name, JSON.stringify(outcome));
  };
  /** @param {stage.Attack} attack @param {string} file @param {string} name @param {unknown[]} given */
  const run = ({ name: what }, file, name, ...given) =>
    stage.attack(tab, file, name, stage.short(what), ...given);

  const used = await run(USES, "limits.js", "useSession", `${api}/me`);
  check(USES, used[0] === 200 && used[1].includes("alice"), used);
  const direct = await run(DIRECT, "origin.js", "ownFrame", `${api}/me`);
  check(DIRECT, `${direct}` === "export_not_allowed,200", direct);
  const wider = await run(WIDER, "origin.js", "ownVault", {
    issuer,
    clientId: app.clientId,
    redirectUri: app.callback,
    resources: [{ origin: other }, { origin: api }],
    allowTokenExport: true,
  });
  check(WIDER, `${wider}` === "signedOut,not_signed_in,not_signed_in", wider);

  await run(HEARS, "limits.js", "hearHandIn");
  const key = await stage.handIn(tab);
  await stage.live(app, tab);
  const before = stage.stolen(await stage.hoard(tab), [...app.tokens(), ...stage.verifiers(app)]);
  assert.deepEqual([...before], []);
  const heard = stage.stolen(await stage.hoard(tab), [key]);
  check(HEARS, heard.has(stage.short(HEARS.name)), "it heard nothing");
  const status = await run(ECHO, "limits.js", "readDownload", `${api}/reflect/download`);
  const echoed = [...stage.stolen(await stage.hoard(tab), app.tokens("access")).keys()];
  check(ECHO, `${echoed}` === stage.short(ECHO.name), [status, echoed]);
  assert.equal(stage.stolen(await stage.hoard(tab), app.tokens("refresh,id")).size, 0);
  const ended = await run(ENDS, "limits.js", "signOut");
  check(ENDS, ended === "signedOut", ended);
  await stage.judge(t, [USES, DIRECT, WIDER, HEARS, ECHO, ENDS], problems, CELL);
});

test("who stands in for the frame has nothing of the real vault (t5)", inShared, async (t) => {
  const app = await application();
  const real = await app.openFramed();
  await app.settle({
    page: { ...app.wanted.page, first: ["/attacks/standinframe.js"], start: false },
  });
  const tab = await app.open({ tab: await e2e.newTab() });
  await tab.run((auth) => void auth.ready.catch(() => {}));
  /** @type {stage.Attack} */
  const standsIn = { name: "stands in for the vault (t5)", limit: "stands in for the vault" };
  const heard = await tab.until("a question", async () => {
    const attacker = await window.tw.load("/attacks/attacker.js");
    return attacker.holdings().includes("restore") || window.tw.auth.state.status === "signedOut";
  });
  await stage.live(app, real);
  /** @type {Map<string, string>} */
  const problems = new Map();
  const found = stage.stolen(await stage.hoard(tab), [...app.tokens(), ...stage.verifiers(app)]);
  if (found.size > 0 || !heard) problems.set(standsIn.name, JSON.stringify([...found]));
  await stage.judge(t, [standsIn], problems, CELL);
});
