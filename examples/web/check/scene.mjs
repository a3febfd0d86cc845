// @ts-check
// What every part of the scene has at hand.

/** @typedef {import("./browser.mjs").Browser} Browser */
/** @typedef {import("./outside.mjs").Outside} Outside */
/** @typedef {import("../serve.mjs").Demo} Demo */
/**
 * @typedef {object} Scene
 * @property {Demo} demo
 * @property {Browser} browser
 * @property {import("./page.mjs").Page} page
 * @property {Outside} outside
 * @property {import("./report.mjs").Report} report
 * @property {{ name: string, tokens: number, text: string }[]} looks tokens found in what the page can read
 * @property {number} pastTheVault calls that the API refused, each of which the console mentions
 */

/** How long no refresh may be due for a moment to count as quiet. */
export const QUIET_SECONDS = 4;

/**
 * Does something while no refresh is due, and counts what the provider was asked meanwhile. Where a
 * slow machine took so long that a refresh fell due, the count says nothing, and it is done again.
 *
 * @template Result
 * @param {Scene} scene
 * @param {() => Promise<Result>} perform
 */
export async function quietly({ page, outside }, perform) {
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

/** @param {Scene} scene */
export async function callPastTheVault(scene) {
  scene.pastTheVault += 1;
  return scene.page.callPastTheVault();
}

/**
 * @template {Record<string, number>} Numbers
 * @param {Numbers} now
 * @param {Numbers} before
 * @returns {Numbers}
 */
export function difference(now, before) {
  return /** @type {Numbers} */ (
    Object.fromEntries(
      Object.entries(now).map(([name, value]) => [name, value - (before[name] ?? 0)]),
    )
  );
}
