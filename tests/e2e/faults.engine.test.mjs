// @ts-check
// The fault matrix: each fault at each step, with its outcome. A session survives every cell but those
// in which the provider ended it. docs/faults.md is the table, and is held to it.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { MATRIX, render, STEPS } from "./harness/faults.mjs";
import { suite } from "./harness/suite.mjs";
import { eventually } from "./harness/tab.mjs";

/** @typedef {import("./harness/suite.mjs").Application} Application */
/** @typedef {import("./harness/tab.mjs").Tab} Tab */
/** @typedef {import("./harness/faults.mjs").Step} Step */
/** @typedef {import("./harness/faults.mjs").Row} Row */

const PAGE = fileURLToPath(new URL("../../docs/faults.md", import.meta.url));

// These two go away and must find their ports again.
const e2e = suite({ ports: { issuer: "last", api: "last" } });
const me = () => `${e2e.servers.api}/me`;

/** @typedef {(app: Application, tab: Tab, under: Under) => Promise<string>} Drive */
/** @typedef {<T>(act: () => Promise<T>) => Promise<T>} Under */

/** How each step is taken under a fault, and the words for what came of it. @type {Record<Step, Drive>} */
const DRIVES = { discovery: discover, code: exchange, refresh, api: call, revocation: signOut };

test("docs/faults.md is the matrix", async () => {
  if (process.env.UPDATE_FAULTS) await writeFile(PAGE, render());
  assert.equal(await readFile(PAGE, "utf8"), render(), "it has drifted: run with UPDATE_FAULTS=1");
});

for (const [step, title] of STEPS) {
  test(`${title} under every fault has the outcome of docs/faults.md (rf6, tk9)`, async () => {
    const app = await e2e.application({
      // By hand, so that a fault can begin when the page is back from the provider.
      options: { timeouts: { networkMs: 2000 }, callback: "manual" },
    });
    const tab = await app.open();
    await app.keepVault();
    await tab.toLogin();
    await tab.submitLogin();
    assert.equal(await deliver(tab), "signed in");
    /** @type {Record<string, string>} */
    const outcomes = {};
    for (const row of MATRIX) {
      outcomes[row.name] = await DRIVES[step](app, tab, (act) => under(step, row, act));
    }
    assert.deepEqual(outcomes, Object.fromEntries(MATRIX.map((row) => [row.name, row[step]])));
  });
}

/**
 * Has one fault happen at one step while `act` runs.
 *
 * @template T
 * @param {Step} step
 * @param {Row} row
 * @param {() => Promise<T>} act
 */
async function under(step, { name, fault }, act) {
  const { faults } = e2e.servers.direct.provider;
  const planned = fault();
  if (planned === "refuse") {
    const resume = await e2e.servers.refuse(step === "api" ? "api" : "issuer");
    return act().finally(resume);
  }
  const text = JSON.stringify({ ...planned, step }).replace("{other}", e2e.servers.other);
  faults.plan(JSON.parse(text));
  try {
    const outcome = await act();
    assert.ok(faults.left < (planned.count ?? 1), `${name}: it met nothing`);
    return outcome;
  } finally {
    faults.clear();
  }
}

/** A client of its own, so a vault that knows no provider yet. @type {Drive} */
async function discover(_, tab, under) {
  const first = await under(() =>
    tab.run(async () => {
      const options = { ...window.tw.settings.options, clientId: `fresh-${Math.random()}` };
      window.tw.fresh = window.tw.sdk.createClient(options);
      await window.tw.fresh.ready;
      // Refused once the endpoints are known: nobody leaves.
      window.tw.ask = () =>
        window.tw.fresh
          .signIn({ extraParams: { client_id: "x" } })
          .catch((/** @type {{ code: string }} */ error) => {
            return error.code === "config_invalid" ? "found" : error.code;
          });
      return window.tw.ask();
    }),
  );
  const then = await tab.run(async () => {
    const then = await window.tw.ask();
    window.tw.fresh.close();
    return then;
  });
  return first === "found" ? first : `${first}, then ${then}`;
}

/** Somebody is signed in and signs in again. @type {Drive} */
async function exchange(app, tab, under) {
  await app.signInAgain(tab);
  const { codesSucceeded } = app.counts();
  const outcome = await under(() => deliver(tab));
  assert.equal((await tab.state()).status, "signedIn");
  assert.ok(app.counts().codesSucceeded <= codesSucceeded + 1);
  return outcome === "signed in" ? outcome : `${outcome}, signed in as before`;
}

