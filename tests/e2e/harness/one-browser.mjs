// @ts-check
// The browser that all files of a process share: it starts with the first and ends with the last.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { engine } from "./browser.mjs";

const run = promisify(execFile);

/** @typedef {import("./browser.mjs").Started} Started */

/** The one browser of this process, which may run several files, its first tab, and how many need it. */
export const shared = {
  started: /** @type {Promise<Started> | undefined} */ (undefined),
  first: "",
  users: 0,
};

/** How long a driver may take for one answer: longer than anything it is told to wait for. */
const ANSWER_MS = 60_000;

/** @param {boolean} trustsAll of whoever asks first: a process runs files of one kind */
export async function openBrowser(trustsAll) {
  shared.users += 1;
  shared.started ??= engine.start({ trustsAll }).then((started) => {
    limit(started.driver);
    return started;
  });
  return shared.started;
}

/**
 * Has a question that the driver never answers fail by its name, instead of keeping the run waiting.
 *
 * @param {import("selenium-webdriver").WebDriver} driver
 */
function limit(driver) {
  const ask = driver.execute.bind(driver);
  driver.execute = async (command) => {
    const name = command.getName();
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      const error = new Error(`${engine.name}'s driver did not answer \`${name}\``);
      timer = setTimeout(reject, ANSWER_MS, error);
    });
    try {
      return await Promise.race([ask(command), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

export async function leaveBrowser() {
  shared.users -= 1;
  if (shared.users > 0) return;
  const started = await shared.started;
  shared.started = undefined;
  try {
    await started?.stop();
  } catch (error) {
    // All tests are over, so nothing of them depends on it; what it leaves behind ends with this process.
    console.error(error);
    await run("pkill", ["-KILL", "-P", String(process.pid)]).catch(() => {});
  }
}

/** How long what a process left open may keep it from ending, once its tests are over. */
const END_MS = 30_000;

/**
 * Has a process that something keeps open end all the same, as a failure that names it; and each without
 * Node's own clearing of handles, which never ended in some (version 20, seen in a debugger: `uv_run` below
 * `Environment::CleanupHandles`, after the last test).
 */
export function end() {
  process.on("exit", () => process.exit());
  const late = () => {
    console.error(`still open after the last test: ${process.getActiveResourcesInfo().join(", ")}`);
    process.exit(1);
  };
  // What no longer counts keeps nothing open itself.
  setTimeout(late, END_MS).unref();
}
