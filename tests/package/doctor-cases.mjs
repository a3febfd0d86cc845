// @ts-check
// What may be wrong with a deployment, one thing at a time, and what doctor is to say of it.

/** @typedef {{ status?: number, type?: string, body?: Buffer | string }} Answer */
/** @typedef {Answer & { headers?: Record<string, string | string[] | null> }} Change a header that is `null` is left out */

export const PAGE = "/";
export const VAULT = "/tokenward/vault.js";
export const SHIELD = "/tokenward/shield.js";
export const CALLBACK = "/tokenward/callback.html";

export const CSP = "Content-Security-Policy";
export const STRICT = "default-src 'none'; script-src 'self'; worker-src 'self'";
export const OF_VAULT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src https://id.example.com https://api.example.com";

/**
 * @typedef {object} Wrong
 * @property {string} name of the check
 * @property {string} what is wrong
 * @property {string} at whose answer
 * @property {Change} change
 * @property {"warning" | "problem"} [level] a problem, if not said
 * @property {RegExp} says what to do
 */

/** @param {string} at @param {string} value */
const policy = (at, value) => ({ at, change: { headers: { [CSP]: value } } });

/** @param {string} value */
const vaultWith = (value) =>
  policy(VAULT, `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ${value}`);

/** @param {string | null} value */
const cached = (value) => ({ at: VAULT, change: { headers: { "Cache-Control": value } } });

/** @param {string} value */
const cookie = (value) => ({ at: PAGE, change: { headers: { "Set-Cookie": value } } });

const warns = { level: /** @type {const} */ ("warning") };

