// @ts-check
// What the attacks share: an application whose pages an attacker has a script in, what reached the attacker
// and what its realm held, and the outcomes, which docs/threats.md is made from.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { engine } from "../e2e/harness/browser.mjs";
import { place, placeName } from "../e2e/harness/place.mjs";
import { suite } from "../e2e/harness/suite.mjs";
import { search } from "../e2e/harness/token-search.mjs";
import { publish } from "./outcomes.mjs";

/** @typedef {import("../e2e/harness/tab.mjs").Tab} Tab */
/** @typedef {import("../e2e/harness/suite.mjs").Application} Application */
/** @typedef {import("../e2e/harness/suite.mjs").Wanted} Wanted */
/** @typedef {import("../e2e/harness/token-search.mjs").Sought} Sought */
/**
 * @typedef {object} Attack
 * @property {string} name what the script does, with the requirements' ids at its end
 * @property {string} [limit] what is not stopped: a key of `LIMITS`
 */

/** The column of this run. */
export const CELL = `${engine.name}/${placeName}`;

/** Whether this browser is here at all: the page promises no isolation. */
export const isolated = place.isolates ? {} : { skip: "a vault in the page is not isolated" };

/**
 * What a test runs with besides the default persistence, each in a column of its own: once in each engine, in the
 * place where it can keep a key.
 *
 * @type {{ cell: string, word: string, wanted: Pick<Wanted, "options" | "provider">, options: { skip?: string } }[]}
 */
export const PERSISTENCES = [
  { word: "memory", cell: CELL, wanted: {}, options: isolated },
  ...["sealed", "sealed-unbound"].map((word) => ({
    word,
    cell: `${CELL} ${word}`,
    wanted:
      word === "sealed"
        ? {
            options: { persistence: word, dpop: true },
            provider: { requiresProofs: true, requiresNonce: true },
          }
        : { options: { persistence: word } },
    options:
      placeName === (engine.storesKeysShared ? "shared" : "worker")
        ? {}
        : { skip: "shown in the engine's one cell that is sure to keep a key" },
  })),
];

/** No policy stands between vault and attacker here: what stops a request is the vault itself. */
export const e2e = suite({ vaultConnects: "{other}" });

/** The API's paths that take an API key, which is handed in as an application does it. */
const KEYED = "/open/";

/**
 * An application whose pages may send whatever they have to the attacker.
 *
 * @param {Wanted & { first?: string[], connects?: string[] }} [wanted] scripts that run before the SDK
 */
export async function application({ first = [], connects = [], ...wanted } = {}) {
  const { api, other } = e2e.servers;
  const app = await e2e.application({
    ...wanted,
    page: { first, attacker: other, ...wanted.page },
    options: {
      resources: [{ origin: api }, { origin: api, paths: [KEYED], credential: "apiKey:k" }],
      apiKeys: { k: {} },
      ...wanted.options,
    },
  });
  e2e.letPageConnect(other, ...connects);
  return app;
}

/**
 * Hands the vault its API key, and forgets it in the page.
 *
 * @param {Tab} tab
 * @returns {Promise<Sought>}
 */
export async function handIn(tab) {
  const token = randomBytes(24).toString("base64url");
  await tab.run((auth, key) => auth.setApiKey("k", key), token);
  return { kind: "API key", token };
}

/**
 * What an application does all day: calls, a refused token and the refresh that follows, errors, a call with
 * its API key.
 *
 * @param {Application} app
 * @param {Tab} tab
 */
export async function live(app, tab) {
  const { api } = e2e.servers;
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  const refreshes = app.counts().refreshesSucceeded;
  app.refuseTokens();
  assert.equal((await tab.call(`${api}/me`)).status, 200);
  assert.equal(app.counts().refreshesSucceeded, refreshes + 1, "one refresh");
  await tab.run(
    async (auth, api, other) => {
      await auth.diagnostics();
      await auth.fetch(`${api}/open/1?kind=json`).catch(() => {});
      for (const url of [`${api}/status/403`, `${other}/`, "http://localhost:1/"]) {
        await auth.fetch(url).catch(() => {});
      }
      await auth.exportAccessToken().catch(() => {});
    },
    api,
    e2e.servers.other,
  );
}

