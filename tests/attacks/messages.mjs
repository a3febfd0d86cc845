// @ts-check
// Messages to the vault, as the generated types have them: each type with each of its fields, well-typed and
// ill-typed, and any number that chance makes. The types are read from the package, so that a new message is
// tried by being there.
import { readFileSync } from "node:fs";
import path from "node:path";
import { PACKAGE } from "../e2e/harness/web-root.mjs";

/** @typedef {Record<string, unknown> & { type: string }} Message */

/**
 * @returns {Map<string, Map<string, string>>} the TypeScript type of each field of each message
 */
export function protocol() {
  const text = readFileSync(path.join(PACKAGE, "generated/types.d.ts"), "utf8");
  const bare = text.replace(/\/\*\*.*?\*\//gs, "");
  const [, union = ""] = /type ToVault = (.*?)\nexport /s.exec(bare) ?? [];
  const messages = new Map();
  for (const [, type = "", fields = ""] of union.matchAll(/"type": "(\w+)";\s*\} & (\w+)/g)) {
    messages.set(type, fieldsOf(bare, fields));
  }
  return messages;
}

/**
 * @param {string} text
 * @param {string} name of a type
 * @returns {Map<string, string>}
 */
function fieldsOf(text, name) {
  const body = new RegExp(`type ${name} = \\{([^}]*)\\}`).exec(text)?.[1] ?? "";
  const fields = [...body.matchAll(/(\w+)\??: ([^;]+);/g)];
  return new Map(fields.map(([, field = "", type = ""]) => [field, type]));
}

/** Messages that end what is shared with the page, or that are answered by going away. */
const ENDS = ["signOut", "close", "hello"];

/**
 * The access tokens of the tests' provider are not for UserInfo, so each such question is a refusal; and after
 * several the vault takes no refusal for a reason to refresh, whoever asks.
 */
const REFUSED = "userInfo";

/** Values that no field is meant to have. */
const WRONG = [
  null,
  true,
  -1,
  1.5,
  2 ** 53,
  "",
  "x".repeat(20_000),
  [],
  {},
  [[["x"]]],
  "__proto__",
];

/**
 * @param {string} type of a field
 * @param {string} field
 * @param {{ api: string, other: string, app: string }} at
 * @param {() => number} chance
 */
function fitting(type, field, { api, other, app }, chance) {
  const one = (/** @type {unknown[]} */ list) => list[Math.floor(chance() * list.length)];
  const urls = [
    `${other}/`,
    `${api}/me`,
    `${app}/callback?code=x&state=y`,
    `${api}@${other.slice(7)}/`,
    `//${other.slice(7)}/`,
    `${api}.evil.test/`,
    "data:,x",
    "javascript:alert(1)",
    "",
  ];
  if (field === "id") return 1_000_000 + Math.floor(chance() * 1_000_000);
  if (["url", "returnTo", "page"].includes(field)) return one(urls);
  if (field === "method") return one(["GET", "POST", "TRACE", "CONNECT", "get\r\nX: y", ""]);
  if (field === "mode") return one(["redirect", "popup", "silent", "window"]);
  if (field === "name") return one(["apiKey:none", "signature:none", "none", "__proto__"]);
  if (field === "headers")
    return one([[], [["Authorization", "Bearer x"]], [["X-Test", "a\r\nb: c"]]]);
  if (field === "options")
    return one([[], [["redirect", "follow"]], [["keepalive", "true"]], [["x", "y"]]]);
  if (field === "asked")
    return one([{ prompt: "none" }, { extraParams: { redirect_uri: other } }, {}]);
  if (/number/.test(type)) return Math.floor(chance() * 100);
  if (/boolean/.test(type)) return chance() < 0.5;
  return one([other, api, "x", ""]);
}

/**
 * Every message that does not end anything: with all of its fields, with each missing, each wrong, one more.
 *
 * @param {{ api: string, other: string, app: string }} at
 * @returns {Message[]}
 */
export function forgeries(at) {
  const chance = random(1);
  /** @type {Message[]} */
  const messages = [];
  for (const [type, fields] of protocol()) {
    if (ENDS.includes(type)) continue;
    const whole = () => filled(type, fields, at, chance);
    messages.push(whole(), { ...whole(), more: 1 }, { ...whole(), type: `${type} ` });
    for (const field of fields.keys()) {
      const { [field]: _, ...without } = whole();
      messages.push(/** @type {Message} */ (without));
      for (const wrong of WRONG) messages.push({ ...whole(), [field]: wrong });
    }
  }
  return messages;
}

/**
 * @param {number} count
 * @param {number} seed
 * @param {{ api: string, other: string, app: string }} at
 * @returns {unknown[]}
 */
export function randomMessages(count, seed, at) {
  const chance = random(seed);
  const all = [...protocol()].filter(([type]) => ![...ENDS, REFUSED].includes(type));
  const one = (/** @type {any[]} */ list) => list[Math.floor(chance() * list.length)];
  return Array.from({ length: count }, () => {
    if (chance() < 0.05) return one(WRONG);
    const [type, fields] = one(all);
    const message = filled(type, fields, at, chance);
    // The API is asked often enough as it is.
    if (message.url === `${at.api}/me` && chance() < 0.98) message.url = `${at.other}/`;
    for (const field of Object.keys(message)) {
      const dice = chance();
      if (dice < 0.08) message[field] = one(WRONG);
      else if (dice < 0.12) delete message[field];
    }
    if (chance() < 0.05) message[one(["more", "toString", "constructor", "config"])] = one(WRONG);
    return message;
  });
}

/**
 * @param {string} type
 * @param {Map<string, string>} fields
 * @param {{ api: string, other: string, app: string }} at
 * @param {() => number} chance
 * @returns {Message}
 */
function filled(type, fields, at, chance) {
  const members = [...fields].map(([field, kind]) => [field, fitting(kind, field, at, chance)]);
  return { type, ...Object.fromEntries(members) };
}

/**
 * The same numbers for the same seed: a xorshift of 32 bits is even enough for this.
 *
 * @param {number} seed not zero
 * @returns {() => number} below 1
 */
function random(seed) {
  let state = seed;
  return () => {
    for (const by of [13, -17, 5]) state ^= by > 0 ? state << by : state >>> -by;
    return (state >>> 0) / 2 ** 32;
  };
}
