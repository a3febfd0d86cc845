// @ts-check
/**
 * Puts the vault at the stable address that it needs, in a folder of its own below what the application
 * serves, with the shield service worker and the page for hidden frames beside it; and writes a
 * configuration into it, where there is one.
 */

import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { problemsOf } from "./config.js";

/** The files that must stand at an address of their own, unhashed. */
const FILES = ["vault.js", "shield.js", "callback.html", "callback.js"];
/** Those of a vault at an origin of its own besides. */
const FRAME = ["frame.html", "frame.js"];
/** Those that hold the configuration, in their first line. */
const BAKED = ["vault.js", "frame.js"];
/** That line, as the build makes it. */
const UNBAKED = "const TOKENWARD_CONFIG=void 0;\n";

/** A command line, a folder or a file that cannot be used; its message says what to do. */
export class Refusal extends Error {}

/**
 * @param {string} folder what the application serves as it is
 * @param {string | undefined} file of a configuration
 * @returns {Promise<string>} what was done, and what is left to do
 */
export async function init(folder, file) {
  if (!(await isFolder(folder))) {
    throw new Refusal(`${folder} is not a folder: name the one whose files are served as they are`);
  }
  const config = file === undefined ? undefined : await read(file);
  const origins = config?.appOrigins;
  const files = origins ? [...FILES, ...FRAME] : FILES;
  const target = join(folder, "tokenward");
  await mkdir(target, { recursive: true });
  for (const name of files) {
    const from = fileURLToPath(new URL(`../${name}`, import.meta.url));
    if (config && BAKED.includes(name)) await bake(from, join(target, name), config);
    else await copyFile(from, join(target, name));
  }
  const list = files.map((name) => join(target, name)).join("\n");
  return `${list}\n${origins ? framed(origins) : SERVE}`;
}

const SERVE = `Serve this folder at /tokenward/, and vault.js with a Content-Security-Policy of its own whose
connect-src lists your provider and your resources.
`;

/** @param {string[]} origins of the application */
function framed(origins) {
  return `${SERVE}Serve frame.html with \`frame-ancestors ${origins.join(" ")}\`, callback.html with
\`frame-ancestors 'none'\`, and your pages with this origin in their frame-src.
`;
}

/**
 * The configuration in a file, which may be of the right shape; the vault judges all of it.
 *
 * @param {string} file
 * @returns {Promise<Record<string, any>>}
 */
async function read(file) {
  let config;
  try {
    config = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new Refusal(`${file} cannot be read as JSON: ${/** @type {Error} */ (error).message}`);
  }
  const problems = problemsOf(config);
  if (problems.length > 0) {
    throw new Refusal(`${file} is wrong, so nothing was written:\n- ${problems.join("\n- ")}`);
  }
  return config;
}

/**
 * Copies a script with the configuration in its first line. As a string: as an expression a member named
 * `__proto__` would be something else.
 *
 * @param {string} from
 * @param {string} to
 * @param {Record<string, any>} config
 */
async function bake(from, to, config) {
  const script = await readFile(from, "utf8");
  if (!script.startsWith(UNBAKED)) throw new Error(`${from} has no place for a configuration`);
  const text = JSON.stringify(JSON.stringify(config));
  await writeFile(to, `const TOKENWARD_CONFIG=${text};\n${script.slice(UNBAKED.length)}`);
}

/** @param {string} path */
async function isFolder(path) {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
