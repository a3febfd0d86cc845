#!/usr/bin/env node
// @ts-check
/**
 * `npx tokenward init <folder>`: puts the vault at the stable address that it needs, in a folder of
 * its own below what the application serves, with the shield service worker and the page for hidden
 * frames beside it.
 */

import { copyFile, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HELP = `Usage: npx tokenward init <folder>

  init <folder>   copies vault.js, shield.js and the page callback.html for hidden frames to
                  <folder>/tokenward/, where <folder> is what your server or bundler serves as it is
                  (public, static, ...). Run it after each update of the package.
`;

/** The files that must stand at an address of their own, unhashed. */
const FILES = ["vault.js", "shield.js", "callback.html", "callback.js"];

/** A command line or a folder that cannot be used; its message says what to do. */
class Refusal extends Error {}

/** @param {string[]} words */
async function main(words) {
  const [verb, folder, ...rest] = words;
  if (verb === undefined || verb === "--help" || verb === "-h" || verb === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (verb !== "init") throw new Refusal(`there is no command \`${verb}\`\n\n${HELP}`);
  if (folder === undefined || folder.startsWith("-") || rest.length > 0) {
    throw new Refusal(`\`init\` wants one folder, and nothing else\n\n${HELP}`);
  }
  await init(folder);
}

/** @param {string} folder what the application serves as it is */
async function init(folder) {
  if (!(await isFolder(folder))) {
    throw new Refusal(`${folder} is not a folder: name the one whose files are served as they are`);
  }
  const target = join(folder, "tokenward");
  await mkdir(target, { recursive: true });
  for (const file of FILES) {
    await copyFile(fileURLToPath(new URL(`../${file}`, import.meta.url)), join(target, file));
  }
  process.stdout.write(`${FILES.map((file) => join(target, file)).join("\n")}
Serve this folder at /tokenward/, and vault.js with a Content-Security-Policy of its own whose
connect-src lists your provider and your resources.
`);
}

/** @param {string} path */
async function isFolder(path) {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stderr.write(`tokenward: ${message}\n`);
  process.exitCode = error instanceof Refusal ? 2 : 1;
}
