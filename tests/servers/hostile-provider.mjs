// @ts-check
// A scripted OpenID provider for tests: honest by default, and a liar where a scenario says so. Each
// issuer is a path of one origin, with a client, keys and grants of its own; its resource is on another
// origin and takes the tokens that it issued. `hostile/` has what it is made of.
import { readBody } from "./body.mjs";
import { Issuer } from "./hostile/issuer.mjs";
import { listen } from "./listen.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */

export async function startHostileProvider() {
  const at = { provider: await listen(), resource: await listen() };
  const origin = `http://localhost:${at.provider.port}`;
  // Another host, so that no cookie and no resource rule takes one for the other.
  const resource = `http://127.0.0.1:${at.resource.port}`;
  /** @type {Map<string, Issuer>} by their path's only segment */
  const issuers = new Map();

  /** @param {"provider" | "resource"} side */
  const serve = (side) => {
    at[side].serve((req, res) => {
      answer(req, res, issuers, side).catch((error) => {
        if (res.headersSent) res.destroy();
        else res.writeHead(500).end(String(error));
      });
    });
  };
  serve("provider");
  serve("resource");

  return {
    origin,
    /** The origin of every issuer's resource. */
    resource,

    /**
     * @param {import("./hostile/issuer.mjs").Client} client
     * @param {string} [id] a name for the URL
     * @returns {Issuer} an honest one
     */
    issuer(client, id = `i${issuers.size + 1}`) {
      const issuer = new Issuer(`${origin}/${id}`, client);
      issuers.set(id, issuer);
      return issuer;
    },

    /**
     * @param {Issuer} issuer
     * @returns {string} an address at its resource
     */
    accounts: (issuer) => `${resource}${new URL(issuer.url).pathname}/accounts`,

    close: () => Promise.all(Object.values(at).map(({ close }) => close())),
  };
}

/** @typedef {Awaited<ReturnType<typeof startHostileProvider>>} HostileProvider */

/**
 * @param {Request} req
 * @param {Response} res
 * @param {Map<string, Issuer>} issuers
 * @param {"provider" | "resource"} side
 */
async function answer(req, res, issuers, side) {
  const { method = "", headers } = req;
  res.setHeader("Access-Control-Allow-Origin", headers.origin ?? "*");
  res.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP");
  res.setHeader("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce, Date");
  res.setHeader("Access-Control-Max-Age", "600");
  res.setHeader("Cache-Control", "no-store");
  if (method === "OPTIONS") return void res.writeHead(204).end();
  const { pathname, searchParams: query } = new URL(req.url ?? "/", "http://hostile");
  const [, id = "", ...rest] = pathname.split("/");
  const issuer = issuers.get(id);
  if (!issuer) return void res.writeHead(404).end();
  if (issuer.skewMs) res.setHeader("Date", new Date(Date.now() + issuer.skewMs).toUTCString());
  const endpoint = side === "resource" ? "resource" : endpointAt(issuer, `/${rest.join("/")}`);
  const body = (await readBody(req)).toString();
  const isForm = /^application\/x-www-form-urlencoded\b/.test(headers["content-type"] ?? "");
  const form = new URLSearchParams(isForm ? body : "");
  const {
    status,
    headers: told,
    body: said,
  } = await issuer.handle({
    endpoint,
    method,
    url: `http://${headers.host}${pathname}`,
    query,
    form,
    headers,
  });
  res.writeHead(status, told).end(typeof said === "string" ? said : JSON.stringify(said));
}

/**
 * @param {Issuer} issuer
 * @param {string} path
 */
function endpointAt(issuer, path) {
  const found = Object.entries(issuer.paths).find(([, known]) => known === path);
  return found?.[0] ?? "elsewhere";
}
