/**
 * The one file of the page that knows a vault of another origin: a hidden frame of that origin says hello to
 * it and hands its port over. What is configured there, this page need not know.
 */

import type { Welcomed } from "../connection.js";
import type { failure } from "../error.js";
import { WIRE } from "../generated/constants.js";
import type { AuthErrorInfo } from "../generated/types.js";
import type { Settings } from "../options.js";

/** What a page says to the frame, with a port on which it is answered. */
export interface ToFrame {
  /** The version of the wire protocol. */
  tokenward: number;
  /** The first generation of the vault that this page has not found silent. */
  first: number;
  /** The page's address. */
  at: string;
}

/** What the frame says to the page. */
export type FromFrame =
  | { type: "here" }
  /** A sign-in came back to this page that wanted to be at another of its origin: go there, and ask again. */
  | { type: "elsewhere"; url: string }
  /** The vault's port is with it. */
  | { type: "welcome"; welcome: Welcomed["welcome"]; generation: number }
  | { type: "refused"; error: AuthErrorInfo }
  /** The vault may be dead. */
  | { type: "lost" };

/** How long the frame may take to be there. */
const FRAME_MS = 10_000;

/** Opens the frame, and gives what it has: a port whose hello was accepted. The frame is there until the signal aborts. */
export async function meet(
  settings: Settings,
  first: number,
  until: AbortSignal,
  fail: typeof failure,
): Promise<Welcomed> {
  const strangers = Object.keys(JSON.parse(settings.config));
  if (strangers.length > 0) {
    const advice = `with \`isolation: "origin"\` the session is configured in the vault: take away ${strangers.map((name) => `\`${name}\``).join(", ")}`;
    throw fail("config_invalid", advice, false, "config");
  }
  const url = new URL("./frame.html", settings.vaultUrl);
  const frame = document.createElement("iframe");
  until.addEventListener("abort", () => frame.remove());
  const { port1: here, port2: there } = new MessageChannel();
  const dead = new AbortController();
  const opened = new Promise<Welcomed>((resolve, reject) => {
    const silent = setTimeout(() => {
      const advice = `The vault's frame ${url} does not answer: serve it there, with this page's origin in its \`frame-ancestors\`.`;
      reject(fail("vault_unavailable", advice, true));
    }, FRAME_MS);
    document.addEventListener(
      "securitypolicyviolation",
      ({ effectiveDirective }) => {
        if (effectiveDirective !== "frame-src") return;
        const advice = `The page's policy forbids the vault's frame: add ${url.origin} to \`frame-src\`.`;
        reject(fail("frame_blocked", advice));
      },
      { signal: until },
    );
    here.onmessage = ({ data, ports: [port] }: MessageEvent<FromFrame>) => {
      clearTimeout(silent);
      if (data.type === "lost") dead.abort();
      // The page ends, and nobody waits for it any more.
      if (data.type === "elsewhere") location.replace(data.url);
      if (data.type === "refused") {
        const { code, message, retryable, phase } = data.error;
        reject(fail(code, message, retryable, phase));
      }
      if (data.type === "welcome" && port) {
        const { welcome, generation } = data;
        // What the link learns of the vault's end, it learns by `lost`.
        const lock = `tokenward/frame/${crypto.randomUUID()}`;
        const failed = new Promise<never>(() => {});
        const end = () => frame.remove();
        hold(lock, dead.signal).then(() =>
          resolve({ opened: { port, failed, end }, welcome: { ...welcome, lock }, generation }),
        );
      }
    };
  });
  until.addEventListener("abort", () => dead.abort());
  const ask = () => {
    const question: ToFrame = { tokenward: WIRE, first, at: location.href };
    frame.contentWindow?.postMessage(question, url.origin, [there]);
  };
  frame.addEventListener("load", ask, { once: true });
  frame.hidden = true;
  frame.src = url.href;
  document.documentElement.append(frame);
  return opened;
}

/**
 * Holds a Web Lock of this origin until the signal aborts; resolves once it is held, or cannot be. The link
 * waits for it as for a vault's own, which is another origin's and not to be seen from here.
 */
function hold(name: string, until: AbortSignal): Promise<void> {
  return new Promise((held) => {
    const whileHeld = () => {
      held();
      return new Promise((release) => until.addEventListener("abort", release));
    };
    navigator.locks.request(name, whileHeld).catch(() => held());
  });
}
