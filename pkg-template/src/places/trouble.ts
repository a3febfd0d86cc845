/** Why a vault's script did not start, in a script of its own: it is needed where something is wrong. */

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
