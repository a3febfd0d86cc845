// @ts-check
// What the page shows to any script in it, and what its console said.

/** @typedef {import("./scene.mjs").Scene} Scene */

/** oidc-provider's own cookies. One host has one cookie jar, whatever the port. */
const PROVIDER_COOKIE = /^_(session|interaction|interaction_resume)(\.legacy)?(\.sig)?$/;

/**
 * Reads what a script in the page could read, and searches it for every token issued so far.
 *
 * @param {Scene} scene
 * @param {string} name when
 */
export async function lookAround({ page, outside, looks }, name) {
  const seen = await page.readable();
  looks.push({ name, tokens: outside.tokensIn(seen.text), text: seen.text });
  return seen;
}

/** @param {Scene} scene */
export function judgeWhatWasSeen({ outside, report, looks }) {
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
export async function otherCookies({ browser }) {
  const cookies = await browser.driver.manage().getCookies();
  const own = cookies.filter(({ name, httpOnly }) => PROVIDER_COOKIE.test(name) && httpOnly);
  return {
    httpOnlyOfTheProvider: own.length,
    notOfTheProvider: cookies.length - own.length,
  };
}

/** @param {Scene} scene */
export async function judgeConsole({ demo, browser, report, pastTheVault }) {
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
