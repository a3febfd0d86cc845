/**
 * Why a vault's script did not start, and that it is not hidden, in a script of its own: it is needed
 * where something is wrong.
 */

import type { AuthErrorInfo } from "../generated/types.js";

const CURE = "run `npx tokenward init <public folder>` and set `vaultUrl`.";

/**
 * Asks for the script at `url`, to tell a missing one from one that the browser refused (`cause`). One
 * that runs has told its build, which is not this page's.
 */
export async function diagnose(url: string, cause?: unknown): Promise<AuthErrorInfo> {
  if (typeof cause === "string") return otherBuild(url);
  if (new URL(url).origin !== location.origin) return unavailable(url, "is of another origin");
  if (cause) return blocked(url);
  try {
    const answer = await fetch(url, { mode: "same-origin" });
    void answer.body?.cancel();
    const type = answer.headers.get("content-type") ?? "no type";
    if (answer.ok && /(java|ecma)script/i.test(type)) return blocked(url);
    return unavailable(url, `is ${answer.status} (${type})`);
  } catch {
    return unavailable(url, "did not load, or `worker-src` and `connect-src` forbid it");
  }
}

/** The scripts of vaults that were reported: a page with several clients says it once. */
const reported = new Set<string>();

/**
 * Says on the console that a service worker covers the vault's script, unless that is the shield: a vault
 * that starts from then on has all its requests pass by it.
 */
export function exposed(
  { active, waiting, installing }: ServiceWorkerRegistration,
  { href: url }: URL,
  shield: string,
): void {
  const script = (active ?? waiting ?? installing)?.scriptURL;
  if (script === shield || reported.has(url)) return;
  reported.add(url);
  // biome-ignore lint/suspicious/noConsole: whoever deploys it is to see it, and nobody else
  console.warn(
    `tokenward: vault_exposed: the service worker ${script} covers ${url} and may see every credential: ${CURE} With \`serviceWorker: "shield"\`, the default there, it does not.`,
  );
}

function otherBuild(url: string): AuthErrorInfo {
  const message = `The vault's script ${url} is of another build: run \`npx tokenward init\` again.`;
  return { code: "vault_unavailable", phase: "vault", message, retryable: false };
}

function unavailable(url: string, found: string): AuthErrorInfo {
  const message = `The vault's script ${url} ${found}: ${CURE}`;
  return { code: "vault_unavailable", phase: "vault", message, retryable: true };
}

function blocked(url: string): AuthErrorInfo {
  const message = `The browser refused ${url}: the page's policy needs \`script-src 'self'\`, \`worker-src 'self'\` and \`trusted-types tokenward\`.`;
  return { code: "worker_blocked", phase: "vault", message, retryable: false };
}
