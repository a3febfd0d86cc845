// @ts-check
// What is said of the package's contents is so: its hashes, its bill of materials, and that nothing in it
// tells where it was made (t34).
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { homedir, hostname, tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const TARBALL = process.env.TOKENWARD_TARBALL ?? "";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let folder = "";
let unpacked = "";
/** @type {string[]} */
let names = [];

before(async () => {
  assert.ok(existsSync(TARBALL), "TOKENWARD_TARBALL names no file: use `cargo xtask test`");
  folder = await mkdtemp(path.join(tmpdir(), "tokenward-supply-"));
  await run("tar", ["-xzf", TARBALL, "-C", folder]);
  unpacked = path.join(folder, "package");
  const entries = await readdir(unpacked, { recursive: true, withFileTypes: true });
  names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(unpacked, path.join(entry.parentPath, entry.name)));
});
after(() => rm(folder, { recursive: true, force: true }));

/** @param {string} name */
const read = (name) => readFile(path.join(unpacked, name));
/** @param {string} name */
const json = async (name) => JSON.parse((await read(name)).toString("utf8"));

test("no file of the package holds a path of the machine that made it (t34)", async () => {
  const { stdout: sysroot } = await run("rustc", ["--print", "sysroot"], { cwd: ROOT });
  const secrets = [ROOT.replace(/\/$/, ""), sysroot.trim()];
  // Too short a name is in every text.
  secrets.push(...[homedir(), hostname()].filter((text) => text.length > 8));
  const anywhere =
    /\/(?:home|Users|root|work|build)\/[\w.-]+\/|\.cargo\/|\.rustup\/|registry\/src|[A-Z]:\\\\/;
  assert.ok(names.includes("vault.js"));
  for (const name of names) {
    const text = (await read(name)).toString("utf8");
    for (const secret of secrets) assert.ok(!text.includes(secret), `${name} holds ${secret}`);
    // In the README are an application's paths.
    if (name !== "README.md") assert.doesNotMatch(text, anywhere, name);
  }
});

test("integrity.json has the SHA-384 of everything that a browser loads (t34)", async () => {
  const { version, build, files } = await json("integrity.json");
  assert.equal(version, (await json("package.json")).version);
  assert.ok((await read("vault.js")).includes(build), "vault.js is of another build");
  const loaded = names.filter((name) => /^[^/]+\.(js|html)$/.test(name));
  assert.deepEqual(Object.keys(files).sort(), loaded.sort());
  for (const [name, integrity] of Object.entries(files)) {
    const hash = createHash("sha384")
      .update(await read(name))
      .digest("base64");
    assert.equal(integrity, `sha384-${hash}`, name);
  }
});

/** @typedef {{ "bom-ref": string, name: string, version: string, purl: string, licenses: { expression: string }[], hashes?: { alg: string, content: string }[] }} Component */

test("sbom.json has what is in the module, as Cargo.lock has it, and nothing of a machine (t34)", async () => {
  const text = (await read("sbom.json")).toString("utf8");
  const bill = JSON.parse(text);
  assert.deepEqual([bill.bomFormat, bill.specVersion, bill.version], ["CycloneDX", "1.6", 1]);
  const root = bill.metadata.component;
  assert.equal(root.purl, `pkg:npm/tokenward@${(await json("package.json")).version}`);
  /** @type {Component[]} */
  const components = bill.components;
  const lock = (await readFile(path.join(ROOT, "Cargo.lock"), "utf8")).split("[[package]]");
  const crates = components.filter(({ purl }) => purl.startsWith("pkg:cargo/"));
  for (const { name, version, purl, licenses, hashes } of crates) {
    assert.equal(purl, `pkg:cargo/${name}@${version}`);
    assert.match(licenses[0]?.expression ?? "", /^[\w.\-+ ()]+$/, purl);
    const entry = lock.find((it) => it.includes(`\nname = "${name}"\nversion = "${version}"\n`));
    assert.equal(/^checksum = "(\w{64})"$/m.exec(entry ?? "")?.[1], hashes?.[0]?.content, purl);
  }
  const found = components.map(({ name }) => name);
  for (const name of ["rust-std", "jwt-compact", "sha2", "wasm-bindgen", "web-sys", "zeroize"]) {
    assert.ok(found.includes(name), `it lacks ${name}`);
  }
  // What tests and tools need, and what only writes code, is in no module.
  for (const name of ["proptest", "url", "lexopt", "wasm-bindgen-macro", "syn"]) {
    assert.ok(!found.includes(name), `it has ${name}`);
  }
  const refs = [root, ...components].map((it) => it["bom-ref"]);
  assert.equal(new Set(refs).size, refs.length, "a component is there twice");
  const dependencies = /** @type {{ ref: string, dependsOn: string[] }[]} */ (bill.dependencies);
  assert.deepEqual(dependencies.map(({ ref }) => ref).sort(), [...refs].sort());
  const reached = new Set([root["bom-ref"]]);
  for (const ref of reached) {
    for (const next of dependencies.find((it) => it.ref === ref)?.dependsOn ?? [])
      reached.add(next);
  }
  assert.deepEqual([...reached].sort(), [...refs].sort(), "something is there for no reason");
  assert.doesNotMatch(text, /https?:|registry|timestamp|serialNumber|\d{4}-\d\d-\d\dT/);
});
