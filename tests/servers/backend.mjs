// @ts-check
// A backend of the application's that takes token requests in the provider's place (RFC 10017, 6.2): it keeps the
// refresh token, and the browser gets a cookie for it that no script reads. What it received never goes back to a page.
import { randomBytes } from "node:crypto";
import { readBody, sendJson } from "./body.mjs";
import { behindFaults } from "./fault-proxy.mjs";
import { Faults, GRANTS } from "./faults.mjs";
import { RequestLog } from "./request-log.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {{ status: number, answer: Record<string, unknown> }} Answered */
/**
 * @typedef {object} Mediated
 * @property {string} method
 * @property {string} path
 * @property {NodeJS.Dict<string | string[]>} headers
 * @property {Record<string, string>} form
 * @property {string} [cookie] this client's, where there is one
 * @property {boolean} refused whether it came without the header, or from another origin
 */
/**
 * @typedef {object} Session
 * @property {string} clientId
 * @property {string} refreshToken
 * @property {Promise<unknown>} turn what uses that token now: one after the other, since each use rotates it
 */
/**
 * @typedef {object} BackendSettings
 * @property {string[]} origins whose pages and vaults it serves
 * @property {string} header what its requests have, and no form and no page of another origin can send
 * @property {Record<string, unknown>} members what its token answers say in place of the provider's
 */
/**
 * @typedef {object} BackendOptions
 * @property {string} issuer
 * @property {string} app the one origin that it serves, unless a test says otherwise
 * @property {boolean} secureCookies whether the browser takes `Secure` cookies of http://localhost
 */

