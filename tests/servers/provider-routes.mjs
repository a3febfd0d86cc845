// @ts-check
// What stands before oidc-provider on its own port: the login form, strict CORS, counting, and the
// register of the tokens that were sent.
import { peekForm, readBody } from "./body.mjs";
import { errorPage, loginPage } from "./login-pages.mjs";

/** @typedef {import("oidc-provider").Provider} Provider */
/** @typedef {import("oidc-provider").KoaContextWithOIDC} Context */
/** @typedef {() => Promise<unknown>} Next */
/** @typedef {{ access_token?: string, refresh_token?: string, id_token?: string }} TokenAnswer */

/** Marks the API's own requests, which are not counted: no browser sent them. */
export const INTERNAL_HEADER = "x-tokenward-internal";

/**
 * The login form at `/interaction/<uid>`. Consent is never asked: a prompt for it is answered at once.
 *
 * @param {Provider} provider
 * @param {() => string | undefined} recognized who needs no form
 * @param {(clientId: string) => boolean} cutsOff whose form no opener may reach
 */
export function interactions(provider, recognized, cutsOff) {
  return async (/** @type {Context} */ ctx, /** @type {Next} */ next) => {
    const path = /^\/interaction\/([\w-]+)(\/cancel)?$/.exec(ctx.path);
    if (!path) return next();
    ctx.set("Cache-Control", "no-store");
    const { req, res } = ctx;
    /** @param {import("oidc-provider").InteractionResults} result */
    const finish = async (result) => {
      const returnTo = await provider.interactionResult(req, res, result);
      ctx.status = 303;
      ctx.redirect(returnTo);
    };
    try {
      const { prompt, params } = await provider.interactionDetails(req, res);
      if (path[2]) {
        const error_description = "the sign-in was cancelled";
        return await finish({ error: "access_denied", error_description });
      }
      if (prompt.name !== "login") return await finish({ consent: {} });
      const login =
        ctx.method === "POST"
          ? new URLSearchParams((await readBody(req)).toString()).get("login")?.trim()
          : recognized();
      // It takes whoever signs in for as sure as the client wants.
      const acr = String(params.acr_values ?? "").split(" ")[0];
      const person = { accountId: login ?? "", remember: true, ...(acr ? { acr } : {}) };
      if (login) return await finish({ login: person });
      if (cutsOff(String(params.client_id))) ctx.set("Cross-Origin-Opener-Policy", "same-origin");
      ctx.type = "html";
      ctx.body = loginPage({
        action: ctx.path,
        cancel: `${ctx.path}/cancel`,
        client: String(params.client_id),
        login: String(params.login_hint ?? "alice"),
      });
    } catch (error) {
      ctx.status = 400;
      ctx.type = "html";
      ctx.body = errorPage("This sign-in is over", /** @type {Error} */ (error).message);
    }
  };
}

/**
 * Takes CORS permission away from origins that are no client's. oidc-provider checks the origin per
 * client at the token endpoint, but answers preflights, discovery and keys to everybody.
 *
 * @param {(origin: string) => boolean} isAllowed
 */
export function strictCors(isAllowed) {
  return async (/** @type {Context} */ ctx, /** @type {Next} */ next) => {
    const origin = ctx.get("Origin");
    if (!origin || isAllowed(origin)) return next();
    if (ctx.method === "OPTIONS") {
      ctx.status = 403;
      return;
    }
    await next();
    for (const name of Object.keys(ctx.response.headers)) {
      if (name.toLowerCase().startsWith("access-control-")) ctx.remove(name);
    }
  };
}

/** @type {Record<string, "discovery" | "jwks" | "authorizations" | "pushed" | "userInfos" | "revocations">} */
const COUNTED_PATHS = {
  "GET /.well-known/openid-configuration": "discovery",
  "GET /jwks": "jwks",
  "GET /auth": "authorizations",
  "POST /request": "pushed",
  "GET /me": "userInfos",
  "POST /token/revocation": "revocations",
};

/**
 * Counts a request when it arrives.
 *
 * @param {import("./counters.mjs").Counters} counters
 * @param {{ method?: string | undefined, url?: string | undefined }} req
 * @param {URLSearchParams} form
 */
export function countArrival(counters, { method, url = "" }, form) {
  const [path, query = ""] = url.split("?");
  const clientId = form.get("client_id") ?? new URLSearchParams(query).get("client_id");
  counters.add("requests", clientId);
  const counted = COUNTED_PATHS[`${method} ${path}`];
  if (counted) counters.add(counted, clientId);
  if (method !== "POST" || path !== "/token") return;
  const grantType = form.get("grant_type");
  counters.add("tokenRequests", clientId);
  if (grantType === "refresh_token") counters.add("refreshRequests", clientId);
  if (grantType === "authorization_code") counters.add("codeRequests", clientId);
}

/**
 * Counts what became of token requests.
 *
 * @param {import("./counters.mjs").Counters} counters
 */
export function counting(counters) {
  return async (/** @type {Context} */ ctx, /** @type {Next} */ next) => {
    const isToken = ctx.method === "POST" && ctx.path === "/token";
    if (!isToken || ctx.get(INTERNAL_HEADER)) return next();
    const form = await peekForm(ctx.req);
    const clientId = form.get("client_id");
    const isRefresh = form.get("grant_type") === "refresh_token";
    let granted = false;
    try {
      await next();
      granted = ctx.state.granted === true;
    } finally {
      if (isRefresh) counters.add(granted ? "refreshesSucceeded" : "refreshesFailed", clientId);
      else if (granted) counters.add("codesSucceeded", clientId);
    }
  };
}

/**
 * Writes down each token that goes out, after taking away the members that the client's settings omit.
 *
 * @param {import("./register.mjs").Register} register
 * @param {(clientId: string) => string[]} omitted
 */
export function registering(register, omitted) {
  return async (/** @type {Context} */ ctx, /** @type {Next} */ next) => {
    await next();
    if (ctx.method !== "POST" || ctx.path !== "/token" || ctx.status !== 200) return;
    const { client, entities, params } = ctx.oidc;
    const grantId = entities.Grant?.jti;
    if (!client || !grantId) return;
    ctx.state.granted = true;
    const answer = /** @type {TokenAnswer & Record<string, unknown>} */ (ctx.body);
    for (const member of omitted(client.clientId)) delete answer[member];
    const about = {
      clientId: client.clientId,
      sub: entities.Account?.accountId ?? "",
      grantId,
      grantType: String(params?.grant_type),
    };
    if (answer.access_token) register.add({ kind: "access", token: answer.access_token, ...about });
    if (answer.refresh_token) {
      register.add({ kind: "refresh", token: answer.refresh_token, ...about });
    }
    if (answer.id_token) register.add({ kind: "id", token: answer.id_token, ...about });
  };
}
