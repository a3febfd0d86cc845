/**
 * The script of `frame.html`, for a vault at an origin of its own: it hands a port to the page around it,
 * if that is the application's, and brings the vault what the callback page left. It sees no token, and not
 * what is said over the port afterwards.
 */

import { meet, type Welcomed } from "./connection.js";
import { isAuthError } from "./error.js";
import type { AuthErrorInfo, FromVault, ToVault } from "./generated/types.js";
import { leave, taken } from "./left.js";
import type { Settings } from "./options.js";
import type { FromFrame, ToFrame } from "./places/origin.js";

/** The configuration: `npx tokenward init --config` writes it into the script's first line. */
declare const TOKENWARD_CONFIG: string | undefined;

/** The question that is the frame's own: pages count theirs from one. */
const OWN = 0;

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
    if (appOrigins.includes(origin)) serve(page, data, origin);
    else tell(page, { type: "refused", error: stranger(origin) });
  });
}

/** Says hello for the page, and gives it the port. */
async function serve(page: MessagePort, { first, at }: ToFrame, origin: string): Promise<void> {
  tell(page, { type: "here" });
  try {
    const welcomed = await meet(settings, first, new AbortController().signal);
    const { opened, generation, welcome } = welcomed;
    let { state } = welcome;
    const left = taken();
    if (left) {
      const there = left.isLost && (await wayBack(welcomed, left.url)).returnTo;
      if (there && there !== at && new URL(there).origin === origin) {
        // Once: it is found where the callback page would have left it.
        leave(left.url);
        return tell(page, { type: "elsewhere", url: there });
      }
      ({ state } = await ask(welcomed, { type: "callback", id: OWN, url: left.url }));
    }
    const lost = () => tell(page, { type: "lost" });
    opened.failed.catch(lost);
    navigator.locks.request(welcome.lock, { mode: "shared" }, lost).catch(() => {});
    const message: FromFrame = { type: "welcome", welcome: { ...welcome, state }, generation };
    page.postMessage(message, [opened.port]);
  } catch (error) {
    tell(page, { type: "refused", error: info(error) });
  }
}

/**
 * For the page that the provider sent people to: leaves the address for the application's page, which may have
 * another vault, and goes there. Where that is, the vault says.
 */
export async function goBack(url: string): Promise<void> {
  const [start] = appOrigins;
  // In a frame it is nobody's way back.
  if (parent !== self || !start) return;
  let there: string | undefined;
  try {
    const welcomed = await meet(settings, 0, new AbortController().signal);
    there = (await wayBack(welcomed, url)).returnTo;
    welcomed.opened.port.postMessage({ type: "close" });
    leave(url, there === undefined);
  } catch {
    // The application's page will have the same trouble, and says it.
  }
  location.replace(there ?? start);
}

function wayBack(welcomed: Welcomed, url: string): Promise<Answered> {
  return ask(welcomed, { type: "wayBack", id: OWN, url });
}

/** What came of a question. */
interface Answered {
  returnTo?: string | undefined;
  /** The session's state by then, as JSON text: what came of a callback is in it, a failure too. */
  state: string;
}

/** Asks the vault something for the page, before the page has the port. */
function ask({ opened: { port }, welcome }: Welcomed, question: ToVault): Promise<Answered> {
  return new Promise((answered) => {
    let { state } = welcome;
    port.onmessage = ({ data }: MessageEvent<FromVault>) => {
      if (data.type === "ping") port.postMessage({ type: "pong" });
      if (data.type === "state") state = data.state;
      if (data.type === "concluded") answered({ state, returnTo: data.returnTo });
      if (data.type === "failed") answered({ state });
    };
    port.postMessage(question);
  });
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
