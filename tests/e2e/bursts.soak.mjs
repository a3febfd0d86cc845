// @ts-check
// Too long for every run: 20 tabs of 20 calls a second through 60 expiries, in Chromium.
import { test } from "node:test";
import { burst } from "./harness/bursts.mjs";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";

const e2e = suite();
const isHere = e2e.engine.name === "chromium" && place.isolates;
const inChromium = isHere ? {} : { skip: "shown in Chromium, where the vault is in a worker" };
const tabs = Number(process.env.TOKENWARD_SOAK_TABS || 20);
const expiries = Number(process.env.TOKENWARD_SOAK_EXPIRIES || 60);

test(`${tabs} tabs of 20 calls a second through ${expiries} expiries: each is one refresh, and no call fails`, {
  ...inChromium,
  timeout: 1_200_000,
}, async (t) => {
  t.diagnostic(JSON.stringify(await burst(e2e, { tabs, expiries })));
});
