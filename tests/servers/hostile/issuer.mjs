// @ts-check
// One issuer of the scripted provider: honest, but for what its scenario changes. It records each
// request but preflights, and knows nothing of sockets.
import { randomBytes } from "node:crypto";
import { ProofRefused, Proofs } from "../proofs.mjs";
import { RequestLog } from "../request-log.mjs";
import { html, json, redirect, unauthorized } from "./answers.mjs";
import { Grants } from "./grants.mjs";
import { leftHash, publicJwk, sign, signingKey } from "./keys.mjs";
import { logoutPage, SESSION_COOKIE, sessionFrame, sessionState } from "./pages.mjs";

/** @typedef {import("./points.js").Answer} Answer */
/** @typedef {import("./points.js").Scenario} Scenario */
/**
 * @typedef {object} Client the one client of an issuer
 * @property {string} clientId
 * @property {string} redirectUri
 * @property {string} [postLogoutRedirectUri]
 * @property {string} [frontchannelLogoutUri]
 */
/**
 * @typedef {object} Asked a request as it came
 * @property {string} endpoint by the name of `paths`
 * @property {string} method
 * @property {string} url without its query
 * @property {URLSearchParams} query
 * @property {URLSearchParams} form
 * @property {import("node:http").IncomingHttpHeaders} headers
 */

/** The person that every issuer knows. */
const PERSON = {
  sub: "alice",
  name: "Alice",
  email: "alice@example.test",
  email_verified: true,
  phone_number: "+41 44 668 18 00",
  address: { country: "CH" },
};
/** Which of those a scope asks for (OpenID Connect Core, 5.4). */
const CLAIMS = /** @type {Record<string, string[]>} */ ({
  profile: ["name"],
  email: ["email", "email_verified"],
  phone: ["phone_number"],
  address: ["address"],
});

export class Issuer {
  paths = {
    discovery: "/.well-known/openid-configuration",
    jwks: "/jwks",
    authorization: "/authorize",
    token: "/token",
    userinfo: "/userinfo",
    revocation: "/revoke",
    endSession: "/end-session",
    sessionFrame: "/session",
  };
  /** The first one signs. @type {import("./keys.mjs").SigningKey[]} */
  keys;
  grants = new Grants();
  /** How far its clock is ahead of the browser's. */
  skewMs = 0;
  #proofs = new Proofs();
  /** Whom the ID tokens name. */
  person = { ...PERSON };
  sid = randomBytes(8).toString("hex");
  /** What the browser's session here is known by; it changes when that ends. */
  #browserState = randomBytes(8).toString("hex");
  /** @type {RequestLog<Asked>} */
  #log = new RequestLog();
  #isKnown = false;
  /** @type {Scenario} */
  #scenario = {};

  /**
   * @param {string} url the issuer identifier
   * @param {Client} client
   */
  constructor(url, client) {
    this.url = url;
    this.client = client;
    this.keys = [signingKey("RS256", "key-1")];
  }

  /** @param {Scenario} scenario from now on; what was recorded is forgotten */
  play(scenario) {
    this.#scenario = scenario;
    this.#log.reset();
    scenario.setup?.(this);
  }

  /** A new key signs, and the old one is withdrawn. */
  rotate() {
    this.keys = [signingKey("RS256", `key-${this.keys.length + 1}-new`, "next")];
  }

  /** @returns {Asked[]} what was asked since the scenario began */
  requests() {
    return this.#log.list();
  }

  /** @returns {string[]} the endpoints that were asked for, without documents that anyone may read */
  steps() {
    const isPublic = (/** @type {string} */ name) => ["discovery", "jwks"].includes(name);
    return this.requests().flatMap(({ endpoint }) => (isPublic(endpoint) ? [] : [endpoint]));
  }

