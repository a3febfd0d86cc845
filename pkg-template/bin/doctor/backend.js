// @ts-check
/**
 * The backend of `refreshCookie`: whether the vault may ask it, whether others may, what it says where nobody is
 * signed in, and what its cookie is like. It is asked without a cookie, so nobody's session is touched.
 */

import { shown } from "./answers.js";
import { allows, parsePolicies } from "./policy.js";
import { ok, problem, warning } from "./report.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./report.js").Finding} Finding
 * @typedef {{ status: number, headers: Headers, error: string | undefined }} Said with the JSON body's `error`
 */
/**
 * @typedef {object} Asking how the vault asks one of its two addresses
 * @property {URL} url
 * @property {string} header
 * @property {Record<string, string>} form
 * @property {string[]} preflighted the headers for which a browser asks beforehand, at another origin
 */
/**
 * @typedef {Asking & Answers} Heard
 * @typedef {object} Answers
 * @property {Said} asked to the vault
 * @property {Said} unmarked to the vault, without the header
 * @property {Said} [preflight] to the vault's browser, where that asks beforehand
 * @property {{ origin: string, asked: Said, preflight: Said }[]} others
 */

const LIMIT_MS = 10_000;
/** An origin that nobody has (RFC 2606). */
const STRANGER = "https://stranger.invalid";
const NAME = "backend";
const REFUSE = "answer 403, before you look at the cookie";
const IF_RIGHT = "where header and origin are right, answer";
/** What the vault is told where nobody is signed in. */
const NOBODY = "invalid_grant";

/**
 * @param {Answer} vault
 * @param {Record<string, any> | undefined} config what is written into it
 * @param {URL} page
 * @returns {Promise<Finding[]>}
 */
export async function checkBackend(vault, config, page) {
  const { token, revocation, header = "X-Tokenward" } = config?.refreshCookie ?? {};
  if (!URL.canParse(token) || !URL.canParse(revocation)) return [];
  const { origin } = vault.url;
  const isProven = config?.dpop === true;
  // A vault at an origin of its own is there so that the page's scripts have no answer.
  const others = new Set([STRANGER, page.origin, ...(config?.appOrigins ?? [])]);
  others.delete(origin);
  /** @type {Finding[]} */
  const findings = [];

  /** @param {string} place @param {Record<string, string>} form @param {string[]} preflighted */
  const heard = async (place, form, preflighted) => {
    const url = new URL(place);
    const asking = { url, header, preflighted, form: { ...form, client_id: config?.clientId } };
    try {
      return { ...asking, ...(await hear(asking, origin, [...others])) };
    } catch (error) {
      const { message, cause } = /** @type {Error & { cause?: { code?: string }}} */ (error);
      findings.push(problem(NAME, `${shown(url)} does not answer (${cause?.code ?? message})`));
      return undefined;
    }
  };
  const proof = isProven ? ["DPoP"] : [];
  const tokens = await heard(token, { grant_type: "refresh_token" }, [header, ...proof]);
  const revoked = await heard(revocation, { token_type_hint: "refresh_token" }, [header]);
  const all = [tokens, revoked].filter((it) => it !== undefined);
  if (all.length === 0) return findings;

  const isElsewhere = all.some(({ preflight }) => preflight);
  const cookies = new Set(all.flatMap(({ asked }) => asked.headers.getSetCookie()));
  return [
    ...findings,
    line(all, "connect-src", "the vault's policy lets it ask", (it) => connecting(vault, it)),
    ...(isElsewhere ? [line(all, "CORS", "the vault hears it", (it) => sharing(it, origin))] : []),
    line(all, "header", `without \`${header}\` it refuses`, marking),
    line(all, "origins", "it refuses all but the vault's", staying),
    ...(tokens ? [ending(tokens, isProven)] : []),
    ...(revoked ? [revoking(revoked)] : []),
    ...[...cookies].map(checkCookie),
  ];
}

/**
 * One line for both addresses.
 *
 * @param {Heard[]} all
 * @param {string} what
 * @param {string} fine
 * @param {(heard: Heard) => string[]} check what is wrong with one
 */
function line(all, what, fine, check) {
  const name = `${NAME} ${what}`;
  const wrong = all.map((it) => ({ at: shown(it.url), texts: check(it) }));
  const texts = [...new Set(wrong.flatMap((it) => it.texts))].map((text) => {
    const places = wrong.filter((it) => it.texts.includes(text)).map(({ at }) => at);
    return `${places.join(" and ")}: ${text}`;
  });
  return texts.length === 0 ? ok(name, fine) : problem(name, texts.join("; "));
}

/**
 * @param {Asking} asking
 * @param {string} origin the vault's
 * @param {string[]} origins of others
 * @returns {Promise<Answers>}
 */
async function hear(asking, origin, origins) {
  const { url, header } = asking;
  const asked = await post(asking, { origin, [header]: "1" });
  const unmarked = await post(asking, { origin });
  const others = [];
  for (const other of origins) {
    const said = await post(asking, { origin: other, [header]: "1" });
    others.push({ origin: other, asked: said, preflight: await preflight(asking, other) });
  }
  const answers = { asked, unmarked, others };
  return url.origin === origin
    ? answers
    : { ...answers, preflight: await preflight(asking, origin) };
}

/** @param {Asking} asking @param {Record<string, string>} headers */
function post({ url, form }, headers) {
  const body = new URLSearchParams(form);
  return send(url, { method: "POST", headers: { accept: "application/json", ...headers }, body });
}

