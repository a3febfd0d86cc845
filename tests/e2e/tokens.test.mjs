// @ts-check
// Invariant 1: no token that the provider issued is within the page's reach, at any time. And the
// same search finds a token that is leaked on purpose, wherever it is put.
import assert from "node:assert/strict";
import { test } from "node:test";
import { killVaults, MORTAL_URL } from "./harness/mortal.mjs";
import { inShared, place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { eventually } from "./harness/tab.mjs";
import { byPlace, search } from "./harness/token-search.mjs";
import { clean, failures, LEAKS } from "./harness/token-steps.mjs";

const e2e = suite();

test("no token is in the page's reach, from sign-in to sign-out (st1, st2, st9, t1, t23)", async () => {
  const { api, other } = e2e.servers;
  const app = await e2e.application({
    page: { watched: true, listens: true },
    options: {
      resources: [{ origin: api }, { origin: "http://localhost:1" }],
      vaultUrl: MORTAL_URL,
    },
  });
  const { keeper, tab } = await openWatched(app);
  await tab.ready();
  await collect(tab);

  await signInSlowly(app, tab);
  await callInAllWays(app, tab);
  await refreshWithHostileError(app, tab);

  const outcomes = await tab.run(failures, api, other);
  const failed = outcomes.filter((/** @type {string} */ outcome) => !outcome.startsWith("came"));
  assert.ok(failed.length >= 13, outcomes.join());
  await collect(tab);

  await app.keepVault();
  await tab.go(app.base);
  await tab.until("the page after a reload", (auth) => auth?.state.status === "signedIn");
  await collect(tab);

  // A vault that is gone, and a session that the provider restores.
  if (place.sharesTabs) await killVaults(tab);
  await tab.go(app.base);
  await tab.until("the restored session", (auth) => auth?.state.restoredBy === "redirect");
  await collect(tab);

  // A second sign-in replaces the first session; then the end, here and at the provider.
  await tab.toLogin({ prompt: "login" });
  await tab.submitLogin();
  await tab.untilStatus("signedIn");
  await collect(tab);
  await tab.run((auth) => auth.signOut({ local: true }));
  await tab.until("the event", () => window.tw.events.some(({ type }) => type === "ended"));
  await collect(tab);
  await app.signInAgain(tab);
  await tab.untilStatus("signedIn");
  await tab.run((auth) => void auth.signOut());
  await tab.untilUrl("the page after the logout", app.isHome);
  await tab.until("signed out", (auth) => auth?.state.status === "signedOut");
  await tab.run(callAndNote, `${api}/me`);
  await collect(tab);

  const seen = await kept(keeper);
  for (const line of await e2e.engine.consoleLines(e2e.driver)) seen.push("console of all", line);
  const tokens = app.tokens();
  for (const kind of ["access", "refresh", "id"]) {
    assert.ok(tokens.filter((token) => token.kind === kind).length >= 2, `few ${kind} tokens`);
  }
  const places = byPlace(seen);
  const expected = ["message received", "message sent", "client", "state", "error", "events"];
  if (place.target) expected.push("worker");
  for (const name of [...expected, "console", "performance", "locks", "document"]) {
    assert.ok(places.get(name)?.length, `nothing was seen of: ${name}`);
  }
  const events = places.get("events")?.join() ?? "";
  for (const type of ["signedIn", "refreshed", "degraded", "ended"]) {
    assert.ok(events.includes(type), `the page heard of no event of the type ${type}`);
  }
  assert.deepEqual(search(seen, tokens), []);
  assert.equal(places.get("cookie written"), undefined);
});

test("the search finds a token that is leaked on purpose, in every place", inShared, async (t) => {
  const app = await e2e.application({
    page: { watched: true },
    options: { allowTokenExport: true },
  });
  const { keeper, tab } = await openWatched(app);
  await tab.signIn();
  await tab.run(clean);
  for (const [name, place, put] of LEAKS) {
    // What was seen of the export itself is forgotten: only the leak may be found.
    const outcome = await tab.run(`async (auth) => {
      const token = await auth.exportAccessToken();
      window.tw.forget();
      return (await (${put})(token, auth)) === "absent";
    }`);
    assert.equal(outcome, place in e2e.engine.lacks, `${place}: ${e2e.engine.lacks[place]}`);
    if (outcome) {
      t.diagnostic(`not looked for in ${place}: ${e2e.engine.lacks[place]}`);
      continue;
    }
    await collect(tab);
    const places = search(await kept(keeper), app.tokens()).map((hit) => hit.place);
    assert.ok(places.includes(place), `${name}: found in ${places.join() || "no place"}`);

    await tab.run(clean);
    await collect(tab);
    assert.deepEqual(search(await kept(keeper), app.tokens()), [], `${name}, taken away`);
  }
});

/**
 * Opens a page of the application from a page that keeps what it sees over its navigations.
 *
 * @param {import("./harness/suite.mjs").Application} app
 */
async function openWatched(app) {
  const keeper = e2e.tab();
  // No client has these settings: the page stays empty and only keeps.
  await keeper.go(`${e2e.servers.app}/c/keeper/`);
  await keeper.untilStarted();
  const before = await e2e.driver.getAllWindowHandles();
  await keeper.run((_, url) => void window.open(url), app.base);
  const tab = e2e.tab();
  tab.handle = await eventually("the watched page", async () => {
    const handles = await e2e.driver.getAllWindowHandles();
    return handles.find((handle) => !before.includes(handle)) ?? "";
  });
  await tab.untilUrl("the watched page", (url) => url === app.base);
  await tab.until("its client", () => window.tw?.auth !== undefined);
  return { keeper, tab };
}

/**
 * Signs in, and looks while the code's answer is on its way and after it came.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 */
async function signInSlowly(app, tab) {
  const { faults } = e2e.servers.direct.provider;
  app.planFault({ grantType: "authorization_code", hold: true });
  await tab.toLogin({ returnTo: "/somewhere" });
  await tab.submitLogin();
  await tab.untilStatus("signingIn");
  await eventually("the code at the provider", async () => faults.held === 1);
  await collect(tab);
  faults.release();
  await tab.untilStatus("signedIn");
  await collect(tab);
}

/**
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 */
async function callInAllWays(app, tab) {
  const { api } = e2e.servers;
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  assert.equal((await tab.call(`${api}/status/403`)).status, 403);
  assert.equal((await tab.call(`${api}/stream?chunks=3`)).status, 200);
  assert.equal((await tab.call(`${api}/echo`, { method: "POST", body: "b" })).status, 200);
  app.refuseTokens();
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  assert.equal(app.counts().refreshesSucceeded, 1);
  await collect(tab);
}

/**
 * The provider repeats every token in an error that the page will hear of.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {import("./harness/tab.mjs").Tab} tab
 */
async function refreshWithHostileError(app, tab) {
  const all = [...app.tokens("refresh"), ...app.tokens()].map(({ token }) => token).join(" ");
  const body = { error: "server_error", error_description: all, error_uri: all };
  app.planFault({ grantType: "refresh_token", status: 500, body });
  const { faults } = app.counts();
  app.refuseTokens();
  await tab.run(callAndNote, `${e2e.servers.api}/me`);
  assert.equal(app.counts().faults, faults + 1);
  await collect(tab);
}

/** @param {import("./harness/tab.mjs").Tab} tab */
function collect(tab) {
  return tab.run(() => window.tw.collect?.());
}

/**
 * @param {import("./harness/tab.mjs").Tab} keeper
 * @returns {Promise<string[]>}
 */
function kept(keeper) {
  return keeper.run(() => window.tw.kept);
}

/** In the page: a call whose error is looked at closely. */
const callAndNote = (/** @type {any} */ auth, /** @type {string} */ url) =>
  auth.fetch(url).then(
    (/** @type {Response} */ response) => response.status,
    (/** @type {unknown} */ error) => window.tw.note("error", error),
  );
