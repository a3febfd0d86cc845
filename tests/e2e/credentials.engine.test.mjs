// @ts-check
// API keys and signatures: what the resource receives, where they never go, and that no page can look at
// a key that it gave away.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { BOUND, signedAnswer, verified } from "./harness/http-signature.mjs";
import { suite } from "./harness/suite.mjs";
import { authError } from "./harness/tab.mjs";
import { search } from "./harness/token-search.mjs";

// The vault fetches keys from its own origin where they have an `endpoint`.
const e2e = suite({ vaultConnects: "'self' {other}" });

/** What reached the resource, preflights aside. */
const received = () =>
  e2e.servers.direct.other.log.list().filter(({ method }) => method !== "OPTIONS");

/** @param {string} name */
const headers = (name) => received().map(({ headers }) => headers[name]);

/**
 * An application whose keys go to the look-alike, and one of its pages. Nobody is signed in.
 *
 * @param {object} options
 * @param {string} credential
 * @param {{ page?: object, more?: object }} [more]
 */
async function open(options, credential, { page = {}, more = {} } = {}) {
  const { other, api } = e2e.servers;
  const resources = [{ origin: other, credential, ...more }, { origin: api }];
  const app = await e2e.application({ page, options: { resources, ...options } });
  const tab = await app.open();
  await tab.ready();
  return { app, tab };
}

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {string | null} key
 */
const setApiKey = (tab, key) => tab.run((auth, key) => auth.setApiKey("k", key), key);

/**
 * @param {import("./harness/tab.mjs").Tab} tab
 * @param {Buffer | null} key
 */
const setSigningKey = (tab, key) =>
  tab.run((auth, key) => auth.setSigningKey("k", key && Uint8Array.from(key)), key && [...key]);

const SIGNATURE = { signatures: { k: { keyId: "key-1" } } };

test("an API key goes to its resource, in its header, and is replaced without a reload (ak1)", async () => {
  const { other } = e2e.servers;
  const { tab } = await open(
    { apiKeys: { k: { header: "X-Subscription", prefix: "Key " } } },
    "apiKey:k",
    { more: { paths: ["/in"], methods: ["GET", "POST"] } },
  );
  const missing = authError("key_missing", /setApiKey/, { phase: "fetch", retryable: false });
  await assert.rejects(tab.call(`${other}/in`), missing);
  assert.deepEqual(received(), []);
  for (const key of ["first", "second/+=~"]) {
    await setApiKey(tab, key);
    assert.equal((await tab.call(`${other}/in?a=1`, { method: "POST", body: "x" })).status, 200);
  }
  assert.deepEqual(headers("x-subscription"), ["Key first", "Key second/+=~"]);
  assert.deepEqual(headers("authorization"), [undefined, undefined]);
  assert.deepEqual(
    received().map(({ method, url, body }) => [method, url, body]),
    Array(2).fill(["POST", "/in?a=1", "x"]),
  );
  for (const [path, init] of /** @type {[string, RequestInit][]} */ ([
    ["/out", {}],
    ["/in", { method: "PUT" }],
  ])) {
    await assert.rejects(
      tab.call(other + path, init),
      authError("target_not_allowed", /path|method/),
    );
  }
  const own = tab.call(`${other}/in`, { headers: { "x-SUBSCRIPTION": "mine" } });
  await assert.rejects(own, authError("request_invalid", /header of its own/));
  for (const bad of ["", "a b", "a\nb", "\u{e4}", "x".repeat(4097)]) {
    await assert.rejects(setApiKey(tab, bad), authError("key_invalid", /ASCII/), bad.slice(0, 9));
  }
  const unknown = tab.run((auth) => auth.setApiKey("other", "x"));
  await assert.rejects(unknown, authError("key_invalid", /apiKeys/));
  assert.equal((await tab.call(`${other}/in`)).status, 200, "the last good one is still there");
  await setApiKey(tab, null);
  await assert.rejects(tab.call(`${other}/in`), missing);
  assert.equal(received().length, 3);
});

