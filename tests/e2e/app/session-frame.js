// @ts-check
// What an application does that wants to know whether the provider's session goes on (OpenID Connect
// Session Management, 3.1). The client has no part in it: the page brings its callback by hand, so it
// sees the `session_state`, which is no credential.

/**
 * Asks the provider's frame once.
 *
 * @param {string} address of the provider's `check_session_iframe`
 * @param {string} clientId
 * @param {string} sessionState
 * @returns {Promise<string>} `unchanged`, `changed` or `error`
 */
export async function checkSession(address, clientId, sessionState) {
  const { origin } = new URL(address);
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.src = address;
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
  document.body.append(frame);
  await loaded;
  try {
    return await new Promise((resolve) => {
      addEventListener("message", (event) => {
        if (event.origin === origin && event.source === frame.contentWindow) resolve(event.data);
      });
      frame.contentWindow?.postMessage(`${clientId} ${sessionState}`, origin);
    });
  } finally {
    frame.remove();
  }
}
