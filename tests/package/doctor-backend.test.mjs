// @ts-check
// `npx tokenward doctor` and the backend of `refreshCookie`: one that is right, and then wrong in one thing at a time.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { createBackend } from "../servers/backend.mjs";
import { sendJson } from "../servers/body.mjs";
import { listen } from "../servers/listen.mjs";
import { CSP, VAULT } from "./doctor-cases.mjs";
import { startSite } from "./doctor-site.mjs";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {(req: Request, res: Response, good: import("node:http").RequestListener) => void} Way */
/**
 * @typedef {object} Given
 * @property {Record<string, unknown>} [config]
 * @property {string[]} [besides] the origins that it serves beside the vault's
 * @property {string} [policy] where the vault's lets it connect to, if not there
 * @property {boolean} [isApart] whether it revokes at another origin
 */

/** A page's, of an application whose vault is at the site's. */
const APP = "https://app.example.com";
const COOKIE = "backend cookie __Host-Http-spa";
const NAMES = ["connect-src", "CORS", "header", "origins", "session", "revocation"];
const ALL = [...NAMES.map((name) => `backend ${name}`), COOKIE];

/** @type {import("./doctor-site.mjs").Site} */
let site;
/** @type {import("../servers/listen.mjs").Listening} */
let server;
/** @type {import("../servers/backend.mjs").BackendHandle} */
let backend;
let at = "";
/** @type {Way} */
let way;

/** @type {Way} */
const rightly = (req, res, good) => good(req, res);

before(async () => {
  site = await startSite();
  server = await listen();
  at = `http://localhost:${server.port}`;
  backend = createBackend({ issuer: site.origin, app: site.origin, secureCookies: true });
  server.serve((req, res) => way(req, res, backend.handler));
});
after(async () => {
  await server?.close();
  await site?.close();
});
beforeEach(() => {
  backend.reset();
  way = rightly;
});

/**
 * Serves a vault that knows the backend.
 *
 * @param {Given} given
 */
function serveVault({ config, policy = at, isApart = false }) {
  const revoking = isApart ? `http://127.0.0.1:${server.port}` : at;
  const refreshCookie = { token: `${at}/token`, revocation: `${revoking}/revoke` };
  const own = String(site.right[VAULT]?.headers?.[CSP]);
  const headers = { [CSP]: own.replace("connect-src", `connect-src ${policy}`) };
  const body = site.bakedWith({ clientId: "spa", refreshCookie, ...config });
  site.serve(site.changed(VAULT, { body, headers }), backend.handler);
}

/**
 * What doctor says of the backend.
 *
 * @param {Given} [given]
 */
async function said(given = {}) {
  serveVault(given);
  if (given.besides) backend.settle({ origins: [site.origin, ...given.besides] });
  const { code, lines } = await site.doctor(`${site.origin}/`);
  const ours = lines.filter(({ name }) => name.startsWith("backend"));
  const wrong = ours.filter(({ level }) => level !== "ok");
  return { code, names: ours.map(({ name }) => name), wrong, lines: ours };
}

/** Whether it is the vault's, as it should be. @param {Request} req */
function isVaults({ method, headers }) {
  return method === "POST" && headers.origin === site.origin && headers["x-tokenward"] === "1";
}

/**
 * The vault is told something else.
 *
 * @param {string} place
 * @param {number} status
 * @param {unknown} [body]
 * @returns {Way}
 */
function telling(place, status, body = {}) {
  return (req, res, good) => {
    if (req.url !== place || !isVaults(req)) return good(req, res);
    res.setHeader("Access-Control-Allow-Origin", site.origin);
    res.setHeader("Access-Control-Allow-Credentials", "true");
    if (status === 302) res.setHeader("Location", `${site.origin}/`);
    sendJson(res, status, body);
  };
}

/**
 * A header is another, or none.
 *
 * @param {string} name
 * @param {string} [value]
 * @param {string} [method] in answers to these alone
 * @returns {Way}
 */
function sending(name, value, method) {
  return (req, res, good) => {
    const set = res.setHeader.bind(res);
    res.setHeader = (given, own) => {
      if (given !== name || (method && method !== req.method)) return set(given, own);
      return value === undefined ? res : set(name, value);
    };
    good(req, res);
  };
}

