// @ts-check
// HTTP answers as an honest provider gives them.

/** @typedef {import("./points.js").Answer} Answer */

/**
 * @param {number} status
 * @param {unknown} body
 * @returns {Answer}
 */
export function json(status, body) {
  return { status, headers: { "Content-Type": "application/json" }, body };
}

/**
 * @param {string} body
 * @returns {Answer}
 */
export function html(body) {
  return { status: 200, headers: { "Content-Type": "text/html; charset=utf-8" }, body };
}

/**
 * @param {string} location
 * @returns {Answer}
 */
export function redirect(location) {
  return { status: 303, headers: { Location: location }, body: "" };
}

/** What a token gets that is unknown, or none. */
export function unauthorized() {
  const answer = json(401, { error: "invalid_token" });
  answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"';
  return answer;
}
