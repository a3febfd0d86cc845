// @ts-check
// Serves the built page with a strict policy, beside a real provider and an API: `node serve.mjs`.
import { access } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { listen } from "../../tests/servers/listen.mjs";
import { createPages } from "../../tests/servers/pages.mjs";
import { startServers } from "../../tests/servers/start.mjs";
import { onStop } from "./stop.mjs";

const CLIENT_ID = "tokenward-demo";
const TTL_SECONDS = 30;
const DIST = fileURLToPath(new URL("dist", import.meta.url));

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/**
 * @typedef {object} DemoOptions
 * @property {number} [ttl] the life of an access token in seconds; 30 unless told
 * @property {string} [dir] the built page; `dist` unless told
 */

/**
 * The page's own requests go to its origin and, past the vault, to the API: that one button shows
 * what a call without the vault gets. Nothing inline, and one Trusted Types policy, tokenward's.
 *
 * @param {string} api
 */
function pageHeaders(api) {
  return {
    "Content-Security-Policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      `connect-src 'self' ${api}`,
      "worker-src 'self'",
      "require-trusted-types-for 'script'",
      "trusted-types tokenward",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    // The address of a callback has the code in it; nobody is told where a request came from.
    "Referrer-Policy": "no-referrer",
  };
}

/**
 * A worker has the policy that its own file came with: the vault reaches provider and API only.
 *
 * @param {string} issuer
 * @param {string} api
 */
function vaultHeaders(issuer, api) {
  return {
    "Content-Security-Policy": [
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      `connect-src ${issuer} ${api}`,
    ].join("; "),
  };
}

/** @param {DemoOptions} [options] */
export async function startDemo({ ttl = TTL_SECONDS, dir = DIST } = {}) {
  await access(`${dir}/index.html`).catch(() => {
    throw new Error(`${dir} has no index.html: run \`npm run build\`, or \`cargo xtask demo\``);
  });
  const servers = await startServers({ accessTokenTtl: ttl });
  const { issuer, api } = servers;
  const { provider } = servers.direct;

  const at = await listen();
  const page = `http://localhost:${at.port}`;
  await provider.addClient({
    clientId: CLIENT_ID,
    redirectUris: [`${page}/callback`],
    postLogoutRedirectUris: [`${page}/`],
  });
  const files = createPages({
    dir,
    pageHeaders: pageHeaders(api),
    vaultHeaders: vaultHeaders(issuer, api),
  });
  const config = { issuer, clientId: CLIENT_ID, api, accessTokenSeconds: ttl };

  at.serve((req, res) => {
    switch (`${req.method} ${req.url}`) {
      case "GET /config.json":
        return sendJson(res, 200, config);
      case "POST /demo/expire":
        return sendJson(res, isOwn(req) ? 200 : 403, isOwn(req) ? expire() : {});
      default:
        return void files.handler(req, res);
    }
  });

  /** The API forgets its trust in every token so far; the page names none, because it has none. */
  function expire() {
    return { refused: provider.register.refuseAll({ clientId: CLIENT_ID }) };
  }

  return {
    page,
    clientId: CLIENT_ID,
    ttl,
    servers,
    async close() {
      await Promise.all([at.close(), servers.close()]);
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startDemo>>} Demo */

/** @param {Request} req one that another site sent must not expire anything */
function isOwn(req) {
  return req.headers["sec-fetch-site"] === "same-origin";
}

/**
 * @param {Response} res
 * @param {number} status
 * @param {unknown} body
 */
function sendJson(res, status, body) {
  res.writeHead(status, {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  res.end(JSON.stringify(body));
}

async function main() {
  const { values } = parseArgs({ options: { ttl: { type: "string" }, dir: { type: "string" } } });
  const demo = await startDemo({
    ...(values.ttl ? { ttl: Number(values.ttl) } : {}),
    ...(values.dir ? { dir: values.dir } : {}),
  });
  const stop = () => void demo.close().then(() => process.exit(0));
  onStop(stop);
  console.log(`
  The demo is at  ${demo.page}

  provider        ${demo.servers.issuer}   (any name, any password)
  API             ${demo.servers.api}
  access tokens   ${demo.ttl} s

  Stop it with Ctrl-C.
`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main().catch((error) => {
    console.error(`demo: ${error.message}`);
    process.exitCode = 1;
  });
}
