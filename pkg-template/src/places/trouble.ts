/**
 * Why a vault's script did not start, and that it is not hidden, in a script of its own: it is needed
 * where something is wrong.
 */

import type { AuthErrorInfo } from "../generated/types.js";

/** Under which the facade keeps its one policy of Trusted Types (`script.ts`). */
const POLICY = Symbol.for("tokenward.policy");

const CURE = "run `npx tokenward init <public folder>` and set `vaultUrl`.";

/** How long a worker that is refused may take to fail. */
const REFUSAL_MS = 1000;
/** By when a violation is heard of, once its consequences were. */
const REPORT_MS = 100;

/** What a place says of a script that it imported, instead of starting a worker from it. */
export interface ImportError extends Error {
  isImport: true;
}

/**
 * Asks for the script at `url`, to tell a missing one from one that the browser refused (`cause`). One
 * that runs has told its build, which is not this page's.
 */
export async function diagnose(url: string, cause?: unknown): Promise<AuthErrorInfo> {
  if (typeof cause === "string") return otherBuild(url);
  if (new URL(url).origin !== location.origin) return unavailable(url, "is of another origin");
  const isImport = cause instanceof Error && Object.hasOwn(cause, "isImport");
  // It was ended, since it did not answer: nothing of its script is wrong.
  if (cause instanceof DOMException && cause.name === "AbortError") return blocked(url);
  // Trusted Types refuse a worker at once, with a `TypeError`; other policies when its script is fetched.
  if (cause instanceof TypeError) return blocked(url, "trusted-types tokenward");
  if (cause && !isImport) return blocked(url, "worker-src 'self'");
  let answer: Response | undefined;
  const unasked = await violation(url, async () => {
    answer = await fetch(url, { mode: "same-origin" });
    void answer.body?.cancel();
  });
  if (answer) {
    const type = answer.headers.get("content-type") ?? "no type";
    const isScript = answer.ok && /(java|ecma)script/i.test(type);
    if (!isScript) return unavailable(url, `is ${answer.status} (${type})`);
    if (isImport) return blocked(url, "script-src 'self'");
  }
  const directive = isImport ? undefined : await violation(url, () => start(url));
  if (directive) return blocked(url, `${directive} 'self'`);
  if (answer) return blocked(url);
  if (unasked) {
    return unavailable(url, "did not load; without `connect-src 'self'` the page cannot ask why");
  }
  const other = isImport ? ", or the page's policy needs `script-src 'self'`" : "";
  return unavailable(url, `did not load${other}`);
}

/** Which directive of the page's policy refuses what `act` does with the script, where one does. */
async function violation(url: string, act: () => Promise<void>): Promise<string | undefined> {
  let found: string | undefined;
  const hear = ({ blockedURI, disposition, effectiveDirective }: SecurityPolicyViolationEvent) => {
    if (disposition === "enforce" && blockedURI && url.startsWith(blockedURI)) {
      // A worker's is `worker-src`, whichever it fell back to.
      found = effectiveDirective.replace("child-src", "worker-src").replace("-elem", "");
    }
  };
  document.addEventListener("securitypolicyviolation", hear);
  try {
    await act();
  } catch {
    await sleep(REPORT_MS);
  }
  document.removeEventListener("securitypolicyviolation", hear);
  return found;
}

/** Starts a worker that has nothing to do, to see it fail again. */
async function start(url: string): Promise<void> {
  const policy = (globalThis as { [POLICY]?: { createScriptURL(url: string): string } })[POLICY];
  const made = policy?.createScriptURL(url) ?? url;
  const worker = new Worker(String(made) === url ? made : url, { type: "module" });
  try {
    await new Promise((started, failed) => {
      worker.addEventListener("error", (event) => {
        // Told by an error of our own, so it is not the application's to report.
        event.preventDefault();
        failed();
      });
      setTimeout(started, REFUSAL_MS);
    });
  } finally {
    worker.terminate();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
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

function blocked(url: string, needed?: string): AuthErrorInfo {
  const message = needed
    ? `The browser refused ${url}: the page's policy needs \`${needed}\`.`
    : `The browser refused ${url}: the page's policy needs \`worker-src 'self'\`, a page with a Cross-Origin-Embedder-Policy that header on the script, too, and nothing else may use the vault's name.`;
  return { code: "worker_blocked", phase: "vault", message, retryable: false };
}
