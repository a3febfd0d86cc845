// @ts-check
// Plays the demo's scene in headless Chromium, with tokens of 10 seconds and a real provider, and
// writes pictures and `report.json` to target/demo. Ends with 1 where a fact does not hold.
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openBrowser, PHONE } from "./check/browser.mjs";
import { look } from "./check/outside.mjs";
import { Page } from "./check/page.mjs";
import { Report } from "./check/report.mjs";
import { startDemo } from "./serve.mjs";
import { onStop } from "./stop.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = path.join(ROOT, "target/demo");
const TTL_SECONDS = 10;
const REFRESHES = 3;
const CALLS = 30;
const CALL_INTERVAL = 600;
const QUIET_SECONDS = 4;

/** Each must be found, and hold. */
const FACTS = [
  "signedOutAtFirst",
  "signedIn",
  "silentRefreshes",
  "apiCalls",
  "expiredToken",
  "reload",
  "secondTab",
  "nothingToSee",
  "signedOut",
  "signedOutSecondTab",
  "console",
];

/** oidc-provider's own cookies. One host has one cookie jar, whatever the port. */
const PROVIDER_COOKIE = /^_(session|interaction|interaction_resume)(\.legacy)?(\.sig)?$/;

/** @typedef {import("./check/browser.mjs").Browser} Browser */
/** @typedef {import("./check/outside.mjs").Outside} Outside */
/** @typedef {import("./serve.mjs").Demo} Demo */
/**
 * @typedef {object} Scene
 * @property {Demo} demo
 * @property {Browser} browser
 * @property {Page} page
 * @property {Outside} outside
 * @property {Report} report
 * @property {{ name: string, tokens: number, text: string }[]} looks tokens found in what the page can read
 * @property {number} pastTheVault calls that the API refused, each of which the console mentions
 */

async function main() {
  const { values } = parseArgs({ options: { dir: { type: "string" } } });
  // Nothing of an earlier run may pass for what this one found.
  await rm(OUT, { recursive: true, force: true });
  const report = new Report(FACTS);
  const demo = await startDemo({ ttl: TTL_SECONDS, ...(values.dir ? { dir: values.dir } : {}) });
  /** @type {Browser | undefined} */
  let browser;
  const close = async () => {
    await browser?.close();
    await demo.close();
  };
  onStop(() => void close().then(() => process.exit(1)));

  /** @type {unknown} */
  let error;
  try {
    browser = await openBrowser(OUT);
    await play({
      demo,
      browser,
      page: new Page(browser.driver),
      outside: look(demo),
      report,
      looks: [],
      pastTheVault: 0,
    });
  } catch (caught) {
    error = caught;
    console.error(caught);
    await tellMore(browser);
  }
  const about = {
    provider: `oidc-provider ${await versionOf("oidc-provider")}`,
    browser: `Chromium ${browser?.version ?? "did not start"}`,
    accessTokenSeconds: TTL_SECONDS,
    pictures: browser?.taken ?? [],
  };
  const { ok, seconds } = await report.write(OUT, about, error);
  await close();
  console.log(
    `\n${ok ? "The scene holds" : "The scene FAILED"}, ${seconds} s: ${path.relative(ROOT, OUT)}/report.json`,
  );
  process.exit(ok ? 0 : 1);
}

/** @param {Scene} scene */
async function play(scene) {
  await openSignedOut(scene);
  await signIn(scene);
  await callWhileTokensChange(scene);
  await expire(scene);
  await reload(scene);
  const tabs = await openSecondTab(scene);
  await signOut(scene, tabs);
  judgeWhatWasSeen(scene);
  await judgeConsole(scene);
}

/** @param {Scene} scene */
async function openSignedOut(scene) {
  const { demo, browser, page, report } = scene;
  await browser.driver.get(`${demo.page}/`);
  await page.untilStatus("signedOut");
  const call = await page.call();
  const pastTheVault = await callPastTheVault(scene);
  report.fact("signedOutAtFirst", call === "not_signed_in" && pastTheVault === "401", {
    call,
    pastTheVault,
  });
  await browser.driver.navigate().refresh();
  await page.untilStatus("signedOut");
  await browser.picture("signed-out");
  await browser.picture("signed-out-phone", PHONE);
}

/** @param {Scene} scene */
async function signIn(scene) {
  const { demo, browser, page, outside, report } = scene;
  await page.signIn("alice");
  const { codesSucceeded, authorizations } = outside.provider();
  const name = await page.text("name");
  const address = await browser.driver.getCurrentUrl();
  const claims = (await page.text("claims")).split("\n").length;
  report.fact(
    "signedIn",
    name === "Alice" && codesSucceeded === 1 && address === `${demo.page}/` && claims >= 5,
    { name, claims, authorizations, codesExchanged: codesSucceeded },
  );
  await lookAround(scene, "after sign-in");
  await page.call();
  await browser.picture("signed-in");
  await browser.picture("signed-in-phone", PHONE);
}