/**
 * Runs one of the attacker's functions in the page's own realm.
 *
 * @param {Tab} tab
 * @param {string} file under page/
 * @param {string} name of the export
 * @param {unknown[]} given
 * @returns {Promise<any>} what it gives, as JSON
 */
export function attack(tab, file, name, ...given) {
  return tab.run(
    async (_, url, name, given) => {
      const script = await window.tw.load(url);
      const outcome = await script[name](...JSON.parse(given));
      return JSON.parse(JSON.stringify(outcome ?? null));
    },
    `/attacks/${file}`,
    name,
    JSON.stringify(given),
  );
}

/**
 * Everything that the attacker has: what its server received, and what the tab's realm holds.
 *
 * @param {Tab} [tab]
 * @returns {Promise<string[]>} attack and text in turn
 */
export async function hoard(tab) {
  const held = tab
    ? await tab.run(async () => {
        const attacker = await window.tw.load("/attacks/attacker.js");
        await attacker.arrived();
        return JSON.stringify(attacker.holdings());
      })
    : "[]";
  const kept = new Set(pairs(JSON.parse(held)));
  for (const { url, headers, body } of e2e.servers.direct.other.log.list()) {
    if (url === "/loot") for (const pair of pairs(JSON.parse(body || "[]").flat())) kept.add(pair);
    const request = JSON.stringify([url, headers, url === "/loot" ? "" : body]);
    kept.add(`the attacker's server\n${request}`);
  }
  // As a rule the server received what the realm holds: that is searched once.
  return [...kept].flatMap((pair) => {
    const at = pair.indexOf("\n");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
}

/** @param {string[]} kept attack and text in turn */
function pairs(kept) {
  return kept.flatMap((text, at) => (at % 2 ? [`${kept[at - 1]}\n${text}`] : []));
}

/**
 * The credentials in a hoard, by attack.
 *
 * @param {string[]} kept
 * @param {Sought[]} sought
 * @returns {Map<string, string[]>}
 */
export function stolen(kept, sought) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const { place, kind, form } of search(kept, sought)) {
    found.set(place, [...(found.get(place) ?? []), `${kind} token, ${form}`]);
  }
  return found;
}

/**
 * The verifiers of this client's codes: with a code each is a sign-in.
 *
 * @param {Application} app
 * @returns {Sought[]}
 */
export function verifiers(app) {
  return e2e.servers.direct.provider.log
    .list()
    .filter(({ form }) => form.client_id === app.clientId && form.code_verifier)
    .map(({ form }) => ({ kind: "verifier", token: String(form.code_verifier) }));
}

/**
 * Shows that a session is what it was: signed in, called for, and nobody else has been asked for tokens.
 *
 * @param {Tab} tab
 */
export async function assertUnharmed(tab) {
  assert.equal((await tab.state()).status, "signedIn");
  assert.equal((await tab.call(`${e2e.servers.api}/me`)).status, 200);
}

/** @param {string} name an attack's, which is given without its ids */
export function short(name) {
  return name.replace(/ \([^)]*\)$/, "");
}

/**
 * Words that the attacks of a test are to hear, one each.
 *
 * @param {string[]} names
 * @returns {Record<string, string>}
 */
export function canaries(names) {
  return Object.fromEntries(names.map((name) => [name, `canary${randomBytes(9).toString("hex")}`]));
}

/**
 * What of attacks that read was not as it should be: each must find nothing, and show that it looked; one with a
 * limit must find the refresh token, and nothing else.
 *
 * @param {(Attack & { shows?: RegExp })[]} attacks
 * @param {Record<string, string>} words that were planted
 * @param {Record<string, string>} threw what an attack threw
 * @param {string[]} kept
 * @param {Sought[]} sought
 */
