// @ts-check
/** The vault's script: what it must be served with, and whether it is this package's. */

import { noScript, shown } from "./answers.js";
import { hostOf, isScheme, parsePolicies, sourcesOf } from "./policy.js";
import { ok, problem, warning } from "./report.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./report.js").Finding} Finding
 * @typedef {{ vault: Buffer, build: string }} Own this package's script, and the name of its build
 */

const CURE = "run `npx tokenward init <public folder>`, and serve that folder";

/**
 * @param {Answer} answer
 * @param {Answer} page
 * @param {Own} own
 * @returns {Finding[]}
 */
export function checkVault(answer, page, own) {
  const why = noScript(answer);
  if (why) return [problem("vault", `${shown(answer.url)} is ${why}; ${CURE}`)];
  return [
    ok("vault", `${shown(answer.url)} is a script`),
    sniffing(answer),
    ...policy(answer),
    embedding(answer, page),
    caching(answer),
    build(answer, own),
  ];
}

/** @param {Answer} answer */
function sniffing({ headers }) {
  const isSet = headers.get("x-content-type-options")?.trim().toLowerCase() === "nosniff";
  return isSet
    ? ok("vault nosniff", "X-Content-Type-Options: nosniff")
    : problem("vault nosniff", "answer with `X-Content-Type-Options: nosniff`");
}

const RECIPE =
  "default-src 'none'; script-src 'wasm-unsafe-eval'; connect-src <provider> <resources>";

/**
 * A worker has the policy that its own script is served with, not its page's.
 *
 * @param {Answer} answer
 */
function policy({ headers }) {
  const policies = parsePolicies(headers.get("content-security-policy"));
  if (policies.length === 0) {
    const isReport = headers.has("content-security-policy-report-only");
    const found = isReport ? "it has a policy that only reports" : "it has no policy of its own";
    return [
      problem("vault policy", `${found}: answer with \`Content-Security-Policy: ${RECIPE}\``),
    ];
  }
  const all = (/** @type {string} */ name) => policies.map((it) => sourcesOf(it, name));
  return [
    ok("vault policy", "it has one of its own"),
    connecting(all("connect-src")),
    scripts(all("script-src")),
    webAssembly(all("script-src")),
  ];
}

/** @typedef {(string[] | undefined)[]} Sources of one directive, in each policy */

/** @param {Sources} all */
function connecting(all) {
  const name = "vault connect-src";
  const given = all.filter((sources) => sources !== undefined);
  const narrow = given.filter((sources) => !sources.some(isAnywhere));
  if (given.length === 0) {
    return problem(name, "nothing limits it: list your provider and your resources");
  }
  if (narrow.length === 0) {
    const wide = given.flat().filter(isAnywhere).join(" ");
    return problem(name, `\`${wide}\` is everywhere: list your provider and your resources`);
  }
  if (given.some((sources) => sources.every((source) => source === "'none'"))) {
    return problem(name, "it reaches nobody: list your provider and your resources");
  }
  const listed = narrow[0] ?? [];
  const families = listed.filter((source) => hostOf(source).startsWith("*"));
  if (families.length > 0) {
    return warning(name, `\`${families.join(" ")}\` is every host below it: name those you mean`);
  }
  return ok(name, listed.join(" "));
}

/** @param {string} source */
function isAnywhere(source) {
  return isScheme(source) || hostOf(source) === "*";
}

/** @param {Sources} all */
function scripts(all) {
  const name = "vault script-src";
  const bad = all.map((sources) => (sources ?? ["*"]).filter(isBadForScripts));
  const least = bad.sort((a, b) => a.length - b.length)[0] ?? [];
  return least.length === 0
    ? ok(name, "no script from just anywhere")
    : problem(name, `\`${least.join(" ")}\`: only \`'wasm-unsafe-eval'\` is needed`);
}

/** @param {string} source */
function isBadForScripts(source) {
  if (source === "'wasm-unsafe-eval'") return false;
  return source.startsWith("'unsafe-") || isAnywhere(source);
}

/** @param {Sources} all */
function webAssembly(all) {
  const isAllowed = all.every(
    (sources) =>
      !sources || sources.includes("'wasm-unsafe-eval'") || sources.includes("'unsafe-eval'"),
  );
  return isAllowed
    ? ok("vault wasm", "'wasm-unsafe-eval' is there")
    : problem("vault wasm", "its script-src lacks `'wasm-unsafe-eval'`: it cannot start");
}

/**
 * A page with an embedder policy starts no dedicated worker whose script comes without one.
 *
 * @param {Answer} answer
 * @param {Answer} page
 */
function embedding(answer, page) {
  const [wanted, found] = [page, answer].map(({ headers }) => {
    const value = headers.get("cross-origin-embedder-policy")?.split(";")[0]?.trim();
    return value === "require-corp" || value === "credentialless" ? value : undefined;
  });
  if (wanted && !found) {
    const cure = `answer with \`Cross-Origin-Embedder-Policy: ${wanted}\`, as your page does`;
    return problem("vault embedder policy", `no worker starts from it: ${cure}`);
  }
  return ok(
    "vault embedder policy",
    wanted ? `${found}, as the page wants` : "the page wants none",
  );
}

const HOUR_S = 3600;

/** @param {Answer} answer */
function caching({ url, headers }) {
  const name = "vault cache";
  const cure = "answer with `Cache-Control: no-cache`";
  const control = (headers.get("cache-control") ?? "").toLowerCase();
  const isFresh = /\bno-(cache|store)\b/.test(control);
  const age = isFresh ? 0 : Number(/\bmax-age\s*=\s*"?(\d+)/.exec(control)?.[1] ?? Number.NaN);
  const isForever = !isFresh && /\bimmutable\b/.test(control);
  if (isHashed(url)) return ok(name, "its name changes with its content");
  if (isForever || age > HOUR_S) {
    return problem(name, `\`${control}\`, but the address stays when the content changes: ${cure}`);
  }
  if (Number.isNaN(age)) return warning(name, `browsers guess for how long: ${cure}`);
  if (age > 0) {
    return warning(name, `after an update, pages fail for up to ${age} s (\`max-age\`): ${cure}`);
  }
  return ok(name, control);
}

/**
 * Whether a bundler named it after its content.
 *
 * @param {URL} url
 */
export function isHashed({ pathname }) {
  return /[.-][\w-]{8,}\.m?js$/.test(pathname);
}

/** The line where `init --config` writes a configuration, as the package has it. */
const FIRST = "const TOKENWARD_CONFIG=void 0;\n";
/** The same line with one: a string, which holds JSON. */
const WRITTEN = /^const TOKENWARD_CONFIG=(".*");\n/;

/**
 * The configuration that is written into a vault; `undefined` where there is none, or nobody can read it.
 *
 * @param {Answer} answer
 * @returns {Record<string, unknown> | undefined}
 */
export function configurationOf({ content }) {
  const [, text] = WRITTEN.exec(content.toString("utf8")) ?? [];
  try {
    return text === undefined ? undefined : JSON.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** @param {Answer} answer @param {Own} own */
function build({ content }, own) {
  const name = "vault build";
  if (content.equals(own.vault)) return ok(name, "byte for byte this package's");
  const baked = WRITTEN.exec(content.toString("latin1"))?.[0];
  if (baked && content.subarray(baked.length).equals(own.vault.subarray(FIRST.length))) {
    return ok(name, "this package's, with a configuration in it");
  }
  if (own.build && content.includes(own.build)) {
    return warning(name, `this package's build, with other bytes: something rewrote it; ${CURE}`);
  }
  return warning(name, `another build than this package's; after an update, ${CURE}`);
}