/** @param {Scene} scene */
async function callWhileTokensChange({ page, outside, report, browser }) {
  const from = outside.mark();
  const before = outside.provider();
  const seenBefore = await page.number("refreshes");
  /** @type {string[]} */
  const answers = [];
  /** @type {number[]} */
  const refreshedAt = [];
  const end = Date.now() + 3 * REFRESHES * TTL_SECONDS * 1000;
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
async function expire({ page, outside, report, browser }) {
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

/** @param {Scene} scene */
async function reload(scene) {
  const { page, report, browser } = scene;
  const { call, asked } = await quietly(scene, async () => {
    await browser.driver.navigate().refresh();
    await page.untilStatus("signedIn");
    return { call: await page.call() };
  });
  const seen = await lookAround(scene, "after the reload");
  const cookies = await otherCookies(scene);
  report.fact(
    "reload",
    call === "200" &&
      asked.requests === 0 &&
      asked.tokens === 0 &&
      seen.localStorage + seen.sessionStorage + seen.cookies === 0 &&
      cookies.notOfTheProvider === 0,
    {
      call,
      requestsToTheProvider: asked.requests,
      newTokens: asked.tokens,
      localStorage: seen.localStorage,
      sessionStorage: seen.sessionStorage,
      cookiesThatScriptsSee: seen.cookies,
      ...cookies,
    },
  );
}

/**
 * @param {Scene} scene
 * @returns {Promise<{ first: string, second: string }>} the tabs' handles
 */
async function openSecondTab(scene) {
  const { page, report, browser } = scene;
  const { driver } = browser;
  const first = await driver.getWindowHandle();
  const { second, millis, call, asked } = await quietly(scene, async () => {
    const start = Date.now();
    const second = await pressForTab(scene, first);
    await page.untilStatus("signedIn");
    return { second, millis: Date.now() - start, call: await page.call() };
  });
  const name = await page.text("name");
  report.fact(
    "secondTab",
    name === "Alice" && call === "200" && asked.requests === 0 && asked.tokens === 0,
    {
      name,
      call,
      requestsToTheProvider: asked.requests,
      newTokens: asked.tokens,
      signedInAfterMillis: millis,
    },
  );
  await lookAround(scene, "in the second tab");
  await browser.picture("second-tab");
  return { first, second };
}

/**
 * Opens the second tab and turns to it; one that is there from an earlier try is closed.
 *
 * @param {Scene} scene
 * @param {string} first
 */
async function pressForTab({ page, browser: { driver } }, first) {
  const others = async () => (await driver.getAllWindowHandles()).filter((tab) => tab !== first);
  for (const tab of await others()) {
    await driver.switchTo().window(tab);
    await driver.close();
  }
  await driver.switchTo().window(first);
  await page.press("second-tab");
  await page.until(async () => (await others()).length === 1, "no second tab opened");
  const [second = ""] = await others();
  await driver.switchTo().window(second);
  return second;
}

/**
 * @param {Scene} scene
 * @param {{ first: string, second: string }} tabs
 */
async function signOut(scene, { first, second }) {
  const { demo, page, outside, report, browser } = scene;
  const { driver } = browser;
  await driver.switchTo().window(first);
  // The token is good for some seconds more: the refusal afterwards is not its age.
  await page.untilQuiet(5);
  const tokenBefore = await outside.tryAccessToken();
  const before = outside.provider();
  await page.press("sign-out");
  await driver.wait(async () => outside.provider().logouts > before.logouts, 10_000);
  await page.until(
    async () => (await driver.getCurrentUrl()) === `${demo.page}/`,
    "the provider did not send the browser back",
  );
  await page.untilStatus("signedOut");
  const from = outside.mark();
  const tokenAfter = await outside.tryAccessToken();
  const why = outside.calls(from).at(-1)?.refused;
  const refreshToken = await outside.tryRefreshToken();
  const { logouts, revocations } = difference(outside.provider(), before);
  const here = await callSignedOut(scene);
  report.fact(
    "signedOut",
    tokenBefore === 200 &&
      tokenAfter === 401 &&
      refreshToken === "invalid_grant" &&
      revocations > 0 &&
      logouts === 1 &&
      here.ok,
    {
      ...here,
      lastAccessToken: { before: tokenBefore, after: tokenAfter, why },
      lastRefreshToken: refreshToken,
      revocations,
      logouts,
    },
  );
  await lookAround(scene, "after sign-out");
  await browser.picture("signed-out-again");

  await driver.switchTo().window(second);
  await page.untilStatus("signedOut");
  const there = await callSignedOut(scene);
  report.fact("signedOutSecondTab", there.ok, there);
}

/** Both ways to call, neither of which may get anything. @param {Scene} scene */
async function callSignedOut(scene) {
  const { page, outside } = scene;
  const from = outside.mark();
  const call = await page.call();
  const sent = outside.calls(from).length;
  const pastTheVault = await callPastTheVault(scene);
  const ok = call === "not_signed_in" && sent === 0 && pastTheVault === "401";
  return { ok, call, sent, pastTheVault };
}

/** @param {Scene} scene */
async function callPastTheVault(scene) {
  scene.pastTheVault += 1;
  return scene.page.callPastTheVault();
}

/**
 * Does something while no refresh is due, and counts what the provider was asked meanwhile. Where a
 * slow machine took so long that a refresh fell due, the count says nothing, and it is done again.
 *
 * @template Result
 * @param {Scene} scene
 * @param {() => Promise<Result>} perform
 */
async function quietly({ page, outside }, perform) {
  for (let tries = 3; ; tries -= 1) {
    await page.untilQuiet(QUIET_SECONDS);
    const before = outside.provider();
    const start = Date.now();
    const result = await perform();
    const asked = difference(outside.provider(), before);
    const wasQuiet = Date.now() - start < QUIET_SECONDS * 1000;
    if (wasQuiet || asked.requests === 0 || tries === 1) return { ...result, asked };
  }
}

/**
 * Reads what a script in the page could read, and searches it for every token issued so far.
 *
 * @param {Scene} scene
 * @param {string} name when
 */
async function lookAround({ page, outside, looks }, name) {
  const seen = await page.readable();
  looks.push({ name, tokens: outside.tokensIn(seen.text), text: seen.text });
  return seen;
}

/** @param {Scene} scene */
function judgeWhatWasSeen({ outside, report, looks }) {
  // Proof that the looks were real: the page shows the name, so it must stand in what was read.
  const sawTheName = looks.filter(({ text }) => text.includes("alice@example.test")).length;
  const issued = outside.provider().tokens;
  report.fact(
    "nothingToSee",
    looks.length === 4 &&
      sawTheName >= 3 &&
      issued > 0 &&
      looks.every(({ tokens }) => tokens === 0),
    {
      tokensIssued: issued,
      tokensFound: Object.fromEntries(looks.map(({ name, tokens }) => [name, tokens])),
      charactersSearched: looks.reduce((sum, { text }) => sum + text.length, 0),
    },
  );
}

/**
 * Cookies of the host, HttpOnly ones too. The provider is on the same host, and browsers share
 * cookies between the ports of a host: its own are counted apart, and no script can read them.
 *
 * @param {Scene} scene
 */
async function otherCookies({ browser }) {
  const cookies = await browser.driver.manage().getCookies();
  const own = cookies.filter(({ name, httpOnly }) => PROVIDER_COOKIE.test(name) && httpOnly);
  return {
    httpOnlyOfTheProvider: own.length,
    notOfTheProvider: cookies.length - own.length,
  };
}

/** @param {Scene} scene */
async function judgeConsole({ demo, browser, report, pastTheVault }) {
  const complaints = await browser.complaints();
  // Chromium itself writes a line for each 401 that the page got when it called past the vault.
  const refusal = `${demo.servers.api}/me - Failed to load resource: the server responded with a status of 401`;
  const others = complaints.filter((message) => !message.startsWith(refusal));
  report.fact("console", others.length === 0 && complaints.length === pastTheVault, {
    errorsAndViolations: others.length,
    ...(others.length > 0 ? { others } : {}),
    expected401: complaints.length - others.length,
  });
}

/**
 * @template {Record<string, number>} Numbers
 * @param {Numbers} now
 * @param {Numbers} before
 * @returns {Numbers}
 */
function difference(now, before) {
  return /** @type {Numbers} */ (
    Object.fromEntries(
      Object.entries(now).map(([name, value]) => [name, value - (before[name] ?? 0)]),
    )
  );
}

/** What the page said when the scene ended early. @param {Browser | undefined} browser */
async function tellMore(browser) {
  if (!browser) return;
  try {
    await browser.picture("failed");
    const text = await browser.driver.executeScript("return document.body.innerText");
    console.error(`${await browser.driver.getCurrentUrl()}\n${text}`);
    for (const complaint of await browser.complaints()) console.error(complaint);
  } catch (error) {
    console.error(`nothing more to tell: ${error}`);
  }
}

/** @param {string} name of an npm package of the root */
async function versionOf(name) {
  const file = path.join(ROOT, "node_modules", name, "package.json");
  return JSON.parse(await readFile(file, "utf8")).version;
}

await main().catch((error) => {
  console.error(`demo: ${error.message}`);
  process.exit(1);
});