  /**
   * @param {Asked} asked
   * @returns {Promise<Answer>}
   */
  async handle(asked) {
    this.#log.add(asked);
    switch (asked.endpoint) {
      case "discovery":
        return this.#at("metadata", json(200, this.metadata()));
      case "jwks":
        return this.#at("keys", json(200, { keys: this.keys.map(publicJwk) }));
      case "authorization":
        return this.#authorize(asked.query);
      case "token":
        return this.#token(asked);
      case "userinfo":
        return this.#userinfo(asked);
      case "revocation":
        this.grants.revoke(asked.form.get("token") ?? "");
        return json(200, {});
      case "endSession":
        return this.#endSession(asked.query);
      case "sessionFrame":
        return html(sessionFrame());
      case "resource":
        return this.#resource(asked);
      default:
        return json(404, { error: "not_found" });
    }
  }

  metadata() {
    const at = (/** @type {keyof Issuer["paths"]} */ name) => this.url + this.paths[name];
    return {
      issuer: this.url,
      authorization_endpoint: at("authorization"),
      token_endpoint: at("token"),
      userinfo_endpoint: at("userinfo"),
      revocation_endpoint: at("revocation"),
      end_session_endpoint: at("endSession"),
      check_session_iframe: at("sessionFrame"),
      jwks_uri: at("jwks"),
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none"],
      id_token_signing_alg_values_supported: ["RS256"],
      authorization_response_iss_parameter_supported: true,
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
    };
  }

