// @ts-check
// One expiry, one refresh, however many calls and tabs: five tabs through six expiries. The long one is
// bursts.soak.mjs.
import { test } from "node:test";
import { burst } from "./harness/bursts.mjs";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";

const e2e = suite();
/** A vault in the page does what one in a worker of the page's own does. */
const inWorkers = place.isolates ? {} : { skip: "shown where the vault is in a worker" };

test("5 tabs of 20 calls a second through 6 expiries: each is one refresh, and no call fails (rf1, rf2)", {
  ...inWorkers,
  timeout: 120_000,
}, async (t) => {
  t.diagnostic(JSON.stringify(await burst(e2e, { tabs: 5, expiries: 6 })));
});
