// @ts-check
// What a page does with streams, sockets and a `fetch` of its own. In a module: Firefox runs a test's functions
// beside the page, where `fetch` and `WebSocket` are others.

/** @typedef {{ type: string, data: string, lastEventId: string }} ServerEvent */

/** @type {AsyncIterableIterator<ServerEvent> | undefined} */
let stream;
/** @type {Promise<any>} */
let waiting = Promise.resolve();

/**
 * @param {string} url
 * @param {object} [init]
 */
export async function open(url, init) {
  const { events } = await window.tw.load("/pkg/server-events.js");
  stream = events(window.tw.auth, url, init);
}

/** @param {number} count @returns {Promise<(ServerEvent | "end")[]>} the next events */
export async function take(count) {
  const found = [];
  for (let at = 0; at < count; at += 1) {
    const { value, done } = (await stream?.next()) ?? { done: true };
    if (done) return [...found, "end"];
    found.push(value);
  }
  return found;
}

/** Waits for the next event, which `waited` then tells of. */
export function wait() {
  waiting = take(1);
  waiting.catch(() => {});
}

export const waited = () => waiting;

export const leave = async () => void (await stream?.return?.());

/** @type {() => void} */
let uninstall = () => {};

/** @param {object[]} resources */
export async function install(resources) {
  const { installFetch } = await window.tw.load("/pkg/install.js");
  uninstall = installFetch(window.tw.auth, resources);
}

export const remove = () => uninstall();

/**
 * The page's own `fetch`, whichever that is now.
 *
 * @param {string} url
 * @param {RequestInit & { asRequest?: boolean }} [init]
 */
export async function request(url, { asRequest, ...init } = {}) {
  const { status, type } = await (asRequest ? fetch(new Request(url, init)) : fetch(url, init));
  return [status, type];
}

/**
 * Opens a socket and speaks on it.
 *
 * @param {string} url without its ticket
 * @param {string} ticket
 * @returns {Promise<string[]>} what was heard, and `closed` where it did not open or ended
 */
export function converse(url, ticket) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url}?ticket=${encodeURIComponent(ticket)}`);
    /** @type {string[]} */
    const heard = [];
    socket.onmessage = ({ data }) => {
      heard.push(data);
      if (heard.length === 1) socket.send("ä");
      else socket.close();
    };
    socket.onclose = () => resolve([...heard, "closed"]);
  });
}

/** @param {string} url @returns {Promise<string>} */
export async function ticketFrom(url) {
  const { ticket } = await window.tw.load("/pkg/ticket.js");
  return ticket(window.tw.auth, url);
}
