// @ts-check
// Nine HTTP clients over `auth.fetch`, set up as the package's README says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleClients, readExamples } from "./harness/readme-clients.mjs";
import { suite } from "./harness/suite.mjs";
import { eventually } from "./harness/tab.mjs";

// The vault's policy would let a request through to the look-alike: what stops it is the vault.
const e2e = suite({ vaultConnects: "{other}" });

/** @type {Promise<void> | undefined} */
let made;

/** Has the clients served, once: set up for the API, and for the look-alike. */
function makeScripts() {
  const make = async () => {
    await e2e.make("clients.js", await bundleClients(e2e.servers.api));
    await e2e.make("clients-elsewhere.js", await bundleClients(e2e.servers.other));
  };
  made ??= make();
  return made;
}

const ABORTED = ["AbortError"];
const REFUSED = ["AuthError", "target_not_allowed"];
/**
 * What each client makes of an abort, and of a refusal of ours: the names and codes of its error and of that
 * error's causes.
 *
 * @type {Record<string, { aborted: string[], refused: string[] }>}
 */
const CLIENTS = {
  ky: { aborted: ABORTED, refused: REFUSED },
  axios: {
    aborted: ["CanceledError", "ERR_CANCELED"],
    refused: [...REFUSED, ...REFUSED],
  },
  ofetch: {
    aborted: ["FetchError", "AbortError"],
    refused: ["FetchError", "AuthError", "target_not_allowed"],
  },
  "openapi-fetch": { aborted: ABORTED, refused: REFUSED },
  "@hey-api/client-fetch": { aborted: ABORTED, refused: REFUSED },
  "@apollo/client": { aborted: ABORTED, refused: REFUSED },
  "graphql-request": { aborted: ABORTED, refused: REFUSED },
  "@trpc/client": {
    aborted: ["TRPCClientError", "AbortError"],
    refused: ["TRPCClientError", "AuthError", "target_not_allowed"],
  },
  "@tanstack/query-core": { aborted: ABORTED, refused: REFUSED },
};

/** A name that no encoding may spoil. */
const NAME = 'ä & "b" +/?#%20';

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {string} script
 * @param {string} verb of `clients/drivers.js`
 * @param {string[]} args
 */
const drive = (tab, script, verb, ...args) =>
  tab.run(
    async (_, script, verb, args) => (await window.tw.load(`/made/${script}.js`))[verb](...args),
    script,
    verb,
    args,
  );

test("the README shows those nine clients, and no other", async () => {
  const shown = [...(await readExamples()).keys()].filter((name) => !name.startsWith("tokenward"));
  assert.deepEqual(shown.toSorted(), Object.keys(CLIENTS).toSorted());
});

for (const [client, { aborted, refused }] of Object.entries(CLIENTS)) {
  test(`${client} reads, writes, is sent again once after a 401, and stops (br1, br2, br5, t6)`, async () => {
    await makeScripts();
    const app = await e2e.application();
    const tab = await app.openSignedIn();
    assert.equal(await drive(tab, "clients", "get", client, NAME), NAME);
    assert.equal(await drive(tab, "clients", "post", client, NAME), NAME);
    app.refuseTokens();
    assert.equal(await drive(tab, "clients", "post", client, NAME), NAME);

    const tokens = app.tokens("access").map(({ token }) => `Bearer ${token}`);
    const calls = app.calls();
    const token = (/** @type {unknown} */ header) => tokens.indexOf(String(header)) + 1;
    assert.deepEqual(
      calls.map(({ method, status, headers }) => [method, status, token(headers.authorization)]),
      [
        ["GET", 200, 1],
        ["POST", 200, 1],
        ["POST", 401, 1],
        ["POST", 200, 2],
      ],
    );
    // Where an engine lets a client name itself, the API's CORS answer would have to allow it.
    for (const { headers } of calls) assert.match(String(headers["user-agent"]), /^Mozilla/);
    const [get, ...posts] = calls;
    assert.match(String(get?.url), /\?/, "the query is in the URL");
    assert.equal(get?.bodyLength, 0);
    for (const { bodySha256, bodyLength, headers, url } of posts) {
      assert.equal(bodySha256, posts[0]?.bodySha256);
      assert.ok(bodyLength > 0);
      assert.match(String(headers["content-type"]), /^application\/json\b/);
      assert.ok(!/token|bearer/i.test(url));
    }
    assert.deepEqual([app.counts().refreshRequests, app.counts().reuses], [1, 0]);

    await drive(tab, "clients", "begin", client, "never");
    await eventually("the request to be aborted", async () => app.calls().length === 5);
    const names = await drive(tab, "clients", "abort");
    await eventually("the end of its connection", async () => app.calls()[4]?.aborted === true);
    assert.deepEqual(names, aborted);

    assert.deepEqual(await drive(tab, "clients-elsewhere", "fail", client, NAME), refused);
    assert.deepEqual(e2e.servers.direct.other.log.list(), [], "it went where no credential may go");
    assert.equal(app.calls().length, 5);
    assert.equal((await tab.state()).status, "signedIn");
  });
}
