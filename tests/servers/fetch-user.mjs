// @ts-check
// A user with a cookie jar but no browser: signs in at the provider by plain fetch, as a page and
// its user would, for tests of the servers themselves.
import { createHash, randomBytes } from "node:crypto";

/** @typedef {{ access_token: string, refresh_token: string, id_token: string, expires_in: number, scope: string }} Tokens */

export class FetchUser {
  /** @type {Map<string, { value: string, path: string }>} */
  #cookies = new Map();

  /**
   * @param {{ issuer: string, app: string }} servers
   * @param {string} clientId
   */
  constructor(servers, clientId) {
    this.issuer = servers.issuer;
    this.app = servers.app;
    this.clientId = clientId;
    this.redirectUri = `${servers.app}/callback`;
  }

  /**
   * @param {string} url
   * @param {RequestInit} [init]
   */
  async visit(url, init = {}) {
    const { pathname } = new URL(url);
    const cookie = [...this.#cookies]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
    const response = await fetch(url, { ...init, redirect: "manual", headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split("; ");
      const [name = "", value] = pair.split("=");
      const path = attributes.find((text) => /^path=/i.test(text))?.slice(5) ?? "/";
      if (value) this.#cookies.set(name, { value, path });
      else this.#cookies.delete(name);
    }
    return response;
  }

  /**
   * Follows redirects until a page or the app's origin.
   *
   * @param {string} url
   * @param {RequestInit} [init]
   * @returns {Promise<{ url: URL, html: string }>}
   */
  async walk(url, init) {
    let response = await this.visit(url, init);
    let at = url;
    for (let hops = 0; hops < 10; hops += 1) {
      const location = response.headers.get("location");
      if (!location) return { url: new URL(at), html: await response.text() };
      at = new URL(location, at).href;
      if (at.startsWith(this.app)) return { url: new URL(at), html: "" };
      response = await this.visit(at);
    }
    throw new Error(`too many redirects, the last to ${at}`);
  }

  /**
   * @param {{ login?: string, scope?: string, params?: Record<string, string> }} [wanted]
   * @returns {Promise<{ callback: URL, verifier: string }>} the callback as the app would see it
   */
  async authorize({ login = "alice", scope = "openid profile email offline_access", params } = {}) {
    const verifier = randomBytes(32).toString("base64url");
    const query = new URLSearchParams({
      client_id: this.clientId,
      response_type: "code",
      redirect_uri: this.redirectUri,
      scope,
      state: "state-1",
      nonce: "nonce-1",
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
      ...params,
    });
    let page = await this.walk(`${this.issuer}/auth?${query}`);
    if (page.url.pathname.startsWith("/interaction/")) {
      const body = new URLSearchParams({ login, password: "any" });
      page = await this.walk(page.url.href, { method: "POST", body });
    }
    return { callback: page.url, verifier };
  }

  /**
   * @param {Record<string, string>} form
   * @param {string} [origin]
   */
  token(form, origin = this.app) {
    const body = new URLSearchParams({ client_id: this.clientId, ...form });
    return fetch(`${this.issuer}/token`, { method: "POST", body, headers: { origin } });
  }

  /**
   * @param {Parameters<FetchUser["authorize"]>[0]} [wanted]
   * @returns {Promise<Tokens>}
   */
  async signIn(wanted) {
    const { callback, verifier } = await this.authorize(wanted);
    const response = await this.token({
      grant_type: "authorization_code",
      code: callback.searchParams.get("code") ?? "",
      redirect_uri: this.redirectUri,
      code_verifier: verifier,
    });
    if (!response.ok) throw new Error(`no tokens: ${await response.text()}`);
    return /** @type {Promise<Tokens>} */ (response.json());
  }

  /** @param {string} token */
  refresh(token) {
    return this.token({ grant_type: "refresh_token", refresh_token: token });
  }
}
