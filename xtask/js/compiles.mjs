// @ts-check
/** Exits with 0 if the WebAssembly module compiles: `node xtask/js/compiles.mjs <file.wasm>`. */

import { readFile } from "node:fs/promises";

await WebAssembly.compile(await readFile(process.argv[2] ?? ""));
