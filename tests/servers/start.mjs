// @ts-check
// Starts provider, API, app, its backend, look-alike and control port together, for a test in this process or,
// as a command, for one elsewhere: `node tests/servers/start.mjs --json`.
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { createApi } from "./api.mjs";
import { createBackend } from "./backend.mjs";
import { createControl } from "./control.mjs";
import { behindFaults } from "./fault-proxy.mjs";
import { listen } from "./listen.mjs";
import { createLookalike } from "./lookalike.mjs";
import { createPages } from "./pages.mjs";
import { createProvider } from "./provider.mjs";

/**
 * @typedef {object} StartOptions
 * @property {string | Record<string, string>} [pagesDir] what the app's origin serves; see pages.mjs
 * @property {Record<string, string>} [pagesHeaders] instead of `PAGE_HEADERS`
 * @property {Record<string, string>} [vaultHeaders] instead of `VAULT_HEADERS`
 * @property {string | Record<string, string>} [framesDir] what the vault's own origin serves, with
 *   `FRAME_HEADERS`
 * @property {number} [accessTokenTtl] seconds; 300 unless told
 * @property {boolean} [hasOwnKeys] whether the provider signs with keys that no other one of this process has
 * @property {boolean} [secureCookies] whether the backend's cookie is `Secure`, as it is unless told
 * @property {Partial<Record<"issuer" | "api" | "app" | "vault" | "backend" | "other" | "control", import("./listen.mjs").Port>>}
 *   [ports] fixed ones; otherwise the first that are free above 8100
 */

/** In header values, `{issuer}`, `{api}`, `{app}`, `{vault}`, `{backend}` and `{other}` stand for the addresses. */
export const PAGE_HEADERS = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "connect-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types tokenward",
  ].join("; "),
  "Referrer-Policy": "strict-origin-when-cross-origin",
};

/** The vault may speak to the provider, the API and the application's backend, and to nobody else. */
export const VAULT_HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src {issuer} {api} {backend}",
};

/** The frame that starts a vault of its own origin, and the page to which the provider sends people back. */
export const FRAME_HEADERS = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors {app}",
    "require-trusted-types-for 'script'",
    "trusted-types tokenward",
  ].join("; "),
  "Referrer-Policy": "no-referrer",
};

/** The client that is always there; tests that need their own vault register one each. */
export const DEFAULT_CLIENT_ID = "spa";

/** @param {StartOptions} [options] */
export async function startServers({
  pagesDir,
  pagesHeaders = PAGE_HEADERS,
  vaultHeaders = VAULT_HEADERS,
  framesDir,
  accessTokenTtl = 300,
  secureCookies = true,
  ports = {},
  hasOwnKeys = false,
} = {}) {
  // One after the other: all of them look for the first free port.
  const at = {
    issuer: await listen(ports.issuer),
    api: await listen(ports.api),
    app: await listen(ports.app),
    vault: await listen(ports.vault),
    backend: await listen(ports.backend),
    other: await listen(ports.other),
    control: await listen(ports.control),
  };
  // Provider, API, app, the vault's own and the backend are five origins of one site, as id., api., app., vault. and
  // bff.example.com are, so that silent frames and the backend's cookie can work. The look-alike is another site; the
  // control port shares no cookie.
  const addresses = {
    issuer: `http://localhost:${at.issuer.port}`,
    api: `http://localhost:${at.api.port}`,
    app: `http://localhost:${at.app.port}`,
    vault: `http://localhost:${at.vault.port}`,
    backend: `http://localhost:${at.backend.port}`,
    other: `http://127.0.0.1:${at.other.port}`,
    control: `http://127.0.0.1:${at.control.port}`,
    clientId: DEFAULT_CLIENT_ID,
  };

  const provider = await createProvider({ ...addresses, accessTokenTtl, hasOwnKeys });
  await provider.addClient({ clientId: DEFAULT_CLIENT_ID });
  const api = createApi({
    issuer: addresses.issuer,
    audience: addresses.api,
    secret: provider.apiSecret,
    isAppOrigin: provider.isAppOrigin,
    refusal: (token) => provider.register.refusal(token),
    refuse: (token) => provider.register.refuse(token),
  });
  const app = createPages({
    dir: pagesDir,
    pageHeaders: fillIn(pagesHeaders, addresses),
    vaultHeaders: fillIn(vaultHeaders, addresses),
  });
  const vault = createPages({
    dir: framesDir,
    pageHeaders: fillIn(FRAME_HEADERS, addresses),
    vaultHeaders: fillIn(vaultHeaders, addresses),
  });
  const backend = createBackend({ ...addresses, secureCookies });
  const other = createLookalike();

  at.issuer.serve(provider.handler);
  at.api.serve(
    behindFaults({
      faults: provider.faults,
      stepOf: () => "api",
      arrived: () => {},
      met: () => provider.counters.add("faults"),
      stopped: () => {},
      isAppOrigin: provider.isAppOrigin,
      handler: api.handler,
    }),
  );
  at.api.serveUpgrades(api.sockets.upgrade);
  at.app.serve(app.handler);
  at.vault.serve(vault.handler);
  at.backend.serve(backend.handler);
  at.other.serve(other.handler);
  at.control.serve(createControl({ addresses, provider, api, app, other }));

  return {
    ...addresses,
    /** The same servers by reference, for a test in this process. */
    direct: { provider, api, app, vault, backend, other },
    /**
     * Refuses every connection to provider, API or backend.
     *
     * @param {"issuer" | "api" | "backend"} name
     * @returns {Promise<() => Promise<void>>} what ends that
     */
    refuse: (name) => at[name].refuse(),
    async close() {
      for (const { faults } of [provider, backend]) faults.clear();
      // Their connections are no longer the HTTP server's to close.
      api.sockets.close();
      await Promise.all(Object.values(at).map(({ close }) => close()));
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof startServers>>} Servers */

/**
 * @param {Record<string, string>} headers
 * @param {Record<string, string>} addresses
 */
function fillIn(headers, addresses) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value.replace(/\{(\w+)\}/g, (whole, key) => addresses[key] ?? whole),
    ]),
  );
}

async function main() {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean" },
      pages: { type: "string" },
      ttl: { type: "string" },
      options: { type: "string" },
    },
  });
  /** @type {StartOptions} */
  const options = values.options ? JSON.parse(values.options) : {};
  if (values.pages) options.pagesDir = values.pages;
  if (values.ttl) options.accessTokenTtl = Number(values.ttl);
  const { direct: _, close, ...addresses } = await startServers(options);

  const stop = () => close().then(() => process.exit(0));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  if (values.json) {
    console.log(JSON.stringify(addresses));
    // A parent that dies closes our standard input; nothing is left running then.
    process.stdin.once("end", stop).once("error", stop).resume();
  } else {
    for (const [name, address] of Object.entries(addresses)) console.log(`${name}: ${address}`);
    console.log("stop with Ctrl-C");
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
