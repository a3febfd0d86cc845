/**
 * `installFetch`: the page's `fetch` with a client's in front, for code that cannot be given one. It
 * compares origins and decides nothing else; what may go where is the vault's word.
 */

import type { Client } from "./client.js";
import { failure } from "./error.js";
import type { Resource } from "./options.js";

/** Where it is noted, for every copy of the package. */
const INSTALLED = Symbol.for("tokenward.installFetch");
const world = globalThis as { [INSTALLED]?: true };

/**
 * Has every `fetch` of this page to the origin of one of `resources` (those of `createClient`) go through
 * `auth.fetch`, with all that it refuses; every other goes to the `fetch` that was there, untouched. Returns
 * what takes it back: then the `fetch` from before is there again, or, where somebody put another over this
 * one, this one passes everything on.
 *
 * Throws `install_refused` where it is installed already, or where the vault is in this page
 * (`isolation: "none"`), whose own requests would come by; `no_browser` where there is no page.
 */
export function installFetch(
  auth: Pick<Client, "fetch" | "place">,
  resources: readonly Pick<Resource, "origin">[],
): () => void {
  if (typeof window === "undefined") {
    throw failure("no_browser", "No browser: call this in the page.");
  }
  if (world[INSTALLED]) {
    throw refused("Installed already: call what the first `installFetch` returned before.");
  }
  if (auth.place === "page") {
    throw refused('With `isolation: "none"` pass `auth.fetch` on instead: the vault is this page.');
  }
  const origins = new Set(resources.map(({ origin }) => new URL(origin).origin));
  const original = globalThis.fetch;
  let isOn = true;

  const installed: typeof fetch = (...given) => {
    const [input, init] = given;
    return isOn && origins.has(originOf(input)) ? auth.fetch(input, init) : original(...given);
  };
  globalThis.fetch = installed;
  world[INSTALLED] = true;

  return () => {
    if (!isOn) return;
    isOn = false;
    delete world[INSTALLED];
    if (globalThis.fetch === installed) globalThis.fetch = original;
  };
}

function refused(message: string): Error {
  return failure("install_refused", message, false, "config");
}

/** The origin that a request is for; empty where that is no URL, which `fetch` itself refuses best. */
function originOf(input: RequestInfo | URL): string {
  const address = input instanceof Request ? input.url : String(input);
  return URL.canParse(address, document.baseURI) ? new URL(address, document.baseURI).origin : "";
}