/** @type {Wrong[]} */
export const WRONG = [
  { name: "page", what: "it is missing", at: PAGE, change: { status: 404 }, says: /404/ },
  {
    name: "page",
    what: "it leads to another origin",
    at: PAGE,
    change: { status: 302, headers: { Location: "{other}/" } },
    says: /redirects to .*own address/,
  },
  {
    name: "page policy",
    what: "there is none",
    at: PAGE,
    change: { headers: { [CSP]: null } },
    ...warns,
    says: /there is none/,
  },
  {
    name: "page worker-src",
    what: "it is 'none'",
    ...policy(PAGE, "script-src 'self'; worker-src 'none'"),
    says: /worker-src 'self'/,
  },
  {
    name: "page worker-src",
    what: "it falls back to default-src",
    ...policy(PAGE, "default-src https://cdn.example.com"),
    says: /worker-src 'self'/,
  },
  {
    name: "page worker-src",
    what: "a second policy forbids it",
    ...policy(PAGE, `${STRICT}, worker-src blob:`),
    says: /worker-src 'self'/,
  },
  {
    name: "page worker-src",
    what: "a policy in the page's text forbids it",
    at: PAGE,
    change: {
      body: `<meta content="default-src 'self'; worker-src &#39;none&#39;" http-equiv="Content-Security-Policy">`,
    },
    says: /worker-src 'self'/,
  },
  {
    name: "page script-src",
    what: "it allows what is injected",
    ...policy(PAGE, "script-src 'self' 'unsafe-inline'"),
    ...warns,
    says: /injected/,
  },
  {
    name: "page wasm",
    what: "the page may compile it, too",
    ...policy(PAGE, "script-src 'self' 'wasm-unsafe-eval'"),
    ...warns,
    says: /isolation: "none"/,
  },
  {
    name: "page trusted-types",
    what: "the policy's name is missing",
    ...policy(PAGE, `${STRICT}; require-trusted-types-for 'script'; trusted-types other`),
    says: /trusted-types tokenward/,
  },
  { name: "vault", what: "it is missing", at: VAULT, change: { status: 404 }, says: /404.*init/ },
  {
    name: "vault",
    what: "it is a page",
    at: VAULT,
    change: { type: "text/html" },
    says: /text\/html.*text\/javascript/,
  },
  {
    name: "vault",
    what: "it is elsewhere",
    at: VAULT,
    change: { status: 302, headers: { Location: "/assets/vault.js" } },
    says: /redirect/,
  },
  {
    name: "vault nosniff",
    what: "the header is missing",
    at: VAULT,
    change: { headers: { "X-Content-Type-Options": null } },
    says: /`X-Content-Type-Options: nosniff`/,
  },
  {
    name: "vault policy",
    what: "there is none",
    at: VAULT,
    change: { headers: { [CSP]: null } },
    says: /no policy of its own.*connect-src/,
  },
  {
    name: "vault policy",
    what: "it only reports",
    at: VAULT,
    change: { headers: { [CSP]: null, [`${CSP}-Report-Only`]: OF_VAULT } },
    says: /only reports/,
  },
  {
    name: "vault connect-src",
    what: "it is missing",
    ...policy(VAULT, "script-src 'self' 'wasm-unsafe-eval'"),
    says: /nothing limits it/,
  },
  { name: "vault connect-src", what: "it is *", ...vaultWith("connect-src *"), says: /everywhere/ },
  {
    name: "vault connect-src",
    what: "it is a scheme",
    ...vaultWith("connect-src https://id.example.com https:"),
    says: /`https:` is everywhere/,
  },
  {
    name: "vault connect-src",
    what: "it is any host of a scheme",
    ...vaultWith("connect-src https://*:443"),
    says: /everywhere/,
  },
  { name: "vault connect-src", what: "it is 'none'", ...vaultWith(""), says: /reaches nobody/ },
  {
    name: "vault connect-src",
    what: "it has a whole domain",
    ...vaultWith("connect-src https://*.example.com"),
    ...warns,
    says: /every host below/,
  },
  ...["'unsafe-eval'", "'unsafe-inline'", "*", "https:"].map((source) => ({
    name: "vault script-src",
    what: `it has ${source}`,
    ...policy(
      VAULT,
      `script-src 'self' 'wasm-unsafe-eval' ${source}; connect-src https://id.example.com`,
    ),
    says: /only `'wasm-unsafe-eval'`/,
  })),
  {
    name: "vault script-src",
    what: "it is missing",
    ...policy(VAULT, "connect-src https://id.example.com"),
    says: /only `'wasm-unsafe-eval'`/,
  },
  {
    name: "vault wasm",
    what: "the word for it is missing",
    ...policy(VAULT, "script-src 'self'; connect-src https://id.example.com"),
    says: /'wasm-unsafe-eval'/,
  },
  {
    name: "vault embedder policy",
    what: "the page has one, the vault has none",
    at: PAGE,
    change: { headers: { "Cross-Origin-Embedder-Policy": "require-corp" } },
    says: /`Cross-Origin-Embedder-Policy: require-corp`/,
  },
  {
    name: "vault cache",
    what: "it is immutable",
    ...cached("public, max-age=60, immutable"),
    says: /no-cache/,
  },
  { name: "vault cache", what: "it is kept long", ...cached("max-age=31536000"), says: /no-cache/ },
  { name: "vault cache", what: "it is kept", ...cached("max-age=60"), ...warns, says: /60 s/ },
  { name: "vault cache", what: "nothing is said", ...cached(null), ...warns, says: /guess/ },
  {
    name: "vault build",
    what: "it is another one",
    at: VAULT,
    change: { body: "export {};" },
    ...warns,
    says: /another build/,
  },
  { name: "shield", what: "it is missing", at: SHIELD, change: { status: 404 }, says: /404.*init/ },
  {
    name: "shield",
    what: "it is another script",
    at: SHIELD,
    change: { body: "addEventListener('fetch', () => {});" },
    ...warns,
    says: /other bytes/,
  },
  {
    name: "shield scope",
    what: "it may cover everything",
    at: SHIELD,
    change: { headers: { "Service-Worker-Allowed": "/" } },
    says: /Service-Worker-Allowed/,
  },
  {
    name: "callback frames",
    what: "the page is missing",
    at: CALLBACK,
    change: { status: 404 },
    ...warns,
    says: /silentRedirectUri/,
  },
  {
    name: "callback frames",
    what: "every site may frame it",
    at: CALLBACK,
    change: { headers: { [CSP]: null } },
    says: /every site.*frame-ancestors 'self'/,
  },
  {
    name: "callback frames",
    what: "another site may frame it",
    ...policy(CALLBACK, "frame-ancestors 'self' https://other.example"),
    says: /others may frame it/,
  },
  {
    name: "callback frames",
    what: "nobody may frame it",
    ...policy(CALLBACK, "frame-ancestors 'none'"),
    says: /own page cannot/,
  },
  {
    name: "callback frames",
    what: "nobody may frame it, by the older header",
    at: CALLBACK,
    change: { headers: { [CSP]: null, "X-Frame-Options": "DENY" } },
    says: /own page cannot/,
  },
  {
    name: "cookie theme",
    what: "scripts can read it",
    ...cookie("theme=SECRET-VALUE; SameSite=Lax"),
    ...warns,
    says: /HttpOnly/,
  },
  {
    name: "cookie theme",
    what: "it does not say where it goes",
    ...cookie("theme=SECRET-VALUE; HttpOnly"),
    ...warns,
    says: /`SameSite`/,
  },
  {
    name: "cookie theme",
    what: "browsers drop it",
    ...cookie("theme=SECRET-VALUE; HttpOnly; SameSite=None"),
    says: /without `Secure`/,
  },
];
