// @ts-check
// What goes over `auth.fetch` besides plain requests, and what goes past it: server-sent events, tickets for
// sockets, a page's own requests, and the page's `fetch` replaced.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError, eventually } from "./harness/tab.mjs";

const e2e = suite();

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {string} verb of `app/streams.js`
 * @param {unknown[]} args
 * @returns {Promise<any>}
 */
const page = (tab, verb, ...args) =>
  tab.run(
    async (_, verb, args) => (await window.tw.load("/streams.js"))[verb](...args),
    verb,
    args,
  );

/** @param {number} id */
const numbered = (id) => ({
  type: "numbered",
  data: `number ${id}\n\u{1f511}`,
  lastEventId: String(id),
});

/**
 * What was sent, with each access token by its number: 1 for the first that this application was issued.
 *
 * @param {import("./harness/suite.mjs").Application} app
 * @param {(call: import("../servers/api.mjs").Received, token: number | undefined) => unknown} say
 */
function told(app, say) {
  const tokens = app.tokens("access").map(({ token }) => `Bearer ${token}`);
  const number = (/** @type {unknown} */ header) =>
    header === undefined ? undefined : tokens.indexOf(String(header)) + 1;
  return app.calls().map((call) => say(call, number(call.headers.authorization)));
}

test("server-sent events go on where they broke off, with the token of then (br1, br2, br5)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const { feeds } = e2e.servers.direct.api;
  await page(tab, "open", `${e2e.servers.api}/live?each=2&until=6&retry=1&end=hold`);
  assert.deepEqual(await page(tab, "take", 2), [1, 2].map(numbered));
  feeds.cut();
  assert.deepEqual(await page(tab, "take", 2), [3, 4].map(numbered));
  app.refuseTokens();
  feeds.cut();
  assert.deepEqual(await page(tab, "take", 2), [5, 6].map(numbered));
  feeds.cut();
  assert.deepEqual(await page(tab, "take", 1), ["end"]);

  assert.deepEqual(
    told(app, ({ status, headers }, token) => [status, headers["last-event-id"], token]),
    [
      [200, undefined, 1],
      [200, "2", 1],
      [401, "4", 1],
      [200, "4", 2],
      [204, "6", 2],
    ],
  );
  assert.ok(app.calls().every(({ headers }) => headers.accept === "text/event-stream"));
  assert.equal(app.counts().refreshRequests, 1);
});

test("an event is there before the next is sent; leaving ends the connection", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await page(tab, "open", `${e2e.servers.api}/live?each=2&until=6&end=hold`);
  assert.equal(app.calls().length, 0, "nothing is asked for before an event is");
  assert.deepEqual(await page(tab, "take", 2), [1, 2].map(numbered));
  await page(tab, "wait");
  await page(tab, "leave");
  assert.deepEqual(await page(tab, "waited"), ["end"]);
  await eventually("the end of the connection", async () => app.calls()[0]?.aborted === true);
  assert.equal(app.calls().length, 1);
});

test("a sign-out ends an open stream, and nobody else carries it on (st8)", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  await page(tab, "open", `${e2e.servers.api}/live?each=2&until=6&end=hold`);
  await page(tab, "take", 2);
  await page(tab, "wait");
  await tab.run((auth) => auth.signOut({ local: true }));
  await assert.rejects(page(tab, "waited"), authError("not_signed_in", /signed out/));
  await eventually("the end of the connection", async () => app.calls()[0]?.aborted === true);
  assert.equal(app.calls().length, 1);
});

test("what is no stream of events is refused with the answer", async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  for (const [path, retryable] of /** @type {[string, boolean][]} */ ([
    ["/me", false],
    ["/status/403", false],
    ["/status/503", true],
  ])) {
    await page(tab, "open", e2e.servers.api + path);
    await assert.rejects(
      page(tab, "take", 1),
      authError("events_invalid", /status/, { phase: "fetch", retryable }),
    );
  }
  assert.equal(app.calls().length, 3);
});

