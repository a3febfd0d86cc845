// @ts-check
// A real OpenID provider for tests and demo: oidc-provider with its clients, counters, faults and
// register of issued tokens, all of which a test can reach while it runs.
import { randomBytes } from "node:crypto";
import { Counters } from "./counters.mjs";
import { behindFaults, providerStep } from "./fault-proxy.mjs";
import { Faults } from "./faults.mjs";
import { providerConfiguration, signingKey } from "./provider-config.mjs";
import {
  countArrival,
  counting,
  interactions,
  registering,
  strictCors,
} from "./provider-routes.mjs";
import { Register } from "./register.mjs";
import { RequestLog } from "./request-log.mjs";
import { Store } from "./store.mjs";

/**
 * @typedef {object} ClientSettings what may change while the provider runs
 * @property {number} [accessTokenTtl] seconds; the provider's own when absent
 * @property {"jwt" | "opaque"} [accessTokenFormat] `jwt` when absent
 * @property {boolean} [cutsOff] whether its login form takes itself out of its opener's reach (COOP)
 * @property {boolean} [requiresNonce] whether DPoP proofs need a nonce
 * @property {boolean} [forUserInfo] whether its access tokens are for UserInfo instead of the API
 * @property {boolean} [keepsRefreshTokens] whether its refresh tokens are not rotated
 * @property {string[]} [refusedResources] whom it gets no access token for (RFC 8707)
 * @property {string[]} [omit] members to leave out of token answers, such as `expires_in`
 */
/**
 * @typedef {object} ClientRegistration
 * @property {string} clientId
 * @property {string[]} [redirectUris]
 * @property {string[]} [postLogoutRedirectUris]
 * @property {boolean} [requiresProofs] whether its tokens must be bound to a key (`dpop_bound_access_tokens`)
 * @property {boolean} [requiresPushed] whether its authorization requests must be pushed (RFC 9126)
 * @typedef {ClientRegistration & ClientSettings} NewClient
 */
/**
 * @typedef {object} Asked a browser's request; what stands twice is a list
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string | string[]>} query
 * @property {Record<string, string | string[]>} form
 * @property {string} [proof] its `DPoP` header
 * @property {string} [cookies] its `Cookie` header
 */
/**
 * @typedef {object} ProviderOptions
 * @property {string} issuer
 * @property {string} api the API's origin, audience of every access token
 * @property {string} app the app's origin, for clients that name no redirect URI
 * @property {number} accessTokenTtl seconds
 * @property {boolean} hasOwnKeys whether it signs with keys that no other issuer of this process has
 */

/**
 * The private keys that the issuers of this process share, unless one is to have its own: an RSA pair takes
 * half a second to make, a process starts the servers of all its files of tests at once, and no two of those meet.
 *
 * @type {import("oidc-provider").JWK[] | undefined}
 */
let sharedKeys;

/** @returns {import("oidc-provider").JWK[]} the first signs ID tokens, the second access tokens */
const newKeys = () => [signingKey("RS256"), signingKey("ES256")];