/** @param {Asking} asking @param {string} origin */
function preflight({ url, preflighted }, origin) {
  const headers = {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": preflighted.join(",").toLowerCase(),
  };
  return send(url, { method: "OPTIONS", headers });
}

/** @param {URL} url @param {RequestInit} init @returns {Promise<Said>} */
async function send(url, init) {
  const signal = AbortSignal.timeout(LIMIT_MS);
  const answer = await fetch(url, { ...init, redirect: "manual", signal });
  const { status, headers } = answer;
  return { status, headers, error: errorIn(await answer.text()) };
}

/** What a refusal is called (RFC 6749, 5.2). @param {string} text */
function errorIn(text) {
  try {
    const error = JSON.parse(text)?.error;
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}

/** @param {Answer} vault @param {Heard} heard */
function connecting(vault, { url }) {
  const policies = parsePolicies(vault.headers.get("content-security-policy"));
  const isAllowed = allows(policies, "connect-src", url, vault.url);
  return isAllowed ? [] : [`add ${url.origin} to the vault's connect-src`];
}

/**
 * Whether a vault of another origin hears what it says (the fetch standard's CORS check, with credentials).
 *
 * @param {Heard} heard
 * @param {string} origin the vault's
 */
function sharing({ preflight, asked, preflighted }, origin) {
  if (!preflight) return [];
  const { status, headers } = preflight;
  const allowed = (headers.get("access-control-allow-headers") ?? "").toLowerCase().split(",");
  const names = allowed.map((name) => name.trim());
  const missing = preflighted.filter((name) => !names.includes(name.toLowerCase()));
  const before = [
    ...(status >= 200 && status < 300 ? [] : [`204 (it is ${status})`]),
    ...unshared(headers, origin),
    ...(missing.length > 0 ? [`${missing.join(" and ")} in \`Access-Control-Allow-Headers\``] : []),
  ];
  const then = unshared(asked.headers, origin);
  const cures = [
    ...(before.length > 0 ? [`answer a preflight with ${before.join(", ")}`] : []),
    ...(then.length > 0 ? [`answer its requests with ${then.join(", ")}`] : []),
  ];
  return cures.length > 0 ? [`the vault hears nothing: ${cures.join(", and ")}`] : [];
}

/** @param {Headers} headers @param {string} origin */
function unshared(headers, origin) {
  const wanted = {
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Credentials": "true",
  };
  return Object.entries(wanted)
    .filter(([name, value]) => headers.get(name) !== value)
    .map(([name, value]) => `\`${name}: ${value}\``);
}

/**
 * Whether it is refused as such. The vault, which has no cookie here, is told something like it, too: so it must be
 * something else, but for the one status that says this by itself.
 *
 * @param {Said} said
 * @param {Said} vaults
 */
function isRefused({ status, error }, vaults) {
  const isLike = status !== 403 && status === vaults.status && error === vaults.error;
  return status >= 400 && error !== NOBODY && !isLike;
}

/** @param {Heard} heard */
function marking({ asked, unmarked, header }) {
  const cure = `what comes without \`${header}\` has no refusal of its own: ${REFUSE}`;
  return isRefused(unmarked, asked) ? [] : [cure];
}

/** @param {Heard} heard */
function staying({ asked, others }) {
  const served = others.filter((it) => !isRefused(it.asked, asked));
  const hearing = others.filter(({ origin, ...said }) =>
    Object.values(said).some(({ headers }) => {
      const allowed = headers.get("access-control-allow-origin");
      return allowed === origin || allowed === "*";
    }),
  );
  /** @param {{ origin: string }[]} some */
  const names = (some) => some.map(({ origin }) => origin).join(" and ");
  const cures = [
    `what comes from ${names(served)} has no refusal of its own: ${REFUSE}`,
    `${names(hearing)} may hear it: send no \`Access-Control-Allow-Origin\` to others than the vault`,
  ];
  return cures.filter((_, at) => [served, hearing][at]?.length);
}

/**
 * Whether the vault understands that nobody is signed in.
 *
 * @param {Heard} heard
 * @param {boolean} isProven whether requests have proofs (RFC 9449), as these here have not
 */
function ending({ url, asked }, isProven) {
  const name = "backend session";
  const { status, error = "" } = asked;
  const isBusy = status >= 500 || status === 408 || status === 429;
  if (error === NOBODY && !isBusy) return ok(name, "without a cookie there is none");
  if (isProven && /^(invalid_dpop_proof|use_dpop_nonce)$/.test(error)) {
    return ok(name, `it wants a proof first (\`${error}\`)`);
  }
  const why = "that is an outage to it, and nobody is ever sent on to the provider";
  const cure = `${IF_RIGHT} 400 with \`{"error":"${NOBODY}"}\``;
  return problem(name, `${bare(url, asked)}: ${why}; ${cure}`);
}

/** @param {Heard} heard */
function revoking({ url, asked }) {
  const name = "backend revocation";
  if (asked.status >= 200 && asked.status < 300) return ok(name, "of nothing is no error");
  return problem(name, `${bare(url, asked)}: ${IF_RIGHT} 200, also of nothing (RFC 7009, 2.2)`);
}

/** @param {URL} url @param {Said} asked */
function bare(url, { status, error = "" }) {
  const told = /^[a-z_]{1,64}$/.test(error) ? `${status} (\`${error}\`)` : `${status}`;
  return `${shown(url)} answers ${told} where the vault has no cookie`;
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
