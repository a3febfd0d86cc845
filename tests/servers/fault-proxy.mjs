// @ts-check
// Stands in front of provider and API: a request that a planned fault meets is answered here, or is
// sent on and its answer spoilt; every other passes untouched.
import http from "node:http";
import { peekForm, readBody } from "./body.mjs";
import { GRANTS } from "./faults.mjs";
import { INTERNAL_HEADER } from "./provider-routes.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {import("./faults.mjs").Step} Step */
/** @typedef {import("./faults.mjs").Planned} Planned */
/** @typedef {{ status: number, headers: http.OutgoingHttpHeaders, body: Buffer }} Answer */
/**
 * @typedef {object} Passage
 * @property {import("./faults.mjs").Faults} faults
 * @property {(req: Request, form: URLSearchParams) => Step | undefined} stepOf
 * @property {(req: Request, form: URLSearchParams) => void} arrived counts a browser's request
 * @property {(req: Request, form: URLSearchParams) => void} met and one that a fault meets
 * @property {(req: Request, form: URLSearchParams) => void} stopped and one that goes no further
 * @property {(origin: string) => boolean} isAppOrigin
 * @property {boolean} [takesCookies] whether they may be read with cookies, too
 * @property {http.RequestListener} handler
 */

/** Marks what this proxy sent on itself. */
const PASSED_HEADER = "x-tokenward-passed";
const PADDING = 1024 * 1024;
const EXPOSED = "Retry-After, WWW-Authenticate, Date";

/**
 * @param {Request} req a request to the provider
 * @param {URLSearchParams} form its body
 * @returns {Step | undefined}
 */
export function providerStep(req, form) {
  const path = (req.url ?? "").split("?", 1)[0];
  if (req.method === "GET" && path?.startsWith("/.well-known/")) return "discovery";
  if (req.method === "GET" && path === "/jwks") return "keys";
  if (req.method === "POST" && path === "/token") return GRANTS[form.get("grant_type") ?? ""];
  if (req.method === "POST" && path === "/token/revocation") return "revocation";
  if (req.method === "POST" && path === "/request") return "pushed";
  if (path === "/me") return "userinfo";
  return undefined;
}

/**
 * @param {Passage} passage
 * @returns {http.RequestListener}
 */
export function behindFaults(passage) {
  const { faults, stepOf, arrived, met, stopped, isAppOrigin, takesCookies, handler } = passage;

  /**
   * @param {Request} req
   * @param {Response} res
   */
  async function pass(req, res) {
    if (req.headers[PASSED_HEADER] || req.headers[INTERNAL_HEADER]) return handler(req, res);
    const form = req.method === "POST" ? await peekForm(req) : new URLSearchParams();
    arrived(req, form);
    const step = req.method === "OPTIONS" ? undefined : stepOf(req, form);
    const fault = step && (await faults.meet(step, form.get("client_id")));
    if (!fault) return handler(req, res);
    met(req, form);
    // Whoever waited so long that the client went away has nobody to serve.
    if (req.socket.destroyed) return stopped(req, form);
    if (fault.drop || fault.status !== undefined) {
      stopped(req, form);
      return fault.drop ? void req.socket.resetAndDestroy() : answer(req, res, own(fault));
    }
    if (!fault.spoil && !fault.dateMs) return handler(req, res);
    // What a browser sends again by itself, because a connection broke, does not act a second time.
    if (fault.hasActed && fault.spoil === "lose") return void req.socket.resetAndDestroy();
    fault.hasActed = true;
    await spoil(req, res, fault, await sendOn(req), faults);
  }

  /**
   * Readable by the app's origin, as a provider's own error is.
   *
   * @param {Request} req
   * @param {Response} res
   * @param {Answer} answer
   */
  function answer(req, res, { status, headers, body }) {
    const { origin } = req.headers;
    if (!origin || isAppOrigin(origin)) res.setHeader("Access-Control-Allow-Origin", origin ?? "*");
    if (takesCookies) res.setHeader("Access-Control-Allow-Credentials", "true");
    res.setHeader("Access-Control-Expose-Headers", EXPOSED);
    res.writeHead(status, headers).end(body);
  }

  return (req, res) => {
    Promise.resolve(pass(req, res)).catch(() => req.socket.destroy());
  };
}

/**
 * @param {Planned} fault
 * @returns {Answer}
 */
function own({ status = 500, contentType = "application/json", headers, body = {} }) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    status,
    headers: { "Content-Type": contentType, "Cache-Control": "no-store", ...headers },
    body: Buffer.from(text),
  };
}

/**
 * @param {Request} req
 * @returns {Promise<Answer>} what the server behind this proxy says to it
 */
async function sendOn(req) {
  const body = await readBody(req);
  const { localPort: port } = req.socket;
  const { method, url: path } = req;
  const headers = { ...req.headers, [PASSED_HEADER]: "1" };
  return new Promise((resolve, reject) => {
    const inner = http.request({ host: "127.0.0.1", port, method, path, headers, agent: false });
    inner.on("error", reject).on("response", (answer) => {
      readBody(answer).then(
        (body) => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body }),
        reject,
      );
    });
    inner.end(body);
  });
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {Planned} fault
 * @param {Answer} answer
 * @param {import("./faults.mjs").Faults} faults
 */
async function spoil(req, res, { spoil: way, dateMs }, { status, headers, body }, faults) {
  if (way === "lose") return void req.socket.resetAndDestroy();
  const changed = { ...headers };
  for (const name of ["connection", "keep-alive", "transfer-encoding", "content-length"]) {
    delete changed[name];
  }
  if (way === "hide") {
    for (const name of Object.keys(changed)) {
      if (name.startsWith("access-control-")) delete changed[name];
    }
  }
  if (way === "retype") changed["content-type"] = "text/html; charset=utf-8";
  if (dateMs) {
    changed.date = new Date(Date.now() + dateMs).toUTCString();
    changed["access-control-expose-headers"] = EXPOSED;
  }
  const change = way && CHANGES[way];
  const sent = change ? change(body) : body;
  changed["content-length"] = sent.length;
  res.writeHead(status, changed);
  const half = sent.length / 2;
  if (way === "truncate") return void res.write(sent.subarray(0, half), () => req.socket.destroy());
  if (way !== "stall") return void res.end(sent);
  res.write(sent.subarray(0, half));
  await faults.wait();
  res.end(sent.subarray(half));
}

/** The ways that change a body. @type {Partial<Record<import("./faults.mjs").Spoil, (body: Buffer) => Buffer>>} */
const CHANGES = { swell: swollen, forge: forged };

/** @param {Buffer} body a token answer */
function forged(body) {
  const answer = JSON.parse(body.toString());
  const [header, payload, signature] = String(answer.id_token).split(".");
  const claims = JSON.parse(Buffer.from(payload ?? "", "base64url").toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, forged: true })).toString("base64url");
  return Buffer.from(
    JSON.stringify({ ...answer, id_token: [header, changed, signature].join(".") }),
  );
}

/** @param {Buffer} body an object in JSON, or nothing */
function swollen(body) {
  const text = body.toString().replace(/}\s*$/, "");
  const start = text ? `${text},` : "{";
  return Buffer.from(`${start}"padding":"${"x".repeat(PADDING)}"}`);
}
