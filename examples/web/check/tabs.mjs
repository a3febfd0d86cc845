// @ts-check
// The session outlives a reload and is there in a second tab, with no word to the provider.
import { lookAround, otherCookies } from "./exposure.mjs";
import { quietly } from "./scene.mjs";

/** @typedef {import("./scene.mjs").Scene} Scene */

/** @param {Scene} scene */
export async function reload(scene) {
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
export async function openSecondTab(scene) {
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