  /**
   * @param {"metadata" | "keys" | "resource"} point
   * @param {Answer} answer
   */
  #at(point, answer) {
    this.#scenario[point]?.(answer, this);
    return answer;
  }

  /** @param {URLSearchParams} query */
  #authorize(query) {
    const { clientId, redirectUri } = this.client;
    // Nobody is sent to an address that is not the client's (RFC 6749, 3.1.2.4).
    if (query.get("client_id") !== clientId || query.get("redirect_uri") !== redirectUri) {
      return json(400, { error: "invalid_request" });
    }
    const back = new URLSearchParams({ state: query.get("state") ?? "", iss: this.url });
    const challenge = query.get("code_challenge") ?? "";
    const isAsked = query.get("response_type") === "code" && challenge.length === 43;
    if (!isAsked || query.get("code_challenge_method") !== "S256") {
      back.set("error", "invalid_request");
    } else if (query.get("prompt") === "none" && !this.#isKnown) {
      back.set("error", "login_required");
    } else {
      this.#isKnown = true;
      const [scope, nonce] = [query.get("scope") ?? "", query.get("nonce")];
      const jkt = query.get("dpop_jkt") ?? undefined;
      const authTime = this.#seconds();
      const grant = { clientId, redirectUri, scope, challenge, nonce, authTime, jkt };
      back.set("code", this.grants.begin(grant));
      back.set("session_state", sessionState(this.client, this.#browserState));
    }
    const whole = this.#scenario.callback?.(back, this);
    return this.#inSession(redirect(`${redirectUri}?${typeof whole === "string" ? whole : back}`));
  }

  #seconds() {
    return Math.floor((Date.now() + this.skewMs) / 1000);
  }

  /**
   * Judges a request's DPoP proof.
   *
   * @param {Asked} asked
   * @param {string} [token]
   * @returns {string | undefined | Answer} the key's thumbprint, where there is a proof
   */
  #prove({ endpoint, method, url, headers }, token) {
    if (!headers.dpop) return undefined;
    const nonce = this.#scenario.nonce?.(endpoint, this);
    const { skewMs } = this;
    const proven = {
      method,
      url,
      skewMs,
      ...(token ? { token } : {}),
      ...(nonce ? { nonce } : {}),
    };
    try {
      return this.#proofs.check(headers.dpop, proven).jkt;
    } catch (refused) {
      if (!(refused instanceof ProofRefused)) throw refused;
      const { error, message } = refused;
      const answer = json(token ? 401 : 400, { error, error_description: message });
      if (token) answer.headers["WWW-Authenticate"] = `DPoP error="${error}"`;
      if (nonce) answer.headers["DPoP-Nonce"] = nonce;
      this.#scenario.challenge?.(answer, this);
      return answer;
    }
  }

  /** @param {Asked} asked */
  async #token(asked) {
    const { form } = asked;
    const jkt = this.#prove(asked);
    if (typeof jkt === "object") return jkt;
    const grant = this.grants.answer(form, jkt);
    if ("error" in grant) return json(400, grant);
    const grantType = form.get("grant_type") ?? "";
    const tokens = this.grants.issue(grant);
    const isOpenId = grant.scope.split(" ").includes("openid");
    const id_token = isOpenId && (await this.#idToken(grant, tokens.access_token, grantType));
    const answer = json(200, {
      ...tokens,
      token_type: jkt ? "DPoP" : "Bearer",
      expires_in: 300,
      scope: grant.scope,
      ...(id_token ? { id_token } : {}),
    });
    this.#scenario.token?.(answer, this, grantType);
    return answer;
  }

  /**
   * @param {import("./grants.mjs").Grant} grant
   * @param {string} accessToken
   * @param {string} grantType
   */
  async #idToken(grant, accessToken, grantType) {
    const [key] = this.keys;
    if (!key) throw new Error("an issuer has a key");
    /** @type {import("./keys.mjs").Draft} */
    const draft = {
      header: { alg: key.alg, kid: key.kid, typ: "JWT" },
      claims: {
        iss: this.url,
        sub: this.person.sub,
        aud: grant.clientId,
        iat: this.#seconds(),
        exp: this.#seconds() + 3600,
        auth_time: grant.authTime,
        sid: this.sid,
        at_hash: leftHash(accessToken, key.alg),
        ...(grantType === "authorization_code" && grant.nonce ? { nonce: grant.nonce } : {}),
      },
      key: key.privateKey,
    };
    this.#scenario.idToken?.(draft, this, grantType);
    const token = await sign(draft);
    return this.#scenario.signed?.(token, this) ?? token;
  }

  /** @param {Asked} asked */
  async #userinfo({ headers }) {
    const grant = this.grants.bearer(headers.authorization);
    if (!grant) return unauthorized();
    const names = grant.scope.split(" ").flatMap((scope) => CLAIMS[scope] ?? []);
    const claims = Object.entries(this.person).filter(([name]) => ["sub", ...names].includes(name));
    const answer = json(200, Object.fromEntries(claims));
    await this.#scenario.userinfo?.(answer, this);
    return answer;
  }

  /** @param {Asked} asked */
  #resource(asked) {
    const { authorization } = asked.headers;
    const jkt = this.#prove(asked, authorization?.replace(/^DPoP /, ""));
    if (typeof jkt === "object") return jkt;
    const grant = this.grants.bearer(authorization, jkt);
    return this.#at("resource", grant ? json(200, { sub: this.person.sub }) : unauthorized());
  }

  /** @param {URLSearchParams} query */
  #endSession(query) {
    const { postLogoutRedirectUri, frontchannelLogoutUri } = this.client;
    this.#isKnown = false;
    this.#browserState = randomBytes(8).toString("hex");
    const wanted = query.get("post_logout_redirect_uri");
    // Nobody is sent to an address that is not the client's (RP-Initiated Logout, 3).
    if (!wanted || wanted !== postLogoutRedirectUri) return this.#inSession(html("<p>signed out"));
    const back = new URLSearchParams(query.has("state") ? { state: query.get("state") ?? "" } : {});
    this.#scenario.loggedOut?.(back, this);
    const url = back.size > 0 ? `${wanted}?${back}` : wanted;
    if (!frontchannelLogoutUri) return this.#inSession(redirect(url));
    const told = new URLSearchParams({ iss: this.url, sid: this.sid });
    return this.#inSession(html(logoutPage(`${frontchannelLogoutUri}?${told}`, url)));
  }

  /** @param {Answer} answer which the browser's session goes along with */
  #inSession(answer) {
    const path = new URL(this.url).pathname;
    answer.headers["Set-Cookie"] = `${SESSION_COOKIE}=${this.#browserState}; Path=${path}`;
    return answer;
  }
}
