// @ts-check
// Request bodies: read whole, or looked at without being consumed; and JSON answers.
import { once } from "node:events";

const LIMIT = 32 * 1024 * 1024;

/**
 * @param {import("node:http").IncomingMessage} req
 * @returns {Promise<Buffer>} the whole body; rejects past 32 MiB or when the sender goes away
 */
export async function readBody(req) {
  /** @type {Buffer[]} */
  const chunks = [];
  let length = 0;
  for await (const chunk of req) {
    length += chunk.length;
    if (length > LIMIT) throw new Error("the request body is larger than 32 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/**
 * Looks at a form body and puts it back, so that whoever reads the request next sees all of it.
 *
 * @param {import("node:http").IncomingMessage} req
 * @returns {Promise<URLSearchParams>} empty for a body without a length or with a large one
 */
export async function peekForm(req) {
  const length = Number(req.headers["content-length"]);
  if (!(length > 0 && length <= req.readableHighWaterMark)) return new URLSearchParams();
  for (;;) {
    const body = req.read(length);
    if (body !== null) {
      req.unshift(body);
      return new URLSearchParams(body.toString());
    }
    await once(req, "readable");
    if (req.destroyed || req.readableEnded) return new URLSearchParams();
  }
}

/**
 * @param {import("node:http").ServerResponse} res
 * @param {number} status
 * @param {unknown} value
 */
export function sendJson(res, status, value) {
  res.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  res.end(JSON.stringify(value));
}
