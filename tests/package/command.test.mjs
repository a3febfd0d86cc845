// @ts-check
// The packed tarball as npm would publish it: what its types say, and what its command does.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const TARBALL = process.env.TOKENWARD_TARBALL ?? "";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** An application's use of the package, with one mistake that its types must see. */
const CONSUMER = `import { createClient, isAuthError } from "tokenward";
const auth = createClient({
  issuer: "https://id.example.com",
  clientId: "spa",
  redirectUri: "/callback",
  resources: [{ origin: "https://api.example.com" }],
});
if (auth.state.status === "signedIn") console.log(auth.state.claims);
// @ts-expect-error an option is misspelt
export const wrong = () => createClient({ isuer: "https://id.example.com" });
export const code = (error: unknown) => (isAuthError(error) ? error.code : undefined);
`;

/** What nobody verified is not what a session's state has, whichever way it is put. */
const UNVERIFIED = `import type { createClient } from "tokenward";
import { decodeJwt } from "tokenward/decode-jwt";
type State = ReturnType<typeof createClient>["state"];
type Claims = Extract<State, { status: "signedIn" }>["claims"];
const decoded = decodeJwt("a.b.c");
const believe = (claims: Claims) => claims;
// @ts-expect-error
believe(decoded);
// @ts-expect-error
export const cast = decoded as Claims;
// @ts-expect-error
export const member = decoded.claims;
// @ts-expect-error
decoded.unverified.claims.sub = "alice";
export const named: unknown = decoded.unverified.claims.sub;
`;

const PATHS = 'export interface paths { "/me": { get: unknown } }';
const ROUTER = `
import type { AnyTRPCRouter } from "@trpc/server";
export type AppRouter = AnyTRPCRouter;
`;

/** The folder that holds the unpacked package and a public folder of an application. */
let folder = "";
let unpacked = "";

before(async () => {
  assert.ok(existsSync(TARBALL), "TOKENWARD_TARBALL names no file: use `cargo xtask test`");
  folder = await mkdtemp(path.join(tmpdir(), "tokenward-package-"));
  await run("tar", ["-xzf", TARBALL, "-C", folder]);
  unpacked = path.join(folder, "package");
});
after(() => rm(folder, { recursive: true, force: true }));

/** @param {string[]} words */
async function command(...words) {
  const program = path.join(unpacked, "bin/tokenward.js");
  const answer = await run(process.execPath, [program, ...words], { cwd: folder }).then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    (/** @type {any} */ error) => ({ code: error.code, said: error.stderr }),
  );
  return answer;
}

/**
 * Asserts that an application of this source compiles against the package.
 *
 * @param {string} name
 * @param {"nodenext" | "bundler"} resolution
 * @param {string} source
 */