test("a signature is what its server computes of the request it received (hs1, hs5, hs8, hs9)", async () => {
  const { other } = e2e.servers;
  const { tab } = await open(SIGNATURE, "signature:k");
  const keys = [randomBytes(32), randomBytes(64)];
  const calls = /** @type {[string, RequestInit | undefined][]} */ ([
    ["", undefined],
    ["/a%20b/../c?x=%7E&y=1+2%2f&x=&=#fragment", undefined],
    [
      "/json?q",
      { method: "POST", body: '{"a":"\u{e4}"}', headers: { "content-type": "application/json" } },
    ],
    ["/put", { method: "PUT", body: "x".repeat(100_000) }],
    ["/gone?", { method: "DELETE" }],
  ]);
  const before = Math.floor(Date.now() / 1000);
  for (const key of keys) {
    await setSigningKey(tab, key);
    for (const [path, init] of calls)
      assert.equal((await tab.call(other + path, init)).status, 200);
  }
  const all = received();
  assert.equal(all.length, 2 * calls.length);
  const nonces = new Set();
  for (const [at, request] of all.entries()) {
    const key = /** @type {Buffer} */ (keys[Math.floor(at / calls.length)]);
    const { label, covered, parameters } = verified(request, key);
    const { created, expires, nonce, ...said } = parameters;
    assert.equal(label, "sig1");
    assert.deepEqual(said, { alg: "hmac-sha256", keyid: "key-1" });
    assert.ok(Number(created) >= before && Number(expires) === Number(created) + 300);
    const usual = ['"@method"', '"@authority"', '"@path"', '"@query"'];
    assert.deepEqual(covered, request.body ? [...usual, '"content-digest"'] : usual);
    nonces.add(nonce);
    const forged = { ...request, url: `${request.url}x`, headers: { ...request.headers } };
    assert.throws(() => verified(forged, key), /@path|@query/);
    assert.throws(() => verified(request, randomBytes(32)));
  }
  assert.equal(nonces.size, all.length, "a replay is seen");
});

test("what is covered is covered in its order, and nothing is sent that lacks it (hs3, hs4, hs6, hs9)", async () => {
  const { other } = e2e.servers;
  const components = [
    "x-test",
    "@method",
    '@query-param;name="a%20b"',
    "content-digest",
    "@target-uri",
    "@scheme",
    "@request-target",
    "content-type",
  ];
  const { tab } = await open(
    { signatures: { k: { keyId: "k", components, tag: "app", expiresInS: 5, label: "mine" } } },
    "signature:k",
  );
  const key = randomBytes(32);
  for (const bad of [randomBytes(31), Buffer.alloc(4097)]) {
    await assert.rejects(setSigningKey(tab, bad), authError("key_invalid", /32/));
  }
  const text = tab.run((auth) => auth.setSigningKey("k", /** @type {any} */ ("x".repeat(32))));
  await assert.rejects(text, /TypeError|typed array|Uint8Array|TypedArray/i);
  await setSigningKey(tab, key);
  const url = `${other}/p?a+b=1%202&c=3`;
  const good = { "x-test": " one ", "content-type": "text/x" };
  await tab.call(url, { headers: good });
  const [request] = received();
  assert.ok(request);
  const { label, covered, parameters } = verified(request, key);
  assert.equal(label, "mine");
  assert.deepEqual(
    covered.map((one) => one.replace(/^"([^"]*)"/, "$1")),
    components,
  );
  assert.equal(parameters.tag, "app");
  assert.equal(Number(parameters.expires) - Number(parameters.created), 5);
  for (const [target, headers] of /** @type {[string, Record<string, string>][]} */ ([
    [url, { "content-type": "text/x" }],
    [url, { ...good, "x-test": "\u{e4}" }],
    [`${other}/p?c=3`, good],
    [`${url}&a+b=2`, good],
    [url, { ...good, Signature: "mine=:AA==:" }],
    [url, { ...good, "Content-Digest": "sha-256=:AA==:" }],
  ])) {
    await assert.rejects(
      tab.call(target, { headers }),
      authError("request_invalid", /covers|header of its own/),
    );
  }
  assert.equal(received().length, 1);
});

