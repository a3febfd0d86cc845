// @ts-check
// The same scripts in a page that has the vault in itself (`isolation: "none"`): nothing is promised there, and each
// outcome is asserted as it is. Columns of their own, once in each engine.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inShared } from "../e2e/harness/place.mjs";
import { ECHO, ENDS, HEARD_IN_PAGE, HEARS, PATCHES, READS, USES } from "./attacks.mjs";
import * as stage from "./harness.mjs";

const { e2e } = stage;
const CELL = `${e2e.engine.name}/none`;

/** @param {{ first?: string[], page?: Record<string, unknown> }} [wanted] */
function application(wanted = {}) {
  const { api, issuer } = e2e.servers;
  // The page's own policy must allow what the vault does.
  return stage.application({
    ...wanted,
    connects: [api, issuer],
    options: { isolation: "none" },
  });
}

test("replaced functions hear what passes in a page with its vault (t20)", inShared, async (t) => {
  /** @type {Map<string, string>} */
  const problems = new Map();
  const early = await application({ first: ["/attacks/spying.js"] });
  const tab = await early.openSignedIn();
  await stage.live(early, tab);
  const found = await stage.heard(PATCHES, problems, early, tab, [], true);

  const attacks = PATCHES.map(({ name }) =>
    HEARD_IN_PAGE.includes(stage.short(name)) ? { name, limit: "hears what passes" } : { name },
  );
  for (const { name, limit } of /** @type {stage.Attack[]} */ (attacks)) {
    const hits = found.get(stage.short(name)) ?? [];
    if (hits.length > 0 !== (limit !== undefined)) problems.set(name, `it heard: ${hits}`);
  }
  await stage.judge(t, attacks, problems, CELL);
});

/** With a hand on the vault's memory from before it started. */
const MEMORY = "starts the vault's module in the page and searches its memory (t21, st3)";

test("what can be read beside a vault in the page, and its memory (t1)", inShared, async (t) => {
  const { api, other, issuer } = e2e.servers;
  const app = await application({ first: ["/attacks/memory.js"], page: { listens: true } });
  const tab = await app.openSignedIn();
  const key = await stage.handIn(tab);
  // Without a worker there is no shield.
  const attacks = READS.filter(({ name }) => name !== MEMORY && !name.includes("the shield"));
  const words = stage.canaries(attacks.map(({ name }) => stage.short(name)));
  await stage.attack(tab, "reads.js", "listen", [`tokenward/${issuer}/${app.clientId}`], words);
  await stage.live(app, tab);
  const given = { api, other, config: "{}", modules: ["/pkg/index.js", "/pkg/callback.js"] };
  const threw = await stage.attack(tab, "reads.js", "readAll", words, given);
  await stage.live(app, tab);
  const sought = [...app.tokens(), key, ...stage.verifiers(app)];
  const { ran, problems } = stage.judgeReads(attacks, words, threw, await stage.hoard(tab), sought);

  const what = stage.short(MEMORY);
  const count = await stage.attack(tab, "memory.js", "search", what);
  const kinds = new Set(stage.stolen(await stage.hoard(tab), app.tokens()).get(what));
  const read = [...kinds].map((hit) => hit.split(" ")[0]);
  if (!read.includes("access") || !read.includes("refresh")) {
    problems.set(MEMORY, JSON.stringify([count, [...kinds]]));
  }
  const memory = { name: MEMORY, limit: "reads the vault's memory" };
  await stage.judge(t, [...ran, memory], problems, CELL);
  await stage.assertUnharmed(tab);
});

test("a script uses the session of a vault in the page (t4)", inShared, async (t) => {
  const { api } = e2e.servers;
  const app = await application();
  const tab = await app.openSignedIn();
  /** @type {Map<string, string>} */
  const problems = new Map();
  /** @param {stage.Attack} attack @param {string} name @param {unknown[]} given */
  const run = (attack, name, ...given) =>
    stage.attack(tab, "limits.js", name, stage.short(attack.name), ...given);

  const used = await run(USES, "useSession", `${api}/me`);
  if (used[0] !== 200 || !used[1].includes("alice")) problems.set(USES.name, JSON.stringify(used));
  await run(HEARS, "hearHandIn");
  const key = await stage.handIn(tab);
  const hears = stage.stolen(await stage.hoard(tab), [key]);
  if (!hears.has(stage.short(HEARS.name))) problems.set(HEARS.name, "it heard nothing");
  const status = await run(ECHO, "readDownload", `${api}/reflect/download`);
  const echoed = stage.stolen(await stage.hoard(tab), app.tokens("access"));
  if (!echoed.has(stage.short(ECHO.name))) problems.set(ECHO.name, `${status}`);
  assert.equal(stage.stolen(await stage.hoard(tab), app.tokens("refresh,id")).size, 0);
  const ended = await run(ENDS, "signOut");
  if (ended !== "signedOut") problems.set(ENDS.name, ended);
  await stage.judge(t, [USES, HEARS, ECHO, ENDS], problems, CELL);
});