async function assertCompiles(name, resolution, source) {
  const consumer = path.join(folder, name);
  await mkdir(path.join(consumer, "node_modules"), { recursive: true });
  await symlink(unpacked, path.join(consumer, "node_modules/tokenward"));
  await writeFile(path.join(consumer, "package.json"), '{ "type": "module" }');
  await writeFile(path.join(consumer, "app.ts"), source);
  await addForeign(consumer, source);
  // Examples speak of the client that the first of them makes.
  const client = 'declare const auth: import("tokenward").Client;';
  await writeFile(path.join(consumer, "auth.d.ts"), client);
  const module = resolution === "nodenext" ? "nodenext" : "esnext";
  const flags = ["--noEmit", "--strict", "--module", module, "--moduleResolution", resolution];
  // Other people's types are theirs to check.
  if (/ from "(?!tokenward)[^.]/.test(source)) flags.push("--skipLibCheck");
  const tsc = path.join(ROOT, "node_modules/.bin/tsc");
  const answer = run(tsc, [...flags, "--target", "es2022", "app.ts", "auth.d.ts"], {
    cwd: consumer,
  });
  const said = await answer.catch((/** @type {any} */ error) => error);
  assert.equal(said.stdout, "", String(said));
}

/**
 * What an example of another package imports: that package, and what an application has of its API.
 *
 * @param {string} consumer
 * @param {string} source
 */
async function addForeign(consumer, source) {
  await writeFile(path.join(consumer, "paths.d.ts"), PATHS);
  await writeFile(path.join(consumer, "router.d.ts"), ROUTER);
  const names = [...source.matchAll(/ from "((?:@[\w-]+\/)?[\w-]+)/g)].map(([, name = ""]) => name);
  for (const name of [...names, "@trpc/server"].filter((name) => name !== "tokenward")) {
    const link = path.join(consumer, "node_modules", name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(path.join(ROOT, "node_modules", name), link);
  }
}

for (const resolution of /** @type {const} */ (["nodenext", "bundler"])) {
  test(`its types are found and hold under ${resolution}`, () =>
    assertCompiles(resolution, resolution, CONSUMER));
}

test("what nobody verified cannot be taken for claims (jb7)", () =>
  assertCompiles("unverified", "bundler", UNVERIFIED));

for (const readme of ["README.md", "pkg-template/README.md"]) {
  test(`what ${readme} shows compiles`, async () => {
    const text = await readFile(path.join(ROOT, readme), "utf8");
    const snippets = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code ?? "");
    assert.ok(snippets.length > 0, "it shows no code");
    for (const [index, snippet] of snippets.entries()) {
      const lines = snippet.trim().split("\n").length;
      assert.ok(lines <= 25, `a snippet of ${lines} lines is too long for a first screen`);
      await assertCompiles(
        `${path.dirname(readme)}-readme-${index}`,
        "bundler",
        `${snippet}export {};`,
      );
    }
  });
}

test("every random number is the platform's (pk3)", async () => {
  const scripts = (await readdir(unpacked)).filter((file) => file.endsWith(".js"));
  assert.ok(scripts.includes("vault.js"));
  for (const script of scripts) {
    const text = await readFile(path.join(unpacked, script), "utf8");
    assert.doesNotMatch(text, /Math\.random/, script);
    if (script === "vault.js") assert.match(text, /getRandomValues/);
  }
});

test("init puts vault and shield into a folder of their own, and again over the old ones", async () => {
  const publicFolder = path.join(folder, "public");
  await mkdir(publicFolder);
  for (const time of ["first", "second"]) {
    const { code, said } = await command("init", "public");
    assert.equal(code, 0, `${time}: ${said}`);
    for (const file of ["vault.js", "shield.js"]) {
      const copy = path.join(publicFolder, "tokenward", file);
      assert.deepEqual(await readFile(copy), await readFile(path.join(unpacked, file)));
      assert.ok(said.includes(path.join("public", "tokenward", file)), said);
    }
  }
});

test("init refuses what it cannot use, and says what it wants", async () => {
  const missing = await command("init", "nowhere");
  assert.deepEqual([missing.code, /nowhere is not a folder/.test(missing.said)], [2, true]);
  const nothing = await command("init");
  assert.deepEqual([nothing.code, /wants one folder/.test(nothing.said)], [2, true]);
  const typo = await command("inti", "public");
  assert.deepEqual([typo.code, /no command `inti`/.test(typo.said)], [2, true]);
  assert.equal((await command("--help")).code, 0);
});

const CONFIG = {
  issuer: "https://id.example.com",
  clientId: "spa",
  redirectUri: "/callback",
  resources: [{ origin: "https://api.example.com" }],
};

/** @param {string} name @param {unknown} config */
async function initWith(name, config) {
  await mkdir(path.join(folder, name));
  const text = typeof config === "string" ? config : JSON.stringify(config);
  await writeFile(path.join(folder, `${name}.json`), text);
  return command("init", name, "--config", `${name}.json`);
}

test("init --config writes the configuration into the vault, and into nothing else", async () => {
  const { code, said } = await initWith("baked", CONFIG);
  assert.equal(code, 0, said);
  const written = path.join(folder, "baked/tokenward");
  const names = ["callback.html", "callback.js", "shield.js", "vault.js"];
  assert.deepEqual((await readdir(written)).sort(), names);
  for (const name of names.slice(0, 3)) {
    const made = await readFile(path.join(unpacked, name));
    assert.deepEqual(await readFile(path.join(written, name)), made, name);
  }
  const vault = await readFile(path.join(written, "vault.js"), "utf8");
  const plain = await readFile(path.join(unpacked, "vault.js"), "utf8");
  const [first, ...rest] = vault.split("\n");
  assert.equal(rest.join("\n"), plain.slice(plain.indexOf("\n") + 1), "all else is as it was");
  const [, literal = ""] = /^const TOKENWARD_CONFIG=(".*");$/.exec(first ?? "") ?? [];
  assert.deepEqual(JSON.parse(JSON.parse(literal)), CONFIG);

  // Without one, the next vault has none.
  assert.equal((await command("init", "baked")).code, 0);
  assert.equal(await readFile(path.join(written, "vault.js"), "utf8"), plain);
});

test("with origins of an application it is a vault of its own origin, with the frame beside it", async () => {
  const config = {
    ...CONFIG,
    redirectUri: "https://vault.example.com/tokenward/callback.html",
    appOrigins: ["https://app.example.com"],
  };
  const { code, said } = await initWith("framed", config);
  assert.equal(code, 0, said);
  assert.match(said, /frame-ancestors https:\/\/app\.example\.com/);
  const written = path.join(folder, "framed/tokenward");
  const names = "callback.html callback.js frame.html frame.js shield.js vault.js";
  assert.equal((await readdir(written)).sort().join(" "), names);
  for (const name of ["frame.js", "vault.js"]) {
    const [first = ""] = (await readFile(path.join(written, name), "utf8")).split("\n");
    const [, literal = ""] = /^const TOKENWARD_CONFIG=(".*");$/.exec(first) ?? [];
    assert.deepEqual(JSON.parse(JSON.parse(literal)), config, name);
  }
});

test("init --config says everything that is wrong, and writes nothing", async () => {
  /** @type {Record<string, [unknown, ...RegExp[]]>} */
  const wrong = {
    text: ["{ issuer", /text\.json cannot be read as JSON/],
    list: [[], /must be an object/],
    names: [
      { ...CONFIG, scopes: [], isolation: "origin", clientId: 1, issuer: undefined },
      /`scopes` is unknown/,
      /`isolation` is no part of the session: give it to `createClient`/,
      /`clientId` must be a string/,
      /`issuer` is missing/,
    ],
    members: [
      {
        ...CONFIG,
        resources: [{ orgin: "https://api.example.com" }],
        logout: { endSession: "no" },
        apiKeys: { k: 1 },
      },
      /`resources\[0\]\.orgin` is unknown/,
      /`resources\[0\]\.origin` is missing/,
      /`logout\.endSession` must be `true` or `false`/,
      /`apiKeys\.k` must be an object/,
    ],
    addresses: [
      {
        ...CONFIG,
        issuer: "id.example.com",
        redirectUri: "callback",
        resources: [{ origin: "https://api.example.com/v1" }],
        logout: { postLogoutRedirectUri: "/" },
        appOrigins: ["https://app.example.com/"],
      },
      /`issuer` must be an absolute URL/,
      /`redirectUri` must be an absolute URL, or a path/,
      /`resources\[0\]\.origin` must be an origin/,
      /`logout\.postLogoutRedirectUri` must be an absolute URL/,
      /`appOrigins` must be exact origins/,
    ],
    proto: ['{ "__proto__": { "issuer": "x" } }', /`__proto__` is unknown/, /`issuer` is missing/],
  };
  for (const [name, [config, ...expected]] of Object.entries(wrong)) {
    const { code, said } = await initWith(name, config);
    assert.equal(code, 2, said);
    for (const words of expected) assert.match(said, words);
    assert.deepEqual(await readdir(path.join(folder, name)), [], "something was written");
  }
  const missing = await command("init", "text", "--config", "none.json");
  assert.deepEqual([missing.code, /none\.json cannot be read/.test(missing.said)], [2, true]);
  const valueless = await command("init", "text", "--config");
  assert.deepEqual([valueless.code, /wants one folder/.test(valueless.said)], [2, true]);
});
