// @ts-check
// The package as a user gets it: the files of the tarball, a fresh Vite app that installs it, builds,
// opens in a browser and signs in; and Node, where importing it must do nothing.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { engine } from "../e2e/harness/browser.mjs";
import { Tab } from "../e2e/harness/tab.mjs";
import { PACKAGE } from "../e2e/harness/web-root.mjs";
import { PAGE_HEADERS, startServers } from "../servers/start.mjs";

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Everything that a user downloads; a file more or less is a decision. */
const FILES = [
  "LICENSE-APACHE",
  "LICENSE-MIT",
  "README.md",
  "acts.d.ts",
  "acts.js",
  "bin/config.js",
  "bin/doctor/answers.js",
  "bin/doctor/backend.js",
  "bin/doctor/beside.js",
  "bin/doctor/examine.js",
  "bin/doctor/page.js",
  "bin/doctor/policy.js",
  "bin/doctor/report.js",
  "bin/doctor/vault.js",
  "bin/init.js",
  "bin/options.js",
  "bin/tokenward.js",
  "callback.d.ts",
  "callback.html",
  "callback.js",
  "client.d.ts",
  "connection.d.ts",
  "decode-jwt.d.ts",
  "decode-jwt.js",
  "elsewhere.js",
  "error.d.ts",
  "event-stream.d.ts",
  "events.d.ts",
  "events.js",
  "fetch.d.ts",
  "form.d.ts",
  "form.js",
  "frame.html",
  "frame.js",
  "generated/constants.d.ts",
  "generated/options.d.ts",
  "generated/types.d.ts",
  "handoff.d.ts",
  "index.d.ts",
  "index.js",
  "install.d.ts",
  "install.js",
  "integrity.json",
  "lifecycle.d.ts",
  "options.d.ts",
  "origin.js",
  "package.json",
  "places/elsewhere.d.ts",
  "places/origin.d.ts",
  "places/page.d.ts",
  "places/place.d.ts",
  "places/script.d.ts",
  "places/shared.d.ts",
  "places/trouble.d.ts",
  "places/worker.d.ts",
  "sbom.json",
  "server-events.d.ts",
  "server-events.js",
  "shield.js",
  "ticket.d.ts",
  "ticket.js",
  "trouble.js",
  "upload.d.ts",
  "upload.js",
  "vault.js",
  "window.d.ts",
];

const MAIN = `
import { AuthError, createClient, isAuthError } from "tokenward";

const { issuer, api, clientId } = JSON.parse(document.querySelector("#servers").textContent);
const auth = createClient({
  issuer,
  clientId,
  redirectUri: "/callback",
  scope: ["openid", "profile", "offline_access"],
  resources: [{ origin: api }],
});
window.tw = { auth, sdk: { AuthError, isAuthError }, started: auth.ready };
`;

let folder = "";
let app = "";
let tarball = "";

before(
  async () => {
    const target = path.join(ROOT, "target");
    await mkdir(target, { recursive: true });
    folder = await mkdtemp(path.join(target, "package-"));
    app = path.join(folder, "app");
    tarball = process.env.TOKENWARD_TARBALL || (await pack());
    await makeApp();
  },
  { timeout: 180_000 },
);

after(() => rm(folder, { recursive: true, force: true }));

