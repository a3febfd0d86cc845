// @ts-check
/** The application's page: whether its policy lets a vault start, and no more than that. */

import { shown } from "./answers.js";
import { allows, parsePolicies, policiesInMeta, sourcesOf } from "./policy.js";
import { ok, problem, warning } from "./report.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./policy.js").Policy} Policy
 * @typedef {import("./report.js").Finding} Finding
 */

/** @param {URL} url @returns {Finding} */
export function checkOrigin({ protocol, hostname, origin }) {
  const isLoopback = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  if (protocol === "https:") return ok("origin", origin);
  return isLoopback
    ? ok("origin", `${origin}, this device`)
    : problem("origin", `${origin} is not secure: browsers want https for what tokenward needs`);
}

/**
 * @param {Answer} answer
 * @param {URL} asked
 * @param {URL} vault
 * @returns {Finding[]}
 */
export function checkPage(answer, asked, vault) {
  const { url, status } = answer;
  if (url.origin !== asked.origin) {
    return [problem("page", `it redirects to ${url.origin}: give the page's own address`)];
  }
  const findings = [
    status === 200
      ? ok("page", `${shown(url)} is there`)
      : problem("page", `${shown(url)} is ${status}: give the address of your application's page`),
  ];
  const policies = policiesOf(answer);
  if (policies.length === 0) {
    const cure = "a Content-Security-Policy keeps injected script out, which could use the session";
    return [...findings, warning("page policy", `there is none: ${cure}`)];
  }
  return [
    ...findings,
    ok("page policy", policies.length === 1 ? "there is one" : `${policies.length} hold together`),
    workers(policies, vault, url),
    scripts(policies),
    webAssembly(policies),
    trustedTypes(policies),
  ];
}

/** @param {Answer} answer */
function policiesOf({ headers, content }) {
  return [
    ...parsePolicies(headers.get("content-security-policy")),
    ...policiesInMeta(content.toString("utf8")),
  ];
}

/**
 * Whether the page may show the hidden frame with which its vault restores a session: the provider in it, and
 * then the page that it comes back to.
 *
 * @param {Answer} answer
 * @param {Record<string, unknown> | undefined} config what is written into its vault
 * @param {URL} callback
 * @returns {Finding[]}
 */
export function checkFrames(answer, config, callback) {
  if (config?.restore !== "frame" || !URL.canParse(String(config.issuer))) return [];
  const name = "page frame-src";
  const policies = policiesOf(answer);
  const { origin } = new URL(String(config.issuer));
  const isShown = [new URL(`${origin}/`), callback].every((url) =>
    allows(policies, "frame-src", url, answer.url),
  );
  return isShown
    ? [ok(name, "the page may show what restores a session")]
    : [
        problem(
          name,
          `\`restore: "frame"\` comes to nothing: add \`frame-src ${origin} ${callback.origin}\``,
        ),
      ];
}

/**
 * @param {Policy[]} policies
 * @param {URL} vault
 * @param {URL} page
 */
function workers(policies, vault, page) {
  return allows(policies, "worker-src", vault, page)
    ? ok("page worker-src", "the vault may start")
    : problem("page worker-src", "it forbids the vault: add `worker-src 'self'`");
}

/** @param {Policy[]} policies */
function scripts(policies) {
  const name = "page script-src";
  const isOpen = policies.every((policy) => {
    const sources = sourcesOf(policy, "script-src");
    if (!sources) return true;
    // Where one of these is there, browsers pass over `'unsafe-inline'`.
    const isPassedOver = sources.some((source) => /^'(nonce-|sha\d|strict-dynamic)/.test(source));
    return sources.includes("'unsafe-inline'") && !isPassedOver;
  });
  return isOpen
    ? warning(
        name,
        "injected script may run, and use the session: `script-src 'self'` keeps it out",
      )
    : ok(name, "no script from inside the page's text");
}

/** @param {Policy[]} policies */
function webAssembly(policies) {
  const isAllowed = policies.every((policy) => {
    const sources = sourcesOf(policy, "script-src");
    return sources?.some((it) => it === "'wasm-unsafe-eval'" || it === "'unsafe-eval'") ?? true;
  });
  return isAllowed
    ? warning("page wasm", 'the page may compile WebAssembly: only `isolation: "none"` needs that')
    : ok("page wasm", "left to the vault");
}

/** @param {Policy[]} policies */
function trustedTypes(policies) {
  const name = "page trusted-types";
  const required = policies.some((policy) => policy.has("require-trusted-types-for"));
  if (!required) return ok(name, "not required");
  const names = policies.map((policy) => policy.get("trusted-types"));
  const isNamed = names.every(
    (given) => !given || given.includes("tokenward") || given.includes("*"),
  );
  return isNamed
    ? ok(name, "`tokenward` may be made")
    : problem(name, "add the policy's name: `trusted-types tokenward`");
}
