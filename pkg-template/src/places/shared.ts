/** The one file that knows `SharedWorker`: it starts the vault's script and says why that failed. */

import { type AuthError, failure } from "../error.js";

/** `WorkerOptions` of a `SharedWorker`: it outlives its last page, so that a reload finds it. */
interface SharedWorkerOptions extends WorkerOptions {
  extendedLifetime: boolean;
}

/** As much of Trusted Types as is needed; TypeScript's own library has none of it. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy;
}

interface Policy {
  createScriptURL(url: string): string;
}

/** What to do about a vault's script that a bundler left behind. */
export const CURE = "run `npx tokenward init <public folder>` and set `vaultUrl`.";

/** How long a vault waits for its shield, the first time. */
const SHIELD_MS = 2000;

const POLICY = Symbol.for("tokenward.policy");

const realm: typeof globalThis & { trustedTypes?: TrustedTypes; [POLICY]?: Policy } = globalThis;
// Taken now: what a script puts in their place later does not get the vault's port.
const Worker = realm.SharedWorker;
const allowed = new Set<string>();

/** A port to a worker that may not have started yet. */
export interface Opened {
  port: MessagePort;
  /** Rejects when the worker cannot be started. */
  failed: Promise<never>;
}

/** Starts, or finds, the worker of this name. */
export function openShared(url: string, name: string): Opened {
  if (!Worker) {
    throw failure("vault_unavailable", "This browser has no SharedWorker.");
  }
  const options: SharedWorkerOptions = { type: "module", name, extendedLifetime: true };
  let worker: SharedWorker;
  try {
    worker = new Worker(trusted(url), options);
  } catch (cause) {
    throw blocked(url, cause);
  }
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", () => reject());
  });
  return { port: worker.port, failed };
}

/** Why the worker did not start: asks for its script, to tell a missing one from a refused one. */
export async function diagnose(url: string): Promise<AuthError> {
  let found: string;
  try {
    const answer = await fetch(url, { mode: "same-origin" });
    void answer.body?.cancel();
    const type = answer.headers.get("content-type") ?? "no type";
    if (answer.ok && /(java|ecma)script/i.test(type)) return blocked(url);
    found = `is ${answer.status} (${type})`;
  } catch {
    found = "did not load, or `worker-src` and `connect-src` forbid it";
  }
  return failure("vault_unavailable", `The vault's script ${url} ${found}: ${CURE}`, true);
}

function blocked(url: string, cause?: unknown): AuthError {
  const error = failure(
    "worker_blocked",
    `The browser refused ${url}: the page's policy needs \`worker-src 'self'\` and \`trusted-types tokenward\`.`,
  );
  if (cause) error.cause = cause;
  return error;
}

/** Registers the empty service worker beside the vault, so that no other sees the vault. */
export async function raiseShield(vaultUrl: URL): Promise<void> {
  const url = new URL("./shield.js", vaultUrl).href;
  try {
    // Its scope is its own folder, which is the vault's.
    const { active, installing } = await navigator.serviceWorker.register(trusted(url));
    if (active) return;
    await new Promise<void>((resolve) => {
      installing?.addEventListener("statechange", () => {
        if (installing.state === "activated") resolve();
      });
      setTimeout(resolve, SHIELD_MS);
    });
  } catch {
    // The vault works without a shield; it is only open to a service worker that covers its folder.
  }
}

/** The URL as a worker's constructor wants it under Trusted Types. */
function trusted(url: string): string {
  allowed.add(url);
  try {
    const made = policy()?.createScriptURL(url) ?? url;
    // A policy under our symbol may be a stranger's: only what names this URL is used.
    return String(made) === url ? made : url;
  } catch {
    // Without the policy the browser decides; it refuses only where the page's own CSP demands one.
    return url;
  }
}

function policy(): Policy | undefined {
  if (!realm[POLICY] && realm.trustedTypes) {
    realm[POLICY] = realm.trustedTypes.createPolicy("tokenward", {
      createScriptURL(url) {
        if (allowed.has(url)) return url;
        throw new TypeError(url);
      },
    });
  }
  return realm[POLICY];
}
