// @ts-check
// `npx tokenward doctor` against a server that is right, and then wrong in one thing at a time: each check
// is seen to hold and to complain.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { createBackend } from "../servers/backend.mjs";
import { listen } from "../servers/listen.mjs";
import { CALLBACK, CSP, OF_VAULT, PAGE, SHIELD, STRICT, VAULT, WRONG } from "./doctor-cases.mjs";

const run = promisify(execFile);
const TARBALL = process.env.TOKENWARD_TARBALL ?? "";

/** @typedef {import("./doctor-cases.mjs").Answer & { headers?: Record<string, string | string[]> }} Served */
/** @typedef {{ level: string, name: string, text: string }} Line */

let folder = "";
let unpacked = "";
let origin = "";
/** The same server by another name, `{other}` in a `Location`. */
let other = "";
/** @type {() => Promise<void>} */
let close;
/** @type {Record<string, Served>} */
let served = {};
/** @type {Record<string, Served>} */
let right = {};

before(async () => {
  assert.ok(existsSync(TARBALL), "TOKENWARD_TARBALL names no file: use `cargo xtask test`");
  folder = await mkdtemp(path.join(tmpdir(), "tokenward-doctor-"));
  await run("tar", ["-xzf", TARBALL, "-C", folder]);
  unpacked = path.join(folder, "package");
  const own = (/** @type {string} */ file) => readFile(path.join(unpacked, file));
  const readme = (await own("README.md")).toString("utf8");
  right = {
    [PAGE]: {
      type: "text/html",
      body: "<!doctype html><title>app</title>",
      headers: {
        [CSP]: `${STRICT}; require-trusted-types-for 'script'; trusted-types tokenward`,
        "Set-Cookie": "theme=SECRET-VALUE; HttpOnly; SameSite=Lax",
      },
    },
    [VAULT]: {
      type: "text/javascript; charset=utf-8",
      body: await own("vault.js"),
      headers: recipe(readme, VAULT),
    },
    [SHIELD]: { type: "text/javascript", body: await own("shield.js") },
    [CALLBACK]: {
      type: "text/html",
      body: await own("callback.html"),
      headers: recipe(readme, CALLBACK),
    },
  };
  const server = await listen();
  origin = `http://localhost:${server.port}`;
  other = `http://127.0.0.1:${server.port}`;
  close = server.close;
  server.serve((req, res) => {
    const { pathname } = new URL(req.url ?? "/", origin);
    const found = served[pathname] ?? { status: 404, type: "text/plain", body: "not found" };
    const { Location: to, ...headers } = found.headers ?? {};
    if (typeof to === "string") res.setHeader("Location", to.replace("{other}", other));
    res.writeHead(found.status ?? 200, {
      "Content-Type": found.type ?? "text/javascript",
      ...headers,
    });
    res.end(found.body);
  });
});

after(async () => {
  await close?.();
  await rm(folder, { recursive: true, force: true });
});

/**
 * The headers that the README has for a file, as nginx would send them.
 *
 * @param {string} readme
 * @param {string} file
 */
function recipe(readme, file) {
  const [, block] = readme.split(`location = ${file} {`);
  const lines = (block?.split("}")[0] ?? "").matchAll(
    /add_header ([\w-]+) (?:"([^"]*)"|(\S+)) always;/g,
  );
  const headers = [...lines].map(([, name = "", long, short]) => [name, long ?? short ?? ""]);
  assert.ok(headers.length > 0, `the README has no headers for ${file}`);
  return Object.fromEntries(headers);
}

/** @param {string[]} words */
async function doctor(...words) {
  const program = path.join(unpacked, "bin/tokenward.js");
  const answer = await run(process.execPath, [program, "doctor", ...words], { cwd: folder }).then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    (/** @type {any} */ error) => ({ code: error.code, said: error.stdout + error.stderr }),
  );
  return { ...answer, lines: linesOf(answer.said) };
}

/**
 * @param {string} said
 * @returns {Line[]}
 */
function linesOf(said) {
  const lines = said.matchAll(/^(ok|warning|problem) +([^:]+): (.*)$/gm);
  return [...lines].map(([, level = "", name = "", text = ""]) => ({ level, name, text }));
}

/**
 * What is served, with one file changed: a header that is `null` is left out.
 *
 * @param {string} at
 * @param {import("./doctor-cases.mjs").Change} change
 */
function changed(at, { headers, ...rest }) {
  const file = right[at];
  const kept = { ...file?.headers };
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === null) delete kept[name];
    else kept[name] = value;
  }
  return { ...right, [at]: { ...file, ...rest, headers: kept } };
}

test("doctor has nothing to say of a deployment as the README has it", async () => {
  served = right;
  const { code, said, lines } = await doctor(`${origin}/`);
  assert.equal(code, 0, said);
  assert.deepEqual(
    lines.filter(({ level }) => level !== "ok"),
    [],
  );
  // Each of its checks is seen to complain, below or in a test of its own.
  const elsewhere = ["origin"];
  const unseen = lines.filter(
    ({ name }) => ![...elsewhere, ...WRONG.map((w) => w.name)].includes(name),
  );
  assert.deepEqual(unseen, []);
  assert.match(said, /^\d+ ok, warnings: 0, problems: 0$/m);
});