/**
 * Others are told that they may hear it.
 *
 * @param {string} method
 * @param {(origin: string) => string} allowed
 * @returns {Way}
 */
function sharing(method, allowed) {
  return (req, res, good) => {
    const { origin = "" } = req.headers;
    if (req.method === method && origin !== site.origin) {
      res.setHeader("Access-Control-Allow-Origin", allowed(origin));
    }
    good(req, res);
  };
}

/** @type {Way} */
const unmarked = (req, res, good) => {
  req.headers["x-tokenward"] = "1";
  good(req, res);
};

/** @type {Way} */
const forEverybody = (req, res, good) => {
  if (req.method === "POST") req.headers.origin = site.origin;
  good(req, res);
};

/** @param {string} place @param {Way} other @returns {Way} */
const onlyAt = (place, other) => (req, res, good) =>
  (req.url === place ? other : rightly)(req, res, good);

test("doctor asks the backend of a refresh cookie what it tells whom (ck1, ck2, ck4)", async () => {
  const { names, wrong } = await said();
  assert.deepEqual([names, wrong], [ALL, []]);
  assert.deepEqual(new Set(backend.log.list().map(({ cookie }) => cookie)), new Set([undefined]));
});

test("doctor asks the backend of a refresh cookie at the vault's own origin, too", async () => {
  const refreshCookie = {
    token: `${site.origin}/token`,
    revocation: `${site.origin}/revoke`,
  };
  const { names, wrong } = await said({ policy: "'self'", config: { refreshCookie } });
  assert.deepEqual([names, wrong], [ALL.filter((name) => name !== "backend CORS"), []]);
  // Without CORS nobody else's browser asks; it serves them all the same.
  backend.settle({ origins: [site.origin, "https://stranger.invalid"] });
  const served = await said({ policy: "'self'", config: { refreshCookie } });
  assert.deepEqual(
    served.wrong.map(({ name }) => name),
    ["backend origins"],
  );
});

/** @type {(Given & { what: string, way: Way })[]} */
const RIGHT = [
  {
    what: "what has no header is refused with the status of no session",
    way: (req, res, good) =>
      req.method === "POST" && req.headers["x-tokenward"] !== "1"
        ? sendJson(res, 400, { error: "invalid_request" })
        : good(req, res),
  },
  { what: "no session is 401", way: telling("/token", 401, { error: "invalid_grant" }) },
  { what: "a revocation is 204", way: telling("/revoke", 204) },
  { what: "there are proofs", way: rightly, config: { dpop: true } },
  {
    what: "it wants a proof first",
    way: telling("/token", 400, { error: "use_dpop_nonce" }),
    config: { dpop: true },
  },
  {
    what: "the vault is at an origin of its own",
    way: rightly,
    config: { appOrigins: [APP, "https://beta.example.com"] },
  },
];

for (const { what, way: other, ...given } of RIGHT) {
  test(`doctor asks the backend of a refresh cookie, and all is well: ${what}`, async () => {
    way = other;
    const { wrong } = await said(given);
    assert.deepEqual(wrong, []);
  });
}

