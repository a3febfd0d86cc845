// @ts-check
// Another origin that welcomes everything and records it whole: where a leak would arrive, or a
// lying issuer would live.
import { readBody } from "./body.mjs";
import { RequestLog } from "./request-log.mjs";

/**
 * @typedef {object} Caught
 * @property {string} method
 * @property {string} url
 * @property {NodeJS.Dict<string | string[]>} headers
 * @property {string} body
 */
/** @typedef {{ status?: number, headers?: Record<string, string>, body?: unknown }} Answer */

export function createLookalike() {
  /** @type {RequestLog<Caught>} */
  const log = new RequestLog();
  /** @type {Map<string, Answer | ((caught: Caught) => Answer | Promise<Answer>)>} */
  const answers = new Map();

  return {
    log,

    /**
     * @param {string} path what requests for it get from now on; any other path gets `{}`
     * @param {Answer | ((caught: Caught) => Answer | Promise<Answer>)} answer to each of them, or what gives it
     */
    setAnswer(path, answer) {
      answers.set(path, answer);
    },

    reset() {
      log.reset();
      answers.clear();
    },

    /**
     * @param {import("node:http").IncomingMessage} req
     * @param {import("node:http").ServerResponse} res
     */
    async handler(req, res) {
      const { method = "", url = "", headers } = req;
      const caught = log.add({ method, url, headers, body: "" });
      caught.body = (await readBody(req).catch(() => "")).toString();
      const planned = (method !== "OPTIONS" && answers.get(url.split("?", 1).join())) || {};
      const answer = typeof planned === "function" ? await planned(caught) : planned;
      const { status = 200, body = {}, headers: extra = {} } = answer;
      res.writeHead(method === "OPTIONS" ? 204 : status, {
        "Access-Control-Allow-Origin": headers.origin ?? "*",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": headers["access-control-request-method"] ?? "*",
        "Access-Control-Allow-Headers": headers["access-control-request-headers"] ?? "*",
        "Content-Type": "application/json",
        ...extra,
      });
      res.end(typeof body === "string" ? body : JSON.stringify(body));
    },
  };
}

/** @typedef {ReturnType<typeof createLookalike>} LookalikeHandle */
