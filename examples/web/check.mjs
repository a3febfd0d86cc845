// @ts-check
// Plays the demo's scene in headless Chromium, with tokens of 10 seconds and a real provider, and
// writes pictures and `report.json` to target/demo. Ends with 1 where a fact does not hold.
import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openBrowser } from "./check/browser.mjs";
import { judgeConsole, judgeWhatWasSeen } from "./check/exposure.mjs";
import { look } from "./check/outside.mjs";
import { Page } from "./check/page.mjs";
import { callWhileTokensChange, expire } from "./check/refresh.mjs";
import { Report } from "./check/report.mjs";
import { openSignedOut, signIn, signOut } from "./check/session.mjs";
import { openSecondTab, reload } from "./check/tabs.mjs";
import { startDemo } from "./serve.mjs";
import { onStop } from "./stop.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = path.join(ROOT, "target/demo");
const TTL_SECONDS = 10;

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

/** @typedef {import("./check/browser.mjs").Browser} Browser */
/** @typedef {import("./check/scene.mjs").Scene} Scene */

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