/** @type {(Given & { name: string, what: string, way?: Way, says: RegExp })[]} */
const WRONG = [
  {
    name: "connect-src",
    what: "the vault may not reach it",
    policy: "",
    says: /^\S+\/token and \S+\/revoke: add http:\/\/localhost:\d+ to the vault's connect-src$/,
  },
  {
    name: "connect-src",
    what: "nor where it revokes",
    isApart: true,
    says: /^http:\/\/127\S+\/revoke: add http:\/\/127\.0\.0\.1:\d+ to/,
  },
  {
    name: "CORS",
    what: "it names nobody",
    way: sending("Access-Control-Allow-Origin"),
    says: /^\S+\/token and \S+\/revoke: .*a preflight with `Access-Control-Allow-Origin: http:\S+`, and .*requests with `Access-Control-Allow-Origin/,
  },
  {
    name: "CORS",
    what: "it forgets whom where it refuses",
    way: sending("Access-Control-Allow-Origin", undefined, "POST"),
    says: /nothing: answer its requests with `Access-Control-Allow-Origin: \S+`$/,
  },
  {
    name: "CORS",
    what: "it has no credentials",
    way: sending("Access-Control-Allow-Credentials"),
    says: /a preflight with `Access-Control-Allow-Credentials: true`, and/,
  },
  {
    name: "CORS",
    what: "it does not take the header where it revokes",
    way: onlyAt("/revoke", sending("Access-Control-Allow-Headers")),
    says: /^\S+\/revoke: .*a preflight with X-Tokenward in `Access-Control-Allow-Headers`$/,
  },
  {
    name: "CORS",
    what: "it takes no proofs",
    way: sending("Access-Control-Allow-Headers", "X-Tokenward"),
    config: { dpop: true },
    says: /^\S+\/token: .*a preflight with DPoP in `Access-Control-Allow-Headers`$/,
  },
  {
    name: "CORS",
    what: "it knows no preflight",
    way: (req, res, good) => {
      const { writeHead } = res;
      const status = (/** @type {number} */ own) => (own === 204 ? 405 : own);
      res.writeHead = (own, /** @type {any[]} */ ...more) =>
        writeHead.call(res, status(own), ...more);
      good(req, res);
    },
    says: /answer a preflight with 204 \(it is 405\)$/,
  },
  {
    name: "header",
    what: "it goes without",
    way: unmarked,
    says: /^\S+\/token and \S+\/revoke: what comes without `X-Tokenward` .*: answer 403, before/,
  },
  {
    name: "header",
    what: "it revokes without",
    way: onlyAt("/revoke", unmarked),
    says: /^\S+\/revoke: what comes without `X-Tokenward`/,
  },
  {
    name: "origins",
    what: "it serves everybody, who do not hear it",
    way: forEverybody,
    says: /^\S+\/token and \S+\/revoke: what comes from https:\/\/stranger\.invalid has .*: answer 403, before/,
  },
  {
    name: "origins",
    what: "it lets everybody revoke",
    way: onlyAt("/revoke", forEverybody),
    says: /^\S+\/revoke: what comes from/,
  },
  {
    name: "origins",
    what: "everybody hears that it refuses",
    way: sharing("POST", (origin) => origin),
    says: /: https:\/\/stranger\.invalid may hear it: send no `Access-Control-Allow-Origin`/,
  },
  {
    name: "origins",
    what: "everybody may send it what they like",
    way: sharing("OPTIONS", (origin) => origin),
    says: /: https:\/\/stranger\.invalid may hear it/,
  },
  {
    name: "origins",
    what: "it names everybody",
    way: sharing("OPTIONS", () => "*"),
    says: /: https:\/\/stranger\.invalid may hear it/,
  },
  {
    name: "origins",
    what: "it serves the page, from which the vault is apart",
    besides: [APP],
    config: { appOrigins: [APP] },
    says: /: what comes from https:\/\/app\.example\.com has .*; .*: https:\/\/app\.example\.com may/,
  },
  ...[401, 404, 500, 302].map((status) => ({
    name: "session",
    what: `it is ${status}`,
    way: telling("/token", status, "<h1>"),
    says: new RegExp(`/token answers ${status} where .*an outage.*; where .* answer 400 with`),
  })),
  {
    name: "session",
    what: "it has another name",
    way: telling("/token", 400, { error: "login_required" }),
    says: /answers 400 \(`login_required`\) where .* `{"error":"invalid_grant"}`$/,
  },
  {
    name: "session",
    what: "it has no name, and a status that is not the one of a refusal",
    way: (req, res, good) => {
      if (req.method === "POST" && !isVaults(req)) return sendJson(res, 401, {});
      telling("/token", 400)(req, res, good);
    },
    says: /answers 400 where/,
  },
  {
    name: "session",
    what: "it wants a proof, and none is made",
    way: telling("/token", 400, { error: "use_dpop_nonce" }),
    says: /answers 400 \(`use_dpop_nonce`\) where/,
  },
  {
    name: "session",
    what: "it is told as an outage",
    way: telling("/token", 503, { error: "invalid_grant" }),
    says: /answers 503/,
  },
  ...[400, 404].map((status) => ({
    name: "revocation",
    what: `of nothing it is ${status}`,
    way: telling("/revoke", status, { error: "invalid_token" }),
    says: new RegExp(`/revoke answers ${status} \\(.invalid_token.\\) where .*answer 200`),
  })),
];

for (const { name, what, way: other = rightly, says, ...given } of WRONG) {
  test(`doctor asks the backend of a refresh cookie, and complains of ${name}: ${what}`, async () => {
    way = other;
    const { code, wrong } = await said(given);
    assert.deepEqual(
      wrong.map((it) => [it.name, it.level]),
      [[`backend ${name}`, "problem"]],
      wrong.map(({ text }) => text).join("\n"),
    );
    assert.match(wrong[0]?.text ?? "", says);
    assert.equal(code, 1);
  });
}

test("doctor asks the backend of a refresh cookie that serves the page in the vault's place", async () => {
  backend.settle({ origins: [APP] });
  const { wrong } = await said({ config: { appOrigins: [APP] } });
  const names = ["CORS", "origins", "session", "revocation"].map((name) => `backend ${name}`);
  assert.deepEqual(
    wrong.map(({ name }) => name),
    names,
    "its header is looked at",
  );
  assert.match(wrong[1]?.text ?? "", /^\S+ and \S+: what comes from https:\/\/app\.example\.com/);
  assert.match(
    wrong[2]?.text ?? "",
    /403 \(`access_denied`\) where .*; where header and origin are right, answer 400/,
  );
});

test("doctor asks the backend of a refresh cookie for nobody but the vault, which is not the page", async () => {
  const program = path.join(site.unpacked, "bin/doctor/examine.js");
  const { examine } = await import(program);
  serveVault({});
  const addresses = {
    page: new URL(`${site.origin}/`),
    vault: new URL(VAULT, site.other),
    callback: undefined,
  };
  /** @param {string[]} origins */
  const wrong = async (origins) => {
    backend.settle({ origins });
    /** @type {import("./doctor-site.mjs").Line[]} */
    const lines = await examine(addresses);
    return lines.filter(({ level, name }) => level !== "ok" && name.startsWith("backend"));
  };
  assert.deepEqual(await wrong([site.other]), []);
  const [found, ...more] = await wrong([site.other, site.origin]);
  assert.deepEqual([found?.name, more], ["backend origins", []]);
  assert.ok(found?.text.includes(`what comes from ${site.origin} has`), found?.text);
});

test("doctor asks the backend of a refresh cookie that anybody may ask, and any script read", async () => {
  way = (req, res) => {
    res.setHeader("Access-Control-Allow-Origin", req.headers.origin ?? "");
    res.setHeader("Set-Cookie", "session=; Domain=localhost; SameSite=Lax");
    res.writeHead(req.method === "OPTIONS" ? 405 : 400).end();
  };
  const { wrong } = await said();
  const names = ["CORS", "header", "origins", "session", "revocation", "cookie session"];
  assert.deepEqual(
    wrong.map(({ name, level }) => [name, level]),
    names.map((name) => [`backend ${name}`, "problem"]),
  );
  assert.match(
    wrong.at(-1)?.text ?? "",
    /httponly.*secure.*samesite=strict.*path=.*Domain.*__Host-Http-/,
  );
});

test("doctor asks the backend of a refresh cookie that does not answer", async () => {
  way = onlyAt("/revoke", (req) => void req.socket.destroy());
  const revoking = await said();
  assert.match(revoking.wrong[0]?.text ?? "", /^\S+\/revoke does not answer \(/);
  assert.deepEqual(
    revoking.names,
    ["backend", ...ALL].filter((name) => name !== "backend revocation"),
  );
  const back = await server.refuse();
  const { code, lines } = await said();
  await back();
  assert.equal(code, 1);
  assert.deepEqual(
    lines.map(({ name, text }) => [name, /does not answer \(ECONNREFUSED\)$/.test(text)]),
    [
      ["backend", true],
      ["backend", true],
    ],
  );
});
