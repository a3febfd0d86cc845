// @ts-check
// What HTTP clients speak to: items over plain HTTP, the same by GraphQL (npm `graphql`) and by tRPC (npm
// `@trpc/server`). Each answers with what it was asked, as its own parser understood it; an item called
// `never` is never answered.

import { initTRPC } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { buildSchema, graphql } from "graphql";
import { sendJson } from "./body.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */

/**
 * @param {string} route
 * @param {Request} req
 * @param {Response} res
 * @param {Buffer} body
 */
export async function answerService(route, req, res, body) {
  if (/\bnever\b/.test(`${req.url} ${body}`)) return;
  await SERVICES[route]?.(req, res, body);
}

/** @type {Record<string, (req: Request, res: Response, body: Buffer) => void | Promise<void>>} */
const SERVICES = { items: answerItems, graphql: answerGraphql, trpc: answerTrpc };

/**
 * @param {Request} req
 * @param {Response} res
 * @param {Buffer} body
 */
function answerItems(req, res, body) {
  const { searchParams } = new URL(req.url ?? "/", "http://api");
  const query = Object.fromEntries(searchParams);
  sendJson(res, 200, {
    method: req.method,
    query,
    body: body.length ? JSON.parse(`${body}`) : null,
  });
}

const SCHEMA = buildSchema(`
  type Item { name: String! }
  type Query { item(name: String!): Item! }
  type Mutation { addItem(name: String!): Item! }
`);
const ROOT = {
  item: (/** @type {{ name: string }} */ { name }) => ({ __typename: "Item", name }),
  addItem: (/** @type {{ name: string }} */ { name }) => ({ __typename: "Item", name }),
};

/**
 * @param {Request} req
 * @param {Response} res
 * @param {Buffer} body
 */
async function answerGraphql(req, res, body) {
  const { searchParams } = new URL(req.url ?? "/", "http://api");
  const asked = body.length
    ? JSON.parse(`${body}`)
    : {
        query: searchParams.get("query"),
        variables: JSON.parse(searchParams.get("variables") ?? "{}"),
      };
  const { query: source, variables: variableValues } = asked;
  sendJson(res, 200, await graphql({ schema: SCHEMA, rootValue: ROOT, source, variableValues }));
}

const { procedure, router } = initTRPC.create();

/** @param {unknown} input */
function item(input) {
  const { name } = /** @type {{ name?: unknown }} */ (input ?? {});
  if (typeof name !== "string") throw new Error("an item has a name");
  return { name };
}

const itemRouter = router({
  item: procedure.input(item).query(({ input }) => input),
  addItem: procedure.input(item).mutation(({ input }) => input),
});

/**
 * @param {Request} req
 * @param {Response} res
 * @param {Buffer} body
 */
async function answerTrpc(req, res, body) {
  const headers = { "Content-Type": req.headers["content-type"] ?? "" };
  const method = req.method ?? "GET";
  const asked = new Request(`http://api${req.url}`, {
    method,
    headers,
    ...(body.length ? { body: new Uint8Array(body) } : {}),
  });
  const answer = await fetchRequestHandler({ endpoint: "/trpc", req: asked, router: itemRouter });
  res.writeHead(answer.status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  res.end(await answer.text());
}
