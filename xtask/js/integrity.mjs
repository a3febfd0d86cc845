// @ts-check
/**
 * Writes `integrity.json` into a package: `node xtask/js/integrity.mjs <folder> <version> <build>`.
 *
 * For each file that a browser loads it has the SHA-384 as subresource integrity wants it.
 */

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const [folder = "", version, build] = process.argv.slice(2);
/** @type {Record<string, string>} */
const files = {};
const names = (await readdir(folder)).filter((name) => /\.(js|html)$/.test(name));
for (const name of names.sort()) {
  const content = await readFile(join(folder, name));
  files[name] = `sha384-${createHash("sha384").update(content).digest("base64")}`;
}
const text = JSON.stringify({ version, build, files }, null, 2);
await writeFile(join(folder, "integrity.json"), `${text}\n`);
