/** Where the vault runs, as far as the rest of the facade knows: a name becomes a port. */

import { AuthError, failure, isAuthError } from "../error.js";
import { openShared } from "./shared.js";

/**
 * A `SharedWorker`, a dedicated `Worker`, one of both at an origin of its own, or the page itself, which promises
 * no isolation.
 */
export type Place = "shared" | "worker" | "origin" | "page";

/** A port to a vault that may not have started yet. */
export interface Opened {
  port: MessagePort;
  /** Rejects when the vault's script cannot be started, or was ended. */
  failed: Promise<never>;
  /** Ends a vault that is dead or hangs, where that can be done. */
  end?: () => void;
}

/** Starts, or finds, the vault of this name; the script's URL is good for Trusted Types. */
export type Open = (url: string, name: string) => Opened;

/** What opens a vault in this place. Most pages need one alone, so the others are loaded then. */
export async function opener(place: Exclude<Place, "origin">): Promise<Open> {
  return place === "shared" ? openShared : (await loaded(import("./elsewhere.js")))[place];
}

/** What to tell a caller when the vault's script did not start, for a reason or without one. */
export async function explain(url: string, reason: unknown): Promise<AuthError> {
  if (isAuthError(reason)) return reason;
  const { diagnose } = await loaded(import("./trouble.js"));
  return new AuthError(await diagnose(url, reason), { cause: reason });
}

/** A script that is loaded when it is needed; `vault_unavailable` where it cannot be. */
export function loaded<T>(script: Promise<T>): Promise<T> {
  return script.catch((cause) => {
    const info = "A script did not load: try again.";
    throw Object.assign(failure("vault_unavailable", info, true), { cause });
  });
}
