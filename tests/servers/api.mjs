// @ts-check
// An API on an origin of its own that checks every access token against the provider's keys and
// records what it received. What it records never goes back to the page.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { readBody, sendJson } from "./body.mjs";
import { createFeeds, createSockets } from "./live.mjs";
import { allowAll, answerOpen, bodyForm } from "./open.mjs";
import { ProofRefused, Proofs } from "./proofs.mjs";
import { API_CLIENT_ID } from "./provider-config.mjs";
import { INTERNAL_HEADER } from "./provider-routes.mjs";
import { RequestLog } from "./request-log.mjs";
import { answerService } from "./services.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/**
 * @typedef {object} Received
 * @property {string} method
 * @property {string} url path and query
 * @property {NodeJS.Dict<string | string[]>} headers with the token in them: control port only
 * @property {number} bodyLength
 * @property {string} bodySha256 hex
 * @property {string} [body] on an open route alone, byte for byte
 * @property {boolean} preflight
 * @property {string} [sub] of the token, where it verified
 * @property {string} [clientId]
 * @property {string} [refused] why the answer was 401
 * @property {number} [status] of the answer, once it has begun
 * @property {import("./proofs.mjs").Proof} [proof] where a good one came
 * @property {boolean} [aborted] the caller went away before the answer was complete
 */
/** @typedef {{ sub: string, clientId: string, jkt?: string | undefined }} Caller */
/**
 * @typedef {object} NonceRule what the API wants of DPoP proofs
 * @property {string} [nonce] what they must have
 * @property {string[]} [told] what `DPoP-Nonce` says; that nonce where absent
 * @property {boolean} [isHidden] whether CORS hides that header
 * @property {string} [next] what good answers say that the nonce is from then on
 */
/**
 * @typedef {object} ApiOptions
 * @property {string} issuer
 * @property {string} audience this API's origin
 * @property {string} secret for the introspection of opaque tokens
 * @property {(origin: string) => boolean} isAppOrigin
 * @property {(token: string) => string | undefined} refusal why a token that verifies counts no more
 * @property {(token: string) => void} refuse
 */

const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS =
  "Authorization, Content-Type, DPoP, Range, If-None-Match, X-Request-Id, X-Test, Last-Event-ID";
const EXPOSED = "WWW-Authenticate, DPoP-Nonce, X-Request-Id, Date";