for (const { name, what, at, change, level = "problem", says } of WRONG) {
  test(`doctor complains of ${name}: ${what}`, async () => {
    served = changed(at, change);
    const { code, said, lines } = await doctor(`${origin}/`);
    const line = lines.find((it) => it.name === name);
    assert.equal(line?.level, level, said);
    assert.match(line?.text ?? "", says);
    assert.equal(code, lines.some((it) => it.level === "problem") ? 1 : 0, said);
    assert.ok(level === "warning" || code === 1, said);
    assert.doesNotMatch(said, /SECRET/);
  });
}

test("doctor takes what is right in other ways", async () => {
  const ways = [
    changed(CALLBACK, { headers: { [CSP]: null, "X-Frame-Options": "SAMEORIGIN" } }),
    changed(CALLBACK, { headers: { [CSP]: `frame-ancestors ${origin}` } }),
    changed(PAGE, { headers: { [CSP]: `script-src 'self'; worker-src ${origin}/tokenward/` } }),
    changed(PAGE, {
      headers: { [CSP]: "script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline'" },
    }),
    changed(PAGE, { headers: { [CSP]: `${STRICT}; require-trusted-types-for 'script'` } }),
    changed(VAULT, { type: "application/javascript", headers: { "Cache-Control": "no-store" } }),
    // The narrower of two policies counts.
    changed(VAULT, { headers: { [CSP]: `script-src 'self' 'unsafe-eval', ${OF_VAULT}` } }),
    changed(SHIELD, { headers: { "Service-Worker-Allowed": "/tokenward/" } }),
    changed(PAGE, { headers: { "Set-Cookie": null } }),
  ];
  for (const way of ways) {
    served = way;
    const { code, said, lines } = await doctor(`${origin}/`);
    assert.deepEqual([code, lines.filter(({ level }) => level !== "ok")], [0, []], said);
  }
});

test("doctor follows a page's redirect, and reports the cookies on the way", async () => {
  const away = {
    status: 302,
    headers: { Location: "/app/?state=SECRET-VALUE", "Set-Cookie": "hop=SECRET-VALUE" },
  };
  served = { ...right, [PAGE]: away, "/app/": { ...right[PAGE] } };
  const { code, said, lines } = await doctor(`${origin}/?key=SECRET-VALUE`);
  assert.equal(code, 0, said);
  assert.doesNotMatch(said, /SECRET/);
  assert.match(lines.find(({ name }) => name === "page")?.text ?? "", /\/app\/ is there/);
  assert.equal(lines.find(({ name }) => name === "cookie hop")?.level, "warning");
  assert.equal(lines.find(({ name }) => name === "cookie theme")?.level, "ok");
});

test("doctor looks where it is told to, and knows a name that a bundler made", async () => {
  const vault = { ...right[VAULT] };
  vault.headers = { ...vault.headers, "Cache-Control": "max-age=31536000, immutable" };
  served = { [PAGE]: { ...right[PAGE] }, "/assets/vault-Bq3x9_Ka.js": vault };
  served["/silent.html"] = { ...right[CALLBACK] };
  const places = ["--vault", "/assets/vault-Bq3x9_Ka.js", "--callback", "/silent.html"];
  const { code, said, lines } = await doctor(`${origin}/`, ...places);
  assert.equal(code, 0, said);
  const notOk = lines.filter(({ level }) => level !== "ok").map(({ name }) => name);
  assert.deepEqual(notOk, ["shield"]);
  assert.match(said, /vault_exposed/);
  // What was asked for by name must be there.
  const missing = await doctor(`${origin}/`, ...places.slice(0, 2), "--callback", "/none.html");
  assert.deepEqual([missing.code, /callback frames: .*404/.test(missing.said)], [1, true]);
});

/**
 * This package's vault, with a configuration written into it.
 *
 * @param {Record<string, unknown>} config
 */
function bakedWith(config) {
  const made = String(right[VAULT]?.body);
  const line = `CONFIG=${JSON.stringify(JSON.stringify(config))};`;
  const baked = made.replace("CONFIG=void 0;", () => line);
  assert.notEqual(baked, made);
  return baked;
}

test("doctor knows this package's vault with a configuration in it", async () => {
  const baked = bakedWith({ scope: "x" });
  served = changed(VAULT, { body: baked });
  const { code, said } = await doctor(`${origin}/`);
  assert.equal(code, 0, said);
  assert.match(said, /^ok +vault build: .*with a configuration in it$/m);
  served = changed(VAULT, { body: `${baked}//` });
  assert.match((await doctor(`${origin}/`)).said, /^warning +vault build: .*other bytes/m);
});

