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
 * @property {() => Promise<void>} close
 */

/**
 * @param {number} [port] a fixed port; without it the first free one
 * @returns {Promise<Listening>}
 */
export async function listen(port) {
  const server = http.createServer();
  const bound = port ? await bind(server, port) : await bindFirstFree(server);
  return {
    port: bound,
    serve: (handler) => void server.on("request", handler),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @param {http.Server} server */
async function bindFirstFree(server) {
  for (let port = FIRST_PORT; port <= LAST_PORT; port += 1) {
    try {
      return await bind(server, port);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EADDRINUSE") throw error;
    }
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`);
}

/**
 * @param {http.Server} server
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