/** @param {ApiOptions} options */
export function createApi(options) {
  const verify = verifier(options);
  /** @type {RequestLog<Received>} */
  const log = new RequestLog();
  const proofs = new Proofs();
  /** @type {NonceRule} */
  let rule = {};
  let toRefuse = 0;
  const feeds = createFeeds();
  const sockets = createSockets((req) => note(req, false));

  /**
   * @param {Request} req
   * @param {boolean} preflight
   * @returns {Received}
   */
  function note({ method = "", url = "", headers }, preflight) {
    return log.add({ method, url, headers, bodyLength: 0, bodySha256: "", preflight });
  }

  /**
   * @param {Request} req
   * @param {Received} received
   * @returns {Promise<Caller>} rejects with the reason for a 401
   */
  async function authenticate(req, received) {
    const [, scheme, token] = /^(Bearer|DPoP) (.+)$/.exec(req.headers.authorization ?? "") ?? [];
    if (!token) throw new Error("no token");
    if (scheme === "DPoP") {
      const url = options.audience + req.url;
      const proven = { method: req.method ?? "", url, token };
      const { nonce } = rule;
      received.proof = proofs.check(req.headers.dpop, { ...proven, ...(nonce ? { nonce } : {}) });
    }
    const caller = await verify(token);
    // Bound or not, in both ways (RFC 9449, 7.2).
    if (caller.jkt !== received.proof?.jkt) throw new Error("the token is bound to another key");
    const refusal = options.refusal(token);
    if (refusal) throw new Error(refusal);
    if (toRefuse > 0) {
      toRefuse -= 1;
      throw new Error("refused on request of a test");
    }
    return caller;
  }

  /**
   * @param {Request} req
   * @param {Response} res
   */
  async function handle(req, res) {
    const preflight = req.method === "OPTIONS" && "access-control-request-method" in req.headers;
    const received = note(req, preflight);
    res.on("close", () => {
      received.status = res.headersSent ? res.statusCode : undefined;
      received.aborted = !res.writableFinished;
    });
    allowOrigin(req, res, options.isAppOrigin);
    const { pathname, searchParams } = new URL(req.url ?? "/", "http://api");
    const isOpen = pathname.startsWith("/open/");
    if (isOpen) allowAll(req, res);
    if (preflight) return void res.writeHead(204).end();

    const body = await readBody(req);
    received.bodyLength = body.length;
    received.bodySha256 = createHash("sha256").update(body).digest("hex");
    if (isOpen) {
      received.body = bodyForm(body);
      return answerOpen(res, searchParams);
    }
    /** @type {Caller} */
    let caller;
    try {
      caller = await authenticate(req, received);
    } catch (error) {
      received.refused = /** @type {Error} */ (error).message;
      const told = rule.told ?? (rule.nonce ? [rule.nonce] : []);
      if (told.length > 0) res.setHeader("DPoP-Nonce", told);
      if (rule.isHidden) res.setHeader("Access-Control-Expose-Headers", "WWW-Authenticate");
      return unauthorized(req, res, error);
    }
    if (rule.next) {
      rule = { nonce: rule.next };
      res.setHeader("DPoP-Nonce", rule.nonce ?? "");
    }
    Object.assign(received, caller);
    if (pathname === "/ticket") return sockets.issue(res, caller);
    await answer({ req, res, body, caller, received, feeds, refuse: options.refuse });
  }

  return {
    log,
    feeds,
    sockets,

    /** @param {NonceRule} wanted of DPoP proofs from now on; `{}` is none */
    wantNonce(wanted) {
      rule = wanted;
    },

    /** @param {number} count how many of the next requests get a 401 though their token is good */
    refuseNext(count) {
      toRefuse = count;
    },

    /**
     * @param {Request} req
     * @param {Response} res
     */
    handler(req, res) {
      handle(req, res).catch((error) => {
        if (res.destroyed) return;
        if (!res.headersSent) sendJson(res, 500, { error: String(error) });
        else res.destroy();
      });
    },
  };
}

/** @typedef {ReturnType<typeof createApi>} ApiHandle */

/**
 * @param {{ req: Request, res: Response, body: Buffer, caller: Caller, received: Received,
 *   feeds: ReturnType<typeof createFeeds>, refuse: (token: string) => void }} call
 */
async function answer({ req, res, body, caller, received, feeds, refuse }) {
  const url = new URL(req.url ?? "/", "http://api");
  /** @param {string} name */
  const number = (name) => Number(url.searchParams.get(name) ?? 0);
  const [, route, argument = ""] = url.pathname.split("/");
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  /** @param {string} name of a parameter in milliseconds; the wait ends when the caller goes */
  const wait = (name) => sleep(number(name), undefined, { signal: gone.signal }).catch(() => {});
  switch (route) {
    case "me":
      return sendJson(res, 200, { sub: caller.sub, clientId: caller.clientId });
    case "echo":
      return sendJson(res, 200, {
        method: received.method,
        bodyLength: received.bodyLength,
        bodySha256: received.bodySha256,
      });
    case "stream":
      res.writeHead(200, { "Content-Type": "text/plain", "Cache-Control": "no-store" });
      for (let i = 0; i < number("chunks") && !res.destroyed; i += 1) {
        if (!res.write(`chunk ${i}\n`)) {
          await once(res, "drain", { signal: gone.signal }).catch(() => {});
        }
        if (number("delay")) await wait("delay");
      }
      return void res.end();
    case "live":
      return feeds.send(req, res);
    case "items":
    case "graphql":
    case "trpc":
      return answerService(route, req, res, body);
    case "slow":
      await wait("ms");
      return res.destroyed ? undefined : sendJson(res, 200, { waited: number("ms") });
    case "status":
      if (["204", "205", "304"].includes(argument)) return void res.writeHead(+argument).end();
      return sendJson(res, Number(argument) || 400, { status: Number(argument) });
    case "reflect":
      return reflect(req, res, argument);
    case "redirect":
      return void res.writeHead(302, { Location: url.searchParams.get("to") ?? "/me" }).end();
    case "expire":
      // For the demo, whose page cannot reach the control port: this token has had its day.
      refuse((req.headers.authorization ?? "").replace(/^(Bearer|DPoP) /, ""));
      return void res.writeHead(204).end();
    default:
      return sendJson(res, 404, { error: "not_found" });
  }
}

