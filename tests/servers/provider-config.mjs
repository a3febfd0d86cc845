// @ts-check
// How oidc-provider is set up here: public clients with PKCE, short JWT access tokens for one API,
// rotating refresh tokens, logout by the client. It knows nothing of counters, faults or the control port.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { errorPage, logoutPage, signedOutPage } from "./login-pages.mjs";

/** @typedef {import("oidc-provider").Configuration} Configuration */
/** @typedef {import("oidc-provider").KoaContextWithOIDC} Context */

/** The API's own client at the introspection endpoint, for opaque access tokens. */
export const API_CLIENT_ID = "tokenward-test-api";

const SCOPES = ["openid", "offline_access", "profile", "email"];
const API_SCOPES = [...SCOPES, "api:read", "api:write"];
const HOUR = 60 * 60;
const DAY = 24 * HOUR;

/**
 * @typedef {object} Choices
 * @property {(clientId: string, resource: string) => Error | undefined} refusalOf why a client gets no
 *   access token for a resource
 * @property {string} api the API's origin: the default resource and the tokens' audience
 * @property {string} apiSecret
 * @property {import("./store.mjs").Store} store
 * @property {import("oidc-provider").JWK[]} keys what it signs with
 * @property {(clientId: string) => number} accessTokenTtl seconds; asked for each token
 * @property {(clientId: string) => "jwt" | "opaque"} accessTokenFormat asked for each token
 * @property {(clientId: string) => boolean} rotates whether a client's refresh tokens are for one use
 * @property {(clientId: string) => boolean} requiresNonce whether proofs of a client need a nonce
 * @property {(clientId: string) => boolean} isForUserInfo whether a client's tokens are for no API
 */

/**
 * @param {Choices} choices
 * @returns {Configuration}
 */
export function providerConfiguration({ api, apiSecret, store, keys, ...tokens }) {
  return {
    adapter: (model) => store.adapter(model),
    jwks: { keys },
    cookies: { keys: [randomBytes(32)] },
    clients: [
      {
        client_id: API_CLIENT_ID,
        client_secret: apiSecret,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
    ],
    responseTypes: ["code"],
    scopes: SCOPES,
    claims: {
      openid: ["sub", "auth_time", "sid"],
      profile: ["name"],
      email: ["email", "email_verified"],
    },
    acrValues: ["silver", "gold"],
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: async () => claimsOf(sub) }),
    loadExistingGrant: (ctx) => grantAll(ctx, api),
    extraParams: { _offline: keepOfflineAccess },
    rotateRefreshToken: (ctx) => tokens.rotates(ctx.oidc.client?.clientId ?? ""),
    pkce: { required: () => true },
    // Own origins only; without it a foreign page could use the token endpoint for a known client.
    clientBasedCORS: (_ctx, origin, client) =>
      (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    renderError: (ctx, out) => {
      ctx.type = "html";
      ctx.body = errorPage(out.error, out.error_description);
    },
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      userinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      dPoP: {
        enabled: true,
        nonceSecret: randomBytes(32),
        // Whose token comes to UserInfo is not known yet when its proof is judged.
        requireNonce: ({ oidc: { client } }) => !client || tokens.requiresNonce(client.clientId),
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_ctx, client) => client.clientId === API_CLIENT_ID,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, client) => (tokens.isForUserInfo(client.clientId) ? [] : api),
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource, client) => {
          const refusal = tokens.refusalOf(client.clientId, resource);
          if (refusal) throw refusal;
          return {
            scope: API_SCOPES.join(" "),
            accessTokenFormat: tokens.accessTokenFormat(client.clientId),
            accessTokenTTL: tokens.accessTokenTtl(client.clientId),
            jwt: { sign: { alg: "ES256" } },
          };
        },
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = logoutPage(form);
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = signedOutPage();
        },
      },
    },
    ttl: {
      AccessToken: (_ctx, token, client) =>
        token.resourceServer?.accessTokenTTL ?? tokens.accessTokenTtl(client.clientId),
      AuthorizationCode: 60,
      IdToken: HOUR,
      Interaction: HOUR,
      Session: DAY,
      Grant: DAY,
      RefreshToken: DAY,
    },
  };
}

/**
 * OpenID Connect Core 11 grants `offline_access` only with a consent prompt, and oidc-provider
 * drops it otherwise. Most providers that an app meets do not ask, so neither does this one.
 *
 * @param {Context} ctx
 */
function keepOfflineAccess(ctx) {
  const asked = String(ctx.query.scope ?? "").split(" ");
  const { params, client } = ctx.oidc;
  if (!params || !client?.grantTypeAllowed("refresh_token")) return;
  if (asked.includes("offline_access") && !/\boffline_access\b/.test(String(params.scope))) {
    params.scope = `${params.scope ?? ""} offline_access`.trim();
  }
}

/**
 * Whoever signs in grants what the client asks, so that the login form is the only page.
 *
 * @param {Context} ctx
 * @param {string} api
 */
async function grantAll(ctx, api) {
  const { provider, session, client, account, params } = ctx.oidc;
  if (!session || !client || !account) return undefined;
  const grantId = session.grantIdFor(client.clientId);
  const existing = grantId ? await provider.Grant.find(grantId) : undefined;
  const grant =
    existing ?? new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  const scope = String(params?.scope ?? "");
  grant.addOIDCScope(scope);
  grant.addOIDCClaims([...ctx.oidc.requestParamClaims]);
  for (const resource of [api, ...[params?.resource ?? []].flat()]) {
    grant.addResourceScope(String(resource), scope);
  }
  await grant.save();
  return grant;
}

/** @param {string} sub */
function claimsOf(sub) {
  return {
    sub,
    // By which it would name a session that ended; here each person has one.
    sid: `session-of-${sub}`,
    name: sub.charAt(0).toUpperCase() + sub.slice(1),
    email: `${sub.replace(/[^\w.-]/g, "_")}@example.test`,
    email_verified: true,
  };
}

/**
 * @param {"RS256" | "ES256"} alg
 * @returns {import("oidc-provider").JWK} a new private key, for this run only
 */
export function signingKey(alg) {
  const { privateKey } =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = /** @type {import("oidc-provider").JWK} */ (privateKey.export({ format: "jwk" }));
  return { ...jwk, alg, use: "sig" };
}
