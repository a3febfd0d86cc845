// @ts-check
/**
 * Bundles the package: `node xtask/js/bundle.mjs <plan.json>`.
 *
 * The plan comes from `cargo xtask build`. The vault's source imports two modules that are no files:
 * `tokenward:glue`, wasm-bindgen's JavaScript, and `tokenward:wasm`, the module's bytes as text.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
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

/** @type {import("esbuild").Plugin} */
const vaultModules = {
  name: "tokenward",
  setup(esbuild) {
    esbuild.onResolve({ filter: /^tokenward:glue$/ }, () => ({ path: plan.glue }));
    esbuild.onResolve({ filter: /^tokenward:wasm$/ }, ({ path }) => ({ path, namespace: "wasm" }));
    esbuild.onLoad({ filter: /.*/, namespace: "wasm" }, async () => {
      const packed = deflateRawSync(await readFile(plan.wasm), { level: 9 });
      return { contents: packed.toString("base64"), loader: "text" };
    });
  },
};

/** The bundles: what comes in, what goes out. */
const BUNDLES = [
  { source: "index.ts", output: "index.js" },
  { source: "vault/shared.ts", output: "vault.js" },
  { source: "shield.ts", output: "shield.js" },
];

for (const bundle of BUNDLES) {
  await build({
    entryPoints: [join(plan.source, bundle.source)],
    outfile: join(plan.output, bundle.output),
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    define: {
      __TOKENWARD_BUILD__: JSON.stringify(plan.build),
      __TOKENWARD_VERSION__: JSON.stringify(plan.version),
    },
    plugins: [vaultModules],
  });
}
