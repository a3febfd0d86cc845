// @ts-check
// Binds HTTP servers to free loopback ports above 8100 and closes them with all their connections.
import http from "node:http";

const FIRST_PORT = 8101;
const LAST_PORT = 9999;

/**
 * A server that listens already and gets its handler later: the servers here need each other's
 * addresses before any of them can be built.
 *
 * @typedef {object} Listening
 * @property {number} port
 * @property {(handler: http.RequestListener) => void} serve
 * @property {(handler: (req: http.IncomingMessage, socket: import("node:stream").Duplex, head: Buffer) => void) => void}
 *   serveUpgrades for what is no longer HTTP, WebSockets
 * @property {() => Promise<() => Promise<void>>} refuse ends every connection and refuses others, until
 *   what it resolves to is called
 * @property {() => Promise<void>} close
 */
/**
 * A port of one's own choice, or `last`: the last free one, for a server that will be away for a while
 * and must find its port again, where others take the first.
 *
 * @typedef {number | "last"} Port
 */

/**
 * @param {Port} [port] without it the first free one
 * @returns {Promise<Listening>}
 */
export async function listen(port) {
  const server = http.createServer();
  const bound = typeof port === "number" ? await bind(server, port) : await bindFree(server, port);
  const close = () =>
    new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    port: bound,
    serve: (handler) => void server.on("request", handler),
    serveUpgrades: (handler) => void server.on("upgrade", handler),
    async refuse() {
      await close();
      return async () => void (await bind(server, bound));
    },
    close,
  };
}

/**
 * @param {import("node:net").Server} server
 * @param {"last"} [which] the first free port without it
 * @returns {Promise<number>}
 */
export async function bindFree(server, which) {
  for (let tried = 0; tried <= LAST_PORT - FIRST_PORT; tried += 1) {
    try {
      return await bind(server, which ? LAST_PORT - tried : FIRST_PORT + tried);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EADDRINUSE") throw error;
    }
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`);
}

/**
 * @param {import("node:net").Server} server
 * @param {number} port
 * @returns {Promise<number>}
 */
function bind(server, port) {
  return new Promise((resolve, reject) => {
    const bound = () => {
      server.off("error", taken);
      resolve(port);
    };
    // Not as `listen`'s callback, which would stay behind at each port that is taken.
    const taken = (/** @type {Error} */ error) => {
      server.off("listening", bound);
      reject(error);
    };
    server.once("error", taken).once("listening", bound);
    server.listen(port, "127.0.0.1");
  });
}
