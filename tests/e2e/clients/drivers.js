// The README's HTTP clients, each driven in its own way to the same end: what an item is called, as the API
// says it. `readme:` is what stands there, with this page's client and the addresses of a test.

import { api as apollo } from "readme:@apollo/client";
import { api as heyApi } from "readme:@hey-api/client-fetch";
import { api as query } from "readme:@tanstack/query-core";
import { api as trpc } from "readme:@trpc/client";
import { api as axios } from "readme:axios";
import { api as graphql } from "readme:graphql-request";
import { api as ky } from "readme:ky";
import { api as ofetch } from "readme:ofetch";
import { api as openapi } from "readme:openapi-fetch";
import { gql } from "@apollo/client";
import { MutationObserver } from "@tanstack/query-core";
import { GraphQLClient } from "graphql-request";

const ITEM = "query ($name: String!) { item(name: $name) { name } }";
const ADD = "mutation ($name: String!) { addItem(name: $name) { name } }";

const { auth } = window.tw;

/**
 * @typedef {object} Driver
 * @property {(name: string) => Promise<string>} get
 * @property {(name: string, signal?: AbortSignal) => Promise<string>} post
 */

/** @type {Record<string, Driver>} */
const DRIVERS = {
  ky: {
    get: async (name) => (await ky.get("items", { searchParams: { name } }).json()).query.name,
    post: async (name, signal) =>
      (await ky.post("items", { json: { name }, signal }).json()).body.name,
  },
  axios: {
    get: async (name) => (await axios.get("/items", { params: { name } })).data.query.name,
    post: async (name, signal) => (await axios.post("/items", { name }, { signal })).data.body.name,
  },
  ofetch: {
    get: async (name) => (await ofetch("/items", { query: { name } })).query.name,
    post: async (name, signal) =>
      (await ofetch("/items", { method: "POST", body: { name }, signal })).body.name,
  },
  "openapi-fetch": {
    get: async (name) =>
      (await openapi.GET("/items", { params: { query: { name } } })).data.query.name,
    post: async (name, signal) =>
      (await openapi.POST("/items", { body: { name }, signal })).data.body.name,
  },
  "@hey-api/client-fetch": {
    get: async (name) => (await heyApi.get({ url: "/items", query: { name } })).data.query.name,
    post: async (name, signal) =>
      (await heyApi.post({ url: "/items", body: { name }, signal })).data.body.name,
  },
  "@apollo/client": {
    async get(name) {
      const context = { fetchOptions: { method: "GET" } };
      return (await apollo.query({ query: gql(ITEM), variables: { name }, context })).data.item
        .name;
    },
    async post(name, signal) {
      const context = { fetchOptions: { signal } };
      const { data } = await apollo.mutate({ mutation: gql(ADD), variables: { name }, context });
      return data.addItem.name;
    },
  },
  "graphql-request": {
    async get(name) {
      const reader = new GraphQLClient(graphql.url, { ...graphql.requestConfig, method: "GET" });
      return (await reader.request(ITEM, { name })).item.name;
    },
    post: async (name, signal) =>
      (await graphql.request({ document: ADD, variables: { name }, signal })).addItem.name,
  },
  "@trpc/client": {
    get: async (name) => (await trpc.item.query({ name })).name,
    post: async (name, signal) => (await trpc.addItem.mutate({ name }, { signal })).name,
  },
  "@tanstack/query-core": {
    get: async (name) =>
      (await query.fetchQuery({ queryKey: [`items?${new URLSearchParams({ name })}`] })).query.name,
    post(name, signal) {
      const mutationFn = async (/** @type {object} */ item) => {
        const headers = { "Content-Type": "application/json" };
        const init = { method: "POST", headers, body: JSON.stringify(item), signal };
        return (await (await auth.fetch(`${__API__}/items`, init)).json()).body.name;
      };
      return new MutationObserver(query, { mutationFn }).mutate({ name });
    },
  },
};

/** @param {string} client @param {string} name */
export const get = (client, name) => driver(client).get(name);

/** @param {string} client @param {string} name */
export const post = (client, name) => driver(client).post(name);

let stop = new AbortController();
/** @type {Promise<unknown>} */
let waiting = Promise.resolve();

/**
 * Begins what `abort` is to end.
 *
 * @param {string} client
 * @param {string} name
 */
export function begin(client, name) {
  stop = new AbortController();
  waiting = driver(client).post(name, stop.signal);
  waiting.catch(() => {});
}

/** @returns {Promise<string[]>} the names of what was thrown, and of its causes */
export async function abort() {
  stop.abort();
  return waiting.then(
    () => [],
    (error) => names(error),
  );
}

/** @param {unknown} error @returns {string[]} */
function names(error) {
  const { name, code, cause } = /** @type {any} */ (error ?? {});
  return error ? [name, code, ...names(cause)].filter((word) => typeof word === "string") : [];
}

/** @param {string} client @param {string} name @returns {Promise<string[]>} what the request failed with */
export const fail = (client, name) =>
  driver(client)
    .get(name)
    .then(() => [], names);

/** @param {string} client @returns {Driver} */
function driver(client) {
  const found = DRIVERS[client];
  if (!found) throw new Error(`nobody drives ${client}`);
  return found;
}