test("a request without a credential is the page's own, also to a listed origin (st8, t6)", async () => {
  const { api, other } = e2e.servers;
  const app = await e2e.application({ page: { start: false } });
  // The vault's policy lets nothing go to the look-alike.
  e2e.letPageConnect(api, other);
  const tab = await app.open();
  const send = (/** @type {string} */ url, init = {}) =>
    tab.run(
      async (auth, url, init) => {
        const { status, type } = await auth.fetch(url, { ...init, credential: "none" });
        return [status, type];
      },
      url,
      init,
    );
  const vaults = () =>
    e2e.servers.direct.app.log.list().filter(({ url }) => url.endsWith("/vault.js"));
  assert.deepEqual(await send(`${other}/open`, { method: "POST", body: "x" }), [200, "cors"]);
  assert.deepEqual(await send(`${api}/open/1`), [200, "cors"]);
  assert.deepEqual(vaults(), [], "no vault was begun for it");

  // Nor has it one where somebody is signed in.
  await tab.run((auth) => auth.ready);
  await tab.signIn();
  assert.notDeepEqual(vaults(), []);
  assert.deepEqual(await send(`${other}/open`), [200, "cors"]);
  assert.deepEqual(await send(`${api}/open/2`), [200, "cors"]);
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  assert.deepEqual(
    told(app, ({ url }, token) => [url, token]),
    [
      ["/open/1", undefined],
      ["/open/2", undefined],
      ["/me", 1],
    ],
  );
  const elsewhere = e2e.servers.direct.other.log.list();
  assert.deepEqual(
    elsewhere.map(({ method, headers }) => [method, headers.authorization]),
    [
      ["POST", undefined],
      ["GET", undefined],
    ],
  );
});

test("installFetch sends what is for the resources through the client, until it is taken away (st8, t4)", async () => {
  const { api, other, app: origin } = e2e.servers;
  const app = await e2e.application();
  e2e.letPageConnect(api, other);
  const tab = await app.openSignedIn();
  const resources = [{ origin: api, paths: ["/me", "/echo"] }];
  if (!place.isolates) {
    const refused = page(tab, "install", resources);
    await assert.rejects(refused, authError("install_refused", /auth\.fetch/));
    return;
  }
  assert.deepEqual(await page(tab, "request", `${api}/me`), [401, "cors"]);
  await page(tab, "install", resources);
  await assert.rejects(
    page(tab, "install", resources),
    authError("install_refused", /already/, { phase: "config" }),
  );
  assert.deepEqual(await page(tab, "request", `${api}/me`), [200, "cors"]);
  const body = { method: "POST", body: "body of a request", asRequest: true };
  assert.deepEqual(await page(tab, "request", `${api}/echo`, body), [200, "cors"]);
  await assert.rejects(
    page(tab, "request", `${api}/me`, { headers: { Authorization: "Bearer mine" } }),
    authError("request_invalid", /Authorization/),
  );
  // The rest is the page's own business.
  assert.deepEqual(await page(tab, "request", `${api}/open/1`), [200, "cors"]);
  assert.deepEqual(await page(tab, "request", `${other}/open`, body), [200, "cors"]);
  assert.deepEqual(await page(tab, "request", `${origin}/main.js`), [200, "basic"]);
  await page(tab, "remove");
  assert.deepEqual(await page(tab, "request", `${api}/me`), [401, "cors"]);

  assert.deepEqual(
    told(app, ({ method, url }, token) => [method, url, token]),
    [
      ["GET", "/me", undefined],
      ["GET", "/me", 1],
      ["POST", "/echo", 1],
      ["GET", "/open/1", undefined],
      ["GET", "/me", undefined],
    ],
  );
  const [caught, ...more] = e2e.servers.direct.other.log.list();
  assert.deepEqual([caught?.headers.authorization, caught?.body], [undefined, body.body]);
  assert.deepEqual(more, []);
});

test("a ticket opens one socket, without a token in its URL (br2)", async () => {
  const { api } = e2e.servers;
  const app = await e2e.application();
  const socket = `${api.replace("http", "ws")}/socket`;
  e2e.letPageConnect(socket);
  const tab = await app.openSignedIn();
  const ticket = await page(tab, "ticketFrom", `${api}/ticket`);
  assert.deepEqual(await page(tab, "converse", socket, ticket), [
    "hello alice",
    "heard ä",
    "closed",
  ]);
  assert.deepEqual(await page(tab, "converse", socket, ticket), ["closed"], "it is used up");
  assert.deepEqual(await page(tab, "converse", socket, "guessed"), ["closed"]);
  await assert.rejects(
    page(tab, "ticketFrom", `${api}/me`),
    authError("ticket_invalid", /ticket/, { phase: "fetch", retryable: false }),
  );

  const asked = encodeURIComponent(ticket);
  assert.deepEqual(
    told(app, ({ method, url, status }, token) => [method, url, status, token]),
    [
      ["POST", "/ticket", 200, 1],
      ["GET", `/socket?ticket=${asked}`, 101, undefined],
      ["GET", `/socket?ticket=${asked}`, 401, undefined],
      ["GET", "/socket?ticket=guessed", 401, undefined],
      ["POST", "/me", 200, 1],
    ],
  );
});
