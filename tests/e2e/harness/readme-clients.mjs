// @ts-check
// Bundles the HTTP clients as the package's README sets them up, so that what it shows is what runs.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DRIVERS = fileURLToPath(new URL("../clients/drivers.js", import.meta.url));
const SECTION = /^## With your HTTP client$(.*?)^## /ms;
const EXAMPLE = /^```ts\n(.*?)^```$/gms;
const OF = /^import (?!type).* from "([^"]+)";$/m;

/** @returns {Promise<Map<string, string>>} the code of each example, by the package that it begins with */
export async function readExamples() {
  const readme = await readFile(`${ROOT}/pkg-template/README.md`, "utf8");
  const section = SECTION.exec(readme)?.[1] ?? "";
  const examples = [...section.matchAll(EXAMPLE)].map(([, code = ""]) => code);
  return new Map(examples.map((code) => [OF.exec(code)?.[1] ?? "", code]));
}

/**
 * @param {string} api where the examples' `https://api.example.com` is in this test
 * @returns {Promise<string>} a script for the test page, of what `clients/drivers.js` exports
 */
export async function bundleClients(api) {
  const examples = await readExamples();
  /** @type {import("esbuild").Plugin} */
  const readme = {
    name: "readme",
    setup(esbuild) {
      esbuild.onResolve({ filter: /^readme:/ }, ({ path }) => ({
        path: path.slice("readme:".length),
        namespace: "readme",
      }));
      esbuild.onLoad({ filter: /.*/, namespace: "readme" }, ({ path }) => {
        const code = examples.get(path)?.replaceAll("https://api.example.com", api) ?? "";
        const contents = `const { auth } = window.tw;\n${code}`;
        return { contents, loader: "ts", resolveDir: ROOT };
      });
    },
  };
  const built = await build({
    entryPoints: [DRIVERS],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    charset: "utf8",
    logLevel: "warning",
    define: { "process.env.NODE_ENV": '"production"', __API__: JSON.stringify(api) },
    plugins: [readme],
  });
  return built.outputFiles[0]?.text ?? "";
}
