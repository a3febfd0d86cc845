// @ts-check
// How a vault dies or hangs on command. Where a debugger reaches workers it does that to the vault as
// it is built; elsewhere the test's pages use a vault with one more statement at its end,
// served beside the built one, which listens to a channel that nothing else knows.
import { readFile, writeFile } from "node:fs/promises";
import { engine } from "./browser.mjs";
import { HANG } from "./hang.mjs";
import { place } from "./place.mjs";

/** For `vaultUrl` of pages whose vault is to die. */
export const MORTAL_URL = mortal("/tokenward/vault.js");
/** For `vaultUrl` of pages in whose vault something is to break. */
export const CRASH_URL = "/tokenward/mortal.vault.js";

const CHANNEL = "tokenward-test";

/** @param {string} url of a vault's script @returns {string} that of one that can die, beside it */
export function mortal(url) {
  return engine.devTools ? url : url.replace(/vault\.js$/, "mortal.vault.js");
}

// In the vault.
const LISTEN = `;{
  const channel = new BroadcastChannel("${CHANNEL}");
  channel.onmessage = ({ data }) => {
    channel.postMessage("heard");
    if (data === "die") self.close();
    if (data === "crash") setTimeout(() => { throw new WebAssembly.RuntimeError("unreachable"); });
    if (data === "hang") ${HANG}
  };
}
`;

/**
 * @param {string} folder the vault's
 */
export async function makeMortal(folder) {
  const vault = await readFile(`${folder}/vault.js`, "utf8");
  await writeFile(`${folder}/mortal.vault.js`, vault + LISTEN);
}

/**
 * Leaves the application's pages, and has their vault end.
 *
 * @param {import("./tab.mjs").Tab[]} tabs
 */
export async function loseVault(...tabs) {
  for (const tab of tabs) await tab.go(`${tab.servers.app}/c/keeper/`);
  // Where it does not outlive its pages, one in the back/forward cache may keep it all the same.
  if (place.sharesTabs && tabs[0]) await killVaults(tabs[0]);
}

/** Ends every vault as a crash would, without a word to its pages. */
export const killVaults = (/** @type {import("./tab.mjs").Tab} */ tab) => order(tab, "die", "kill");

/**
 * Has something throw in every vault of `CRASH_URL` that nothing catches, as a trap of its module would.
 * Without a debugger everywhere: Chromium keeps the name of a worker that has one attached.
 */
export const crashVaults = (/** @type {import("./tab.mjs").Tab} */ tab) => say(tab, "crash");

/** Makes every vault run for ever without listening. */
export const hangVaults = (/** @type {import("./tab.mjs").Tab} */ tab) =>
  order(tab, "hang", "hang");

/**
 * @param {import("./tab.mjs").Tab} tab one of the vault's pages
 * @param {string} word
 * @param {"kill" | "hang"} act
 */
async function order(tab, word, act) {
  if (engine.devTools) {
    const vaults = await engine.devTools[act](tab.driver, place.target ?? "none");
    if (vaults === 0) throw new Error("there is no vault");
    return;
  }
  await say(tab, word);
}

/**
 * @param {import("./tab.mjs").Tab} tab
 * @param {string} word
 */
function say(tab, word) {
  return tab.run(
    (_, name, word) =>
      new Promise((heard) => {
        const channel = new BroadcastChannel(name);
        channel.onmessage = heard;
        channel.postMessage(word);
        // One that has ended by itself hears nothing.
        setTimeout(heard, 1000);
      }).then(() => undefined),
    CHANNEL,
    word,
  );
}