export function judgeReads(attacks, words, threw, kept, sought) {
  const found = stolen(kept, sought);
  /** @type {Map<string, string>} */
  const problems = new Map();
  const lacks = Object.entries(engine.lacks).map(([, why]) => why);
  const ran = attacks.filter(({ name }) => lacks.length === 0 || !name.includes("private files"));
  for (const { name, shows, limit } of ran) {
    const what = short(name);
    const hits = found.get(what);
    const heard = kept.filter((_, at) => kept[at - 1] === what).join("\n");
    if (threw[what]) problems.set(name, threw[what]);
    else if (limit && hits?.every((hit) => hit.startsWith("refresh "))) continue;
    else if (hits || limit) problems.set(name, `${hits}`);
    else if (shows ? !shows.test(heard) : !heard.includes(words[what] ?? "no word")) {
      problems.set(name, `it read nothing: ${heard.slice(0, 300)}`);
    }
  }
  const limited = ran.filter(({ limit }) => limit).map(({ name }) => short(name));
  assert.deepEqual([...found.keys()], limited);
  return { ran, problems };
}

/**
 * The same for spies: each must hear its own word, and no credential.
 *
 * @param {Attack[]} attacks
 * @param {Map<string, string>} problems to which it adds
 * @param {Application} app
 * @param {Tab} tab
 * @param {Sought[]} keys
 */
export async function spied(attacks, problems, app, tab, keys) {
  const found = await heard(attacks, problems, app, tab, keys);
  for (const { name } of attacks) {
    const hits = found.get(short(name));
    if (hits) problems.set(name, hits.join());
  }
  assert.deepEqual([...found.keys()], []);
}

/**
 * What credentials spies heard, each of which must hear its own word.
 *
 * @param {Attack[]} attacks
 * @param {Map<string, string>} problems to which it adds
 * @param {Application} app
 * @param {Tab} tab
 * @param {Sought[]} keys
 * @param {boolean} [isQuiet] whether nothing that was heard is read out of the page, where it would be heard once more
 * @returns {Promise<Map<string, string[]>>} by the attack's name, without ids
 */
export async function heard(attacks, problems, app, tab, keys, isQuiet = false) {
  const words = canaries(attacks.map(({ name }) => short(name)));
  await attack(tab, "spies.js", "probeAll", words);
  if (isQuiet) await attack(tab, "attacker.js", "arrived");
  const kept = await hoard(isQuiet ? undefined : tab);
  const sought = [...app.tokens(), ...keys, ...verifiers(app)];
  for (const kind of ["access", "refresh", "id", "verifier"]) {
    assert.ok(
      sought.some((one) => one.kind === kind),
      kind,
    );
  }
  for (const { name } of attacks) {
    const word = words[short(name)] ?? "";
    const atServer = e2e.servers.direct.other.log.list().some(({ body }) => body.includes(word));
    if (!atServer) problems.set(name, "the spy is deaf");
  }
  await assertUnharmed(tab);
  return stolen(kept, sought);
}

/**
 * Prints what became of each attack and holds it to what its entry says, and to docs/threats.md.
 *
 * @param {import("node:test").TestContext} t
 * @param {Attack[]} attacks
 * @param {Map<string, string>} problems what of an attack was not as it should be
 * @param {string} [cell] the column, where it is another than this run's
 */
export async function judge(t, attacks, problems, cell = CELL) {
  const outcomes = Object.fromEntries(
    attacks.map(({ name, limit = "stopped" }) => {
      const problem = problems.get(name);
      return [name, problem ? `NOT AS SAID (${limit}): ${problem}` : limit];
    }),
  );
  assert.equal(Object.keys(outcomes).length, attacks.length, "two attacks have one name");
  for (const [name, outcome] of Object.entries(outcomes)) {
    const column = cell
      .replace(CELL.slice(CELL.indexOf("/")), "")
      .replace(engine.name, "")
      .trim();
    const attack = column ? `${name} (${column.replace("/", "")})` : name;
    t.diagnostic(`outcome: ${JSON.stringify({ attack, outcome })}`);
  }
  assert.deepEqual(Object.fromEntries(problems), {});
  await publish(cell, outcomes);
  const stopped = attacks.filter(({ limit }) => !limit).length;
  const counts = { attacks: attacks.length, stopped, "said limits": attacks.length - stopped };
  t.diagnostic(`figure: ${JSON.stringify({ matrix: "attacks", counts: Object.entries(counts) })}`);
}