/** @param {ProviderOptions} options */
export async function createProvider({ issuer, api, app, accessTokenTtl, hasOwnKeys }) {
  const { Provider, errors } = await importProvider();
  const store = new Store();
  const counters = new Counters();
  const faults = new Faults();
  const register = new Register();
  /** @type {RequestLog<Asked>} */
  const log = new RequestLog();
  /** @type {Map<string, ClientSettings & { origins: string[] }>} */
  const clients = new Map();
  const defaults = { accessTokenTtl, recognized: /** @type {string | undefined} */ (undefined) };
  const apiSecret = randomBytes(32).toString("base64url");
  sharedKeys ??= newKeys();
  const keys = hasOwnKeys ? newKeys() : sharedKeys;

  const oidc = new Provider(
    issuer,
    providerConfiguration({
      api,
      apiSecret,
      store,
      keys,
      accessTokenTtl: (id) => clients.get(id)?.accessTokenTtl ?? defaults.accessTokenTtl,
      accessTokenFormat: (id) => clients.get(id)?.accessTokenFormat ?? "jwt",
      rotates: (id) => !clients.get(id)?.keepsRefreshTokens,
      requiresNonce: (id) => clients.get(id)?.requiresNonce ?? false,
      isForUserInfo: (id) => clients.get(id)?.forUserInfo ?? false,
      refusalOf: (id, resource) =>
        clients.get(id)?.refusedResources?.includes(resource)
          ? new errors.InvalidTarget()
          : undefined,
    }),
  );
  /** @param {string} origin */
  const isAppOrigin = (origin) =>
    [...clients.values()].some(({ origins }) => origins.includes(origin));

  oidc.use(counting(counters));
  oidc.use(strictCors(isAppOrigin));
  oidc.use(
    interactions(
      oidc,
      () => defaults.recognized,
      (id) => clients.get(id)?.cutsOff === true,
    ),
  );
  oidc.use(registering(register, (id) => clients.get(id)?.omit ?? []));
  oidc.on("grant.revoked", (_ctx, grantId) => register.revokeGrant(grantId));
  oidc.on("grant.error", (ctx, error) => {
    if (error.error_detail !== "refresh token already used") return;
    counters.add("reuses", ctx.oidc.client?.clientId);
  });
  oidc.on("end_session.success", (ctx) => counters.add("logouts", ctx.oidc.client?.clientId));
  oidc.on("server_error", (_ctx, error) => console.error(error));
  // A browser that goes away in the middle of an answer is no news.
  /** @type {import("node:events").EventEmitter} */ (oidc).on("error", (error) => {
    if (!["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes(error.code)) {
      console.error(error);
    }
  });

  /** @param {NewClient} client */
  async function addClient({
    clientId,
    redirectUris,
    postLogoutRedirectUris,
    requiresPushed = false,
    requiresProofs = false,
    ...settings
  }) {
    const redirects = redirectUris ?? [`${app}/callback`];
    const metadata = {
      client_id: clientId,
      token_endpoint_auth_method: /** @type {const} */ ("none"),
      grant_types: ["authorization_code", "refresh_token"],
      response_types: [/** @type {const} */ ("code")],
      redirect_uris: redirects,
      post_logout_redirect_uris: postLogoutRedirectUris ?? [`${app}/`, `${app}/callback`],
      require_pushed_authorization_requests: requiresPushed,
      dpop_bound_access_tokens: requiresProofs,
    };
    await oidc.Client.validate(metadata);
    await store.adapter("Client").upsert(clientId, metadata, 0);
    clients.set(clientId, { ...settings, origins: redirects.map((uri) => new URL(uri).origin) });
  }

  return {
    handler: behindFaults({
      faults,
      stepOf: providerStep,
      arrived(req, form) {
        countArrival(counters, req, form);
        const { pathname: path, searchParams } = new URL(req.url ?? "/", issuer);
        const { method = "" } = req;
        const { dpop: proof, cookie: cookies } = req.headers;
        log.add({
          ...{ method, path, query: members(searchParams), form: members(form) },
          ...(typeof proof === "string" ? { proof } : {}),
          ...(cookies ? { cookies } : {}),
        });
      },
      met: (_, form) => counters.add("faults", form.get("client_id")),
      stopped(_, form) {
        if (form.get("grant_type") !== "refresh_token") return;
        counters.add("refreshesFailed", form.get("client_id"));
      },
      isAppOrigin,
      handler: oidc.callback(),
    }),
    apiSecret,
    counters,
    faults,
    register,
    /** What browsers asked for. */
    log,
    isAppOrigin,
    addClient,

    /**
     * @param {string} clientId
     * @param {ClientSettings} settings for tokens from now on
     */
    changeClient(clientId, settings) {
      const client = clients.get(clientId);
      if (!client) throw new Error(`no client ${clientId}`);
      Object.assign(client, settings);
    },

    /** @param {number} seconds for clients without a time of their own, from now on */
    setAccessTokenTtl(seconds) {
      defaults.accessTokenTtl = seconds;
    },

    /**
     * Signs somebody in without the form, as a provider does that knows its user by a passkey.
     *
     * @param {string | undefined} login who; nobody when absent
     */
    recognize(login) {
      defaults.recognized = login;
    },

    /** Signs ID tokens with a new key from now on; the old one is no longer published. */
    async rotateKeys() {
      // Its configuration is read once: this is what reads it.
      const file = "oidc-provider/lib/helpers/initialize_keystore.js";
      const { default: initialize } = await import(file);
      initialize.call(oidc, { keys: [signingKey("RS256"), ...keys.slice(1)] });
    },

    /** @returns {Record<string, ClientSettings>} */
    listClients: () => Object.fromEntries(clients),

    /**
     * Signs users out at the provider; refresh tokens stay, as they do at most providers.
     *
     * @param {{ sub?: string }} [who] everybody when absent
     * @returns {number} how many sessions ended
     */
    endSessions({ sub } = {}) {
      return store.remove("Session", ({ accountId }) => !sub || accountId === sub).length;
    },

    /**
     * Revokes grants as an administrator does: the next refresh gets `invalid_grant`.
     *
     * @param {{ clientId?: string, sub?: string }} [whose] all when absent
     * @returns {number} how many grants were revoked
     */
    revokeGrants({ clientId, sub } = {}) {
      const revoked = store.remove(
        "Grant",
        (grant) => (!clientId || grant.clientId === clientId) && (!sub || grant.accountId === sub),
      );
      for (const { jti } of revoked) register.revokeGrant(/** @type {string} */ (jti));
      return revoked.length;
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof createProvider>>} ProviderHandle */

/** @param {URLSearchParams} params */
function members(params) {
  const names = [...new Set(params.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const [first = "", ...more] = params.getAll(name);
      return [name, more.length > 0 ? [first, ...more] : first];
    }),
  );
}

/** On Node 20 oidc-provider prints that it wants 22 each time it is loaded; it works there. */
async function importProvider() {
  const { warn } = console;
  console.warn = () => {};
  try {
    return await import("oidc-provider");
  } finally {
    console.warn = warn;
  }
}
