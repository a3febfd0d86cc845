// @ts-check
// What the provider and the API know: counters, and the tokens themselves, which never leave this
// process but for one thing: to be tried at the servers that issued and accept them.

/** @typedef {import("../serve.mjs").Demo} Demo */
/** @typedef {ReturnType<typeof look>} Outside */

/** @param {Demo} demo */
export function look({ servers, clientId }) {
  const { provider, api } = servers.direct;
  const { counters, register } = provider;

  return {
    /** Everything that the provider was asked, by anybody, and the tokens that it gave out. */
    provider: () => ({ ...counters.of(), tokens: register.list().length }),

    /** The calls that reached the API since `from`, in order: status, and why it refused. */
    calls: (from = 0) =>
      api.log
        .list()
        .slice(from)
        .filter(({ preflight }) => !preflight)
        .map(({ status, refused }) => ({ status, refused })),

    /** Where the API's log ends now. */
    mark: () => api.log.list().length,

    /** @param {string} text @returns {number} how many of the issued tokens stand in it */
    tokensIn: (text) => register.list().filter(({ token }) => text.includes(token)).length,

    /** @returns {Promise<number>} what the API says to the newest access token */
    async tryAccessToken() {
      const response = await fetch(`${servers.api}/me`, {
        headers: { Authorization: `Bearer ${newest("access")}` },
      });
      await response.text();
      return response.status;
    },

    /** @returns {Promise<string>} what the provider says to the newest refresh token */
    async tryRefreshToken() {
      const response = await fetch(`${servers.issuer}/token`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "refresh_token",
          client_id: clientId,
          refresh_token: newest("refresh"),
        }),
      });
      return String((await response.json()).error ?? response.status);
    },
  };

  /** @param {"access" | "refresh"} kind */
  function newest(kind) {
    const found = register.list({ clientId, kind }).at(-1);
    if (!found) throw new Error(`the provider gave out no ${kind} token`);
    return found.token;
  }
}
