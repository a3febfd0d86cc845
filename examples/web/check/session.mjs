// @ts-check
// Signed out, signed in, signed out again, and what the API says each time.
import { PHONE } from "./browser.mjs";
import { lookAround } from "./exposure.mjs";
import { callPastTheVault, difference } from "./scene.mjs";

/** @typedef {import("./scene.mjs").Scene} Scene */

/** @param {Scene} scene */
export async function openSignedOut(scene) {
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
export async function signIn(scene) {
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

/**
 * @param {Scene} scene
 * @param {{ first: string, second: string }} tabs
 */
export async function signOut(scene, { first, second }) {
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
  const { isRefused, ...said } = await callSignedOut(scene);
  report.fact(
    "signedOut",
    tokenBefore === 200 &&
      tokenAfter === 401 &&
      refreshToken === "invalid_grant" &&
      revocations > 0 &&
      logouts === 1 &&
      isRefused,
    {
      ...said,
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
  report.fact("signedOutSecondTab", there.isRefused, {
    call: there.call,
    sent: there.sent,
    pastTheVault: there.pastTheVault,
  });
}

/** Both ways to call, neither of which may get anything. @param {Scene} scene */
async function callSignedOut(scene) {
  const { page, outside } = scene;
  const from = outside.mark();
  const call = await page.call();
  const sent = outside.calls(from).length;
  const pastTheVault = await callPastTheVault(scene);
  const isRefused = call === "not_signed_in" && sent === 0 && pastTheVault === "401";
  return { isRefused, call, sent, pastTheVault };
}
