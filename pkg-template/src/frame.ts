/**
 * The script of `frame.html`, for a vault at an origin of its own: it hands a port to the page around it,
 * if that is the application's, and brings what the callback page left for the vault. It sees no token, and
 * not what is said over the port afterwards.
 */

import { meet, type Welcomed } from "./connection.js";
import { isAuthError } from "./error.js";
import type { AuthErrorInfo, FromVault, ToVault } from "./generated/types.js";
import type { Settings } from "./options.js";

/** The configuration: `npx tokenward init --config` writes it into the script's first line. */
declare const TOKENWARD_CONFIG: string | undefined;

/** What a page says to the frame, with a port on which it is answered. */
export interface ToFrame {
  /** The version of the wire protocol. */
  tokenward: number;
  /** The first generation of the vault that this page has not found silent. */
  first: number;
}

/** What the frame says to the page. */
export type FromFrame =
  | { type: "here" }
  /** The vault's port is with it. */
  | { type: "welcome"; welcome: Welcomed["welcome"]; generation: number }
  | { type: "refused"; error: AuthErrorInfo }
  /** The vault may be dead. */
  | { type: "lost" };

/** The question that is the frame's own: pages count theirs from one. */
const OWN = 0;
/** Where a tab keeps its callback from the page that the provider sent it to until the next frame. */
const LEFT = `tokenward ${new URL(".", location.href).pathname}`;

const config = TOKENWARD_CONFIG ?? "{}";
const { appOrigins = [] }: { appOrigins?: string[] } = JSON.parse(config);
const vaultUrl = new URL("./vault.js", location.href);

const settings: Settings = {
  config,
  redirectUri: vaultUrl,
  vaultUrl,
  place: globalThis.SharedWorker ? "shared" : "worker",
  // No application's service worker is at this origin.
  hasShield: false,
  isManual: true,
};

if (parent !== self) {
  addEventListener("message", ({ source, origin, data, ports: [page] }: MessageEvent<ToFrame>) => {
    if (source !== parent || !page || !Number.isInteger(data?.first)) return;
    if (appOrigins.includes(origin)) serve(page, data.first);
    else tell(page, { type: "refused", error: stranger(origin) });
  });
}

/** Says hello for the page, and gives it the port. */
async function serve(page: MessagePort, first: number): Promise<void> {
  tell(page, { type: "here" });
  try {
    const welcomed = await meet(settings, first, new AbortController().signal);
    const { opened, generation, welcome } = welcomed;
    const state = await bringCallback(welcomed);
    page.postMessage({ type: "welcome", welcome: { ...welcome, state }, generation }, [
      opened.port,
    ]);
    const lost = () => tell(page, { type: "lost" });
    opened.failed.catch(lost);
    navigator.locks.request(welcome.lock, { mode: "shared" }, lost).catch(() => {});
  } catch (error) {
    tell(page, { type: "refused", error: info(error) });
  }
}

/** Brings the vault the callback that was left in this tab; gives the session's state, once it was judged. */
function bringCallback({ opened: { port }, welcome }: Welcomed): string | Promise<string> {
  const url = taken();
  if (url === null) return welcome.state;
  return new Promise((judged) => {
    let { state } = welcome;
    port.onmessage = ({ data }: MessageEvent<FromVault>) => {
      if (data.type === "ping") say({ type: "pong" });
      if (data.type === "state") state = data.state;
      // A failure is in the state.
      if ("id" in data && data.id === OWN) judged(state);
    };
    const say = (message: ToVault) => port.postMessage(message);
    say({ type: "callback", id: OWN, url });
  });
}

/**
 * For the page that the provider sent people to: leaves the address for the application's page, which may have
 * another vault, and goes there. Where that is, the vault says.
 */
export async function goBack(url: string): Promise<void> {
  // In a frame it is nobody's way back.
  if (parent !== self || !appOrigins[0]) return;
  let there = appOrigins[0];
  try {
    sessionStorage.setItem(LEFT, url);
    const { opened } = await meet(settings, 0, new AbortController().signal);
    there = await new Promise((told) => {
      opened.port.onmessage = ({ data }: MessageEvent<FromVault>) => {
        if (data.type === "concluded") told(data.returnTo ?? there);
      };
      const question: ToVault = { type: "wayBack", id: OWN, url };
      opened.port.postMessage(question);
    });
    opened.port.postMessage({ type: "close" });
  } catch {
    // The application's page will have the same trouble, and says it.
  }
  location.replace(there);
}

function taken(): string | null {
  try {
    const url = sessionStorage.getItem(LEFT);
    sessionStorage.removeItem(LEFT);
    return url;
  } catch {
    // Storage is denied, so nothing was left.
    return null;
  }
}

function tell(page: MessagePort, message: FromFrame): void {
  page.postMessage(message);
}

function stranger(origin: string): AuthErrorInfo {
  const message = `This vault is not for ${origin}: list it in \`appOrigins\` and run \`npx tokenward init --config\` again.`;
  return { code: "config_invalid", phase: "vault", message, retryable: false };
}

function info(error: unknown): AuthErrorInfo {
  if (isAuthError(error)) {
    const { code, phase, message, retryable } = error;
    return { code, phase, message, retryable };
  }
  const message = "The vault's frame failed: try again.";
  return { code: "vault_crashed", phase: "vault", message, retryable: true };
}
