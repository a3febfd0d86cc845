// @ts-check
// ID tokens are believed once the provider's own keys say so: keys that are there, are new, are away, and
// a token that was changed on its way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { suite } from "./harness/suite.mjs";
import { assertAuthErrorInfo, eventually } from "./harness/tab.mjs";

const e2e = suite();
const me = () => `${e2e.servers.api}/me`;
const keyFetches = () => e2e.servers.direct.provider.counters.of().jwks;

/** Keys that nobody gets; browsers send again by themselves what broke. */
const AWAY = /** @type {const} */ ({ step: "keys", drop: true, count: 20 });

test("a sign-in is verified with the provider's keys, old and new (id4, jw7)", async () => {
  const app = await e2e.application();
  const before = keyFetches();
  const tab = await app.openSignedIn();
  assert.equal((await tab.state()).claims.sub, "alice");
  assert.ok(keyFetches() > before, "its keys were fetched");
  await app.keepVault();
  await e2e.servers.direct.provider.rotateKeys();
  const known = keyFetches();
  await app.signInAgain(tab);
  await tab.ready();
  assert.equal((await tab.state()).status, "signedIn");
  assert.ok(keyFetches() > known, "the new key was fetched");
  assert.equal((await tab.call(me())).status, 200);
});

test("a renewed ID token is verified with keys that were rotated meanwhile (jw7)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  for (const _ of [1, 2]) {
    const { iat } = (await tab.state()).claims;
    await e2e.servers.direct.provider.rotateKeys();
    const before = keyFetches();
    // Times are told in whole seconds.
    await eventually("the next second", async () => Date.now() / 1000 > iat + 1);
    app.refuseTokens();
    assert.equal((await tab.call(me())).status, 200);
    const { claims, degraded } = await tab.state();
    const fetched = keyFetches() - before;
    assert.ok(fetched <= 1, "one fetch a minute for keys that are not known");
    if (fetched === 1) assert.ok(claims.iat > iat, "the claims are those of the new token");
    else assert.equal(claims.iat, iat, "without its key, the claims stay");
    assert.equal(degraded, undefined);
  }
});

test("a sign-in whose ID token was changed on its way is refused, the session before it stays (id4, t24)", async () => {
  // By hand, so that the page has its session when the callback comes.
  const app = await e2e.application({ options: { callback: "manual" } });
  const tab = await app.open();
  await app.keepVault();
  await tab.toLogin();
  await tab.submitLogin();
  assert.equal(await deliver(tab), null);
  await app.signInAgain(tab);
  const before = await tab.untilStatus("signedIn");
  app.planFault({ grantType: "authorization_code", spoil: "forge" });
  assertAuthErrorInfo(await deliver(tab), "id_token_invalid", /signature/);
  const { status, claims } = await tab.state();
  assert.deepEqual([status, claims], ["signedIn", before.claims]);
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 200, "it is renewed as ever");
});

test("a refresh whose ID token was changed on its way ends the session (rf11)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  app.planFault({ grantType: "refresh_token", spoil: "forge" });
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 401);
  const { status, reason, error } = await tab.state();
  assert.deepEqual([status, reason], ["signedOut", "session_ended"]);
  assertAuthErrorInfo(error, "id_token_invalid", /signature/);
  await eventually("the revocation", async () => app.counts().revocations === 1);
});

test("without the provider's keys a sign-in fails for now, and what was issued is revoked", async () => {
  const app = await e2e.application();
  const tab = await app.open();
  await tab.ready();
  e2e.servers.direct.provider.faults.plan(AWAY);
  await tab.toLogin();
  await tab.submitLogin();
  const { reason, error } = await tab.untilStatus("signedOut");
  assert.equal(reason, "callback_failed");
  assertAuthErrorInfo(error, "keys_unavailable", /keys/);
  assert.equal(error.retryable, true);
  await eventually("the revocation", async () => app.counts().revocations === 1);
  e2e.servers.direct.provider.faults.clear();
  await app.signInAgain(tab);
  await tab.untilStatus("signedIn");
});

test("without the provider's keys a refresh keeps the session, and the claims verified last", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const before = await tab.state();
  await e2e.servers.direct.provider.rotateKeys();
  e2e.servers.direct.provider.faults.plan(AWAY);
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 200, "with the new access token");
  const { status, claims, degraded } = await tab.state();
  assert.deepEqual([status, claims, degraded], ["signedIn", before.claims, undefined]);
  e2e.servers.direct.provider.faults.clear();
  app.refuseTokens();
  assert.equal((await tab.call(me())).status, 200, "and the new refresh token after it");
  assert.deepEqual([app.counts().refreshesSucceeded, app.counts().reuses], [2, 0]);
});

/**
 * Brings the callback that the page is at to its client.
 *
 * @param {import("./harness/tab.mjs").Tab} tab
 * @returns {Promise<any>} why it was refused, if it was
 */
function deliver(tab) {
  return tab.run((auth) =>
    auth.handleCallback(location.href).then(
      () => null,
      (/** @type {any} */ error) => ({ ...error, message: error.message }),
    ),
  );
}
