// @ts-check
// The API's open routes, `/open/<n>?…`: no token is asked for, every origin of the app may do all
// that CORS can allow, and the query says what the answer is. Two fetches are compared on them.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */

const FORM = "a=1+2&b=%C3%A4";
const MULTIPART = [
  "--edge",
  'Content-Disposition: form-data; name="a"',
  "",
  "1",
  "--edge",
  'Content-Disposition: form-data; name="f"; filename="f.bin"',
  "Content-Type: application/x-test",
  "",
  "bytes",
  "--edge--",
  "",
].join("\r\n");

/** What an answer is made of, by the word in `kind`. */
const KINDS =
  /** @type {Record<string, { type?: string, encoding?: string, body: string | Buffer }>} */ ({
    text: { type: "text/plain; charset=utf-8", body: "text with ä and \u{1f511}" },
    latin1: { type: "text/plain; charset=iso-8859-1", body: Buffer.from("ä", "latin1") },
    bom: { type: "application/json", body: Buffer.from("\ufeff{}") },
    json: { type: "application/json", body: '{"a":[1,"ä",null]}' },
    notjson: { type: "application/json", body: "<html>" },
    empty: { type: "text/plain", body: "" },
    untyped: { body: Buffer.from([0, 1, 254, 255]) },
    gzip: { type: "text/plain", encoding: "gzip", body: gzipSync("packed ".repeat(1000)) },
    form: { type: "application/x-www-form-urlencoded", body: FORM },
    multipart: { type: "multipart/form-data; boundary=edge", body: MULTIPART },
    large: { type: "application/octet-stream", body: Buffer.alloc(3_000_000, "0123456789") },
  });

/**
 * @param {Request} req
 * @param {Response} res
 */
export function allowAll(req, res) {
  const wanted = req.headers["access-control-request-headers"];
  res.setHeader("Access-Control-Allow-Credentials", "true");
  res.setHeader("Access-Control-Allow-Methods", req.headers["access-control-request-method"] ?? "");
  if (wanted) res.setHeader("Access-Control-Allow-Headers", wanted);
  res.setHeader("Access-Control-Expose-Headers", "X-Shown, X-Twice, Set-Cookie, ETag, Location");
}

/**
 * Answers as the query says: `status`, `kind`, `header` (`Name: value`, several), `location`, `cors=no`,
 * and `end`: `reset` breaks the connection before an answer, `cut` in its middle.
 *
 * @param {Response} res
 * @param {URLSearchParams} query
 */
export async function answerOpen(res, query) {
  const end = query.get("end");
  if (end === "reset") return void res.destroy();
  if (query.get("cors") === "no") res.removeHeader("Access-Control-Allow-Origin");
  const status = Number(query.get("status") ?? 200);
  const { type, encoding, body } = KINDS[query.get("kind") ?? "text"] ?? { body: "" };
  const hasBody = ![204, 205, 304].includes(status);
  if (type && hasBody) res.setHeader("Content-Type", type);
  if (encoding && hasBody) res.setHeader("Content-Encoding", encoding);
  for (const line of query.getAll("header")) {
    const [name = "", value = ""] = line.split(/: ?/, 2);
    res.appendHeader(name, value);
  }
  const location = query.get("location");
  if (location) res.setHeader("Location", location);
  res.writeHead(status);
  if (end === "cut") {
    res.write("the first half");
    // The head and this half are on their way before the connection goes.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return void res.destroy();
  }
  res.end(hasBody ? body : undefined);
}

/**
 * @param {Buffer} body
 * @returns {string} what a comparison needs of a request's body: all of a short one
 */
export function bodyForm(body) {
  const digest = createHash("sha256").update(body).digest("hex");
  return body.length <= 4096 ? body.toString("latin1") : `${body.length} bytes ${digest}`;
}
