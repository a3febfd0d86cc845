// @ts-check
// Calls while tokens change: in time and in silence, and after the API refused one.
import { QUIET_SECONDS } from "./scene.mjs";

/** @typedef {import("./scene.mjs").Scene} Scene */

const REFRESHES = 3;
const CALLS = 30;
const CALL_INTERVAL = 600;

/** @param {Scene} scene */
export async function callWhileTokensChange({ demo, page, outside, report, browser }) {
  const from = outside.mark();
  const before = outside.provider();
  const seenBefore = await page.number("refreshes");
  /** @type {string[]} */
  const answers = [];
  /** @type {number[]} */
  const refreshedAt = [];
  const end = Date.now() + 3 * REFRESHES * demo.ttl * 1000;
  while ((refreshedAt.length < REFRESHES || answers.length < CALLS) && Date.now() < end) {
    answers.push(await page.call());
    const seen = (await page.number("refreshes")) - seenBefore;
    if (seen > refreshedAt.length) refreshedAt.push(Date.now());
    await browser.driver.sleep(CALL_INTERVAL);
  }
  const atProvider = outside.provider().refreshesSucceeded - before.refreshesSucceeded;
  const reuses = outside.provider().reuses;
  const gaps = refreshedAt.slice(1).map((at, i) => (at - (refreshedAt[i] ?? at)) / 1000);
  report.fact(
    "silentRefreshes",
    refreshedAt.length >= REFRESHES && atProvider >= refreshedAt.length && reuses === 0,
    { seenByThePage: refreshedAt.length, atProvider, reuses, secondsBetween: gaps },
  );

  const burst = await page.burst();
  const received = outside.calls(from);
  const good = answers.filter((answer) => answer === "200").length;
  const accepted = received.filter(({ status }) => status === 200).length;
  report.fact(
    "apiCalls",
    good >= CALLS &&
      good === answers.length &&
      burst.startsWith("20 of 20 answered 200") &&
      accepted === received.length &&
      accepted === good + 20,
    { oneByOne: answers.length, answered200: good, burst, atTheApi: received.length, accepted },
  );
  await browser.picture("after-burst");
}

/** One call, then twenty, on a token that the API no longer takes. @param {Scene} scene */
export async function expire({ page, outside, report, browser }) {
  await page.untilQuiet(QUIET_SECONDS);
  await page.expire();
  const from = outside.mark();
  const before = outside.provider().refreshRequests;
  const one = await page.call();
  const statuses = outside.calls(from).map(({ status }) => status);
  const refreshesForOne = outside.provider().refreshRequests - before;

  await page.untilQuiet(QUIET_SECONDS);
  await page.expire();
  const again = outside.provider().refreshRequests;
  const twenty = await page.burst();
  const refreshesForTwenty = outside.provider().refreshRequests - again;
  report.fact(
    "expiredToken",
    one === "200" &&
      statuses.join() === "401,200" &&
      refreshesForOne === 1 &&
      twenty.startsWith("20 of 20 answered 200") &&
      refreshesForTwenty === 1,
    {
      oneCall: one,
      theApiSaid: statuses,
      refreshesForOne,
      twentyCalls: twenty,
      refreshesForTwenty,
    },
  );
  await browser.picture("expired-then-20-calls");
}
