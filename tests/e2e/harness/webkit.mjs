// @ts-check
// WebKitGTK's MiniBrowser through WebKitWebDriver, on a display of its own.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
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

/** How long a browser may take until it is driven. */
const START_MS = 45_000;

/** What MiniBrowser printed, and how much of it was read. */
const printed = { file: "", read: 0 };

/** @type {import("./browser.mjs").Engine} */
export const webkit = {
  name: "webkit",
  insecureHost: "app.test",
  keepsSharedWorkers: false,
  lacks: { files: "WebKitGTK 2.50 has no `navigator.storage`" },

  async start() {
    for (const file of [BROWSER, DRIVER]) {
      if (existsSync(file)) continue;
      throw new Error(`${file} is missing: apt-get install webkit2gtk-driver xvfb`);
    }
    // Two browsers that start at once may choose one port for their inspector, and wait for ever.
    return startOnce().catch(startOnce);
  },

  async consoleLines() {
    const all = await readFile(printed.file, "utf8");
    const lines = all.slice(printed.read).split("\n");
    printed.read = all.length;
    return lines.filter((line) => line.startsWith("CONSOLE"));
  },
};

/** @returns {Promise<import("./browser.mjs").Started>} */
async function startOnce() {
  const display = await startDisplay();
  const names = await startProxy();
  printed.file = path.join(tmpdir(), `tokenward-webkit-${process.pid}.log`);
  const log = await open(printed.file, "w");
  const port = await freePort();
  const service = spawn(DRIVER, [`--port=${port}`], {
    stdio: ["ignore", log.fd, log.fd],
    env: { ...process.env, DISPLAY: display.name },
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
    names.stop();
    await log.close();
    await rm(printed.file);
  };
  try {
    await untilListening(port);
    const driver = new Builder()
      .usingServer(`http://127.0.0.1:${port}`)
      .withCapabilities(capabilities(names.address))
      .build();
    // It rejects later where it is given up.
    driver.catch(() => {});
    await Promise.race([driver, tooLong()]);
    return { driver, stop: () => driver.quit().then(end) };
  } catch (error) {
    await end();
    throw error;
  }
}

/** @returns {Promise<never>} */
function tooLong() {
  return new Promise((_, reject) => {
    const late = () => reject(new Error(`no session within ${START_MS} ms`));
    setTimeout(late, START_MS).unref();
  });
}

/** @param {string} httpProxy for every host but those that the servers have */
function capabilities(httpProxy) {
  const wanted = new Capabilities();
  wanted.setBrowserName("MiniBrowser");
  const noProxy = ["localhost", "127.0.0.1"];
  wanted.set("proxy", { proxyType: "manual", httpProxy, noProxy });
  return wanted.set("webkitgtk:browserOptions", { binary: BROWSER, args: ARGUMENTS });
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

/** An X server on a display that it chooses itself. */
async function startDisplay() {
  const args = ["-displayfd", "3", "-screen", "0", "1024x768x24", "-nolisten", "tcp"];
  const server = spawn("Xvfb", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const told = /** @type {import("node:stream").Readable} */ (server.stdio[3]);
  const number = await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`Xvfb ended with ${code}`)));
    told.once("data", (line) => resolve(String(line).trim()));
  });
  return { name: `:${number}`, stop: () => server.kill() };
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
