// @ts-check
/** What stands beside the vault: its shield, and the page for hidden frames. And the cookies of it all. */

import { noScript, shown } from "./answers.js";
import { parsePolicies } from "./policy.js";
import { ok, problem, warning } from "./report.js";
import { isHashed } from "./vault.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./report.js").Finding} Finding
 */

/**
 * @param {Answer} answer
 * @param {URL} vault
 * @param {Buffer} own this package's shield
 * @returns {Finding[]}
 */
export function checkShield(answer, vault, own) {
  const name = "shield";
  const why = noScript(answer);
  if (why && isHashed(vault)) {
    const words = "none, as beside a bundler's file: a service worker of yours sees the vault";
    return [warning(name, `${words} (\`vault_exposed\`)`)];
  }
  if (why) {
    const cure = "run `npx tokenward init <public folder>`; without it, a service worker of yours";
    return [
      problem(name, `${shown(answer.url)} is ${why}; ${cure} sees the vault (\`vault_exposed\`)`),
    ];
  }
  const content = answer.content.equals(own)
    ? ok(name, "byte for byte this package's")
    : warning(name, "other bytes than this package's: run `npx tokenward init` again");
  return [content, scope(answer)];
}

/**
 * It covers its own folder, by itself. What it may cover beyond is for scripts to ask for, in place of
 * the application's own service worker.
 *
 * @param {Answer} answer
 */
function scope({ url, headers }) {
  const name = "shield scope";
  const folder = new URL(".", url).pathname;
  const allowed = headers.get("service-worker-allowed");
  const scope = allowed === null ? folder : new URL(allowed, url).pathname;
  if (folder === "/") {
    return problem(
      name,
      "it covers the whole origin: put vault and shield in a folder of their own",
    );
  }
  return scope.startsWith(folder)
    ? ok(name, `${folder} alone`)
    : problem(
        name,
        `\`Service-Worker-Allowed: ${allowed}\` widens it beyond ${folder}: leave it out`,
      );
}

/**
 * @param {Answer} answer
 * @param {boolean} isAsked whether its address was given
 * @returns {Finding}
 */
export function checkCallback({ url, status, headers }, isAsked) {
  const name = "callback frames";
  if (status !== 200) {
    const words = `${shown(url)} is ${status}: hidden frames (\`silentRedirectUri\`) need it`;
    return isAsked ? problem(name, words) : warning(name, words);
  }
  const cure = "answer with `Content-Security-Policy: frame-ancestors 'self'`";
  const lists = parsePolicies(headers.get("content-security-policy"))
    .map((policy) => policy.get("frame-ancestors"))
    .filter((ancestors) => ancestors !== undefined);
  // Where a policy says it, `X-Frame-Options` does not count.
  const option = headers.get("x-frame-options")?.trim().toLowerCase();
  if (lists.length === 0 && (option === "deny" || option === "sameorigin")) {
    return option === "deny"
      ? problem(name, `your own page cannot frame it (\`X-Frame-Options: DENY\`): ${cure}`)
      : ok(name, "by this origin alone");
  }
  if (lists.length === 0) return problem(name, `every site may frame it: ${cure}`);
  const isOwn = (/** @type {string} */ source) =>
    source.toLowerCase() === "'self'" || source.toLowerCase() === url.origin;
  if (!lists.every((list) => list.some(isOwn) || list.includes("*"))) {
    return problem(name, `your own page cannot frame it: ${cure}`);
  }
  return lists.some((list) => list.every(isOwn))
    ? ok(name, "by this origin alone")
    : problem(name, `others may frame it (\`${lists[0]?.join(" ")}\`): ${cure}`);
}

/**
 * One finding for each cookie, by its name: its value is nobody's to see.
 *
 * @param {Answer[]} answers
 * @returns {Finding[]}
 */
export function checkCookies(answers) {
  const cookies = answers.flatMap(({ url, cookies }) =>
    cookies.map((text) => ({ text, isSecure: url.protocol === "https:" })),
  );
  if (cookies.length === 0) return [ok("cookies", "none is set")];
  const findings = cookies.map(({ text, isSecure }) => checkCookie(text, isSecure));
  return findings.filter(
    ({ name, text }, at) => findings.findIndex((it) => it.name === name && it.text === text) === at,
  );
}

/** @param {string} text @param {boolean} isSecure */
function checkCookie(text, isSecure) {
  const [pair = "", ...attributes] = text.split(";");
  const name = `cookie ${pair.split("=")[0]?.trim()}`;
  const given = new Map(
    attributes.map((attribute) => {
      const [key = "", value = ""] = attribute.split("=");
      return [key.trim().toLowerCase(), value.trim().toLowerCase()];
    }),
  );
  const sameSite = given.get("samesite") ?? "";
  if (sameSite === "none" && !given.has("secure")) {
    return problem(name, "browsers drop `SameSite=None` without `Secure`");
  }
  const lacks = [
    ...(given.has("httponly") ? [] : ["`HttpOnly` (every script of the page can read it)"]),
    ...(given.has("secure") || !isSecure ? [] : ["`Secure` (it goes over http, too)"]),
    ...(sameSite ? [] : ["`SameSite` (browsers differ in what that means)"]),
  ];
  if (lacks.length > 0) return warning(name, `it lacks ${lacks.join(", ")}`);
  if (sameSite === "none") {
    return warning(name, "`SameSite=None`: requests of other sites carry it");
  }
  return ok(name, `HttpOnly, ${isSecure ? "Secure, " : ""}SameSite=${sameSite}`);
}
