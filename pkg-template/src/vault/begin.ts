/** Starts a vault: it gathers ports until the wasm runs, and hands them over. */

import init, { start } from "tokenward:glue";
import wasm from "tokenward:wasm";
import type { AuthErrorCode, FromVault } from "../generated/types.js";

/** The hash of the vault's wasm and glue; the build writes it in. */
declare const __TOKENWARD_BUILD__: string;

/** The one configuration to serve, as JSON text: `npx tokenward init --config` writes it into the script's first line. */
declare const TOKENWARD_CONFIG: string | undefined;

/** Takes a page's port in. */
export type Take = (port: MessagePort) => void;

/** The module's one instance in this realm. */
let instance: Promise<unknown> | undefined;

/** Begins a vault of this name; `leave` is called where it cannot serve. */
export function begin(name: string, leave: () => void, isWorker: boolean): Take {
  const early: MessagePort[] = [];
  let take: Take = (port) => void early.push(port);

  const serve = (connect: Take): void => {
    take = connect;
    for (const port of early.splice(0)) take(port);
  };

  const refuse = (code: AuthErrorCode, message: string): void => {
    const retryable = code === "vault_crashed";
    const refusal: FromVault = {
      type: "refused",
      error: { code, phase: "vault", message, retryable },
    };
    serve((port) => port.postMessage(refusal));
    setTimeout(leave, 1000);
  };

  const run = async (): Promise<void> => {
    const code = Uint8Array.from(wasm, (letter) => letter.charCodeAt(0));
    const module = await WebAssembly.compile(code);
    instance ??= init({ module_or_path: module });
    await instance;
    const lock = `tokenward/vault/${crypto.randomUUID()}`;
    // Held before anybody hears of it: a page that got it would take this vault for dead.
    await hold(lock);
    const vault = start(name, __TOKENWARD_BUILD__, lock, TOKENWARD_CONFIG);
    if (!vault) throw new Error("no random numbers");
    serve((port) => vault.connect(port));
  };

  run().catch((error) => {
    instance = undefined;
    // A policy that forbids it is told when the module is compiled; by WebKit, when it is instantiated.
    if (error instanceof WebAssembly.CompileError) refuse("wasm_blocked", blocked(isWorker));
    else refuse("vault_crashed", "The vault could not start; the browser may be short of memory.");
  });
  return (port) => take(port);
}

/** Holds a Web Lock for as long as this realm lives; resolves once it is held, or cannot be. */
function hold(lock: string): Promise<void> {
  return new Promise((held) => {
    const forever = () => {
      held();
      return new Promise(() => {});
    };
    navigator.locks.request(lock, forever).catch(() => held());
  });
}

function blocked(isWorker: boolean): string {
  const where = isWorker
    ? "serve the vault's script with `script-src 'self' 'wasm-unsafe-eval'` in its own Content-Security-Policy"
    : "with `isolation: \"none\"` the page's own Content-Security-Policy needs `'wasm-unsafe-eval'`, and `connect-src` with provider and resources";
  return `WebAssembly is forbidden here: ${where}.`;
}
