// @ts-check
// A script gets in the way: with prototypes, locks, floods, names. What it reaches at most is that nothing works.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../e2e/harness/place.mjs";
import { eventually } from "../e2e/harness/tab.mjs";
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

const EMPTY = { name: "makes the vault's databases before it, without its stores (st1, t33)" };
const DELETE = {
  name: "deletes the vault's databases while it runs (st1, t33)",
  limit: "denial of service",
};
const HOLD = {
  name: "keeps the vault's databases open without their stores (st1, t33)",
  limit: "denial of service",
};

test(
  "a vault makes its stores in databases that a script made (st1)",
  stage.isolated,
  async (t) => {
    const app = await stage.application({ first: ["/attacks/databases.js"] });
    const tab = await app.openSignedIn();
    await stage.live(app, tab);
    const found = await stage.attack(tab, "databases.js", "look", stage.short(EMPTY.name));
    const stores = [
      ["tokenward", 2, ["transactions"]],
      ["tokenward.memory", 8, ["memories"]],
    ];
    const isMended = JSON.stringify(found) === JSON.stringify(stores);
    await judgeOne(t, EMPTY, app, tab, isMended, found);
    // What the vault remembers there brings the session back: without the flag nobody would ask the provider.
    await tab.driver.navigate().refresh();
    await tab.untilStatus("signedIn");
    await stage.live(app, tab);
  },
);

test(
  "a vault without its databases serves on, and the next has them (t33)",
  stage.isolated,
  async (t) => {
    const app = await stage.application();
    const tab = await app.openSignedIn();
    await stage.attack(tab, "databases.js", "remove", stage.short(DELETE.name));
    await stage.live(app, tab);
    const before = (await tab.state()).status;
    const next = await app.openTab();
    await app.untilSignedIn(next);
    await stage.live(app, next);
    await judgeOne(t, DELETE, app, tab, before === "signedIn", before);
  },
);

test(
  "a vault whose databases are occupied says so and hangs nowhere (t33)",
  stage.isolated,
  async (t) => {
    const app = await stage.application();
    const tab = await app.openSignedIn();
    await stage.attack(tab, "databases.js", "hold", stage.short(HOLD.name));
    // Who is signed in stays so, with everything that needs no storage.
    await stage.live(app, tab);
    await judgeOne(t, HOLD, app, tab, true, "");
    await tab.run((auth) => auth.signOut({ local: true }));
    const refused = await tab.run((auth) =>
      auth.signIn().then(
        () => "no error",
        (/** @type {any} */ error) => error.code,
      ),
    );
    assert.equal(refused, "transaction_storage_denied");
    // With the script's page its hold is gone. In WebKit some of it outlives the page, left or closed, where a
    // vault of that page waited for it, and the next tests would wait, too.
    if (e2e.engine.keepsDatabases) {
      await tab.run(() => {
        const kept = /** @type {unknown[]} */ (window.tw.kept);
        for (const one of kept) if (one instanceof IDBDatabase) one.close();
      });
    }
    await app.open();
    await tab.untilStatus("signedOut");
    await tab.signIn();
    await stage.live(app, tab);
  },
);

const FORGE = "announces a newer build's vault that is none (t4, t33)";

test(
  "a forged word of a newer build has people restored at the provider (t4)",
  stage.isolated,
  async (t) => {
    const app = await stage.application();
    const tab = await app.openSignedIn();
    const { codesSucceeded } = app.counts();
    const forge = place.sharesTabs ? { name: FORGE, limit: "denial of service" } : { name: FORGE };
    const channel = `tokenward/${e2e.servers.issuer}/${app.clientId}`;
    await stage.attack(tab, "harms.js", "announce", stage.short(FORGE), channel);
    if (place.sharesTabs) {
      await eventually("the session in the next vault", async () => {
        return app.counts().codesSucceeded === codesSucceeded + 1;
      });
    }
    await tab.untilStatus("signedIn");
    await stage.live(app, tab);
    const codes = app.counts().codesSucceeded - codesSucceeded;
    await judgeOne(t, forge, app, tab, codes === (place.sharesTabs ? 1 : 0), codes);
    assert.equal(app.counts().reuses, 0, "a refresh token was sent twice");
  },
);

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
