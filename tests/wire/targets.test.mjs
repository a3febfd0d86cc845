// @ts-check
// Hostile addresses in a real engine, which parses them its own way: one call for each, judged by what that
// engine's `URL` says of it, and by what reached any server.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { once } from "../e2e/harness/place.mjs";
import { CREDENTIALS, figure, Wire } from "./harness.mjs";
import { hostileUrls } from "./hostile-urls.mjs";

const wire = new Wire();

const VECTORS = new URL("../../../shared/vectors/wpt-url/urltestdata.json", import.meta.url);

/** @typedef {{ url: string, base?: string | null }} Asked an address, relative to a base where it has one */
/**
 * @typedef {object} Seen
 * @property {{ origin: string, pathname: string, isBare: boolean, isWeb: boolean } | null} own what the
 *   engine's `URL` makes of it
 * @property {string} outcome an `AuthError`'s code, `TypeError`, or `sent`
 * @property {string} [to] the answer's address
 */
/** @typedef {{ origin: string, within?: RegExp }} Place where a credential may go */

/** Encoded dots and slashes that a server may read as such, and segments that some servers cut. */
const TRICK = /%2[ef]|%5c|\\|\/\.\.?(?:;[^/]*)?(?:\/|$)/i;

/** @param {string} path that a server may decode twice */
function isPlain(path) {
  const decoded = (/** @type {string} */ path) =>
    path.replace(/%([0-9a-f]{2})/gi, (_, two) => String.fromCharCode(Number.parseInt(two, 16)));
  const once = decoded(path);
  return ![path, once, decoded(once)].some((path) => TRICK.test(path));
}

const AT_ONCE = 16;
/** How many a page is asked for before the driver hears of it, which does not wait for ever. */
const PORTION = 150;

/**
 * @param {import("../e2e/harness/tab.mjs").Tab} tab
 * @param {Asked[]} asked
 * @returns {Promise<Seen[]>}
 */
async function call(tab, asked) {
  /** @type {Seen[]} */
  const seen = [];
  for (let from = 0; from < asked.length; from += PORTION) {
    const seenNow = await tab.run(
      async (auth, asked, atOnce) => {
        /** @type {Seen[]} */
        const seen = [];
        /** @param {Asked} asked */
        const one = async ({ url, base }) => {
          let own = null;
          try {
            const parsed = new URL(url, base ?? location.href);
            const isBare = !parsed.username && !parsed.password;
            // A `blob:` URL has the origin of the address within it.
            const isWeb = /^https?:$/.test(parsed.protocol);
            own = { origin: parsed.origin, pathname: parsed.pathname, isBare, isWeb };
          } catch {}
          if (base && !own) return { own, outcome: "TypeError" };
          try {
            const response = await auth.fetch(base ? new URL(url, base) : url);
            await response.text();
            return { own, outcome: "sent", to: response.url };
          } catch (error) {
            const { code, name, message } = /** @type {any} */ (error);
            if (name === "TypeError") return { own, outcome: "TypeError" };
            return { own, outcome: typeof code === "string" ? code : `${name}: ${message}` };
          }
        };
        const queue = [...asked.entries()];
        const work = async () => {
          for (let next = queue.shift(); next; next = queue.shift()) {
            seen[next[0]] = await one(next[1]);
          }
        };
        await Promise.all(Array.from({ length: atOnce }, work));
        return seen;
      },
      asked.slice(from, from + PORTION),
      AT_ONCE,
    );
    seen.push(...seenNow);
  }
  return seen;
}

/**
 * Holds each outcome to the engine's own reading.
 *
 * @param {Asked[]} asked
 * @param {Seen[]} seen
 * @param {Place[]} places
 */
function judge(asked, seen, places) {
  for (const [at, { own, outcome, to }] of seen.entries()) {
    const words = JSON.stringify([asked[at], own, outcome, to]);
    const place = own?.isWeb && places.find(({ origin }) => origin === own.origin);
    const isWithin = place && (place.within?.test(own.pathname) ?? true);
    const isReadOneWay = place && (place.within === undefined || isPlain(own.pathname));
    if (!own?.isBare) {
      // A `Request` takes no user name; what is none of ours to refuse is the browser's `TypeError`.
      assert.equal(outcome, "TypeError", words);
    } else if (isWithin && isReadOneWay) {
      assert.equal(outcome, "sent", words);
      assert.equal(new URL(String(to)).origin, own.origin, words);
    } else {
      assert.match(outcome, /^(target_not_allowed|request_invalid)$/, words);
    }
  }
}