/** @type {Drive} */
async function refresh(app, tab, under) {
  // A resource may bring about five renewals of one session in five minutes.
  if (app.counts().refreshesSucceeded % 4 === 3) await signIn(app, tab);
  const { refreshRequests } = app.counts();
  app.refuseTokens();
  const [status, { degraded, ...state }] = await under(() => tab.run(callAndLook, me()));
  assert.equal(state.status, "signedIn");
  if (!degraded) {
    assert.equal(status, 200);
    return "renewed";
  }
  assert.equal(status, 401);
  const words = `degraded by ${degraded.code}`;
  // Back on the network: the next call may bring another attempt about at once.
  const attempts = app.counts().refreshRequests;
  const [again, kept] = await tab.run(callAndLook, me(), ["offline", "online"]);
  if (again === 401 && app.counts().refreshRequests === attempts) {
    assert.deepEqual([kept.status, attempts], ["signedIn", refreshRequests + 1]);
    await signIn(app, tab);
    return `${words}, waits as told`;
  }
  const then = await eventually("a renewal or an end", async () => {
    const [status, state] = await tab.run(callAndLook, me());
    return (status === 200 || state.status === "signedOut") && state;
  });
  if (then.status === "signedOut") await signIn(app, tab);
  const end = then.status === "signedOut" ? `then ended: ${then.reason}` : "then renewed";
  return `${words}, ${end}`;
}

/** @type {Drive} */
async function call(app, tab, under) {
  const { faults } = e2e.servers.direct.provider;
  const outcome = await under(async () => {
    await tab.run((auth, url) => {
      window.tw.abort = new AbortController();
      window.tw.outcome = undefined;
      auth
        .fetch(url, { signal: window.tw.abort.signal })
        .then((/** @type {Response} */ response) =>
          response.text().then(
            () => `${response.status}`,
            // Engines name it differently: docs/fetch.md.
            () => `${response.status}, then breaks off`,
          ),
        )
        .catch((/** @type {Error} */ error) => error.name)
        .then((/** @type {string} */ outcome) => {
          window.tw.outcome = outcome;
        });
    }, me());
    const outcome = () => tab.run(() => window.tw.outcome);
    const settled = await eventually("an outcome", async () => faults.held || (await outcome()));
    if (typeof settled === "string") return settled;
    await tab.run(() => window.tw.abort.abort());
    assert.equal(await eventually("the abort", outcome), "AbortError");
    return "waits until aborted";
  });
  const { status, degraded, refreshing } = await tab.state();
  assert.deepEqual([status, degraded, refreshing], ["signedIn", undefined, false]);
  assert.equal(app.counts().refreshRequests, 0);
  for (const { headers } of e2e.servers.direct.other.log.list()) {
    assert.equal(headers.authorization, undefined, "a credential went elsewhere");
  }
  return outcome;
}

/** @type {Drive} */
async function signOut(app, tab, under) {
  if ((await tab.state()).status !== "signedIn") await signIn(app, tab);
  const { faults } = e2e.servers.direct.provider;
  const held = await under(async () => {
    await tab.run((auth) => auth.signOut({ local: true }));
    return faults.held;
  });
  const { status, reason } = await tab.state();
  assert.deepEqual([status, reason], ["signedOut", "signed_out"]);
  return held ? "signed out, unanswered" : "signed out";
}

/**
 * @param {Application} app
 * @param {Tab} tab
 */
async function signIn(app, tab) {
  await app.signInAgain(tab);
  assert.equal(await deliver(tab), "signed in");
}

/**
 * Brings the callback that the page is at to its client.
 *
 * @param {Tab} tab
 * @returns {Promise<string>}
 */
function deliver(tab) {
  return tab.run((auth) =>
    auth.handleCallback(location.href).then(
      () => "signed in",
      (/** @type {{ code: string }} */ error) => error.code,
    ),
  );
}

/**
 * In the page: a call's status, or its error's code, and the state after it.
 *
 * @param {any} auth
 * @param {string} url
 * @param {string[]} [news] what the browser tells before
 * @returns {Promise<[number | string, any]>}
 */
function callAndLook(auth, url, news = []) {
  for (const type of news) dispatchEvent(new Event(type));
  return auth.fetch(url).then(
    (/** @type {Response} */ { status }) => [status, auth.state],
    (/** @type {{ code: string }} */ { code }) => [code, auth.state],
  );
}
