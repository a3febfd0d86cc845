// @ts-check
// Every redirect with every credential: followed where the policy says so, refused by name elsewhere, and no
// other server ever sees a secret.
import assert from "node:assert/strict";
import { test } from "node:test";
import { once } from "../e2e/harness/place.mjs";
import { CREDENTIALS, figure, Wire } from "./harness.mjs";

const wire = new Wire();

const STATUSES = [301, 302, 303, 307, 308];

/** Where a redirect leads, by what differs. */
const TARGETS = /** @type {const} */ ([
  "same origin",
  "other port",
  "other host",
  "other scheme",
  "bounce back",
]);

/**
 * @param {string} to
 * @param {number} status
 */
const away = (to, status) => `/away?status=${status}&to=${encodeURIComponent(to)}`;

/** @param {import("./harness.mjs").Recorded} recorded */
function redirect({ url }) {
  const { pathname, searchParams } = new URL(url, "http://recorder");
  if (pathname !== "/away") return {};
  const location = String(searchParams.get("to"));
  return { status: Number(searchParams.get("status")), headers: { Location: location } };
}

/**
 * @param {typeof TARGETS[number]} target
 * @param {number} status
 * @returns {{ to: string, end: string }} where the redirect leads at first, and in the end
 */
function route(target, status) {
  const { at } = wire;
  const landed = {
    "same origin": `${at.resource}/landed`,
    "other port": `${at.port}/landed`,
    "other host": `${at.host}/landed`,
    "other scheme": `${at.scheme}/landed`,
    "bounce back": `${at.resource}/landed`,
  };
  const end = landed[target];
  return { to: target === "bounce back" ? at.port + away(end, status) : end, end };
}

/**
 * Sends requests for each cell, and judges the logs, then the outcomes.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} matrix
 * @param {import("./harness.mjs").Credential} credential
 * @param {{ follows: boolean, more?: { resource?: object } }} wanted
 */
async function play(t, matrix, credential, { follows, more }) {
  const { app, tab, keys } = await wire.signedIn(credential, more);
  const { at } = wire;
  const cells = STATUSES.flatMap((status) =>
    TARGETS.map((target) => ({ target, status, ...route(target, status) })),
  );
  const urls = cells.map(({ to, status }) => at.resource + away(to, status));
  const isMeant = (/** @type {import("./harness.mjs").Recorded} */ { origin }) =>
    origin === at.resource;
  const rounds = [];
  for (const method of ["GET", "POST"]) {
    for (const one of [wire.resource, wire.other]) {
      one.reset();
      one.answer(redirect);
    }
    const outcomes = await tab.run(
      async (auth, urls, init) => {
        const outcomes = [];
        for (const url of urls) {
          try {
            const { status, redirected, url: end } = await auth.fetch(url, init);
            outcomes.push([status, redirected, end]);
          } catch (error) {
            const { name, code } = /** @type {any} */ (error);
            outcomes.push([name, code]);
          }
        }
        return outcomes;
      },
      urls,
      { method, ...(method === "POST" && { body: "words" }) },
    );
    const all = wire.all();
    rounds.push({ method, outcomes, all, leaks: wire.leaks(app, keys, isMeant) });
  }
  const leaks = rounds.flatMap(({ leaks }) => leaks);
  figure(t, matrix, { cells: cells.length, "secrets elsewhere": leaks.length });
  assert.deepEqual(leaks, []);

  for (const { method, outcomes, all } of rounds) {
    for (const [at, { target, status, end }] of cells.entries()) {
      const expected = follows ? [200, true, end] : ["AuthError", "redirect_refused"];
      assert.deepEqual(outcomes[at], expected, `${method} ${status} to ${target}`);
    }
    const asked = all.filter((one) => isMeant(one) && one.method !== "OPTIONS");
    const first = asked.filter(({ url }) => url !== "/landed");
    assert.equal(first.length, cells.length, "each was asked once");
    for (const { headers } of first) assert.ok(WRITTEN.some((name) => headers[name]));
    const landed = asked.filter(({ url }) => url === "/landed");
    // In one origin a browser keeps the credential; what it took off, it does not put back.
    const [own, back] = [true, false];
    assert.deepEqual(
      landed.map(({ headers }) => headers.authorization !== undefined),
      follows ? STATUSES.flatMap(() => [own, back]) : [],
    );
    if (!follows) assert.ok(all.every(isMeant), "nothing came to any other origin");
  }
}

/** One of these is in whatever the resource is asked. */
const WRITTEN = ["authorization", "x-api-key", "signature"];

test(
  "a bearer token stays behind where a redirect leads elsewhere (t9, br1, br2)",
  once,
  async (t) => {
    await play(t, "redirects", CREDENTIALS.bearer ?? {}, { follows: true });
  },
);

test(
  "a bearer token that is bound to paths or methods follows no redirect (t9, st8)",
  once,
  async (t) => {
    const more = [
      { resource: { paths: ["/away", "/landed"] } },
      { resource: { methods: ["GET", "POST"] } },
    ];
    for (const one of more) {
      await play(t, "redirects within paths or methods", {}, { follows: false, more: one });
    }
  },
);

test("a redirect takes no token and no proof of DPoP along (dp14, t9)", once, async (t) => {
  await play(t, "redirects", CREDENTIALS.DPoP ?? {}, { follows: false });
});

test("a redirect takes no API key along (ak1, t9)", once, async (t) => {
  await play(t, "redirects", CREDENTIALS["API key"] ?? {}, { follows: false });
});

test("a signed request follows no redirect (hs10, t9)", once, async (t) => {
  await play(t, "redirects", CREDENTIALS.signature ?? {}, { follows: false });
});
