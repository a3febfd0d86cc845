// @ts-check
// Runs each case through the page's own fetch and through `auth.fetch`, and says what the page saw.
import { CASES } from "./cases.js";

/** @typedef {import("./cases.js").Case} Case */
/** @typedef {import("./cases.js").Addresses} Addresses */

/** @param {unknown} error */
function thrown(error) {
  const { name, code, isAuthError } = /** @type {any} */ (error);
  if (code && typeof code === "string") return { rejects: `AuthError ${code}` };
  return { rejects: isAuthError ? "AuthError" : name };
}

/**
 * @param {typeof fetch} fetch
 * @param {Case} one
 * @param {string} url
 * @param {Addresses} at
 */
async function observe(fetch, one, url, at) {
  let response;
  try {
    const [input, init] = one.input ? one.input(url, at) : [url];
    response = await fetch(input, init);
  } catch (error) {
    return thrown(error);
  }
  const { status, statusText, ok, type, redirected } = response;
  const seen = { status, statusText, ok, type, redirected, url: response.url };
  const headers = [...response.headers].filter(([name]) => name !== "date");
  const body = await Promise.resolve()
    .then(() => (one.read ? one.read(response) : response.text()))
    .catch((error) => thrown(error));
  return { ...seen, headers, body: shortened(body), bodyUsed: response.bodyUsed };
}

/** @param {unknown} body */
function shortened(body) {
  return typeof body === "string" && body.length > 5000
    ? `${body.length} characters, ${body.slice(0, 20)}…${body.slice(-20)}`
    : body;
}

/**
 * @param {{ fetch: typeof fetch }} auth
 * @param {Addresses} at
 * @returns {Promise<{ group: string, name: string, own: object, through: object }[]>}
 */
export async function compare(auth, at) {
  const own = window.fetch.bind(window);
  const results = [];
  for (const [index, one] of CASES.entries()) {
    /** @param {"own" | "through"} by */
    const address = (by) => {
      const next = encodeURIComponent(`${at.api}/open/${index}/${by}/next`);
      const query = (one.query ?? "")
        .replace("{next}", next)
        .replace("{other}", encodeURIComponent(at.other))
        .replaceAll(" ", "%20");
      return `${at.api}/open/${index}/${by}?${query}`;
    };
    results.push({
      group: one.group,
      name: one.name,
      own: await observe(own, one, address("own"), at),
      through: await observe(auth.fetch, one, address("through"), at),
    });
  }
  return results;
}
