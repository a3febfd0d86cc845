// @ts-check
// What became of the attacks: results.json has it by browser and place, docs/threats.md is made from that.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { LIMITS } from "./limits.mjs";

const RESULTS = fileURLToPath(new URL("results.json", import.meta.url));
export const PAGE = fileURLToPath(new URL("../../docs/threats.md", import.meta.url));

/** @typedef {Record<string, string>} Outcomes by the attack's name */
/** @typedef {Record<string, Outcomes>} Results by cell */

/** @returns {Promise<Results>} */
export async function results() {
  return JSON.parse(await readFile(RESULTS, "utf8"));
}

/**
 * Holds outcomes to those that are known, and to docs/threats.md; with UPDATE_THREATS makes both anew.
 *
 * @param {string} cell
 * @param {Outcomes} outcomes of some of the cell's attacks
 */
export async function publish(cell, outcomes) {
  const known = await results();
  if (process.env.UPDATE_THREATS) {
    known[cell] = sorted({ ...known[cell], ...outcomes });
    await writeResults(known);
  }
  for (const [name, outcome] of Object.entries(outcomes)) {
    assert.equal(known[cell]?.[name], outcome, `${name}: run with UPDATE_THREATS=1`);
  }
  assert.equal(await readFile(PAGE, "utf8"), render(known), "docs/threats.md has drifted");
}

/** @param {Results} known */
export async function writeResults(known) {
  await writeFile(RESULTS, `${JSON.stringify(sorted(known), undefined, 2)}\n`);
  await writeFile(PAGE, render(known));
}

/**
 * @template T
 * @param {Record<string, T>} record
 * @returns {Record<string, T>}
 */
function sorted(record) {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * @param {Results} known
 * @returns {string} a line for each attack that is stopped with an origin of its own, and not without
 */
function besides(known) {
  const cells = Object.keys(known).filter((cell) => cell.endsWith("/origin"));
  const lines = new Set();
  for (const cell of cells) {
    const without = known[cell.replace("origin", "shared")] ?? {};
    for (const [name, outcome] of Object.entries(known[cell] ?? {})) {
      const limit = without[name];
      if (outcome === "stopped" && limit && limit !== "stopped") {
        lines.add(`- ${name.replace(/ \([^)]*\)$/, "")} (${limit})`);
      }
    }
  }
  return [...lines].sort().join("\n");
}

/**
 * @param {Results} known
 * @param {string[]} cells
 * @returns {string} a row for each attack of these cells
 */
function table(known, cells) {
  const names = [...new Set(cells.flatMap((cell) => Object.keys(known[cell] ?? {})))].sort();
  const row = (/** @type {string[]} */ columns) => `| ${columns.join(" | ")} |`;
  const word = (/** @type {string | undefined} */ outcome) =>
    !outcome ? "–" : outcome === "stopped" ? outcome : `**${outcome}**`;
  const rows = names.map((name) => {
    const [, what = name, ids = ""] = /^(.*) \(([^)]*)\)$/.exec(name) ?? [];
    return row([what, ids.toUpperCase(), ...cells.map((cell) => word(known[cell]?.[name]))]);
  });
  const head = [
    row(["a script that…", "ids", ...cells]),
    row(["---", "---", ...cells.map(() => "---")]),
  ];
  return [...head, ...rows].join("\n");
}

/**
 * @param {Results} known
 * @returns {string} docs/threats.md
 */
export function render(known) {
  const cells = Object.keys(known).sort();
  // What is not the default persistence stands behind the place.
  const usual = cells.filter((cell) => !cell.includes(" "));
  const sealed = cells.filter((cell) => cell.includes(" "));
  const outcomesOf = (/** @type {string[]} */ some) =>
    some.flatMap((cell) => Object.values(known[cell] ?? {}));
  const stoppedOf = (/** @type {string[]} */ some) => {
    const all = outcomesOf(some);
    return `${all.filter((outcome) => outcome === "stopped").length} times of ${all.length}`;
  };
  const seen = new Set(outcomesOf(cells));
  const limits = Object.entries(LIMITS).filter(([limit]) => seen.has(limit));
  const words = ["sealed", "sealed-unbound"].map((word) => {
    return `with \`"${word}"\` ${stoppedOf(sealed.filter((cell) => cell.endsWith(` ${word}`)))}`;
  });
  return `# What script in the page can do

Made from what \`cargo xtask test --only attacks\` found: \`UPDATE_THREATS=1 cargo xtask test --only attacks\`.
Each row is a script in a page of an application, put there as an injection would put it, before the SDK
loads or after, with a server of the attacker's that the page's policy lets it reach. Somebody is signed in
there, calls an API and has tokens renewed; then access, refresh and ID tokens, code verifiers and the API key
are searched in all that the server received and all that the script's realm holds.

**Stopped** means: none of them was found, not a part of one in any common encoding, and the session is what
it was. It was that ${stoppedOf(usual)}. Everything else has a name, says what happens instead, and that is
tested as well.

${table(known, usual)}

## Where the refresh token is sealed in IndexedDB

With \`persistence: "sealed"\` and \`"sealed-unbound"\` something is stored that a script of the origin can use. These
rows are about that alone; for the rest the table above holds. Stopped was a script here ${words.join(", ")}.

${table(known, sealed)}

## What an origin of its own stops besides

The columns \`…/origin\` are of an application whose vault is at another origin of its site (\`isolation:
"origin"\`), behind a frame, with its configuration, its storage and its redirect URIs there. A dash stands there also
for what is about a vault of the page's own origin: its name, its shield, its worker. What a script can do at the
page's origin, and no longer with that:

${besides(known)}

## What is not stopped

${limits.map(([limit, says]) => `- **${limit}**: ${says}`).join("\n")}

A dash stands where the browser has no such thing, or the place of the vault none.

One origin is one trust domain: other applications on it, and HTML that users supply, are inside. Extensions, developer
tools and malware on the device see what no library can hide (T40). What keeps script out of the page in the
first place is a Content-Security-Policy without inline script and with Trusted Types. With \`isolation:
"none"\` nothing of this table holds.
`;
}
