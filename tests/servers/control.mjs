// @ts-check
// The control port: JSON over HTTP for a test in another process. Not for pages: it refuses every
// request that a page could have sent.
import { readBody, sendJson } from "./body.mjs";

/**
 * @typedef {object} Controlled
 * @property {Record<string, string>} addresses
 * @property {import("./provider.mjs").ProviderHandle} provider
 * @property {import("./api.mjs").ApiHandle} api
 * @property {import("./pages.mjs").PagesHandle} app
 * @property {import("./lookalike.mjs").LookalikeHandle} other
 */
/** @typedef {{ body: any, query: Record<string, string>, id: string }} Asked */

/**
 * @param {Controlled} controlled
 * @returns {Record<string, (asked: Asked) => unknown>} what each route answers; nothing is a 204
 */
function routes({ addresses, provider, api, app, other }) {
  const { counters, register, faults } = provider;
  return {
    "GET /": () => ({
      ...addresses,
      routes: Object.keys(routes({ addresses, provider, api, app, other })),
    }),

    "GET /clients": () => provider.listClients(),
    "POST /clients": ({ body }) => provider.addClient(body),
    "PATCH /clients/:id": ({ id, body }) => provider.changeClient(id, body),
    "PUT /access-token-ttl": ({ body }) => provider.setAccessTokenTtl(body.seconds),

    "GET /counters": ({ query }) => (query.client ? counters.of(query.client) : counters.all()),
    "DELETE /counters": () => counters.reset(),
    "GET /tokens": ({ query: { client, sub, kind, after } }) =>
      register.list({ clientId: client, sub, kind, after: Number(after ?? 0) }),

    "POST /faults": ({ body }) => faults.plan(body),
    "DELETE /faults": () => faults.clear(),
    "GET /faults/held": () => ({ held: faults.held }),
    "POST /faults/release": () => faults.release(),

    "POST /end-sessions": ({ body }) => ({ ended: provider.endSessions(body) }),
    "POST /rotate-keys": () => provider.rotateKeys(),
    "POST /revoke-grants": ({ body }) => ({ revoked: provider.revokeGrants(body) }),

    "GET /api/requests": () => api.log.list(),
    "DELETE /api/requests": () => api.log.reset(),
    "POST /api/refuse-next": ({ body }) => api.refuseNext(body.count ?? 1),
    "POST /api/revoke": ({ body }) => {
      if (!body.token) return { revoked: register.refuseAll(body) };
      register.refuse(body.token);
      return { revoked: 1 };
    },

    "GET /app/requests": () => app.log.list(),
    "DELETE /app/requests": () => app.log.reset(),
    "PUT /app/headers": ({ body }) => app.setHeaders(body),

    "GET /other/requests": () => other.log.list(),
    "DELETE /other/requests": () => other.reset(),
    "PUT /other/answers": ({ body }) => other.setAnswer(body.path, body),
  };
}

/** @param {Controlled} controlled */
export function createControl(controlled) {
  const table = Object.entries(routes(controlled)).map(([route, perform]) => ({
    pattern: new RegExp(`^${route.replace(":id", "([^/]+)")}$`),
    perform,
  }));

  /**
   * @param {import("node:http").IncomingMessage} req
   * @param {import("node:http").ServerResponse} res
   */
  return async (req, res) => {
    const site = req.headers["sec-fetch-site"];
    if (req.headers.origin || (site && site !== "none")) {
      return sendJson(res, 403, { error: "the control port is not for pages" });
    }
    const url = new URL(req.url ?? "/", "http://control");
    for (const { pattern, perform } of table) {
      const match = pattern.exec(`${req.method} ${url.pathname}`);
      if (!match) continue;
      try {
        const text = (await readBody(req)).toString();
        const result = await perform({
          body: text ? JSON.parse(text) : {},
          query: Object.fromEntries(url.searchParams),
          id: decodeURIComponent(match[1] ?? ""),
        });
        return result === undefined ? void res.writeHead(204).end() : sendJson(res, 200, result);
      } catch (error) {
        const { message, error_description } = /** @type {any} */ (error);
        return sendJson(res, 400, { error: error_description ?? message });
      }
    }
    sendJson(res, 404, { error: `no route ${req.method} ${url.pathname}` });
  };
}
