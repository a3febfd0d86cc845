// @ts-check
// What an API keeps open: server-sent events, and WebSockets behind tickets for one connection each.
import { randomUUID } from "node:crypto";
import { WebSocketServer } from "ws";
import { sendJson } from "./body.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {import("./api.mjs").Caller} Caller */

/** Streams of numbered events, and what breaks those that are open. */
export function createFeeds() {
  /** @type {Set<Response>} */
  const open = new Set();

  return {
    /**
     * The events after `Last-Event-ID`: up to `each` in one connection, up to `until` in all, then 204. `retry`
     * is in milliseconds. With `end=hold` the beginning of another event comes then, and nothing more.
     *
     * @param {Request} req
     * @param {Response} res
     */
    send(req, res) {
      const { searchParams } = new URL(req.url ?? "/", "http://api");
      const number = (/** @type {string} */ name) => Number(searchParams.get(name) ?? 0);
      const first = Number(req.headers["last-event-id"] ?? 0) + 1;
      const last = Math.min(number("until"), first + number("each") - 1);
      if (first > last) return void res.writeHead(204).end();
      res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      res.write(`retry: ${number("retry")}\n\n`);
      for (let id = first; id <= last; id += 1) {
        res.write(`event: numbered\nid: ${id}\ndata: number ${id}\ndata: \u{1f511}\n\n`);
      }
      if (searchParams.get("end") !== "hold") return void res.end();
      res.write(`id: ${last + 1}\ndata: the first ha`);
      open.add(res);
      res.once("close", () => open.delete(res));
    },

    /** Breaks every connection that is held. */
    cut() {
      for (const res of open) res.destroy();
    },
  };
}

/**
 * Sockets that say whose ticket it was, and then what they hear.
 *
 * @param {(req: Request) => { status?: number, refused?: string }} note notes a request that would be one
 */
export function createSockets(note) {
  const server = new WebSocketServer({ noServer: true });
  /** @type {Map<string, Caller>} */
  const tickets = new Map();

  return {
    /**
     * @param {Response} res
     * @param {Caller} caller whom the ticket is for
     */
    issue(res, caller) {
      const ticket = randomUUID();
      tickets.set(ticket, caller);
      sendJson(res, 200, { ticket });
    },

    /**
     * @param {Request} req
     * @param {import("node:stream").Duplex} socket
     * @param {Buffer} head
     */
    upgrade(req, socket, head) {
      const received = note(req);
      const ticket = new URL(req.url ?? "/", "http://api").searchParams.get("ticket") ?? "";
      const caller = tickets.get(ticket);
      tickets.delete(ticket);
      if (!caller) {
        Object.assign(received, { status: 401, refused: "no such ticket" });
        return void socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
      }
      Object.assign(received, { status: 101, ...caller });
      server.handleUpgrade(req, socket, head, (opened) => {
        opened.send(`hello ${caller.sub}`);
        opened.on("message", (text) => opened.send(`heard ${text}`));
      });
    },

    close() {
      for (const opened of server.clients) opened.terminate();
    },
  };
}
