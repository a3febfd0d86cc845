// @ts-check
/**
 * A Content-Security-Policy as a browser reads it: which sources a directive has, and whether they let
 * a URL pass. It knows nothing of what tokenward needs.
 */

/** @typedef {Map<string, string[]>} Policy directives by name, with their sources */

/**
 * The policies of a header's value: several are separated by commas, and each of them must allow.
 *
 * @param {string | null | undefined} value
 * @returns {Policy[]}
 */
export function parsePolicies(value) {
  return (value ?? "")
    .split(",")
    .map(parsePolicy)
    .filter((policy) => policy.size > 0);
}

/** @param {string} text */
function parsePolicy(text) {
  /** @type {Policy} */
  const policy = new Map();
  for (const directive of text.split(";")) {
    const [name = "", ...sources] = directive.trim().split(/\s+/);
    // The first of one name counts.
    if (name && !policy.has(name.toLowerCase())) policy.set(name.toLowerCase(), sources);
  }
  return policy;
}

/** What a directive falls back to where it is absent. */
const FALLBACKS = /** @type {Record<string, string[]>} */ ({
  "connect-src": ["default-src"],
  "frame-src": ["child-src", "default-src"],
  "script-src": ["default-src"],
  "worker-src": ["child-src", "script-src", "default-src"],
});

/**
 * The sources that count for `name`, in lower case but for what has a path or a nonce; `undefined` where
 * nothing restricts it.
 *
 * @param {Policy} policy
 * @param {string} name
 */
export function sourcesOf(policy, name) {
  const holder = [name, ...(FALLBACKS[name] ?? [])].find((other) => policy.has(other));
  const sources = holder === undefined ? undefined : policy.get(holder);
  return sources?.map((source) =>
    /^'(?!nonce-|sha)/.test(source) ? source.toLowerCase() : source,
  );
}

/**
 * Whether every policy lets a request of `self`'s page to `url` pass.
 *
 * @param {Policy[]} policies
 * @param {string} name of the directive
 * @param {URL} url
 * @param {URL} self
 */
export function allows(policies, name, url, self) {
  return policies.every((policy) => {
    const sources = sourcesOf(policy, name);
    return sources === undefined || sources.some((source) => matches(source, url, self));
  });
}

/**
 * @param {string} source
 * @param {URL} url
 * @param {URL} self
 */
function matches(source, url, self) {
  if (source === "'self'") return url.origin === self.origin;
  // Whatever a trusted script starts.
  if (source === "'strict-dynamic'") return true;
  if (source === "*") return /^https?:$/.test(url.protocol);
  if (isScheme(source)) return isSameScheme(source, url.protocol);
  const parts = /^(?:([a-z][a-z0-9+.-]*:)\/\/)?([^/:']+)(?::(\d+|\*))?(\/.*)?$/i.exec(source);
  if (!parts) return false;
  const [, scheme = self.protocol, host = "", port, path] = parts;
  return (
    isSameScheme(scheme, url.protocol) &&
    isSameHost(host.toLowerCase(), url.hostname) &&
    (port === "*" || portOf(port ?? "", scheme) === portOf(url.port, url.protocol)) &&
    isUnder(url.pathname, path)
  );
}

/** @param {string} source */
export function isScheme(source) {
  return /^[a-z][a-z0-9+.-]*:$/i.test(source);
}

/**
 * The host of a source, without scheme, port and path; empty where it names none.
 *
 * @param {string} source
 */
export function hostOf(source) {
  const parts = /^(?:[a-z][a-z0-9+.-]*:\/\/)?([^/:']+)(?::(?:\d+|\*))?(?:\/.*)?$/i.exec(source);
  return isScheme(source) ? "" : (parts?.[1] ?? "");
}

/** @param {string} asked @param {string} found */
function isSameScheme(asked, found) {
  const scheme = asked.toLowerCase();
  return scheme === found || (scheme === "http:" && found === "https:");
}

/** @param {string} asked @param {string} found */
function isSameHost(asked, found) {
  return asked.startsWith("*") ? found.endsWith(asked.slice(1)) : asked === found;
}

/** @param {string} port @param {string} scheme */
function portOf(port, scheme) {
  return port || (scheme.toLowerCase() === "https:" ? "443" : "80");
}

/** @param {string} path @param {string | undefined} asked */
function isUnder(path, asked) {
  if (asked === undefined || asked === "/") return true;
  return asked.endsWith("/") ? path.startsWith(asked) : path === asked;
}

/**
 * The policies in a page's `meta` elements: they hold beside those of its headers.
 *
 * @param {string} html
 */
export function policiesInMeta(html) {
  const elements = html.replace(/<!--.*?-->/gs, "").match(/<meta\b(?:"[^"]*"|'[^']*'|[^>"'])*>/gi);
  return (elements ?? [])
    .filter((element) => /http-equiv\s*=\s*["']?content-security-policy["'\s>/]/i.test(element))
    .flatMap((element) => {
      const [, double, single] = /\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(element) ?? [];
      return parsePolicies(unescaped(double ?? single ?? ""));
    });
}

/** @param {string} text as an attribute has it */
function unescaped(text) {
  return text
    .replace(/&(?:#39|#x27|apos);/gi, "'")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&");
}
