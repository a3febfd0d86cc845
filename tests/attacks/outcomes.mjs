// @ts-check
// What became of the attacks: results.json has it by browser and place, docs/threats.md is made from that.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { GIVES, LIMITS } from "./limits.mjs";

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
 * The kinds of columns: what each is called, and which cells it has.
 *
 * @type {[words: string, is: RegExp][]}
 */
const KINDS = [
  ["the default: in a worker, the refresh token in its memory alone", /\/(shared|worker)$/],
  ['`isolation: "origin"`', /\/origin$/],
  ['`isolation: "none"`', /\/none$/],
  ['`persistence: "sealed"`', / sealed$/],
  ['`persistence: "sealed-unbound"`', / sealed-unbound$/],
  ["`refreshCookie`, the vault at the page's origin", / cookie$/],
];

/**
 * @param {Results} known
 * @returns {string} a row of numbers for each kind of columns
 */
function numbers(known) {
  const rows = KINDS.map(([words, is]) => {
    const cells = Object.entries(known).filter(([cell]) => is.test(cell));
    const outcomes = cells.flatMap(([, some]) => Object.values(some));
    const scripts = new Set(cells.flatMap(([, some]) => Object.keys(some)));
    const count = (/** @type {(outcome: string) => boolean} */ test) =>
      outcomes.filter(test).length;
    const stopped = count((outcome) => outcome === "stopped");
    const gives = count((outcome) => GIVES.has(outcome));
    const limited = outcomes.length - stopped - gives;
    const counts = [cells.length, scripts.size, outcomes.length, stopped, limited, gives];
    return `| ${[words, ...counts].join(" | ")} |`;
  });
  const head =
    "| vault | columns | scripts | runs | stopped | limit, without a token | with a token |";
  return [head, `|${" --- |".repeat(7)}`, ...rows].join("\n");
}

/**
 * @param {Results} known
 * @returns {string} docs/threats.md
 */
export function render(known) {
  const cells = Object.keys(known).sort();
  const [usual = [], origin = [], none = [], bound = [], unbound = [], cookie = []] = KINDS.map(
    ([, is]) => cells.filter((cell) => is.test(cell)),
  );
  const seen = new Set(cells.flatMap((cell) => Object.values(known[cell] ?? {})));
  const limits = Object.entries(LIMITS).filter(([limit]) => seen.has(limit));
  return `# What script in the page can do

Made from what \`cargo xtask test --only attacks\` found: \`UPDATE_THREATS=1 cargo xtask test --only attacks\`.
Each row is a script in a page of an application, put there as an injection would put it, before the SDK
loads or after, with a server of the attacker's that the page's policy lets it reach. Somebody is signed in
there, calls an API and has tokens renewed; then access, refresh and ID tokens, code verifiers and the API key
are searched in all that the server received and all that the script's realm holds.

**Stopped** means: none of them was found, not a part of one in any common encoding, and the session is what
it was. Everything else has a name, says below what happens instead, and that is tested as well. *With a token* are
those by which the script has bytes of a token of the session: by default one alone, where an API gives away what it
was sent.

${numbers(known)}

## By default

${table(known, usual)}

## With the vault at an origin of its own

The application's vault is at another origin of its site (\`isolation: "origin"\`), behind a frame, with its
configuration, its storage and its redirect URIs there. What is about a vault of the page's own origin is not in the
table: its name, its shield, its worker.

${table(known, origin)}

What a script can do at the page's origin by default, and no longer with that:

${besides(known)}

## With the vault in the page

With \`isolation: "none"\` the vault runs among the page's own scripts. Nothing is promised there; this is what came of
scripts that were there before the SDK.

${table(known, none)}

## Where the refresh token is sealed in IndexedDB

With \`persistence: "sealed"\` and \`"sealed-unbound"\` something is stored that a script of the origin can use. What
reads and what listens ran with both, once in each engine, since a vault is in a worker as by default; so did what
is about the stored record, wherever a key can be kept.

${table(known, [...bound, ...unbound].sort())}

## Where a backend keeps the refresh token behind a cookie

With \`refreshCookie\`, and the vault at the page's origin, which the backend then serves. The same scripts with the vault
at an origin of its own are among the rows of that above.

${table(known, cookie)}

## What is not stopped

${limits.map(([limit, says]) => `- **${limit}**: ${says}`).join("\n")}

A dash stands where the browser has no such thing, or the place of the vault none.

One origin is one trust domain: other applications on it, and HTML that users supply, are inside. Extensions, developer
tools and malware on the device see what no library can hide (T40). What keeps script out of the page in the
first place is a Content-Security-Policy without inline script and with Trusted Types.
`;
}
