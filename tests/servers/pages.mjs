// @ts-check
// Serves the app's files: headers for pages and, apart from them, for the vault's file; and
// index.html for every path that a router in the page would own, such as /callback.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { RequestLog } from "./request-log.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {Record<string, string>} Headers */
/** @typedef {{ method: string, url: string, headers: NodeJS.Dict<string | string[]>, status: number }} Served */
/**
 * @typedef {object} PagesOptions
 * @property {string | Record<string, string>} [dir] a directory, or directories by URL prefix
 *   (`{ "/": "dist", "/pkg/": "pkg" }`, the longest prefix wins); one blank page without it
 * @property {Headers} pageHeaders for everything but the vault
 * @property {Headers} vaultHeaders for `/tokenward/vault.js` and its kin, also below `/baked/<client>`
 */

/** A worker has the policy that its own file was served with, not its page's. */
const VAULT_PATH = /^(\/baked\/[\w-]+)?\/tokenward\/(\w+\.)?vault\.js$/;

const BLANK = "<!doctype html><html lang=en><meta charset=utf-8><title>blank</title>";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** @param {PagesOptions} options */
export function createPages({ dir, pageHeaders, vaultHeaders }) {
  const roots = Object.entries(typeof dir === "string" ? { "/": dir } : (dir ?? {})).sort(
    ([a], [b]) => b.length - a.length,
  );
  const headers = { page: pageHeaders, vault: vaultHeaders };
  /** @type {RequestLog<Served>} */
  const log = new RequestLog();

  /**
   * @param {string} pathname
   * @param {boolean} isNavigation
   */
  async function find(pathname, isNavigation) {
    const found = await readUnder(
      roots,
      pathname.endsWith("/") ? `${pathname}index.html` : pathname,
    );
    if (found || !isNavigation || path.extname(pathname)) return found;
    const body = await readUnder(roots, "/index.html");
    return body ?? { body: Buffer.from(BLANK), type: TYPES[".html"] };
  }

  return {
    log,

    /** @param {{ page?: Headers, vault?: Headers }} changed replaces a whole set, from now on */
    setHeaders(changed) {
      Object.assign(headers, changed);
    },

    /**
     * @param {Request} req
     * @param {Response} res
     */
    async handler(req, res) {
      const { pathname } = new URL(req.url ?? "/", "http://app");
      const isNavigation = /\btext\/html\b/.test(req.headers.accept ?? "");
      const isRead = req.method === "GET" || req.method === "HEAD";
      const found = isRead ? await find(pathname, isNavigation) : undefined;
      const status = found ? 200 : isRead ? 404 : 405;
      log.add({ method: req.method ?? "", url: req.url ?? "", headers: req.headers, status });
      res.writeHead(status, {
        "Content-Type": found?.type ?? TYPES[".txt"],
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
        ...(VAULT_PATH.test(pathname) ? headers.vault : headers.page),
      });
      res.end(req.method === "HEAD" ? undefined : (found?.body ?? `${status}\n`));
    },
  };
}

/** @typedef {ReturnType<typeof createPages>} PagesHandle */

/**
 * @param {[prefix: string, dir: string][]} roots
 * @param {string} pathname
 */
async function readUnder(roots, pathname) {
  const root = roots.find(([prefix]) => pathname.startsWith(prefix));
  if (!root) return undefined;
  try {
    const dir = path.resolve(root[1]);
    const file = path.resolve(
      dir,
      `.${path.sep}${decodeURIComponent(pathname.slice(root[0].length))}`,
    );
    if (!file.startsWith(dir + path.sep)) return undefined;
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    return { body: await readFile(file), type };
  } catch {
    return undefined;
  }
}
