// @ts-check
/**
 * Bundles the package: `node xtask/js/bundle.mjs <plan.json>`.
 *
 * The plan comes from `cargo xtask build`. The vault's source imports two modules that are no files:
 * `tokenward:glue`, wasm-bindgen's JavaScript, and `tokenward:wasm`, the module's bytes as text.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * @typedef {object} Plan
 * @property {string} source the folder of the TypeScript source
 * @property {string} output the package's folder
 * @property {string} glue wasm-bindgen's JavaScript
 * @property {string} wasm the optimised module
 * @property {string} version the package's version
 * @property {string} build identifies glue and module
 */

/** @type {Plan} */
const plan = JSON.parse(await readFile(process.argv[2] ?? "", "utf8"));

/** Stands for the module's text until the bundle is written: esbuild would escape its letters. */
const PLACE = "tokenward-wasm-goes-here";

/** @type {import("esbuild").Plugin} */
const vaultModules = {
  name: "tokenward",
  setup(esbuild) {
    esbuild.onResolve({ filter: /^tokenward:glue$/ }, () => ({ path: plan.glue }));
    esbuild.onResolve({ filter: /^tokenward:wasm$/ }, ({ path }) => ({ path, namespace: "wasm" }));
    esbuild.onLoad({ filter: /.*/, namespace: "wasm" }, async () => {
      return { contents: `export default "${PLACE}"`, loader: "js" };
    });
  },
};

/** The first line of scripts into which `npx tokenward init --config` writes a configuration. */
const UNBAKED = "const TOKENWARD_CONFIG=void 0;";

/** The bundles: what comes in, what goes out. */
const BUNDLES = [
  { source: "index.ts", name: "index" },
  { source: "vault/entry.ts", name: "vault", banner: UNBAKED },
  { source: "shield.ts", name: "shield" },
  { source: "callback-page.ts", name: "callback" },
  { source: "frame.ts", name: "frame", banner: UNBAKED, isWhole: true },
  { source: "decode-jwt.ts", name: "decode-jwt" },
  { source: "server-events.ts", name: "server-events" },
  { source: "ticket.ts", name: "ticket" },
  { source: "install.ts", name: "install" },
];

for (const bundle of BUNDLES) {
  await build({
    entryPoints: { [bundle.name]: join(plan.source, bundle.source) },
    outdir: plan.output,
    bundle: true,
    format: "esm",
    // What only some pages need is imported when they need it, from a file of its own.
    splitting: !bundle.isWhole,
    chunkNames: "[name]",
    target: "es2022",
    platform: "browser",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    banner: bundle.banner ? { js: bundle.banner } : {},
    logLevel: "warning",
    define: {
      __TOKENWARD_BUILD__: JSON.stringify(plan.build),
      __TOKENWARD_VERSION__: JSON.stringify(plan.version),
    },
    plugins: [vaultModules],
  });
}

await rewrite("elsewhere.js", (text) => {
  // For bundlers: the vault's script is found at run time. Minifying takes comments away.
  const marked = text.replace(
    /\bimport\((\w+)\)/,
    "import(/*@vite-ignore*//*webpackIgnore:true*/$1)",
  );
  if (marked === text) throw new Error("the page place no longer imports the vault's script");
  return marked;
});

/**
 * @param {string} file in the package
 * @param {(text: string) => string} change
 */
async function rewrite(file, change) {
  const path = join(plan.output, file);
  await writeFile(path, change(await readFile(path, "utf8")));
}

const vault = join(plan.output, "vault.js");
const [before, after, more] = (await readFile(vault, "utf8")).split(`"${PLACE}"`);
if (before === undefined || after === undefined || more !== undefined) {
  throw new Error("the vault's bundle must have exactly one place for the module");
}
await writeFile(vault, before + literal(await readFile(plan.wasm)) + after);

/**
 * The bytes as a string literal, a letter for each: U+0000 to U+00FF, written in UTF-8. Brotli makes
 * as little of it as of the bytes themselves (within 2 %), where base64 of a deflated module, which
 * it cannot see into, is a fifth larger.
 *
 * @param {Buffer} bytes
 */
function literal(bytes) {
  const escapes = new Map([
    ["\\", "\\\\"],
    ['"', '\\"'],
    ["\n", "\\n"],
    ["\r", "\\r"],
  ]);
  const text = bytes
    .toString("latin1")
    .replaceAll(/[\\"\n\r]/g, (letter) => escapes.get(letter) ?? letter);
  // Some tools take a file with a zero in it for no text at all.
  return `"${text.replaceAll(/\0(?=[0-9])/g, "\\x00").replaceAll("\0", "\\0")}"`;
}
