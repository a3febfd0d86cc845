// @ts-check
// A ticket for one WebSocket: how it is asked for, and what counts as one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadScript } from "./edge.mjs";

/** @type {typeof import("../src/ticket.js")} */
const { ticket } = await loadScript("ticket.ts");

const URL_ = "https://api.example/ticket";
const JSON_ = { "Content-Type": "application/json; charset=utf-8" };

/** @param {Response} answer */
function client(answer) {
  /** @type {[any, any][]} */
  const asked = [];
  const fetch = async (/** @type {any} */ url, /** @type {any} */ init) => {
    asked.push([url, init]);
    return answer;
  };
  return { auth: { fetch }, asked };
}

test("a ticket is asked for with POST, past every cache, and read from JSON or a text", async () => {
  const { auth, asked } = client(new Response('{"ticket":"a b"}', { headers: JSON_ }));
  assert.equal(await ticket(auth, URL_), "a b");
  assert.deepEqual(asked, [[URL_, { method: "POST", cache: "no-store" }]]);

  const problem = { "Content-Type": "application/vnd.example+json" };
  const other = client(new Response('{"ticket":"c"}', { status: 201, headers: problem }));
  const headers = { "X-Test": "1" };
  assert.equal(await ticket(other.auth, URL_, { method: "GET", headers }), "c");
  assert.deepEqual(other.asked[0]?.[1], { method: "GET", headers, cache: "no-store" });
  assert.equal(await ticket(client(new Response("d\n")).auth, URL_), "d");
});

test("an answer without a ticket is `ticket_invalid`, with the response", async () => {
  const answers = [
    new Response('{"ticket":"of an error"}', { status: 403, headers: JSON_ }),
    new Response("", { status: 503 }),
    new Response('{"ticket":7}', { headers: JSON_ }),
    new Response('{"ticket":""}', { headers: JSON_ }),
    new Response("null", { headers: JSON_ }),
    new Response("<html>", { headers: JSON_ }),
    new Response(" "),
  ];
  for (const answer of answers) {
    await assert.rejects(ticket(client(answer).auth, URL_), (/** @type {any} */ error) => {
      const { code, retryable, cause } = error;
      assert.deepEqual([code, retryable], ["ticket_invalid", answer.status === 503]);
      assert.equal(cause, answer);
      return true;
    });
  }
});
