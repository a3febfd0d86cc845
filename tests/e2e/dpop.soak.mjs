// @ts-check
// Too long for every run: a hundred refreshes of bound tokens, some second apart each.
import { test } from "node:test";
import { refreshBound } from "./harness/proofs.mjs";
import { suite } from "./harness/suite.mjs";

const e2e = suite();

test("a hundred refreshes have one key (rf9, dp5)", { timeout: 400_000 }, async () => {
  await refreshBound(e2e, 100);
});
