#!/usr/bin/env node
// @ts-check
/** `npx tokenward <command>`: reads the command line, and tells in words what a command refuses. */

import { parseArgs } from "node:util";
import { examine } from "./doctor/examine.js";
import { print } from "./doctor/report.js";
import { init, Refusal } from "./init.js";

const HELP = `Usage: npx tokenward init <folder> [--config <file>]
       npx tokenward doctor <url> [--vault <path>] [--callback <path>]

  init <folder>   copies vault.js, shield.js and the page callback.html for hidden frames to
                  <folder>/tokenward/, where <folder> is what your server or bundler serves as it is
                  (public, static, ...). Run it after each update of the package.
    --config <file>    writes a configuration into the vault, which then serves no other: a JSON file with
                       the options of \`createClient\` that define the session. With \`appOrigins\` in it the
                       vault is for an origin of its own (\`isolation: "origin"\`), and frame.html is written
                       too.
  doctor <url>    asks for your application's page at <url>, for the vault and for what stands
                  beside it, and says which headers are missing or wrong. Exit code 1: there are
                  problems.
    --vault <path>     where the vault is, if not at /tokenward/vault.js
    --callback <path>  the page for hidden frames, if not callback.html beside the vault
`;

/** @param {string[]} words */
async function main(words) {
  const [verb, ...rest] = words;
  if (verb === undefined || verb === "--help" || verb === "-h" || verb === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (verb === "doctor") return doctor(rest);
  if (verb !== "init") throw new Refusal(`there is no command \`${verb}\`\n\n${HELP}`);
  const { folders, config } = read(rest);
  const [folder, ...more] = folders;
  if (folder === undefined || more.length > 0) throw new Refusal(wanted());
  process.stdout.write(await init(folder, config));
}

/** @param {string[]} words */
function read(words) {
  try {
    const { values, positionals } = parseArgs({
      args: words,
      options: { config: { type: "string" } },
      allowPositionals: true,
    });
    return { folders: positionals, config: values.config };
  } catch {
    throw new Refusal(wanted());
  }
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

function wanted() {
  return `\`init\` wants one folder, and nothing else but \`--config <file>\`\n\n${HELP}`;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  process.stderr.write(`tokenward: ${message}\n`);
  process.exitCode = error instanceof Refusal ? 2 : 1;
}