/**
 * Plays addresses against an application whose bearer token goes to one origin and whose API key to paths of
 * another.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} matrix
 * @param {(at: { bearer: string, key: string }) => Asked[]} addresses
 */
async function play(t, matrix, addresses) {
  const { e2e, at, resource, other } = wire;
  const [bearer, key] = [at.resource, at.port];
  const app = await e2e.application({
    options: {
      apiKeys: { k: {} },
      resources: [{ origin: bearer }, { origin: key, paths: ["/in"], credential: "apiKey:k" }],
    },
  });
  const tab = await app.openSignedIn();
  const keys = (await CREDENTIALS["API key"]?.hand?.(tab)) ?? [];
  const tokenRequests = app.counts().tokenRequests;
  for (const one of [resource, other]) one.reset();
  const asked = addresses({ bearer, key });
  const seen = await call(tab, asked);
  // What the servers say, whatever the page was told.
  const isMeant = (/** @type {import("./harness.mjs").Recorded} */ { origin, url, headers }) =>
    origin === bearer
      ? headers["x-api-key"] === undefined
      : origin === key && /^\/in([/?]|$)/.test(url) && headers.authorization === undefined;
  const elsewhere = [...e2e.servers.direct.other.log.list(), ...e2e.servers.direct.app.log.list()]
    .filter(({ headers }) => headers.authorization ?? headers["x-api-key"])
    .map(({ url, headers }) => ({ to: `${headers.host}${url}` }));
  const outside = [...wire.leaks(app, keys, isMeant), ...elsewhere];
  const places = [{ origin: bearer }, { origin: key, within: /^\/in(\/|$)/ }];
  const sent = seen.filter(({ outcome }) => outcome === "sent").length;
  figure(t, matrix, {
    calls: asked.length,
    sent,
    "no address": seen.filter(({ own }) => !own?.isBare).length,
    "credentials outside": outside.length,
  });
  assert.deepEqual(outside, []);
  judge(asked, seen, places);
  const received = [...resource.received(), ...other.received()];
  assert.equal(received.length, sent, "one request for each that was sent");
  for (const { origin, url, headers } of received) {
    const isBearer = headers.authorization !== undefined;
    const isKey = headers["x-api-key"] !== undefined;
    if (origin === bearer) assert.deepEqual([isBearer, isKey], [true, false], url);
    else assert.deepEqual([origin, isBearer, isKey], [key, false, true], url);
  }
  assert.deepEqual(app.calls(), [], "the API is no resource here");
  assert.equal(app.counts().tokenRequests, tokenRequests);
}

test(
  "hostile addresses reach no other server with a credential (t6, t8, t10, st8, ak1)",
  once,
  async (t) => {
    const otherHost = new URL(wire.e2e.servers.other).host;
    await play(t, "hostile URLs", ({ bearer, key }) => {
      const urls = [...hostileUrls(bearer, otherHost), ...hostileUrls(key, otherHost)];
      assert.ok(urls.length >= 800, "at least 400 for each resource");
      return urls.map((url) => ({ url }));
    });
  },
);

const skip = existsSync(VECTORS) ? false : "the URLs of WPT are not here (../shared/vectors)";

test("the URLs of WPT reach no other server with a credential (t6, t7, t8)", {
  skip,
  ...once,
}, async (t) => {
  await play(t, "WPT URLs", ({ bearer, key }) => {
    /** @type {(string | { input: string, base: string | null })[]} */
    const all = JSON.parse(readFileSync(VECTORS, "utf8"));
    const vectors = all.filter((one) => typeof one !== "string");
    assert.equal(vectors.length, 891);
    // As they are, and about an origin that is a resource.
    const plain = vectors.map(({ input, base }) => ({ url: input, base }));
    const about = (/** @type {string} */ origin) => {
      const { host } = new URL(origin);
      const aimed = (/** @type {string} */ text) =>
        text.replaceAll(/\bexample\.(org|com)\b/g, host);
      return plain.flatMap(({ url, base }) => {
        const one = { url: aimed(url), base: base && aimed(base).replace(/^https:/, "http:") };
        return one.url === url && one.base === base ? [] : [one];
      });
    };
    return [...plain, ...about(bearer), ...about(key)];
  });
});
