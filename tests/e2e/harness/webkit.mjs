// @ts-check
// WebKitGTK's MiniBrowser through WebKitWebDriver, on a display of its own.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Builder, Capabilities } from "selenium-webdriver";

const DRIVER = process.env.TOKENWARD_WEBKITDRIVER || "/usr/bin/WebKitWebDriver";
const BROWSER =
  process.env.TOKENWARD_WEBKIT || "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

const ARGUMENTS = [
  "--automation",
  "--enable-write-console-messages-to-stdout=true",
  "--javascript-can-open-windows-automatically=true",
];

/** How often a start is tried. */
const STARTS = 5;
const ENDED = "MiniBrowser ended";

/** No graphics card is here to compose layers, and the processor takes a quarter of a run for it. */
const PLAIN = { WEBKIT_DISABLE_COMPOSITING_MODE: "1", WEBKIT_DISABLE_DMABUF_RENDERER: "1" };

/** What MiniBrowser printed, and how much of it was read. */
const printed = { file: "", read: 0 };

/** @type {import("./browser.mjs").Engine} */
export const webkit = {
  name: "webkit",
  usualPlace: "page",
  insecureHost: "app.test",
  keepsSharedWorkers: false,
  suspendsSharedWorkers: true,
  keepsDatabases: true,
  storesKeysShared: false,
  // It was seen to take none of http://localhost, nor a name that begins with `__Host-`.
  keepsSecureCookies: false,
  sendsStreams: false,
  lacks: { files: "WebKitGTK 2.50 has no `navigator.storage`" },

  async start({ trustsAll } = { trustsAll: false }) {
    for (const file of [BROWSER, DRIVER]) {
      if (existsSync(file)) continue;
      throw new Error(`${file} is missing: apt-get install webkit2gtk-driver xvfb`);
    }
    // One start in ten crashes (2.50), and the driver would wait for that browser for ever.
    for (let tries = 1; ; tries += 1) {
      try {
        return await startOnce(trustsAll);
      } catch (error) {
        if (tries === STARTS) throw error;
      }
    }
  },

  async consoleLines() {
    const all = await readFile(printed.file, "utf8");
    const lines = all.slice(printed.read).split("\n");
    printed.read = all.length;
    return lines.filter((line) => line.startsWith("CONSOLE"));
  },
};

/**
 * @param {boolean} trustsAll
 * @returns {Promise<import("./browser.mjs").Started>}
 */
async function startOnce(trustsAll) {
  const display = await startDisplay();
  const names = await startProxy();
  const folder = await mkdtemp(path.join(tmpdir(), "tokenward-webkit-"));
  const binary = await makeLauncher(folder);
  const port = await freePort();
  const service = spawn(DRIVER, [`--port=${port}`], {
    stdio: "ignore",
    env: { ...process.env, ...PLAIN, DISPLAY: display.name },
  });
  const kill = () => {
    service.kill();
    // Without its display the browser ends too.
    display.stop();
  };
  process.once("exit", kill);
  const end = async () => {
    process.off("exit", kill);
    kill();
    await display.gone;
    names.stop();
    await rm(folder, { recursive: true });
  };
  try {
    await untilListening(port);
    const driver = new Builder()
      .usingServer(`http://127.0.0.1:${port}`)
      .withCapabilities(capabilities(binary, names.address, trustsAll))
      .build();
    // It rejects later where it is given up.
    driver.catch(() => {});
    const death = ended();
    death.catch(() => {});
    await Promise.race([driver, death]);
    return { driver, stop: () => driver.quit().then(end) };
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * A program that starts the browser, keeps what it prints, which the driver throws away, and says when
 * it ended.
 *
 * @param {string} folder
 */
async function makeLauncher(folder) {
  const program = path.join(folder, "launch");
  printed.file = path.join(folder, "printed");
  printed.read = 0;
  await writeFile(printed.file, "");
  const lines = [
    `'${BROWSER}' "$@" >>'${printed.file}' 2>&1`,
    `echo '${ENDED}' >>'${printed.file}'`,
  ];
  await writeFile(program, `#!/bin/sh\n${lines.join("\n")}\n`, { mode: 0o755 });
  return program;
}

/** Rejects when the browser ended. */
async function ended() {
  const { file } = printed;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 100).unref());
    const text = await readFile(file, "utf8").catch(() => ENDED);
    if (text.includes(ENDED)) throw new Error(`the browser did not start: ${text}`);
  }
}

/**
 * @param {string} binary
 * @param {string} httpProxy for every host but those that the servers have
 * @param {boolean} trustsAll
 */
function capabilities(binary, httpProxy, trustsAll) {
  const wanted = new Capabilities();
  wanted.setAcceptInsecureCerts(trustsAll);
  wanted.setBrowserName("MiniBrowser");
  const noProxy = ["localhost", "127.0.0.1"];
  wanted.set("proxy", { proxyType: "manual", httpProxy, noProxy });
  return wanted.set("webkitgtk:browserOptions", {
    binary,
    args: trustsAll ? [...ARGUMENTS, "--ignore-tls-errors"] : ARGUMENTS,
  });
}

/** There is no option that names hosts: a proxy takes every name for 127.0.0.1. */
async function startProxy() {
  const server = http.createServer((asked, answer) => {
    const { port, pathname, search } = new URL(asked.url ?? "");
    const { method, headers } = asked;
    const passedOn = http.request({ port, path: pathname + search, method, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    passedOn.once("error", () => answer.destroy());
    asked.pipe(passedOn);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { address: `127.0.0.1:${port}`, stop: () => server.close() };
}

/**
 * An X server on a display of this process's own. Servers that choose for themselves get in each
 * other's way: one that ends removes the socket of one that took its number.
 */
async function startDisplay() {
  const display = `:${1000 + (process.pid % 50_000)}`;
  const args = [display, "-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten", "tcp"];
  const server = spawn("Xvfb", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const told = /** @type {import("node:stream").Readable} */ (server.stdio[3]);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`Xvfb ended with ${code}`)));
    told.once("data", resolve);
  });
  server.removeAllListeners("exit");
  const gone = new Promise((resolve) => server.once("exit", resolve));
  return { name: display, stop: () => server.kill(), gone };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** @param {number} port */
async function untilListening(port) {
  for (let attempts = 0; ; attempts += 1) {
    try {
      await fetch(`http://127.0.0.1:${port}/status`);
      return;
    } catch (error) {
      if (attempts === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
