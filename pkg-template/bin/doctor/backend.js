// @ts-check
/**
 * The backend of `refreshCookie`: whether the vault may ask it, whether others may, and what its cookie is like.
 * It is asked without a cookie, so nobody's session is touched.
 */

import { shown } from "./answers.js";
import { allows, parsePolicies } from "./policy.js";
import { ok, problem, warning } from "./report.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./report.js").Finding} Finding
 * @typedef {{ status: number, headers: Headers }} Said
 */

const LIMIT_MS = 10_000;
/** An origin that nobody has (RFC 2606). */
const STRANGER = "https://stranger.invalid";
const NAME = "backend";

/**
 * @param {Answer} vault
 * @param {Record<string, unknown> | undefined} config what is written into it
 * @returns {Promise<Finding[]>}
 */
export async function checkBackend(vault, config) {
  const { token, header = "X-Tokenward" } = /** @type {Record<string, string>} */ (
    config?.refreshCookie ?? {}
  );
  if (!token || !URL.canParse(token)) return [];
  const url = new URL(token);
  const { origin } = vault.url;
  const form = { grant_type: "refresh_token", client_id: String(config?.clientId) };
  const post = (/** @type {Record<string, string>} */ headers) => send(url, headers, form);
  try {
    const asked = await post({ origin, [header]: "1" });
    const unmarked = await post({ origin });
    const strange = await post({ origin: STRANGER, [header]: "1" });
    return [
      connecting(vault, url),
      ...(url.origin === origin
        ? []
        : [sharing(await preflight(url, origin, header), origin, header)]),
      marking(asked, unmarked, header),
      staying(strange),
      ...asked.headers.getSetCookie().map(checkCookie),
    ];
  } catch (error) {
    const { message, cause } = /** @type {Error & { cause?: { code?: string }}} */ (error);
    return [problem(NAME, `${shown(url)} does not answer (${cause?.code ?? message})`)];
  }
}

/**
 * @param {URL} url
 * @param {Record<string, string>} headers
 * @param {Record<string, string>} form
 * @returns {Promise<Said>}
 */
function send(url, headers, form) {
  return fetch(url, {
    method: "POST",
    headers,
    body: new URLSearchParams(form),
    redirect: "manual",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
}

/** @param {URL} url @param {string} origin @param {string} header @returns {Promise<Said>} */
function preflight(url, origin, header) {
  return fetch(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": header.toLowerCase(),
    },
    signal: AbortSignal.timeout(LIMIT_MS),
  });
}

/** @param {Answer} vault @param {URL} url */
function connecting(vault, url) {
  const policies = parsePolicies(vault.headers.get("content-security-policy"));
  return allows(policies, "connect-src", url, vault.url)
    ? ok("backend connect-src", "the vault's policy lets it ask")
    : problem("backend connect-src", `add ${url.origin} to the vault's connect-src`);
}

/**
 * Whether a vault of another origin hears what it says (the fetch standard's CORS check, with credentials).
 *
 * @param {Said} said
 * @param {string} origin the vault's
 * @param {string} header
 */
function sharing({ status, headers }, origin, header) {
  const name = "backend CORS";
  const allowed = (headers.get("access-control-allow-headers") ?? "").toLowerCase();
  const lacks = [
    ...(status >= 200 && status < 300 ? [] : [`a preflight is answered with ${status}`]),
    ...(headers.get("access-control-allow-origin") === origin
      ? []
      : ["`Access-Control-Allow-Origin` with the vault's origin"]),
    ...(headers.get("access-control-allow-credentials") === "true"
      ? []
      : ["`Access-Control-Allow-Credentials: true`"]),
    ...(allowed.split(/\s*,\s*/).includes(header.toLowerCase())
      ? []
      : [`\`Access-Control-Allow-Headers\` with ${header}`]),
  ];
  return lacks.length === 0
    ? ok(name, "the vault hears it")
    : problem(name, `the vault hears nothing: ${lacks.join(", ")}`);
}

/** @param {Said} asked @param {Said} unmarked @param {string} header */
function marking(asked, unmarked, header) {
  const name = "backend header";
  return unmarked.status !== asked.status && unmarked.status >= 400
    ? ok(name, `without \`${header}\` it refuses (${unmarked.status})`)
    : problem(
        name,
        `without \`${header}\` it answers as with it (${unmarked.status}): refuse, before you look at the cookie`,
      );
}

/** @param {Said} strange */
function staying({ headers }) {
  const name = "backend origins";
  const allowed = headers.get("access-control-allow-origin");
  return allowed === STRANGER || allowed === "*"
    ? problem(name, "it lets every origin hear it: name the vault's alone")
    : ok(name, "others do not hear it");
}

/** @param {string} text RFC 10017, 6.1.3.2 */
function checkCookie(text) {
  const [pair = "", ...attributes] = text.split(";").map((part) => part.trim());
  const cookie = pair.split("=")[0] ?? "";
  const given = new Set(attributes.map((attribute) => attribute.toLowerCase()));
  const wanted = ["httponly", "secure", "samesite=strict", "path=/"];
  const lacks = wanted.filter((attribute) => !given.has(attribute));
  const isHosts = [...given].some((attribute) => attribute.startsWith("domain="));
  const also = [
    ...(isHosts ? ["no `Domain`"] : []),
    ...(cookie.startsWith("__Host-") ? [] : ["a name that begins with `__Host-Http-`"]),
  ];
  const missing = [...lacks.map((attribute) => `\`${attribute}\``), ...also];
  return missing.length === 0
    ? ok(`backend cookie ${cookie}`, "of this host alone, and no script's to read")
    : (lacks.includes("httponly") ? problem : warning)(
        `backend cookie ${cookie}`,
        `should have ${missing.join(", ")}`,
      );
}
