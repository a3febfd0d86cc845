// @ts-check
// The pages of the scripted provider that run in a browser: the frame that says whether its session
// changed (OpenID Connect Session Management, 3.3), and the one that signs out of the client's frame
// before it goes on (Front-Channel Logout, 3).
import { createHash, randomBytes } from "node:crypto";

/**
 * @param {import("./issuer.mjs").Client} client
 * @param {string} browserState
 * @returns {string} `session_state`, as the authorization response carries it
 */
export function sessionState({ clientId, redirectUri }, browserState) {
  const salt = randomBytes(8).toString("hex");
  const text = [clientId, new URL(redirectUri).origin, browserState, salt].join(" ");
  return `${createHash("sha256").update(text).digest("hex")}.${salt}`;
}

/** The cookie that says what the browser's session is known by. */
export const SESSION_COOKIE = "op-session";

/** The frame that compares what it is told with the cookie as it is then. */
export function sessionFrame() {
  return `<!doctype html><meta charset="utf-8"><script>
addEventListener("message", async ({ data, origin, source }) => {
  const [clientId, state = ""] = String(data).split(" ");
  const [hash, salt] = state.split(".");
  const say = (word) => source.postMessage(word, origin);
  if (!clientId || !hash || !salt) return say("error");
  const known = /(?:^|; )${SESSION_COOKIE}=([0-9a-f]+)/.exec(document.cookie)?.[1];
  const text = [clientId, origin, known, salt].join(" ");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
  say(hex.join("") === hash ? "unchanged" : "changed");
});
</script>`;
}

/**
 * @param {string} frame
 * @param {string} next
 */
export function logoutPage(frame, next) {
  const [src, location] = [frame, next].map((url) =>
    JSON.stringify(url).replaceAll("<", "\\u003c"),
  );
  return `<!doctype html><meta charset="utf-8"><title>signing out</title><body><script>
const frame = document.createElement("iframe");
// The client's page says when it is done: that it loaded is not enough.
addEventListener("message", ({ source }) => {
  if (source === frame.contentWindow) location.replace(${location});
});
frame.src = ${src};
document.body.append(frame);
</script>`;
}