test("the tarball holds exactly what belongs there", async () => {
  const { stdout } = await execute("tar", ["-tzf", tarball]);
  const files = stdout.trim().split("\n");
  assert.deepEqual(files.map((file) => file.replace(/^package\//, "")).sort(), FILES);
});

test("the manifest promises what is there, and nothing runs on installation", async () => {
  const { messages } = await publint({ pkgDir: PACKAGE, strict: true });
  const manifest = JSON.parse(await readFile(path.join(PACKAGE, "package.json"), "utf8"));
  assert.deepEqual(
    messages.map((message) => formatMessage(message, manifest)),
    [],
  );
  assert.equal(manifest.sideEffects, false);
  assert.equal(manifest.type, "module");
  assert.deepEqual(Object.keys(manifest.exports["."])[0], "types");
  for (const absent of ["scripts", "dependencies", "peerDependencies", "optionalDependencies"]) {
    assert.equal(manifest[absent], undefined, absent);
  }
});

test("importing it and making a client does nothing in Node", async () => {
  const installed = path.join(app, "node_modules/tokenward/index.js");
  const sdk = await import(pathToFileURL(installed).href);
  const client = sdk.createClient({
    issuer: "https://id.example.com",
    clientId: "spa",
    redirectUri: "/callback",
    resources: [{ origin: "https://api.example.com" }],
  });
  assert.deepEqual(client.state, { status: "restoring" });
  assert.equal(client.returnTo, undefined);
  const stop = client.subscribe(() => assert.fail("nothing can change here"));
  const pending = Symbol("pending");
  assert.equal(await Promise.race([client.ready, Promise.resolve(pending)]), pending);
  for (const call of [
    client.signIn,
    client.signOut,
    () => client.fetch("https://api.example.com/"),
  ]) {
    await assert.rejects(call(), (/** @type {any} */ error) => {
      assert.equal(sdk.isAuthError(error), true);
      assert.equal(error.code, "no_browser");
      return true;
    });
  }
  stop();
  client.close();
  // What is wrong is wrong in Node too, where a server render would hide it.
  assert.throws(() => sdk.createClient({}), { name: "AuthError", code: "config_invalid" });
});

test("a fresh Vite app builds with it, and its user signs in and calls an API", async () => {
  const vite = path.join(app, "node_modules/vite/bin/vite.js");
  await execute(process.execPath, [vite, "build", "--logLevel", "warn"], { cwd: app });

  const servers = await startServers({
    pagesDir: path.join(app, "dist"),
    pagesHeaders: policy(),
  });
  const { driver, stop } = await engine.start();
  try {
    await publish(servers);
    const tab = new Tab(driver, await driver.getWindowHandle(), servers);
    await tab.go(`${servers.app}/`);
    await tab.ready();
    const { claims } = await tab.signIn({ login: "dora" });
    assert.equal(claims.sub, "dora");
    const { status, text } = await tab.call(`${servers.api}/me`);
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), { sub: "dora", clientId: servers.clientId });
    await driver.navigate().refresh();
    await tab.ready();
    assert.equal((await tab.state()).status, "signedIn");
  } finally {
    await stop();
    await servers.close();
  }
});

/** @returns {Promise<string>} where the tarball is */
async function pack() {
  const words = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await execute("npm", words, { cwd: PACKAGE });
  return path.join(folder, JSON.parse(stdout)[0].filename);
}

async function makeApp() {
  const { devDependencies } = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8"));
  await mkdir(path.join(app, "src"), { recursive: true });
  const manifest = {
    name: "fresh",
    private: true,
    type: "module",
    dependencies: { tokenward: `file:${tarball}` },
    devDependencies: { vite: devDependencies.vite },
  };
  await writeFile(path.join(app, "package.json"), JSON.stringify(manifest));
  await writeFile(path.join(app, "src/main.js"), MAIN);
  await writeFile(path.join(app, "index.html"), page({}));
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await execute("npm", ["install", ...quiet], { cwd: app });
}

/**
 * Writes the servers' addresses, known only now, into the built page.
 *
 * @param {import("../servers/start.mjs").Servers} servers
 */
async function publish({ issuer, api, clientId }) {
  const file = path.join(app, "dist/index.html");
  const built = await readFile(file, "utf8");
  await writeFile(file, built.replace("{}", JSON.stringify({ issuer, api, clientId })));
}

/** @param {unknown} servers */
function page(servers) {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>fresh</title><link rel="icon" href="data:,"></head>
<body>
  <script type="application/json" id="servers">${JSON.stringify(servers)}</script>
  <script type="module" src="/src/main.js"></script>
</body>
</html>`;
}

/** The bundler's copy of the vault has the policy of every other file, so that must let it out. */
function policy() {
  const name = "Content-Security-Policy";
  const value = PAGE_HEADERS[name].replace(
    "connect-src 'self'",
    "connect-src 'self' {issuer} {api}",
  );
  return { ...PAGE_HEADERS, [name]: value };
}
