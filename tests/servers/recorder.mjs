// @ts-check
// Welcomes every page, keeps what it received byte for byte, and answers as it is told. It speaks http and
// https (HTTP/2, where a browser wants that) on one port, so that two addresses differ in the scheme alone.
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { bindFree } from "./listen.mjs";
import { RequestLog } from "./request-log.mjs";

/**
 * @typedef {object} Recorded
 * @property {string} origin to which it was addressed
 * @property {string} version of HTTP
 * @property {string} method
 * @property {string} url path and query
 * @property {NodeJS.Dict<string | string[]>} headers
 * @property {number} arrived bytes of the body so far
 * @property {boolean} isWhole whether the body came to its end
 * @property {Buffer} body what came of it, once no more comes
 */
/** @typedef {{ status?: number, headers?: Record<string, string>, body?: string }} Said */
/** @typedef {{ key: string, cert: string }} Certificate */

/** The first byte of a TLS handshake. */
const HANDSHAKE = 22;
const EXPOSED = "WWW-Authenticate, DPoP-Nonce, Date";

/** @param {Certificate} certificate */
export async function startRecorder(certificate) {
  /** @type {RequestLog<Recorded>} */
  const log = new RequestLog();
  /** @type {(recorded: Recorded) => Said} */
  let say = () => ({});
  /** Bodies are not read on before it resolves. */
  let held = Promise.resolve();

  /**
   * @param {any} req
   * @param {Recorded} kept
   */
  const receive = async (req, kept) => {
    /** @type {Buffer[]} */
    const pieces = [];
    try {
      for await (const piece of req) {
        await held;
        pieces.push(piece);
        kept.arrived += piece.length;
      }
      // Over HTTP/2 what is reset ends like what is whole.
      kept.isWhole = !req.aborted;
    } catch {
      // What breaks off is kept as well.
    }
    kept.body = Buffer.concat(pieces);
  };

  /**
   * @param {string} scheme
   * @returns {(req: any, res: any) => Promise<void>} for both versions: their types are not one
   */
  const handler = (scheme) => async (req, res) => {
    const { method, url, headers, httpVersion: version } = req;
    const host = headers.host ?? headers[":authority"];
    const recorded = { origin: `${scheme}://${host}`, version, method, url, headers };
    const isPreflight = method === "OPTIONS";
    // Before its body is there: the head may have a secret.
    const kept = log.add({ ...recorded, arrived: 0, isWhole: false, body: Buffer.alloc(0) });
    await receive(req, kept);
    const { status = 200, body = "{}", headers: more = {} } = isPreflight ? {} : say(kept);
    res.writeHead(isPreflight ? 204 : status, {
      "Access-Control-Allow-Origin": headers.origin ?? "*",
      "Access-Control-Allow-Credentials": "true",
      "Access-Control-Allow-Methods": headers["access-control-request-method"] ?? "*",
      "Access-Control-Allow-Headers": headers["access-control-request-headers"] ?? "*",
      "Access-Control-Expose-Headers": EXPOSED,
      "Access-Control-Max-Age": "600",
      "Content-Type": "application/json",
      ...more,
    });
    res.end(isPreflight ? undefined : body);
  };
  const plain = http.createServer(handler("http"));
  const secure = http2.createSecureServer({ ...certificate, allowHTTP1: true }, handler("https"));

  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  const door = net.createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => {});
    socket.once("data", (first) => {
      socket.pause();
      socket.unshift(first);
      if (first[0] === HANDSHAKE) return void secure.emit("connection", socket);
      plain.emit("connection", socket);
      socket.resume();
    });
  });
  const port = await bindFree(door);

  return {
    port,
    /** @returns {Recorded[]} all but preflights, which carry no credential of ours */
    received: () => log.list().filter(({ method }) => method !== "OPTIONS"),
    /** @returns {Recorded[]} all */
    all: () => log.list(),

    /** @param {(recorded: Recorded) => Said} answer what it says from now on; else 200 */
    answer(answer) {
      say = answer;
    },

    /** Reads no body any further; gives what has all be read on. */
    hold() {
      /** @type {() => void} */
      let release = () => {};
      held = new Promise((resolve) => {
        release = () => resolve(undefined);
      });
      return release;
    },

    reset() {
      log.reset();
      say = () => ({});
    },

    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => door.close(resolve));
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startRecorder>>} Recorder */