test("a key is fetched once for all who wait, and again when the resource refuses it (ak1, br5)", async () => {
  const { other } = e2e.servers;
  for (const [credential, member, one, two] of /** @type {const} */ ([
    ["apiKey:k", "apiKeys", "old-key", "new-key"],
    [
      "signature:k",
      "signatures",
      randomBytes(32).toString("base64url"),
      randomBytes(40).toString("base64url"),
    ],
  ])) {
    const keyId = member === "signatures" ? { keyId: "k" } : {};
    const file = `key-${credential.replace(":", "-")}`;
    const endpoint = `/settings/${file}.json`;
    /** @param {object} answer */
    const answers = (answer) => e2e.settle(file, /** @type {any} */ (answer));
    const fetches = () =>
      e2e.servers.direct.app.log.list().filter(({ url }) => url === endpoint).length;
    /** @param {import("./harness/http-signature.mjs").Received} request @param {string} key */
    const isGood = (request, key) => {
      if (member === "apiKeys") return request.headers["x-api-key"] === key;
      try {
        return verified(request, Buffer.from(key, "base64url")) !== undefined;
      } catch {
        return false;
      }
    };
    const { tab } = await open({ [member]: { k: { ...keyId, endpoint } } }, credential);
    await assert.rejects(
      tab.call(`${other}/x`),
      authError("key_unavailable", /endpoint/, { phase: "fetch" }),
      "there is no such file",
    );
    await answers({ key: 1 });
    await assert.rejects(tab.call(`${other}/x`), authError("key_unavailable", /"key"/));
    await answers({ key: "no key at all" });
    await assert.rejects(tab.call(`${other}/x`), authError("key_invalid", /base64url|ASCII/));
    assert.deepEqual(received(), []);

    await answers({ key: one });
    const before = fetches();
    await tab.run((auth, url) => Promise.all([1, 2, 3].map(() => auth.fetch(url))), `${other}/x`);
    assert.equal(fetches() - before, 1, "one for all");
    assert.ok(received().length === 3 && received().every((request) => isGood(request, one)));

    // From now on the resource knows the next key alone.
    e2e.servers.direct.other.setAnswer("/x", async (request) => {
      if (isGood(request, two)) return { status: 200 };
      await answers({ key: two });
      return { status: 401 };
    });
    const answer = await tab.call(`${other}/x`, { method: "POST", body: "again" });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      received()
        .slice(3)
        .map(({ body }) => body),
      ["again", "again"],
    );
    assert.equal(fetches() - before, 2);

    e2e.servers.direct.other.setAnswer("/x", { status: 401 });
    assert.equal((await tab.call(`${other}/x`)).status, 401, "at most once");
    assert.equal(received().length, 7);
    assert.equal(fetches() - before, 3);
    e2e.servers.direct.other.reset();
  }
});

test("no redirect takes a key along, and the call says so (t9, ak1, hs10)", async () => {
  const { other, api } = e2e.servers;
  for (const [options, credential, hand] of /** @type {const} */ ([
    [{ apiKeys: { k: {} } }, "apiKey:k", () => setApiKey],
    [SIGNATURE, "signature:k", () => setSigningKey],
  ])) {
    const { app, tab } = await open(options, credential);
    if (hand() === setApiKey) await setApiKey(tab, "the-key");
    else await setSigningKey(tab, randomBytes(32));
    const before = received().length;
    let sent = 0;
    for (const status of [301, 302, 303, 307, 308]) {
      for (const to of [`${api}/open/1`, `${other}/elsewhere`]) {
        e2e.servers.direct.other.setAnswer("/away", { status, headers: { Location: to } });
        await assert.rejects(tab.call(`${other}/away`), authError("redirect_refused", /final URL/));
        sent += 1;
      }
    }
    assert.deepEqual(app.calls(), [], "nothing came to the other origin");
    const urls = received()
      .slice(before)
      .map(({ url }) => url);
    assert.deepEqual(urls, Array(sent).fill("/away"), "nor to another place of this one");
  }
});

test("no page can look at a key that it gave away, and a sign-out has it forgotten (ak1, t9)", async () => {
  const { other } = e2e.servers;
  const endpoint = "/settings/hidden-key.json";
  const keys = {
    apiKey: `api-${randomBytes(16).toString("hex")}`,
    signing: randomBytes(32),
    fetched: `fetched-${randomBytes(16).toString("hex")}`,
  };
  await e2e.settle("hidden-key", /** @type {any} */ ({ key: keys.fetched }));
  const options = {
    apiKeys: { k: {}, f: { header: "apikey", endpoint } },
    signatures: { k: { keyId: "k" } },
  };
  const resources = [
    { origin: other, paths: ["/k"], credential: "apiKey:k" },
    { origin: other, paths: ["/f"], credential: "apiKey:f" },
    { origin: other, paths: ["/s"], credential: "signature:k" },
  ];
  const { tab } = await open({ ...options, resources }, "", { page: { watched: true } });
  await setApiKey(tab, keys.apiKey);
  await setSigningKey(tab, keys.signing);
  for (const path of ["/k", "/f", "/s"]) {
    assert.equal((await tab.call(other + path)).status, 200, path);
    await assert.rejects(
      tab.call(`${other}${path}`, { headers: { Signature: "x", apikey: "x", "x-api-key": "x" } }),
    );
  }
  await tab.run((auth) => auth.diagnostics());
  assert.equal(headers("x-api-key")[0], keys.apiKey);
  assert.equal(headers("apikey")[1], keys.fetched);
  verified(/** @type {any} */ (received()[2]), keys.signing);

  await tab.run(() => window.tw.collect?.());
  const kept = await tab.run(() => window.tw.kept);
  const signature = String(headers("signature")[2]);
  const sought = [
    { kind: "API key", token: keys.apiKey },
    { kind: "fetched key", token: keys.fetched },
    { kind: "signing key", token: keys.signing.toString("base64url") },
    { kind: "signing key", token: keys.signing.toString("latin1") },
    { kind: "signing key", token: keys.signing.join(",") },
    { kind: "signature", token: signature.slice(6, -2) },
  ];
  // What the page posts has the bytes, until the vault has them.
  const hits = search(kept, sought).filter(({ place }) => place !== "message sent");
  assert.deepEqual(hits, []);
  assert.ok(kept.length > 20, "there was something to search");

  await tab.run((auth) => auth.signOut());
  for (const path of ["/k", "/s"]) {
    await assert.rejects(tab.call(other + path), authError("key_missing", /sign-out/), path);
  }
  const count = received().length;
  assert.equal((await tab.call(`${other}/f`)).status, 200, "who may have it fetches it anew");
  assert.equal(received().length, count + 1);
});

