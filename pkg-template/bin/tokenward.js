#!/usr/bin/env node
// @ts-check
/** `npx tokenward <command>`: reads the command line, and tells in words what a command refuses. */

import { parseArgs } from "node:util";
import { init, Refusal } from "./init.js";

const HELP = `Usage: npx tokenward init <folder> [--config <file>]

  init <folder>   copies vault.js, shield.js and the page callback.html for hidden frames to
                  <folder>/tokenward/, where <folder> is what your server or bundler serves as it is
                  (public, static, ...). Run it after each update of the package.

  --config <file> writes a configuration into the vault, which then serves no other: a JSON file with the
                  options of \`createClient\` that define the session. With \`appOrigins\` in it the vault is
                  for an origin of its own (\`isolation: "origin"\`), and frame.html is written too.
`;

/** @param {string[]} words */
async function main(words) {
  const [verb, ...rest] = words;
  if (verb === undefined || verb === "--help" || verb === "-h" || verb === "help") {
    process.stdout.write(HELP);
    return;
  }
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
