// @ts-check
/** The edge of the facade in Node: its bundle, and a browser of which only the outside is false. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

export const BUILD = "0123456789abcdef";
export const ORIGIN = "https://app.example";

/** The smallest options that are right. */
export const OPTIONS = Object.freeze({
  issuer: "https://id.example",
  clientId: "spa",
  redirectUri: "/callback",
  resources: [{ origin: "https://api.example" }],
});

/**
 * A fresh copy of the facade. Its globals are read when it is loaded, so make the browser first.
 * @returns {Promise<typeof import("../src/index.js")>}
 */
export function load() {
  return loadScript("index.ts");
}

/**
 * A fresh copy of one of the package's scripts.
 *
 * @param {string} name of its source
 * @returns {Promise<any>}
 */
export async function loadScript(name) {
  const folder = await mkdtemp(join(tmpdir(), "tokenward-"));
  const outfile = join(folder, "script.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL(`../src/${name}`, import.meta.url))],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2022",
    define: {
      __TOKENWARD_BUILD__: JSON.stringify(BUILD),
      "import.meta.url": JSON.stringify(`${ORIGIN}/lib/index.js`),
    },
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @typedef {{ type: string, id?: number, [name: string]: any }} Message */
/** @typedef {{ url: string, options: any, heard: Message[], say: (message: Message, transfer?: any[]) => void, port: MessagePort, href: string }} Worker */

/**
 * Puts a browser's globals in place, whose workers answer as `vault` says. What stands in a test is
 * what the real vault sends; nothing of the facade is replaced.
 * @param {{ href?: string, build?: string, vault?: (message: Message, worker: Worker) => void }} [given]
 */
export function browser({ href = `${ORIGIN}/`, build = BUILD, vault = () => {} } = {}) {
  /** @type {Worker[]} */
  const workers = [];
  /** @type {{ state: string }} */
  const session = { state: JSON.stringify({ status: "signedOut", reason: "no_session" }) };
  const page = new EventTarget();
  const location = {
    href,
    /** @type {string[]} */
    assigned: [],
    assign: (/** @type {string} */ url) => void location.assigned.push(url),
    /** @type {string[]} */
    replaced: [],
    replace: (/** @type {string} */ url) => void location.replaced.push(url),
    get origin() {
      return new URL(location.href).origin;
    },
    get pathname() {
      return new URL(location.href).pathname;
    },
    get search() {
      return new URL(location.href).search;
    },
    get hash() {
      return new URL(location.href).hash;
    },
  };

  class SharedWorker extends EventTarget {
    /** @param {string} url @param {any} options */
    constructor(url, options) {
      super();
      const { port1, port2 } = new MessageChannel();
      this.port = port1;
      /** @type {Worker} */
      const worker = {
        url,
        options,
        heard: [],
        port: port2,
        href: location.href,
        say: (message, transfer = []) => port2.postMessage(message, transfer),
      };
      workers.push(worker);
      if (failures.count-- > 0) {
        setTimeout(() => this.dispatchEvent(new Event("error")));
        return;
      }
      port2.onmessage = ({ data }) => {
        worker.heard.push(data);
        if (data.type === "hello" && !silent.has(options.name)) {
          worker.say({ type: "welcome", wire: 1, build, lock: "vault", state: session.state });
        }
        vault(data, worker);
      };
    }
  }

  /** How many of the next workers fail to start. */
  const failures = { count: 0 };
  /** Workers of these names never answer a hello. @type {Set<string>} */
  const silent = new Set();
  /** Lets the vault's lock go: the hint that it may have died. */
  let letGo = () => {};
  const locks = {
    /** @param {string} name @param {any} a @param {any} [b] */
    async request(name, a, b) {
      if (name === "vault") await new Promise((resolve) => (letGo = () => resolve(undefined)));
      return (b ?? a)({ name });
    },
  };

  const globals = {
    window: page,
    document: Object.assign(new EventTarget(), { visibilityState: "visible" }),
    location,
    history: {
      state: { kept: true },
      replaceState: (
        /** @type {unknown} */ _,
        /** @type {string} */ __,
        /** @type {URL} */ url,
      ) => {
        location.href = String(url);
      },
    },
    navigator: { locks, onLine: true },
    SharedWorker,
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return {
    workers,
    session,
    location,
    page,
    silent,
    failures,
    releaseVaultLock: () => letGo(),
    /** Ends every port, so that Node can end. */
    quit: () => {
      for (const worker of workers) worker.port.close();
    },
  };
}

/**
 * What a server answers where the vault's script is to be.
 *
 * @param {string} type
 */
export function script(type) {
  return new Response("", { headers: { "content-type": type } });
}