test("an answer that must be signed is handed out whole, or not at all (hs1, hs2, hs8)", async () => {
  const { other } = e2e.servers;
  const key = randomBytes(32);
  const signatures = {
    k: { keyId: "key-1", responses: "bound" },
    s: { keyId: "key-1", responses: "signed" },
  };
  const resources = [
    { origin: other, paths: ["/bound"], credential: "signature:k" },
    { origin: other, paths: ["/signed"], credential: "signature:s" },
  ];
  const { tab } = await open({ signatures, resources }, "");
  for (const name of ["k", "s"]) {
    await tab.run((auth, name, key) => auth.setSigningKey(name, Uint8Array.from(key)), name, [
      ...key,
    ]);
  }
  /** @typedef {import("./harness/http-signature.mjs").Received} Received */
  /**
   * @param {string} path
   * @param {(request: Received) => object} answer
   */
  const answers = (path, answer) => {
    const planned = /** @param {any} request */ (request) => {
      verified(request, key);
      return answer(request);
    };
    e2e.servers.direct.other.setAnswer(path, planned);
  };
  /** @param {Received} request */
  const good = (request) =>
    signedAnswer(request, key, { status: 201, body: `{"a":"${"\u{e4}".repeat(100_000)}"}` });
  answers("/bound", good);
  answers("/signed", (request) =>
    signedAnswer(request, key, { body: "{}", covered: BOUND.slice(0, 2) }),
  );
  const answer = await tab.call(`${other}/bound?x=1`, { method: "POST", body: "order" });
  assert.deepEqual(answer, { status: 201, text: `{"a":"${"\u{e4}".repeat(100_000)}"}` });
  assert.deepEqual(await tab.call(`${other}/signed`), { status: 200, text: "{}" });

  /** @type {any} */
  let first;
  const now = Math.floor(Date.now() / 1000);
  const bad = /** @type {[string, RegExp, (request: Received) => any][]} */ ([
    ["/bound", /status 200.*Expose-Headers/, () => ({ body: { secret: "?" } })],
    ["/bound", /status 401.*Expose-Headers/, () => ({ status: 401 })],
    ["/bound", /Content-Digest/, (request) => ({ ...good(request), body: "{}" })],
    ["/bound", /signature is wrong/, (request) => ({ ...good(request), status: 200 })],
    [
      "/bound",
      /signature is wrong/,
      (request) => signedAnswer(request, randomBytes(32), { body: "{}" }),
    ],
    [
      "/bound",
      /does not cover the request's/,
      (request) => signedAnswer(request, key, { body: "{}", covered: BOUND.slice(0, 2) }),
    ],
    [
      "/signed",
      /`@status`/,
      (request) => signedAnswer(request, key, { body: "{}", covered: BOUND.slice(1) }),
    ],
    [
      "/signed",
      /not of this time/,
      (request) => signedAnswer(request, key, { body: "{}", created: now - 4000 }),
    ],
    [
      "/signed",
      /4 MiB/,
      (request) => signedAnswer(request, key, { body: "x".repeat(2 ** 22 + 1) }),
    ],
    [
      "/signed",
      /Expose-Headers/,
      (request) => {
        const { headers, ...more } = good(request);
        return { ...more, headers: { ...headers, "Access-Control-Expose-Headers": "Signature" } };
      },
    ],
    ["/bound", /signature is wrong/, (request) => (first ??= good(request))],
  ]);
  for (const [path, why, answer] of bad) {
    if (answer === bad.at(-1)?.[2]) {
      answers("/bound", answer);
      assert.equal((await tab.call(`${other}/bound`)).status, 201, "the answer to the first one");
    }
    answers(path, answer);
    await assert.rejects(
      tab.call(other + path),
      authError("response_signature_invalid", why, { phase: "fetch", retryable: false }),
    );
  }
});
