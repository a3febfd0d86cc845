// @ts-check
/**
 * A first look at a configuration: names, kinds, and which addresses are none. What it means, the vault
 * judges; this is for whoever writes the file, before anything is made of it.
 */

import { MEMBERS, OF_PAGE, OPTIONS } from "./options.js";

/** @typedef {Readonly<Record<string, string>>} Rules names, and the kind of each */
/** @typedef {(value: any) => boolean} Test */

/** @type {Test} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @type {Test} */
const isString = (value) => typeof value === "string";

/** @type {Readonly<Record<string, readonly [Test, string]>>} */
const KINDS = {
  string: [isString, "a string"],
  boolean: [(value) => typeof value === "boolean", "`true` or `false`"],
  number: [(value) => Number.isInteger(value), "a whole number"],
  strings: [(value) => Array.isArray(value) && value.every(isString), "an array of strings"],
  array: [(value) => Array.isArray(value) && value.every(isObject), "an array of objects"],
  object: [isObject, "an object"],
  record: [
    (value) => isObject(value) && Object.values(value).every(isString),
    "an object of strings",
  ],
};

/** Options whose members have names of the application's own. */
const NAMED = ["apiKeys", "signatures"];

/** Everything that is wrong with a configuration's shape. @param {any} config @returns {string[]} */
export function problemsOf(config) {
  if (!isObject(config)) return ['it must be an object: { "issuer": …, "clientId": … }'];
  const problems = compare(config, OPTIONS, "");
  for (const [option, rules] of Object.entries(MEMBERS)) {
    for (const [name, value] of objectsIn(config, option))
      problems.push(...compare(value, rules, name));
  }
  return problems.length > 0 ? problems : addresses(config);
}

/**
 * The objects that an option holds, each with its full name.
 *
 * @param {any} config
 * @param {string} option
 * @returns {[string, any][]}
 */
function objectsIn(config, option) {
  const value = config[option];
  if (Array.isArray(value)) {
    return value.flatMap((one, at) => (isObject(one) ? [[`${option}[${at}].`, one]] : []));
  }
  if (!isObject(value)) return [];
  if (!NAMED.includes(option)) return [[`${option}.`, value]];
  return Object.entries(value).map(([name, one]) => [`${option}.${name}.`, one]);
}

/**
 * @param {any} given
 * @param {Rules} rules
 * @param {string} before where its members stand: `logout.`
 * @returns {string[]}
 */
function compare(given, rules, before) {
  if (!isObject(given)) return [`\`${before.slice(0, -1)}\` must be an object`];
  const strangers = Object.keys(given).filter((name) => !Object.hasOwn(rules, name));
  const problems = strangers.map((name) => `\`${before}${name}\` ${strange(name, before)}`);
  for (const [name, rule] of Object.entries(rules)) {
    const kind = rule.replace("!", "");
    const [fits, words] = KINDS[kind] ?? [() => true, ""];
    if (given[name] === undefined) {
      if (kind !== rule) problems.push(`\`${before}${name}\` is missing`);
    } else if (!fits(given[name])) {
      problems.push(`\`${before}${name}\` must be ${words}`);
    }
  }
  return problems;
}

/** @param {string} name @param {string} before */
function strange(name, before) {
  const isOfPage = before === "" && OF_PAGE.includes(name);
  return isOfPage ? "is no part of the session: give it to `createClient`" : "is unknown";
}

/**
 * Addresses that are none, or not of the kind that is wanted.
 *
 * @param {any} config of the right shape
 * @returns {string[]}
 */
function addresses({ issuer, redirectUri, silentRedirectUri, resources, appOrigins, logout }) {
  /** @type {string[]} */
  const problems = [];
  /** @param {string} name @param {boolean} fits @param {string} words */
  const want = (name, fits, words) => fits || problems.push(`\`${name}\` must be ${words}`);
  const absolute = 'an absolute URL, like "https://app.example.com/"';
  want("issuer", URL.canParse(issuer), 'an absolute URL, like "https://id.example.com"');
  for (const [name, uri] of Object.entries({ redirectUri, silentRedirectUri })) {
    const fits = uri === undefined || uri.startsWith("/") || URL.canParse(uri);
    want(name, fits, 'an absolute URL, or a path that begins with "/"');
  }
  const after = logout?.postLogoutRedirectUri;
  // The vault does not know the page, of which a path would be.
  want("logout.postLogoutRedirectUri", after === undefined || URL.canParse(after), absolute);
  for (const [at, { origin }] of resources.entries()) {
    const fits = URL.canParse(origin) && new URL(origin).pathname === "/";
    want(`resources[${at}].origin`, fits, 'an origin, like "https://api.example.com"');
  }
  if (appOrigins) {
    const areOrigins = appOrigins.every(isOrigin);
    const words = 'exact origins of the application, like ["https://app.example.com"]';
    want("appOrigins", appOrigins.length > 0 && areOrigins, words);
  }
  return problems;
}

/** @param {string} text */
function isOrigin(text) {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
