/** The vault's entry in a `SharedWorker`: it gathers ports until the wasm runs, and hands them over. */

import init, { start } from "tokenward:glue";
import wasm from "tokenward:wasm";
import type { AuthErrorCode, FromVault } from "../generated/types.js";

/** The hash of the vault's wasm and glue; the build writes it in. */
declare const __TOKENWARD_BUILD__: string;

const worker = self as unknown as SharedWorkerGlobalScope;

const early: MessagePort[] = [];
let take = (port: MessagePort): void => {
  early.push(port);
};

// Before any await: a connection that comes while nobody listens is lost.
worker.onconnect = (event) => {
  for (const port of event.ports) take(port);
};

// A trap leaves the memory in an unknown state. The worker ends, its lock is let go, and that is how
// pages notice and start another.
worker.addEventListener("error", () => worker.close());

void run();

async function run(): Promise<void> {
  try {
    const code = Uint8Array.from(wasm, (letter) => letter.charCodeAt(0));
    const module = await WebAssembly.compile(code);
    await init({ module_or_path: module });
    const vault = start(worker.name, __TOKENWARD_BUILD__);
    if (!vault) throw new Error("no random numbers");
    serve((port) => vault.connect(port));
  } catch (error) {
    // A policy that forbids it is told when the module is compiled; by WebKit, when it is instantiated.
    if (error instanceof WebAssembly.CompileError) {
      refuse(
        "wasm_blocked",
        "WebAssembly is forbidden here: serve the vault's script with `script-src 'self' 'wasm-unsafe-eval'` in its own Content-Security-Policy.",
      );
    } else {
      refuse("vault_crashed", "The vault could not start; the browser may be short of memory.");
    }
  }
}

function serve(connect: (port: MessagePort) => void): void {
  take = connect;
  for (const port of early.splice(0)) take(port);
}

function refuse(code: AuthErrorCode, message: string): void {
  const retryable = code === "vault_crashed";
  const refusal: FromVault = {
    type: "refused",
    error: { code, phase: "vault", message, retryable },
  };
  serve((port) => port.postMessage(refusal));
  // A worker that cannot serve makes room, so that the next call starts a new one.
  setTimeout(() => worker.close(), 1000);
}