test("doctor knows whether a page may show the frame that restores a session", async () => {
  /** @param {string} restore @param {string} policy */
  const said = async (restore, policy) => {
    const body = bakedWith({ issuer: "https://id.example.com/tenant", restore });
    const page = { ...right[PAGE], headers: { [CSP]: policy } };
    served = { ...changed(VAULT, { body }), [PAGE]: page };
    const { lines } = await doctor(`${origin}/`);
    return lines.find(({ name }) => name === "page frame-src");
  };
  const enough = `${STRICT}; frame-src https://id.example.com 'self'`;
  assert.equal(await said("redirect", STRICT), undefined);
  assert.equal((await said("frame", enough))?.level, "ok");
  const sources = ["", "; frame-src https://id.example.com", "; frame-src 'self'"];
  for (const policy of sources.map((given) => STRICT + given)) {
    const line = await said("frame", policy);
    assert.equal(line?.level, "problem", policy);
    assert.ok(
      line?.text.includes(`add \`frame-src https://id.example.com ${origin}\``),
      line?.text,
    );
  }
});

test("doctor asks the backend of a refresh cookie what it tells whom (ck1, ck2, ck4)", async () => {
  const server = await listen();
  const token = `http://localhost:${server.port}/token`;
  const backend = createBackend({ issuer: origin, app: origin, secureCookies: true });
  /** @type {(req: import("node:http").IncomingMessage, res: import("node:http").ServerResponse) => void} */
  let handler = backend.handler;
  server.serve((req, res) => handler(req, res));
  /** @param {string} policy what the vault may reach besides */
  const said = async (policy = ` http://localhost:${server.port}`) => {
    const refreshCookie = { token, revocation: `http://localhost:${server.port}/revoke` };
    const given = String(right[VAULT]?.headers?.[CSP]);
    const headers = { [CSP]: given.replace("connect-src", `connect-src${policy}`) };
    served = changed(VAULT, { body: bakedWith({ clientId: "spa", refreshCookie }), headers });
    const { lines } = await doctor(`${origin}/`);
    return Object.fromEntries(
      lines.filter(({ name }) => name.startsWith("backend")).map((it) => [it.name, it]),
    );
  };
  try {
    const good = await said();
    const names = ["connect-src", "CORS", "header", "origins", "cookie __Host-Http-spa"];
    assert.deepEqual(
      Object.values(good).map(({ name, level }) => [name, level]),
      names.map((name) => [`backend ${name}`, "ok"]),
    );
    assert.match((await said(""))["backend connect-src"]?.text ?? "", /^add http:\/\/localhost:/);

    // Whatever is asked for, by whomever: everybody may hear it, and its cookie is any script's.
    handler = (req, res) => {
      res.setHeader("Access-Control-Allow-Origin", req.headers.origin ?? "");
      res.setHeader("Set-Cookie", "session=; Domain=localhost; SameSite=Lax");
      res.writeHead(req.method === "OPTIONS" ? 405 : 400).end();
    };
    const bad = await said();
    assert.match(bad["backend CORS"]?.text ?? "", /405.*Allow-Credentials.*X-Tokenward/);
    assert.match(bad["backend header"]?.text ?? "", /without `X-Tokenward` .*\(400\): refuse/);
    assert.match(bad["backend origins"]?.text ?? "", /every origin/);
    const cookie = bad["backend cookie session"];
    assert.match(
      cookie?.text ?? "",
      /httponly.*secure.*samesite=strict.*path=.*Domain.*__Host-Http-/,
    );
    assert.deepEqual(
      Object.values(bad).map(({ level }) => level),
      ["ok", "problem", "problem", "problem", "problem"],
    );
  } finally {
    await server.close();
  }
  assert.match((await said()).backend?.text ?? "", /does not answer \(ECONNREFUSED\)/);
});

test("doctor wants a vault in a folder of its own", async () => {
  served = { ...right, "/vault.js": { ...right[VAULT] }, "/shield.js": { ...right[SHIELD] } };
  const { code, said } = await doctor(`${origin}/`, "--vault", "/vault.js");
  assert.equal(code, 1, said);
  assert.match(said, /^problem +shield scope: .*folder of their own/m);
});

test("doctor says that a page is not secure, and that nobody answers", async () => {
  const { code, said } = await doctor("http://app.invalid/");
  assert.equal(code, 1, said);
  assert.match(said, /^problem +origin: .*https/m);
  assert.match(said, /^problem +page: .*does not answer/m);
});

test("doctor refuses a command line that it does not understand, with exit code 2", async () => {
  /** @type {[string[], RegExp][]} */
  const wrong = [
    [[], /wants one address/],
    [["http://localhost/", "http://localhost/"], /wants one address/],
    [["localhost:8080"], /write it whole/],
    [["ftp://localhost/"], /write it whole/],
    [["http://a:SECRET@localhost/"], /write it whole/],
    [["http://localhost/", "--vault", "https://elsewhere.example/vault.js"], /is not of/],
    [["http://localhost/", "--vaults", "/x"], /--vaults/],
  ];
  for (const [words, says] of wrong) {
    const { code, said } = await doctor(...words);
    assert.equal(code, 2, said);
    assert.match(said, says);
    assert.doesNotMatch(said, /SECRET/);
  }
});
