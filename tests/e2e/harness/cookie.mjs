// @ts-check
// What tests of a refresh cookie ask of the backend that gives it.

/** @typedef {import("./suite.mjs").Suite} Suite */
/** @typedef {import("./suite.mjs").Application} Application */

/** What the two addresses of `refreshCookie` are here. @param {Suite} e2e */
export function refreshCookie(e2e) {
  const { backend } = e2e.servers;
  return { token: `${backend}/token`, revocation: `${backend}/revoke` };
}

/**
 * What came to the backend of this client, without preflights.
 *
 * @param {Application} app
 */
export const mediated = (app) =>
  app.suite.servers.direct.backend.log
    .list()
    .filter(({ method, form }) => method === "POST" && form.client_id === app.clientId);

/**
 * Asks the backend for tokens, with its cookie, as a script does that is not the vault: for `tab.run`.
 *
 * @param {unknown} _
 * @param {string} url
 * @param {string} clientId
 * @param {Record<string, string>} headers
 */
export async function askBackend(_, url, clientId, headers) {
  const body = new URLSearchParams({ grant_type: "refresh_token", client_id: clientId });
  /** @type {RequestInit} */
  const init = { method: "POST", credentials: "include", headers, body };
  try {
    const answer = await fetch(url, init);
    return { status: answer.status, answer: await answer.json() };
  } catch (error) {
    return { failure: /** @type {Error} */ (error).name };
  }
}
