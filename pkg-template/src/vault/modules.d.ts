/** The vault's wasm, a letter (U+0000 to U+00FF) for each byte; the build puts it in. */
declare module "tokenward:wasm" {
  const text: string;
  export default text;
}

/** What wasm-bindgen made for the wasm (`--target web`). */
declare module "tokenward:glue" {
  export default function init(input: { module_or_path: WebAssembly.Module }): Promise<unknown>;

  export interface Vault {
    connect(port: MessagePort): void;
  }

  export function start(
    name: string,
    build: string,
    lock: string,
    baked: string | undefined,
  ): Vault | undefined;
}
