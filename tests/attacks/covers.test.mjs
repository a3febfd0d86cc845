// @ts-check
// A script registers service workers of its own: a worker's requests pass by the one whose scope covers its
// script, with their headers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../e2e/harness/tab.mjs";
import * as stage from "./harness.mjs";

const { e2e } = stage;

const RUNNING = {
  name: "registers a service worker in the shield's place while the vault runs (t39, t1)",
};

test("a vault that runs is taken over by no service worker (t39)", stage.isolated, async (t) => {
  const app = await stage.application({ first: ["/attacks/covers.js"] });
  e2e.changePage({}, { "Service-Worker-Allowed": "/" });
  const tab = await app.openSignedIn();
  const what = stage.short(RUNNING.name);
  await stage.live(app, tab);
  const there = await stage.attack(tab, "covers.js", "cover", what, "/tokenward/", true);
  await stage.live(app, tab);
  const kept = await stage.hoard(tab);
  await stage.attack(tab, "covers.js", "uncover");
  const found = stage.stolen(kept, [...app.tokens(), ...stage.verifiers(app)]);
  assert.match(there, /attacks\/sw\.js/);
  /** @type {Map<string, string>} */
  const problems = new Map();
  if (found.size > 0) problems.set(RUNNING.name, JSON.stringify([...found]));
  await stage.judge(t, [RUNNING], problems);
});

/** @typedef {stage.Attack & { scope: string, stays?: boolean }} Cover */

/** @type {Cover} */
const OVER_ALL = { name: "registers a service worker over everything (t39, t1)", scope: "/" };
/** @type {Cover} */
const FOR_SHIELD = {
  name: "registers a service worker in the shield's place (t39, t1)",
  scope: "/tokenward/",
};
/** @type {Cover} */
const STAYS = {
  name: "keeps the shield from taking its place back (t39, t1)",
  scope: "/tokenward/",
  stays: true,
  limit: "denial of service",
};

test("a service worker of the attacker's sees no credential (t39)", stage.isolated, async (t) => {
  /** @type {Map<string, string>} */
  const problems = new Map();
  for (const attack of [OVER_ALL, FOR_SHIELD, STAYS]) {
    const app = await stage.application({ first: ["/attacks/covers.js"], page: { start: false } });
    e2e.changePage({ "connect-src": [e2e.servers.other] }, { "Service-Worker-Allowed": "/" });
    const tab = await app.open();
    const what = stage.short(attack.name);
    await stage.attack(tab, "covers.js", "uncover");
    const url = await stage.attack(tab, "covers.js", "cover", what, attack.scope, attack.stays);
    assert.match(url, /attacks\/sw\.js/);
    // The application starts where the attacker has been before.
    await app.settle({ page: { ...app.wanted.page, start: true } });
    await app.open();
    const outcome = await tab.run((auth) =>
      auth.ready.then(
        () => "started",
        (/** @type {any} */ error) => `${error.code}: ${error.message}`,
      ),
    );
    if (outcome === "started") {
      await tab.signIn();
      await stage.live(app, tab);
      await stage.assertUnharmed(tab);
    }
    const kept = await stage.hoard(tab);
    const covers = await stage.attack(tab, "covers.js", "covers");
    await stage.attack(tab, "covers.js", "uncover");
    if (outcome !== "started") await eventually("a vault again", () => hasVault(app, tab));
    const seen = kept.filter((_, at) => kept[at - 1] === what);
    const requests = seen.filter((text) => /^https?:/.test(text));
    const found = stage.stolen(kept, [...app.tokens(), ...stage.verifiers(app)]);
    const isRefused = /^vault_unavailable: Another service worker/.test(outcome);
    const told = JSON.stringify([outcome, covers, requests, [...found]]);
    if (found.size > 0 || isRefused !== (attack.limit !== undefined))
      problems.set(attack.name, told);
    // Not even the vault's script, which it could answer with another.
    if (requests.some((url) => /\/tokenward\/vault\.js/.test(url))) problems.set(attack.name, told);
    if (attack === OVER_ALL) assert.ok(requests.length > 0, "it saw nothing at all");
  }
  await stage.judge(t, [OVER_ALL, FOR_SHIELD, STAYS], problems);
});

/**
 * A busy worker is gone some time after it was told to go; a page that begins then has its vault.
 *
 * @param {stage.Application} app
 * @param {stage.Tab} tab
 * @returns {Promise<boolean>}
 */
async function hasVault(app, tab) {
  await app.open();
  return tab.run((auth) => {
    const ready = auth.ready.then(
      () => true,
      () => false,
    );
    return Promise.race([ready, new Promise((resolve) => setTimeout(resolve, 2000, false))]);
  });
}
