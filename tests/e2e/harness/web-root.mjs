// @ts-check
// What the app's origin serves: the test page, the built package, and the vault's folder as
// `npx tokenward init` makes it.
import { execFile } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeBroken } from "./broken.mjs";
import { makeReadable } from "./memory.mjs";
import { makeMortal } from "./mortal.mjs";

const run = promisify(execFile);
const APP = fileURLToPath(new URL("../app", import.meta.url));
const ATTACKS = fileURLToPath(new URL("../../attacks/page", import.meta.url));

/** The package as `cargo xtask build` makes it. */
export const PACKAGE =
  process.env.TOKENWARD_PKG || fileURLToPath(new URL("../../../pkg", import.meta.url));

/** The example in Rust as `cargo xtask build --examples` makes it. */
const YEW =
  process.env.TOKENWARD_YEW || fileURLToPath(new URL("../../../target/yew/dist", import.meta.url));

/**
 * What every root begins with, made once in a process: a process has the files of a whole cell.
 *
 * @type {Promise<string> | undefined}
 */
let beginning;

async function makeBeginning() {
  if (!existsSync(path.join(PACKAGE, "index.js"))) {
    throw new Error("pkg/ is missing: run `cargo xtask build`");
  }
  const folder = await mkdtemp(path.join(tmpdir(), "tokenward-e2e-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["settings", "made", "baked"]) await mkdir(path.join(folder, name));
  // A copy: a build that runs meanwhile must not put another page entry beside the vault.
  const copy = path.join(folder, "pkg");
  await cp(PACKAGE, copy, { recursive: true });
  await run(process.execPath, [path.join(copy, "bin/tokenward.js"), "init", folder]);
  const vault = path.join(folder, "tokenward");
  await makeMortal(vault);
  await makeReadable(vault);
  await makeBroken(vault);
  return folder;
}

export async function makeWebRoot() {
  beginning ??= makeBeginning();
  const root = await mkdtemp(path.join(tmpdir(), "tokenward-e2e-"));
  await cp(await beginning, root, { recursive: true });
  const copy = path.join(root, "pkg");

  return {
    /** Directories by URL prefix. */
    dirs: {
      "/": APP,
      "/attacks/": ATTACKS,
      "/pkg/": copy,
      "/tokenward/": path.join(root, "tokenward"),
      "/settings/": path.join(root, "settings"),
      "/yew/": path.join(root, "yew"),
      "/made/": path.join(root, "made"),
      "/baked/": path.join(root, "baked"),
    },
    /** What the vault's own origin serves. */
    frames: { "/baked/": path.join(root, "baked") },
    /**
     * Makes a vault with a configuration in it, in a folder of its own below /baked/.
     *
     * @param {string} clientId
     * @param {Record<string, unknown>} config
     */
    async bake(clientId, config) {
      const folder = path.join(root, "baked", clientId);
      const file = path.join(root, "baked", `${clientId}.json`);
      await mkdir(folder, { recursive: true });
      await writeFile(file, JSON.stringify(config));
      const command = path.join(copy, "bin/tokenward.js");
      await run(process.execPath, [command, "init", folder, "--config", file]);
      await makeMortal(path.join(folder, "tokenward"));
    },
    /**
     * @param {string} name of a script under /made/
     * @param {string} text
     */
    make: (name, text) => writeFile(path.join(root, "made", name), text),
    /**
     * @param {string} clientId
     * @param {import("../app/page.js").Settings} settings what its pages find
     */
    settle: (clientId, settings) =>
      writeFile(path.join(root, "settings", `${clientId}.json`), JSON.stringify(settings)),
    /**
     * Lays the example in Rust out under /yew/.
     *
     * @param {{ issuer: string, clientId: string, api: string }} settings what its page finds
     */
    async settleYew(settings) {
      if (!existsSync(YEW)) {
        throw new Error("target/yew/dist is missing: run `cargo xtask build --examples`");
      }
      await cp(YEW, path.join(root, "yew"), { recursive: true });
      await writeFile(path.join(root, "yew/settings.json"), JSON.stringify(settings));
    },
    /**
     * Serves the example in Rust as it is with another version of the crate: the same code under another name.
     *
     * @param {string} version as long as the one it has
     */
    async deployYew(version) {
      const file = path.join(root, "yew/app_bg.wasm");
      // As Latin-1 every byte is a letter, and stays where it is.
      const module = await readFile(file, "latin1");
      const found = /crate-\d+\.\d+\.\d+/.exec(module)?.[0];
      const name = `crate-${version}`;
      if (found?.length !== name.length) throw new Error(`the module is of build ${found}`);
      await writeFile(file, module.replaceAll(found, name), "latin1");
    },
    /**
     * Serves package and vault as another build has them: the same code under another name.
     *
     * @param {string} build 16 hexadecimal digits
     */
    async deploy(build) {
      const vault = path.join(root, "tokenward/vault.js");
      const found = /"([0-9a-f]{16})"/.exec(
        await readFile(path.join(copy, "index.js"), "utf8"),
      )?.[1];
      if (!found) throw new Error("the page entry has no build");
      for (const file of [path.join(copy, "index.js"), path.join(copy, "vault.js"), vault]) {
        const text = await readFile(file, "utf8");
        if (!text.includes(found)) throw new Error(`${file} is of another build`);
        await writeFile(file, text.replaceAll(found, build));
      }
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
