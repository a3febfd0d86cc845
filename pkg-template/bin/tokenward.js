#!/usr/bin/env node
// @ts-check
/**
 * `npx tokenward`: `init <folder>` puts the vault at the stable address that it needs, in a folder of
 * its own below what the application serves, with the shield service worker and the page for hidden
 * frames beside it; `doctor <url>` looks at how all that is served.
 */

import { copyFile, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { examine } from "./doctor/examine.js";
import { print } from "./doctor/report.js";

const HELP = `Usage: npx tokenward init <folder>
       npx tokenward doctor <url> [--vault <path>] [--callback <path>]

  init <folder>   copies vault.js, shield.js and the page callback.html for hidden frames to
                  <folder>/tokenward/, where <folder> is what your server or bundler serves as it is
                  (public, static, ...). Run it after each update of the package.
  doctor <url>    asks for your application's page at <url>, for the vault and for what stands
                  beside it, and says which headers are missing or wrong. Exit code 1: there are
                  problems.
    --vault <path>     where the vault is, if not at /tokenward/vault.js
    --callback <path>  the page for hidden frames, if not callback.html beside the vault
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
  if (verb === "doctor") return doctor(words.slice(1));
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

/** @param {string[]} args */
async function doctor(args) {
  const findings = await examine(addresses(args));
  process.stdout.write(print(findings));
  if (findings.some(({ level }) => level === "problem")) process.exitCode = 1;
}

/** @param {string[]} args */
function addresses(args) {
  const { values, positionals } = doctorArgs(args);
  const [address, ...more] = positionals;
  if (address === undefined || more.length > 0) {
    throw new Refusal(`\`doctor\` wants one address\n\n${HELP}`);
  }
  const page = URL.canParse(address) ? new URL(address) : undefined;
  if (!page || !/^https?:$/.test(page.protocol) || page.username || page.password) {
    // Not repeated: there may be a password in it.
    throw new Refusal("that is no page's address: write it whole, https://app.example.com/");
  }
  const beside = (/** @type {string} */ path) => {
    const url = URL.canParse(path, page.href) ? new URL(path, page) : undefined;
    if (url?.origin !== page.origin) throw new Refusal(`${path} is not of ${page.origin}`);
    return url;
  };
  const { vault = "/tokenward/vault.js", callback } = values;
  return {
    page,
    vault: beside(vault),
    callback: callback === undefined ? undefined : beside(callback),
  };
}

/** @param {string[]} args */
function doctorArgs(args) {
  try {
    return parseArgs({
      args,
      options: { vault: { type: "string" }, callback: { type: "string" } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new Refusal(`${/** @type {Error} */ (error).message}\n\n${HELP}`);
  }
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
