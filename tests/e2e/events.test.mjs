// @ts-check
// What the application can learn of its session: events with times and reasons, as they happen and
// afterwards.
import assert from "node:assert/strict";
import { test } from "node:test";
import { killVaults, MORTAL_URL } from "./harness/mortal.mjs";
import { inShared, once, place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";

const e2e = suite();
const me = () => `${e2e.servers.api}/me`;
const types = (/** @type {{ type: string }[]} */ events) => events.map(({ type }) => type);

test(
  "a session tells of itself: signed in, degraded, recovered, refreshed, ended",
  once,
  async () => {
    const begun = Date.now();
    const app = await e2e.application({ page: { listens: true } });
    const tab = await app.openSignedIn();
    app.planFault({ grantType: "refresh_token", status: 503, body: "down" });
    app.refuseTokens();
    assert.equal((await tab.call(me())).status, 401);
    // Not when the provider has issued it: that token is to be there before it is refused.
    await tab.until("the next refresh", () =>
      window.tw.events.some(({ type }) => type === "recovered"),
    );
    app.refuseTokens();
    assert.equal((await tab.call(me())).status, 200);
    e2e.servers.direct.provider.revokeGrants({ clientId: app.clientId });
    app.refuseTokens();
    assert.equal((await tab.call(me())).status, 401);

    const expected = ["signedIn", "degraded", "recovered", "refreshed", "ended"];
    await tab.until("every event", (_, n) => window.tw.events.length === n, expected.length);
    const events = /** @type {any[]} */ (await tab.run(() => window.tw.events));
    assert.deepEqual(types(events), expected);
    assert.deepEqual(await tab.run((auth) => auth.diagnostics()), events, "the same afterwards");

    const [signedIn, degraded, recovered, refreshed, ended] = events;
    for (const { serial, at, tookMs } of events) {
      assert.equal(serial, events.findIndex((event) => event.serial === serial) + 1);
      assert.ok(at >= begun && at <= Date.now() && tookMs >= 0 && tookMs < 10_000);
    }
    for (const { lifeMs } of [signedIn, recovered, refreshed]) assert.equal(lifeMs, 300_000);
    assert.equal(degraded.error.code, "provider_answer_invalid");
    assert.deepEqual([degraded.attempt, recovered.attempt, refreshed.attempt], [1, 2, 1]);
    assert.ok(degraded.nextAt > degraded.at && refreshed.nextAt > refreshed.at);
    assert.equal(ended.reason, "session_ended");
    assert.equal(ended.error.oauthError, "invalid_grant");
    assert.equal(ended.nextAt, undefined);
  },
);

test(
  "a second tab hears what its vault does, and a listener that left hears nothing",
  once,
  async () => {
    const app = await e2e.application({ page: { listens: true } });
    const first = await app.openSignedIn();
    const second = await app.openTabSignedIn();
    await second.run((auth) => {
      window.tw.left = [];
      const stop = auth.onEvent((/** @type {unknown} */ event) => window.tw.left.push(event));
      stop();
    });
    const before = (await second.run(() => window.tw.events)).length;
    app.refuseTokens();
    assert.equal((await first.call(me())).status, 200);
    await first.until("the event", () => window.tw.events.at(-1)?.type === "refreshed");
    if (place.sharesTabs) {
      await second.until("the event", () => window.tw.events.at(-1)?.type === "refreshed");
    } else {
      assert.equal((await second.run(() => window.tw.events)).length, before);
    }
    assert.deepEqual(await second.run(() => window.tw.left), []);
    const kept = await second.run((auth) => auth.diagnostics());
    assert.equal(types(kept).includes("refreshed"), place.sharesTabs);
  },
);

test("the vault after a crash tells of its own: restored", inShared, async () => {
  const app = await e2e.application({
    page: { listens: true },
    options: { vaultUrl: MORTAL_URL },
  });
  const tab = await app.openSignedIn();
  await killVaults(tab);
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  const [event, ...more] = /** @type {any[]} */ (await tab.run((auth) => auth.diagnostics()));
  assert.equal(event.type, "restored");
  assert.equal(event.lifeMs, 300_000);
  assert.deepEqual(more, []);
  await tab.until("the event", () => window.tw.events.length === 1);
});
