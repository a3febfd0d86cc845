// @ts-check
// A deployment of the package as its README has it, of which a test changes what it likes; and doctor, asked about it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { listen } from "../servers/listen.mjs";
import { CALLBACK, CSP, PAGE, SHIELD, STRICT, VAULT } from "./doctor-cases.mjs";

const run = promisify(execFile);
const TARBALL = process.env.TOKENWARD_TARBALL ?? "";

/** @typedef {import("./doctor-cases.mjs").Answer & { headers?: Record<string, string | string[]> }} Served */
/** @typedef {import("node:http").RequestListener} RequestListener */
/** @typedef {Record<string, Served>} Files by their paths */
/** @typedef {{ level: string, name: string, text: string }} Line */
/** @typedef {Awaited<ReturnType<typeof startSite>>} Site */

export async function startSite() {
  assert.ok(existsSync(TARBALL), "TOKENWARD_TARBALL names no file: use `cargo xtask test`");
  const folder = await mkdtemp(path.join(tmpdir(), "tokenward-doctor-"));
  await run("tar", ["-xzf", TARBALL, "-C", folder]);
  const unpacked = path.join(folder, "package");
  const right = await deployment(unpacked);
  const server = await listen();
  const origin = `http://localhost:${server.port}`;
  const other = `http://127.0.0.1:${server.port}`;
  let served = right;
  /** @type {RequestListener | undefined} */
  let answerRest;
  server.serve((req, res) => {
    const { pathname } = new URL(req.url ?? "/", origin);
    if (!served[pathname] && answerRest) return answerRest(req, res);
    const found = served[pathname] ?? { status: 404, type: "text/plain", body: "not found" };
    const { Location: to, ...headers } = found.headers ?? {};
    if (typeof to === "string") res.setHeader("Location", to.replace("{other}", other));
    res.writeHead(found.status ?? 200, {
      "Content-Type": found.type ?? "text/javascript",
      ...headers,
    });
    res.end(found.body);
  });

  return {
    origin,
    /** The same server by another name, `{other}` in a `Location`. */
    other,
    unpacked,
    /** What is served at first. */
    right,

    /**
     * From now on.
     *
     * @param {Files} files
     * @param {RequestListener} [rest] answers what is none of them
     */
    serve(files, rest) {
      served = files;
      answerRest = rest;
    },

    /**
     * What is right, with one file changed: a header that is `null` is left out.
     *
     * @param {string} at
     * @param {import("./doctor-cases.mjs").Change} change
     * @returns {Files}
     */
    changed(at, { headers, ...rest }) {
      const file = right[at];
      const kept = { ...file?.headers };
      for (const [name, value] of Object.entries(headers ?? {})) {
        if (value === null) delete kept[name];
        else kept[name] = value;
      }
      return { ...right, [at]: { ...file, ...rest, headers: kept } };
    },

    /**
     * This package's vault, with a configuration written into it.
     *
     * @param {Record<string, unknown>} config
     */
    bakedWith(config) {
      const made = String(right[VAULT]?.body);
      const line = `CONFIG=${JSON.stringify(JSON.stringify(config))};`;
      const baked = made.replace("CONFIG=void 0;", () => line);
      assert.notEqual(baked, made);
      return baked;
    },

    /** @param {string[]} words */
    async doctor(...words) {
      const program = path.join(unpacked, "bin/tokenward.js");
      const answer = await run(process.execPath, [program, "doctor", ...words], {
        cwd: folder,
      }).then(
        ({ stdout }) => ({ code: 0, said: stdout }),
        (/** @type {any} */ error) => ({ code: error.code, said: error.stdout + error.stderr }),
      );
      return { ...answer, lines: linesOf(answer.said) };
    },

    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * @param {string} unpacked
 * @returns {Promise<Files>}
 */
async function deployment(unpacked) {
  const own = (/** @type {string} */ file) => readFile(path.join(unpacked, file));
  const readme = (await own("README.md")).toString("utf8");
  return {
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
}

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

/**
 * @param {string} said
 * @returns {Line[]}
 */
function linesOf(said) {
  const lines = said.matchAll(/^(ok|warning|problem) +([^:]+): (.*)$/gm);
  return [...lines].map(([, level = "", name = "", text = ""]) => ({ level, name, text }));
}
