// @ts-check
// Bursts of calls while short tokens expire: every tab calls twenty times a second, and each expiry is one
// refresh, of each audience.
import assert from "node:assert/strict";
import { place } from "./place.mjs";
import { eventually } from "./tab.mjs";

/**
 * @typedef {{ type: string, at: number, attempt?: number, tookMs?: number, lifeMs?: number,
 *   resource?: string }} Told
 */

const CALLS = 20;
const EVERY_MS = 1000;
/** The earliest part of a token's life in which it is renewed by itself is 0.65; clocks are coarse. */
const EARLIEST = 0.6;

/**
 * Lets so many tabs call through so many expiries, and checks what came of it.
 *
 * @param {import("./suite.mjs").Suite} e2e
 * @param {{ tabs: number, expiries: number, life?: number, second?: string }} wanted `life` is a token's in
 *   seconds; `second` is the origin of another API, with a token of its own, which gets half of the calls
 * @returns {Promise<Record<"calls" | "refused" | "refreshes" | "expiries" | "reuses", number>>} `refused`
 *   are calls that the API refused first, and answered after a refresh
 */
export async function burst(e2e, { tabs: count, expiries: wanted, life = 5, second }) {
  const origins = [e2e.servers.api, ...(second ? [second] : [])];
  const resources = second
    ? origins.map((origin) => ({ origin, resource: origin }))
    : [{ origin: e2e.servers.api }];
  const app = await e2e.application({ provider: { accessTokenTtl: life }, options: { resources } });
  const urls = origins.map((origin) => `${origin}/me`);
  const tabs = [await app.openSignedIn()];
  while (tabs.length < count) tabs.push(await app.openTabSignedIn());
  for (const tab of tabs) await tab.run(begin, urls, CALLS, EVERY_MS);

  // Where tabs share a vault one of them knows all that happened.
  const vaults = place.sharesTabs ? tabs.slice(0, 1) : tabs;
  const begun = await inTurn(vaults, renewals);
  const limit = wanted * life * 2000 + 30_000;
  await eventually(
    `${wanted} expiries in every vault`,
    async () => {
      const now = await inTurn(vaults, renewals);
      return now.every((renewed, i) => renewed - (begun[i] ?? 0) >= wanted * origins.length);
    },
    limit,
  );
  const outcomes = await inTurn(tabs, (tab) => tab.run(end));
  const failed = outcomes.flatMap(({ failed }) => failed);
  assert.deepEqual(failed, [], "calls failed");
  const calls = outcomes.reduce((sum, { calls }) => sum + calls, 0);
  assert.ok(calls >= count * CALLS * wanted, `${calls} calls`);

  /** @type {{ calls: number, refused: number, refreshes: number, expiries: number, reuses: number }} */
  let seen = { calls, refused: 0, refreshes: 0, expiries: 0, reuses: 0 };
  // One may be under way; the next is seconds away.
  await eventually("every refresh to be told of", async () => {
    const told = await inTurn(vaults, (tab) => tab.run((auth) => auth.diagnostics()));
    const { refreshRequests, refreshesSucceeded, reuses } = app.counts();
    const expiries = app.tokens("access").length - vaults.length;
    const refreshes = told.reduce((sum, events) => sum + check(events), 0);
    const isSettled = refreshes === refreshRequests && refreshesSucceeded === refreshRequests;
    if (!isSettled) return false;
    assert.equal(refreshRequests, expiries, "refreshes = expiries");
    assert.equal(reuses, 0);
    // A provider that counts in whole seconds has a token end up to one earlier than it says.
    const refused = app.calls().filter(({ status }) => status === 401).length;
    seen = { calls, refused, refreshes, expiries, reuses };
    return true;
  });
  return seen;
}

/**
 * @param {Told[]} events of one vault
 * @returns {number} how many renewals they tell of: each at the first attempt, and none before its time
 */
function check(events) {
  const [first, ...rest] = events;
  assert.ok(first && ["signedIn", "restored"].includes(first.type), JSON.stringify(first));
  const latest = new Map([[first.resource, first]]);
  for (const event of rest) {
    assert.deepEqual([event.type, event.attempt], ["refreshed", 1], JSON.stringify(event));
    const before = latest.get(event.resource);
    // A token's life begins when it is asked for.
    const age = before ? event.at - before.at + (before.tookMs ?? 0) : Number.POSITIVE_INFINITY;
    assert.ok(age >= EARLIEST * (before?.lifeMs ?? 0), "a refresh before its time");
    latest.set(event.resource, event);
  }
  return rest.length;
}

/** @param {import("./tab.mjs").Tab} tab */
async function renewals(tab) {
  return tab.run(async (auth) => {
    const events = await auth.diagnostics();
    return events.filter((/** @type {Told} */ { type }) => type === "refreshed").length;
  });
}

/**
 * One driver speaks to one tab at a time.
 *
 * @template T
 * @param {import("./tab.mjs").Tab[]} tabs
 * @param {(tab: import("./tab.mjs").Tab) => Promise<T>} ask
 * @returns {Promise<T[]>}
 */
async function inTurn(tabs, ask) {
  const answers = [];
  for (const tab of tabs) answers.push(await ask(tab));
  return answers;
}

/**
 * In the page: calls so often, so many at once, until `end`.
 *
 * @param {any} auth
 * @param {string[]} urls in turn
 * @param {number} count
 * @param {number} every milliseconds
 */
function begin(auth, urls, count, every) {
  window.tw.calls = [];
  let open = 0;
  const one = () =>
    auth.fetch(urls[window.tw.calls.length % urls.length]).then(
      async (/** @type {Response} */ response) => {
        await response.text();
        return response.status;
      },
      (/** @type {unknown} */ error) => String(error),
    );
  window.tw.bursting = setInterval(() => {
    // A machine that is too slow for so many has them wait for each other: what piles up takes longer than a
    // token lives, and a worker of Chromium's gives up past some 1,300 requests at once.
    if (open > 0) return;
    for (let n = 0; n < count; n += 1) {
      open += 1;
      const call = one();
      window.tw.calls.push(call);
      call.then(() => {
        open -= 1;
      });
    }
  }, every);
}

/** In the page: no more calls; how many there were, and what came of those that failed. */
async function end() {
  clearInterval(window.tw.bursting);
  const outcomes = await Promise.all(window.tw.calls);
  return { calls: outcomes.length, failed: outcomes.filter((outcome) => outcome !== 200) };
}
