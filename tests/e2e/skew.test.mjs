// @ts-check
// A new deployment while tabs of the old one are open: the newer build's vault takes over, the older one
// finishes what is under way and ends, and nobody notices.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { eventually } from "./harness/tab.mjs";

const e2e = suite();

const sharesVault = place.sharesTabs
  ? {}
  : { skip: "a vault that a page has for itself goes with that page" };

test(
  "a newer build's vault takes over from an older one, and no call fails",
  sharesVault,
  async () => {
    const { api } = e2e.servers;
    const app = await e2e.application({ provider: { accessTokenTtl: 4 } });
    // A page without settings has no client, so no vault.
    const bare = await e2e.newTab();
    await bare.go(`${e2e.servers.app}/c/nobody/`);
    const others = await vaultLocks(bare);
    const old = await app.openSignedIn();
    const [lock] = (await vaultLocks(old)).filter((name) => !others.includes(name));
    assert.ok(lock, "the old vault holds a lock");

    // Under way for as long as the test holds it, with its body.
    await old.run((auth, url) => {
      window.tw.calls = [];
      window.tw.slow = auth
        .fetch(url)
        .then((/** @type {Response} */ response) => response.text())
        .catch(String);
      window.tw.every = setInterval(() => {
        window.tw.calls.push(
          auth.fetch(`${new URL(url).origin}/me`).then(
            // To its end: a body that nobody reads is under way.
            (/** @type {Response} */ response) => response.text().then(() => response.status),
            String,
          ),
        );
      }, 200);
    }, `${api}/stream?chunks=30&delay=200`);

    await e2e.deploy("feedfacefeedface");
    const fresh = await app.openTab();
    await app.untilSignedIn(fresh);
    assert.equal((await fresh.call(`${api}/me`)).status, 200);

    await eventually("the end of the old vault", async () => {
      return !(await vaultLocks(fresh)).includes(lock);
    });
    const text = await old.run(() => window.tw.slow);
    assert.match(text, /chunk 29/, "what was under way was finished");
    const outcomes = await old.run(() => {
      clearInterval(window.tw.every);
      return Promise.all(window.tw.calls);
    });
    // Firefox lets a tab in the background do something once a second.
    assert.ok(outcomes.length > 3, `${outcomes.length} calls`);
    assert.deepEqual(
      outcomes.filter((/** @type {unknown} */ outcome) => outcome !== 200),
      [],
    );

    const left = (await vaultLocks(fresh)).filter((name) => !others.includes(name));
    assert.equal(left.length, 1, "one vault for both");

    // And one session: it is renewed once for both, and ends for both.
    assert.equal((await old.state()).status, "signedIn");
    const { refreshesSucceeded } = app.counts();
    app.refuseTokens();
    assert.equal((await old.call(`${api}/me`)).status, 200);
    assert.equal((await fresh.call(`${api}/me`)).status, 200);
    assert.ok(app.counts().refreshesSucceeded > refreshesSucceeded);
    assert.equal(app.counts().reuses, 0, "a refresh token was sent twice");
    await old.run((auth) => auth.signOut({ local: true }));
    await fresh.untilSignedOut("signed_out");
  },
);

/**
 * The locks that vaults of this origin hold while they live.
 *
 * @param {import("./harness/tab.mjs").Tab} tab
 * @returns {Promise<string[]>}
 */
function vaultLocks(tab) {
  return tab.run(async () => {
    const { held = [] } = await navigator.locks.query();
    return held.map(({ name }) => String(name)).filter((name) => /^tokenward\/vault\//.test(name));
  });
}
