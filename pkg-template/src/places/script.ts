/** The vault's script: its URL as Trusted Types want it, and its shield. */

import { failure } from "../error.js";

/** As much of Trusted Types as is needed; TypeScript's own library has none of it. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): Policy;
}

interface Policy {
  createScriptURL(url: string): string;
}

/** How long a vault waits for its shield, the first time. */
const SHIELD_MS = 2000;

const POLICY = Symbol.for("tokenward.policy");

const realm: typeof globalThis & { trustedTypes?: TrustedTypes; [POLICY]?: Policy } = globalThis;
const allowed = new Set<string>();

/**
 * Registers the empty service worker beside the vault, if it is wanted, so that no other sees the vault.
 * Rejects where another one has its place and does not leave: it would see every credential. Where it is
 * not there, one that covers the vault is reported.
 */
export async function raiseShield(vaultUrl: URL, isWanted: boolean): Promise<void> {
  const url = new URL("./shield.js", vaultUrl).href;
  let found: ServiceWorker | null | undefined;
  try {
    // Its scope is its own folder, which is the vault's.
    const registration = isWanted && (await navigator.serviceWorker.register(trusted(url)));
    if (registration) {
      const { installing } = registration;
      found = registration.active;
      if (found?.scriptURL === url) return;
      await new Promise<void>((resolve) => {
        installing?.addEventListener("statechange", () => {
          if (installing.state === "activated") resolve();
        });
        setTimeout(resolve, SHIELD_MS);
      });
      found = registration.active;
    }
  } catch {
    // The vault works without a shield; it is only open to a service worker that covers its folder.
  }
  if (!found) void lookOut(vaultUrl, url);
  else if (found.scriptURL !== url) {
    throw failure("vault_unavailable", "Another service worker has the shield's place.");
  }
}

/** Reports a service worker that covers the vault's script; the vault does not wait for that. */
async function lookOut(vaultUrl: URL, shield: string): Promise<void> {
  try {
    const covering = await navigator.serviceWorker.getRegistration(vaultUrl.href);
    if (covering) (await import("./trouble.js")).exposed(covering, vaultUrl, shield);
  } catch {
    // Where there are no service workers, none covers it.
  }
}

/** The URL as a worker's constructor wants it under Trusted Types. */
export function trusted(url: string): string {
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
