// @ts-check
// A script gets in the way: with prototypes, locks, floods, names. What it reaches at most is that nothing works.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../e2e/harness/place.mjs";
import * as stage from "./harness.mjs";

const { e2e } = stage;

/**
 * Judges one attack by what it has, and by whether all came as it should.
 *
 * @param {import("node:test").TestContext} t
 * @param {stage.Attack} attack
 * @param {stage.Application} app
 * @param {stage.Tab} tab
 * @param {boolean} asSaid
 * @param {unknown} outcome
 */
async function judgeOne(t, attack, app, tab, asSaid, outcome) {
  /** @type {Map<string, string>} */
  const problems = new Map();
  const found = stage.stolen(await stage.hoard(tab), [...app.tokens(), ...stage.verifiers(app)]);
  if (found.size > 0 || !asSaid) {
    problems.set(attack.name, JSON.stringify([outcome, [...found]]));
  }
  await stage.judge(t, [attack], problems);
}

test("a polluted prototype changes nothing (t19)", stage.isolated, async (t) => {
  const app = await stage.application({ first: ["/attacks/ports.js"] });
  const tab = await app.openSignedIn();
  const plain = await stage.attack(tab, "ports.js", "configOf");
  await tab.run((auth) => auth.signOut({ local: true }));
  const first = ["/attacks/ports.js", "/attacks/pollute.js"];
  await app.settle({ page: { ...app.wanted.page, first } });
  await app.open();
  await tab.ready();
  await tab.signIn();
  const polluted = await stage.attack(tab, "ports.js", "configOf");
  await stage.live(app, tab);
  const there = await stage.attack(tab, "pollute.js", "isThere");
  assert.equal(there, e2e.servers.other, "it is not polluted");
  const exported = await tab.run((auth) =>
    auth.exportAccessToken().catch((/** @type {any} */ error) => error.code),
  );
  const isSame = polluted === plain && exported === "export_not_allowed";
  const name = "gives Object.prototype every option of the client (t19)";
  await judgeOne(t, { name }, app, tab, isSame, [plain, polluted, exported]);
  await stage.assertUnharmed(tab);
});

test("locks that are held and stolen end no session (t17)", stage.isolated, async (t) => {
  const app = await stage.application({ options: { timeouts: { networkMs: 1000 } } });
  const tab = await app.openSignedIn();
  const held = { name: "holds the lock around token requests for ever (t17)" };
  const lock = `tokenward/${e2e.servers.issuer}/${app.clientId}`;
  assert.equal(await stage.attack(tab, "harms.js", "holdLock", stage.short(held.name), lock), lock);
  await stage.live(app, tab);
  const lost = await tab.run(() => window.tw.lost);
  await judgeOne(t, held, app, tab, lost === "AbortError", lost);

  const stolen = { name: "steals every lock, those by which the living are known too (t17)" };
  await stage.attack(tab, "harms.js", "stealLocks", stage.short(stolen.name));
  for (let round = 0; round < 3; round += 1) await stage.live(app, tab);
  const count = await stage.attack(tab, "harms.js", "stealNoMore");
  await judgeOne(t, stolen, app, tab, count > 3 && app.counts().reuses === 0, count);
  await stage.assertUnharmed(tab);
});

test("a flooded vault serves on (t33)", stage.isolated, async (t) => {
  const app = await stage.application({ first: ["/attacks/ports.js"] });
  const tab = await app.openSignedIn();
  const flood = { name: "floods the vault with megabytes and thousands of messages (t33)" };
  const answers = await stage.attack(tab, "harms.js", "flood", stage.short(flood.name));
  await stage.live(app, tab);
  await judgeOne(t, flood, app, tab, answers >= 1000, answers);
});

test("who ends the page's vault has nothing of it (t33)", stage.isolated, async (t) => {
  const app = await stage.application({ first: ["/attacks/ports.js"] });
  const tab = await app.openSignedIn();
  const end = {
    name: "ends the page's worker, or its port to it (t33)",
    limit: "denial of service",
  };
  const { api } = e2e.servers;
  const outcome = await stage.attack(tab, "harms.js", "end", stage.short(end.name), `${api}/me`);
  await judgeOne(t, end, app, tab, outcome !== 200, outcome);
  // The next page works.
  await app.open();
  await app.untilSignedIn(tab);
  await stage.live(app, tab);
});

const inShared = place.sharesTabs
  ? stage.isolated
  : { skip: "nobody can be at a dedicated worker before its page" };

test(
  "who occupies the vault's name keeps the page from its vault, and has nothing (t33)",
  inShared,
  async (t) => {
    const app = await stage.application({ first: ["/attacks/occupy.js"], page: { start: false } });
    const tab = await app.open();
    await tab.run((auth) => auth.ready.catch(() => {}));
    const name = await tab.run(() => sessionStorage.getItem("name"));
    assert.match(name ?? "", /^tokenward\/1\//);
    await app.open();
    const outcome = await tab.run((auth) =>
      auth.ready.then(
        () => auth.state.status,
        (/** @type {any} */ error) => error.code,
      ),
    );
    // At worst: whether a browser minds other options under one name depends on who is at the worker first.
    const occupies = {
      name: "occupies the name of the page's worker with other options (t33)",
      limit: "denial of service",
    };
    const isSaid = ["worker_blocked", "signedOut"].includes(outcome);
    await judgeOne(t, occupies, app, tab, isSaid, outcome);
  },
);

test("who stands in for the vault has nothing of the real one (t5)", stage.isolated, async (t) => {
  const app = await stage.application();
  const real = await app.openSignedIn();
  await app.settle({ page: { ...app.wanted.page, first: ["/attacks/standin.js"], start: false } });
  const tab = await app.open({ tab: await e2e.newTab() });
  await tab.run((auth) => void auth.ready.catch(() => {}));
  const standsIn = { name: "stands in for the vault (t5)", limit: "stands in for the vault" };
  const heard = await tab.until("the hello", async () => {
    const attacker = await window.tw.load("/attacks/attacker.js");
    return attacker.holdings().includes("hello") && attacker.holdings();
  });
  await stage.live(app, real);
  await judgeOne(t, standsIn, app, tab, heard.length > 0, heard);
});