/** @param {BackendOptions} options */
export function createBackend({ issuer, app, secureCookies }) {
  /** @type {Map<string, Session>} by the cookie's value */
  const sessions = new Map();
  /** @type {RequestLog<Mediated>} */
  const log = new RequestLog();
  const faults = new Faults();
  /** @type {() => BackendSettings} */
  const usual = () => ({ origins: [app], header: "X-Tokenward", members: {} });
  let settings = usual();

  /** @param {string} origin */
  const isServed = (origin) => settings.origins.includes(origin);
  /** @param {Request} req */
  const isRefused = ({ headers }) =>
    !isServed(headers.origin ?? "") || headers[settings.header.toLowerCase()] !== "1";
  /** Its prefix is the browser's word that no other host and no script made it. @param {string} clientId */
  const cookieName = (clientId) => `${secureCookies ? "__Host-Http-" : ""}${clientId}`;

  /**
   * @param {Request} req
   * @param {string} clientId
   */
  function cookieOf(req, clientId) {
    const start = `${cookieName(clientId)}=`;
    const pairs = (req.headers.cookie ?? "").split("; ");
    return pairs.find((pair) => pair.startsWith(start))?.slice(start.length);
  }

  /**
   * @param {Response} res
   * @param {string} clientId
   * @param {string} [value] without it the cookie goes
   */
  function setCookie(res, clientId, value) {
    const attributes = ["HttpOnly", "SameSite=Strict", "Path=/"];
    if (secureCookies) attributes.unshift("Secure");
    if (!value) attributes.push("Max-Age=0");
    const pair = `${cookieName(clientId)}=${value ?? ""}`;
    res.setHeader("Set-Cookie", [pair, ...attributes].join("; "));
  }

  /**
   * @param {Request} req
   * @param {Response} res
   */
  function allowOrigin({ headers: { origin = "" } }, res) {
    res.setHeader("Vary", "Origin");
    if (!isServed(origin)) return;
    res.setHeader("Access-Control-Allow-Origin", origin);
    res.setHeader("Access-Control-Allow-Credentials", "true");
    res.setHeader("Access-Control-Allow-Methods", "POST");
    res.setHeader("Access-Control-Allow-Headers", `${settings.header}, DPoP, Content-Type`);
    res.setHeader("Access-Control-Expose-Headers", "Date, Retry-After");
  }

  /**
   * @param {string} path
   * @param {URLSearchParams} form
   * @returns {Promise<Answered>} the provider's, or what is said where that has none
   */
  async function ask(path, form) {
    try {
      const response = await fetch(issuer + path, { method: "POST", body: form });
      return { status: response.status, answer: JSON.parse((await response.text()) || "{}") };
    } catch {
      return { status: 502, answer: { error: "temporarily_unavailable" } };
    }
  }

  /** @param {Asked} asked with a code */
  async function exchange({ form, clientId, cookie, res }) {
    const answered = await ask("/token", form);
    const { refresh_token: refreshToken } = answered.answer;
    if (answered.status === 200) {
      // What it had is forgotten, not revoked: at many providers the new token hangs on the same grant.
      if (cookie) sessions.delete(cookie);
      if (typeof refreshToken === "string") {
        const value = randomBytes(32).toString("base64url");
        sessions.set(value, { clientId, refreshToken, turn: Promise.resolve() });
        setCookie(res, clientId, value);
      } else if (cookie) {
        // Whoever signs in now has nothing to be kept; by that cookie whoever did before would be back.
        setCookie(res, clientId);
      }
    }
    pass(answered, res);
  }

  /** @param {Asked} asked without the refresh token */
  async function renew({ form, clientId, cookie = "", res }) {
    const session = sessions.get(cookie);
    const answered = await (session
      ? inTurn(session, () => rotate(session, form))
      : { status: 400, answer: { error: "invalid_grant" } });
    if (answered.answer.error === "invalid_grant") {
      sessions.delete(cookie);
      setCookie(res, clientId);
    }
    pass(answered, res);
  }

  /**
   * @param {Session} session
   * @param {URLSearchParams} form
   */
  async function rotate(session, form) {
    form.set("refresh_token", session.refreshToken);
    const answered = await ask("/token", form);
    // Kept before the browser hears of it: an answer that is lost on its way costs no session.
    const { refresh_token: next } = answered.answer;
    if (typeof next === "string") session.refreshToken = next;
    return answered;
  }

  /** @param {Asked} asked without the token */
  async function revoke({ form, clientId, cookie = "", res }) {
    const session = sessions.get(cookie);
    sessions.delete(cookie);
    setCookie(res, clientId);
    if (session) {
      await inTurn(session, () => {
        form.set("token", session.refreshToken);
        return ask("/token/revocation", form);
      });
    }
    sendJson(res, 200, {});
  }

  /**
   * Gives a token answer on, without what stays here.
   *
   * @param {Answered} answered
   * @param {Response} res
   */
  function pass({ status, answer }, res) {
    const { refresh_token: _, ...rest } = answer;
    sendJson(res, status, status === 200 ? { ...rest, ...settings.members } : rest);
  }

  /**
   * @param {Request} req
   * @param {Response} res
   */
  async function handle(req, res) {
    allowOrigin(req, res);
    if (req.method === "OPTIONS") return void res.writeHead(204).end();
    if (isRefused(req)) return sendJson(res, 403, { error: "access_denied" });
    const form = new URLSearchParams((await readBody(req)).toString());
    const clientId = form.get("client_id") ?? "";
    const asked = { form, clientId, cookie: cookieOf(req, clientId), res };
    const step = req.method === "POST" ? stepOf(req, form) : undefined;
    if (step === "code") return exchange(asked);
    if (step === "refresh") return renew(asked);
    if (step === "revocation") return revoke(asked);
    sendJson(res, 404, { error: "not_found" });
  }

  return {
    log,
    /** What becomes of requests that are planned: its steps are `code`, `refresh` and `revocation`. */
    faults,

    handler: behindFaults({
      faults,
      stepOf,
      arrived(req, form) {
        const { method = "", url: path = "", headers } = req;
        const cookie = cookieOf(req, form.get("client_id") ?? "");
        log.add({
          ...{ method, path, headers, form: Object.fromEntries(form), refused: isRefused(req) },
          ...(cookie ? { cookie } : {}),
        });
      },
      met: () => {},
      stopped: () => {},
      isAppOrigin: isServed,
      takesCookies: true,
      handler: (req, res) => void handle(req, res).catch(() => req.socket.destroy()),
    }),

    /** @param {Partial<BackendSettings>} changed from now on, until `reset` */
    settle(changed) {
      settings = { ...settings, ...changed };
    },

    /** @param {string} clientId @returns {number} how many of its sessions are kept */
    kept: (clientId) => [...sessions.values()].filter((one) => one.clientId === clientId).length,

    /** Loses all sessions, as when it starts again; browsers have their cookies still. */
    forget: () => sessions.clear(),

    reset() {
      settings = usual();
      sessions.clear();
      faults.clear();
      log.reset();
    },
  };
}

/** @typedef {ReturnType<typeof createBackend>} BackendHandle */
/** @typedef {{ form: URLSearchParams, clientId: string, cookie: string | undefined, res: Response }} Asked */

/**
 * @param {Request} req
 * @param {URLSearchParams} form
 */
function stepOf({ url }, form) {
  if (url === "/revoke") return "revocation";
  return url === "/token" ? GRANTS[form.get("grant_type") ?? ""] : undefined;
}

/**
 * @template T
 * @param {Session} session
 * @param {() => Promise<T>} use
 * @returns {Promise<T>}
 */
function inTurn(session, use) {
  const used = session.turn.then(use);
  session.turn = used.catch(() => {});
  return used;
}
