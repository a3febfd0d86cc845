// @ts-check
// What the app's origin serves: the test page, the built package, and the vault's folder as
// `npx tokenward init` makes it.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeBroken } from "./broken.mjs";
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

export async function makeWebRoot() {
  if (!existsSync(path.join(PACKAGE, "index.js"))) {
    throw new Error("pkg/ is missing: run `cargo xtask build`");
  }
  const root = await mkdtemp(path.join(tmpdir(), "tokenward-e2e-"));
  await mkdir(path.join(root, "settings"));
  await mkdir(path.join(root, "made"));
  // A copy: a build that runs meanwhile must not put another page entry beside the vault.
  const copy = path.join(root, "pkg");
  await cp(PACKAGE, copy, { recursive: true });
  await run(process.execPath, [path.join(copy, "bin/tokenward.js"), "init", root]);
  await makeMortal(path.join(root, "tokenward"));
  await makeBroken(path.join(root, "tokenward"));

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
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
