// @ts-check
// Too long for every run: ten-second tokens for TOKENWARD_SOAK_MINUTES (10 unless told), with calls
// from three tabs, reloads and a slow provider in between.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";

const e2e = suite();
const minutes = Number(process.env.TOKENWARD_SOAK_MINUTES || 10);

test(`${minutes} minutes of short tokens, calls and reloads end no session`, async () => {
  const app = await e2e.application({ provider: { accessTokenTtl: 10 } });
  const tabs = [await app.openSignedIn()];
  if (place.outlivesPage) tabs.push(await app.openTab(), await app.openTab());
  const end = Date.now() + minutes * 60_000;
  let calls = 0;
  for (let round = 1; Date.now() < end; round += 1) {
    for (const tab of tabs) {
      const statuses = await tab.run(
        (auth, url) =>
          Promise.all(
            Array.from({ length: 20 }, async () => {
              const response = await auth.fetch(url);
              await response.text();
              return response.status;
            }),
          ),
        `${e2e.servers.api}/me`,
      );
      assert.deepEqual(new Set(statuses), new Set([200]), `round ${round}`);
      calls += statuses.length;
    }
    // A slow provider, which no call may notice: it answers before the old token has expired.
    if (round % 5 === 0) app.planFault({ grantType: "refresh_token", delayMs: 500 });
    if (round % 7 === 0 && place.outlivesPage) await tabs[1]?.driver.navigate().refresh();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const { reuses, refreshesSucceeded, codeRequests } = app.counts();
  assert.deepEqual([reuses, codeRequests], [0, 1]);
  assert.ok(refreshesSucceeded >= minutes * 5, `${refreshesSucceeded} refreshes`);
  assert.ok(
    app.calls().every(({ status }) => status === 200),
    "a call went out with an old token",
  );
  assert.ok(calls > 0);
});

// More than about 1,300 requests at once is more than one process of Chromium takes, with or without us.
for (const round of [1, 2, 3, 4, 5]) {
  test(`1,200 calls at once on refused tokens, round ${round}`, async () => {
    const app = await e2e.application();
    const tab = await app.openSignedIn();
    app.refuseTokens();
    const failed = await tab.run(async (auth, url) => {
      const one = async () => {
        const response = await auth.fetch(url);
        await response.text();
        return response.status;
      };
      const calls = await Promise.allSettled(Array.from({ length: 1200 }, one));
      return calls.filter((call) => call.status !== "fulfilled" || call.value !== 200).length;
    }, `${e2e.servers.api}/me`);
    assert.equal(failed, 0);
    const { refreshRequests, reuses } = app.counts();
    assert.deepEqual([refreshRequests, reuses], [1, 0]);
  });
}
