// @ts-check
// docs/threats.md says what was found, of attacks that are there, and nothing else.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { LIMITS } from "../attacks/limits.mjs";
import { PAGE, render, results } from "../attacks/outcomes.mjs";

test("docs/threats.md has every attack, and no other", async () => {
  const known = await results();
  assert.equal(readFileSync(PAGE, "utf8"), render(known), "docs/threats.md has drifted");
  const folder = new URL("../attacks/", import.meta.url);
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith(".test.mjs") || name === "attacks.mjs")
    .map((name) => readFileSync(new URL(name, folder), "utf8"))
    .join("\n");
  const outcomes = Object.values(known).flatMap((cell) => Object.entries(cell));
  for (const [name, outcome] of outcomes) {
    assert.ok(sources.includes(`"${name}"`), `no test has the attack "${name}"`);
    assert.ok(outcome === "stopped" || outcome in LIMITS, `${name}: ${outcome}`);
  }
  const names = new Set(outcomes.map(([name]) => name));
  assert.ok(names.size >= 40, `${names.size} attacks`);
  for (const limit of Object.keys(LIMITS)) {
    assert.ok(
      outcomes.some(([, outcome]) => outcome === limit),
      `nothing comes to "${limit}"`,
    );
  }
});
