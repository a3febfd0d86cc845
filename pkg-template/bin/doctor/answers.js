// @ts-check
/** Fetches what the doctor looks at: status, headers and content, with the cookies that came along. */

/**
 * @typedef {object} Answer
 * @property {URL} url where it came from
 * @property {number} status
 * @property {Headers} headers
 * @property {Buffer} content
 * @property {string[]} cookies each `Set-Cookie`, also of what redirected here
 */

const LIMIT_MS = 10_000;
const MOST_REDIRECTS = 5;

/**
 * What a browser would get at `url`. A page's redirects are followed, those of other files are not: such
 * a file must stand where it is asked for.
 *
 * @param {URL} url
 * @param {"page" | "file"} kind
 * @returns {Promise<Answer>}
 */
export async function ask(url, kind) {
  const headers = { accept: kind === "page" ? "text/html,*/*;q=0.8" : "*/*" };
  const options = { headers, redirect: /** @type {const} */ ("manual") };
  /** @type {string[]} */
  const cookies = [];
  for (let left = MOST_REDIRECTS; ; left -= 1) {
    const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(LIMIT_MS) });
    cookies.push(...answer.headers.getSetCookie());
    const content = Buffer.from(await answer.arrayBuffer());
    const next = answer.headers.get("location");
    const isRedirect = answer.status >= 300 && answer.status < 400 && next !== null;
    if (!isRedirect || kind === "file" || left === 0) {
      return { url, status: answer.status, headers: answer.headers, content, cookies };
    }
    url = new URL(next, url);
  }
}

/** @param {Answer} answer */
export function isJavaScript({ headers }) {
  const type = (headers.get("content-type") ?? "").split(";")[0] ?? "";
  return /^\s*(text|application)\/(x-)?(java|ecma)script\s*$/i.test(type);
}

/**
 * In words why this is no script, or nothing.
 *
 * @param {Answer} answer
 */
export function noScript(answer) {
  const { status, headers } = answer;
  if (status >= 300 && status < 400) return `${status}, a redirect: serve it at its own address`;
  if (status !== 200) return `${status}`;
  if (isJavaScript(answer)) return undefined;
  const type = headers.get("content-type") ?? "no Content-Type";
  return `${type}: serve it as text/javascript`;
}

/**
 * An address as it is reported: what a query has may be nobody's to see in a log.
 *
 * @param {URL} url
 */
export function shown({ origin, pathname }) {
  return origin + pathname;
}
