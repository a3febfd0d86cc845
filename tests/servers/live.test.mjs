// @ts-check
// Shows what the tests of streams, sockets and HTTP clients lean on: numbered events, tickets that work
// once, and services that say what they were asked.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { FetchUser } from "./fetch-user.mjs";
import { startServers } from "./start.mjs";

/** @type {import("./start.mjs").Servers} */
let servers;
/** @type {(path: string, init?: RequestInit) => Promise<Response>} */
let call;

before(async () => {
  servers = await startServers();
  const user = new FetchUser(servers, servers.clientId);
  const { access_token: token } = await user.signIn();
  call = (path, { headers, ...init } = {}) =>
    fetch(servers.api + path, {
      ...init,
      headers: { Authorization: `Bearer ${token}`, ...headers },
    });
});
after(() => servers.close());

test("events are numbered, go on after the last one seen, and end", async () => {
  const path = "/live?each=2&until=3&retry=7";
  const first = await call(path);
  assert.equal(first.headers.get("content-type"), "text/event-stream");
  const event = (/** @type {number} */ id) =>
    `event: numbered\nid: ${id}\ndata: number ${id}\ndata: \u{1f511}\n\n`;
  assert.equal(await first.text(), `retry: 7\n\n${event(1)}${event(2)}`);
  const second = await call(path, { headers: { "Last-Event-ID": "2" } });
  assert.equal(await second.text(), `retry: 7\n\n${event(3)}`);
  assert.equal((await call(path, { headers: { "Last-Event-ID": "3" } })).status, 204);
  const held = await call("/live?each=1&until=3&end=hold");
  const text = held.text();
  servers.direct.api.feeds.cut();
  await assert.rejects(text, /terminated/);
  assert.equal((await fetch(`${servers.api}/live?each=1&until=1`)).status, 401);
});

test("a ticket opens one socket", async () => {
  const { ticket } = await (await call("/ticket", { method: "POST" })).json();
  const url = `${servers.api.replace("http", "ws")}/socket?ticket=${ticket}`;
  const socket = new WebSocket(url);
  const [hello] = await once(socket, "message");
  assert.equal(String(hello), "hello alice");
  socket.send("x");
  const [heard] = await once(socket, "message");
  assert.equal(String(heard), "heard x");
  socket.close();
  const [error] = await once(new WebSocket(url), "error");
  assert.match(error.message, /401/);
});

test("the services answer with what they understood", async () => {
  const json = (/** @type {unknown} */ body) => ({
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = async (/** @type {string} */ path, init = {}) => (await call(path, init)).json();
  assert.deepEqual(await answer("/items?name=a%26b"), {
    method: "GET",
    query: { name: "a&b" },
    body: null,
  });
  assert.deepEqual((await answer("/items", json({ name: "ä" }))).body, { name: "ä" });
  const query = "query($name: String!) { item(name: $name) { name } }";
  const asked = new URLSearchParams({ query, variables: '{"name":"ä"}' });
  assert.deepEqual(await answer(`/graphql?${asked}`), { data: { item: { name: "ä" } } });
  const add = { query: 'mutation { addItem(name: "b") { name } }' };
  assert.deepEqual(await answer("/graphql", json(add)), { data: { addItem: { name: "b" } } });
  const input = new URLSearchParams({ input: '{"name":"ä"}' });
  assert.deepEqual(await answer(`/trpc/item?${input}`), { result: { data: { name: "ä" } } });
  assert.deepEqual((await answer("/trpc/addItem", json({ name: "b" }))).result.data.name, "b");
  assert.equal((await call("/trpc/item?input=1")).status, 400);
});
