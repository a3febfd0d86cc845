/**
 * `installFetch`: the page's `fetch` with a client's in front, for code that cannot be given one. It
 * sorts requests; what a credential goes along with is the vault's word alone.
 */

import type { Client } from "./client.js";
import { failure } from "./error.js";
import type { Resource } from "./options.js";

/** Where it is noted, for every copy of the package. */
const INSTALLED = Symbol.for("tokenward.installFetch");
const world = globalThis as { [INSTALLED]?: true };

/**
 * Has every `fetch` of this page to one of `resources` (those of `createClient`: by origin, `paths` and
 * `methods`) go through `auth.fetch`, with all that it refuses; every other goes to the `fetch` that was
 * there, untouched. Returns
 * what takes it back: then the `fetch` from before is there again, or, where somebody put another over this
 * one, this one passes everything on.
 *
 * Throws `install_refused` where it is installed already, or where the vault is in this page
 * (`isolation: "none"`), whose own requests would come by; `no_browser` where there is no page.
 */
export function installFetch(
  auth: Pick<Client, "fetch" | "place">,
  resources: readonly Resource[],
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
  const known = resources.map((resource) => ({
    ...resource,
    origin: new URL(resource.origin).origin,
  }));
  const original = globalThis.fetch;
  let isOn = true;

  const installed: typeof fetch = (...given) => {
    const [input, init] = given;
    return isOn && isFor(known, input, init) ? auth.fetch(input, init) : original(...given);
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

/**
 * Whether a request is for one of the resources, as the vault compares them. What is no URL is for none:
 * `fetch` itself refuses it best.
 */
function isFor(
  resources: readonly Resource[],
  input: RequestInfo | URL,
  init: RequestInit | undefined,
): boolean {
  // A frame's `Request` is no instance of this page's.
  const request = input as Partial<Request> | undefined;
  const address = request?.url ?? String(input);
  if (!URL.canParse(address, document.baseURI)) return false;
  const { origin, pathname } = new URL(address, document.baseURI);
  const given = init?.method ?? request?.method ?? "GET";
  // As `fetch` does it: only these are written in capitals for the caller.
  const method = /^(delete|get|head|options|post|put)$/i.test(given) ? given.toUpperCase() : given;
  return resources.some(
    ({ origin: own, paths, methods }) =>
      own === origin &&
      (paths?.some((path) => isBelow(pathname, path)) ?? true) &&
      (methods?.includes(method) ?? true),
  );
}

/** By whole segments: `/v1` has `/v1/me`, not `/v10`. */
function isBelow(pathname: string, path: string): boolean {
  const prefix = path.replace(/\/$/, "");
  return pathname === prefix || pathname.startsWith(`${prefix}/`);
}