/**
 * An API that gives back what it was sent, as a debugging aid left behind does.
 *
 * @param {Request} req
 * @param {Response} res
 * @param {string} where
 */
async function reflect(req, res, where) {
  const sent = req.headers.authorization ?? "";
  if (where === "header") res.setHeader("X-Request-Id", sent);
  res.setHeader("Content-Type", where === "download" ? "application/octet-stream" : "text/plain");
  if (where === "beginning") return void res.end(`Your token begins with ${sent.slice(0, -1)}`);
  if (where !== "pieces") return void res.end(where === "header" ? "ok" : JSON.stringify({ sent }));
  for (const piece of [sent.slice(0, 40), sent.slice(40, -1), sent.slice(-1), " and more"]) {
    res.write(piece);
    // As a packet of its own.
    await sleep(50);
  }
  res.end();
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {(origin: string) => boolean} isAppOrigin
 */
function allowOrigin(req, res, isAppOrigin) {
  res.setHeader("Vary", "Origin");
  const { origin } = req.headers;
  if (!origin || !isAppOrigin(origin)) return;
  res.setHeader("Access-Control-Allow-Origin", origin);
  res.setHeader("Access-Control-Allow-Methods", METHODS);
  res.setHeader("Access-Control-Allow-Headers", HEADERS);
  res.setHeader("Access-Control-Expose-Headers", EXPOSED);
  res.setHeader("Access-Control-Max-Age", "600");
}

/**
 * RFC 6750, section 3.1: an error code only where a token was sent.
 *
 * @param {Request} req
 * @param {Response} res
 * @param {unknown} reason
 */
function unauthorized(req, res, reason) {
  const code = reason instanceof ProofRefused ? reason.error : "invalid_token";
  const error = req.headers.authorization
    ? `, error="${code}", error_description="the access token is expired, revoked or invalid"`
    : "";
  const scheme = /^DPoP /.test(req.headers.authorization ?? "") ? 'DPoP algs="ES256",' : "Bearer";
  res.setHeader("WWW-Authenticate", `${scheme} realm="tokenward test API"${error}`);
  sendJson(res, 401, { error: error ? "invalid_token" : "missing_token" });
}

/**
 * @param {ApiOptions} options
 * @returns {(token: string) => Promise<Caller>}
 */
function verifier({ issuer, audience, secret }) {
  const headers = { [INTERNAL_HEADER]: "1" };
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`), { headers });
  return async (token) => {
    if (token.split(".").length !== 3) return introspect(token);
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt" });
    const cnf = /** @type {{ jkt?: string } | undefined} */ (payload.cnf);
    return { sub: String(payload.sub), clientId: String(payload.client_id), jkt: cnf?.jkt };
  };

  /**
   * @param {string} token an opaque one
   * @returns {Promise<Caller>}
   */
  async function introspect(token) {
    const basic = Buffer.from(`${API_CLIENT_ID}:${secret}`).toString("base64");
    const response = await fetch(`${issuer}/token/introspection`, {
      method: "POST",
      headers: { ...headers, Authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token }),
    });
    const found = await response.json();
    if (!found.active || found.aud !== audience) throw new Error("the token is not active here");
    return { sub: found.sub, clientId: found.client_id, jkt: found.cnf?.jkt };
  }
}
