// @ts-check
// Wrong options, a vault that cannot start, a page that is not secure: each says what to do.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { inOneCell, once, place } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";
import { authError } from "./harness/tab.mjs";
import { PACKAGE } from "./harness/web-root.mjs";

const e2e = suite();
const POLICY = "Content-Security-Policy";

test(
  "every problem of the options is told at once, with what was probably meant",
  once,
  async () => {
    const app = await e2e.application({ page: { create: false } });
    const tab = await app.open();
    /**
     * @param {unknown} options
     * @param {RegExp[]} says
     */
    const refused = async (options, ...says) => {
      await assert.rejects(
        tab.run((_, options) => void window.tw.sdk.createClient(options), options),
        (/** @type {any} */ error) => {
          for (const part of says) authError("config_invalid", part, { phase: "config" })(error);
          return true;
        },
      );
    };
    await refused({}, /issuer/, /clientId/, /redirectUri/, /resources/);
    await refused(null, /issuer/);
    await refused("https://id.example.com", /issuer/);
    await refused(
      { ...app.usualOptions(), redirectURI: "/x", client_id: "a", scopes: ["openid"], zebra: 1 },
      /did you mean `redirectUri`/,
      /did you mean `clientId`/,
      /did you mean `scope`/,
      /`zebra` is unknown/,
    );
    await refused({ ...app.usualOptions(), clientSecret: "s" }, /keeps no secret/);
    await refused({ ...app.usualOptions(), client_secret: "s" }, /keeps no secret/);
    await refused(
      {
        ...app.usualOptions(),
        issuer: 7,
        scope: "openid",
        allowTokenExport: "yes",
        isolation: "x",
      },
      /`issuer` must be a string/,
      /`scope` must be an array of strings/,
      /`allowTokenExport` must be a boolean/,
      /`isolation` must be "shared" or "worker" or "origin" or "none"/,
    );
  },
);

test("what only the vault can judge is refused before anything is sent", inOneCell, async () => {
  const app = await e2e.application({ page: { create: false } });
  const tab = await app.open();
  const before = e2e.servers.direct.provider.counters.of().requests;
  /** @type {[Record<string, unknown>, ...RegExp[]][]} */
  const wrong = [
    [{ issuer: "http://id.example.com" }, /issuer/, /https/],
    [{ issuer: `${e2e.servers.issuer}?x=1` }, /query/],
    [{ issuer: `${e2e.servers.issuer}#x` }, /fragment/],
    [{ issuer: "id.example.com" }, /absolute/],
    [{ redirectUri: "https://elsewhere.example/callback" }, /origin/],
    [{ resources: [{ origin: "https://api.example.com/v1" }] }, /paths/],
    // Firefox's parser takes it for no URL.
    [
      { resources: [{ origin: "https://*.example.com" }] },
      /resources\[0\]\.origin/,
      /host|absolute/,
    ],
    [{ resources: [{ origin: "http://api.example.com" }] }, /https/],
    [{ resources: [{ origin: "https://api.example.com", path: "/v1" }] }, /did you mean `paths`/],
    [{ resources: [{ origin: "https://a.example", paths: ["/a/../b"] }] }, /paths/],
    [{ resources: [{ origin: "https://a.example", methods: ["get"] }] }, /capitals/],
    [{ resources: [{ origin: "https://a.example", credential: "basic" }] }, /bearer/],
    [{ scope: ["openid profile"] }, /scope/],
    [{ extraParams: { state: "x", redirect_uri: "y" } }, /extraParams\.state/, /redirect_uri/],
    [{ timeouts: { networkMs: 1 } }, /1000/],
    [{ restore: "cookie" }, /"frame", "redirect" or "none"/],
    [{ restore: "frame" }, /without `silentRedirectUri`/],
    [{ logout: { postLogoutRedirectURI: "/" } }, /did you mean `postLogoutRedirectUri`/],
    [{ issuer: "http://a.example", clientId: "", scope: [""] }, /issuer/, /clientId/, /scope/],
  ];
  for (const [change, ...says] of wrong) {
    await assert.rejects(
      tab.run((_, options) => window.tw.sdk.createClient(options).ready, {
        ...app.usualOptions(),
        ...change,
      }),
      (/** @type {any} */ error) => {
        for (const part of says) authError("config_invalid", part, { phase: "config" })(error);
        return true;
      },
      JSON.stringify(change),
    );
  }
  assert.equal(e2e.servers.direct.provider.counters.of().requests, before);
});

test("a vault's script that is a 404 fails at once, with the command that puts it there", async () => {
  const app = await e2e.application({
    options: { vaultUrl: "/elsewhere/vault.js" },
    page: { start: false },
  });
  const tab = await app.open();
  const unavailable = authError("vault_unavailable", /npx tokenward init/, { phase: "vault" });
  await assert.rejects(
    tab.run((auth) => auth.ready),
    unavailable,
  );
  await assert.rejects(
    tab.run((auth, url) => auth.fetch(url), `${e2e.servers.api}/me`),
    unavailable,
  );
  await assert.rejects(
    tab.run((auth) => auth.signIn()),
    unavailable,
  );
  assert.equal(app.calls().length, 0, "the call fell back to the page");
});

test("a vault's script that is a page, or of another origin, is told apart from a blocked one", async () => {
  const app = await e2e.application({ page: { create: false } });
  const tab = await app.open();
  for (const vaultUrl of ["/", "/settings/none.json"]) {
    await assert.rejects(
      tab.run((_, options) => window.tw.sdk.createClient(options).ready, {
        ...app.usualOptions(),
        vaultUrl,
      }),
      authError("vault_unavailable", /npx tokenward init/),
      vaultUrl,
    );
  }
  await assert.rejects(
    tab.run((_, options) => window.tw.sdk.createClient(options).ready, {
      ...app.usualOptions(),
      vaultUrl: `${e2e.servers.other}/vault.js`,
    }),
    authError("config_invalid", /origin/),
  );
});

test("a script that did not load, on a page that may not ask why, is told with `connect-src`", async () => {
  const { page } = e2e.headers();
  const settings = `${e2e.servers.app}/settings/`;
  const app = await e2e.application({
    options: { vaultUrl: "/elsewhere/vault.js" },
    page: { start: false },
  });
  const headers = edit(page, "connect-src 'self'", `connect-src ${settings}`);
  e2e.servers.direct.app.setHeaders({ page: headers });
  const tab = await app.open();
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("vault_unavailable", /`connect-src 'self'`/, { phase: "vault" }),
  );
});

test("a policy that forbids the worker, or WebAssembly in it, is named with its cure", async () => {
  if (place.pageConnects) return aPolicyOfThePage();
  const { page, vault } = e2e.headers();
  const app = await e2e.application({ page: { start: false } });
  const settings = `${e2e.servers.app}/settings/`;
  // Each is told by the directive that is missing, and by no other.
  /** @type {[typeof page, RegExp][]} */
  const policies = [
    [edit(page, "worker-src 'self'", "worker-src 'none'"), /needs `worker-src 'self'`\.$/],
    // Without it, `child-src` decides.
    [edit(page, "worker-src 'self'", "child-src 'none'"), /needs `worker-src 'self'`\.$/],
    [
      edit(page, "trusted-types tokenward", "trusted-types 'none'"),
      /needs `trusted-types tokenward`\.$/,
    ],
    // The vault's script cannot be asked for, either.
    [
      edit(
        edit(page, "worker-src 'self'", "worker-src 'none'"),
        "connect-src 'self'",
        `connect-src ${settings}`,
      ),
      /needs `worker-src 'self'`\.$/,
    ],
  ];
  for (const [headers, says] of policies) {
    e2e.servers.direct.app.setHeaders({ page: headers });
    const tab = await app.open();
    // Firefox ESR 140 has none: the directive means nothing to it.
    const isAboutTypes = /trusted-types 'none'/.test(headers[POLICY] ?? "");
    if (isAboutTypes && !(await tab.run(() => "trustedTypes" in window))) {
      await tab.ready();
      continue;
    }
    await assert.rejects(
      tab.run((auth) => auth.ready),
      authError("worker_blocked", says, { phase: "vault" }),
      headers[POLICY],
    );
  }
  const strict = edit(vault, " 'wasm-unsafe-eval'", "");
  e2e.servers.direct.app.setHeaders({ page, vault: strict });
  const tab = await app.open();
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("wasm_blocked", /'wasm-unsafe-eval'/),
  );
  // Once the policy is right, the same page works without a reload.
  e2e.servers.direct.app.setHeaders({ page, vault });
  await tab.until("a vault that starts", (auth) =>
    auth.ready.then(
      () => true,
      () => false,
    ),
  );
});

test(
  "the vault works under the policy that the README has for it",
  place.pageConnects ? { skip: "here the page's policy is the vault's" } : {},
  async () => {
    const readme = await readFile(path.join(PACKAGE, "README.md"), "utf8");
    const [, policy = ""] =
      /vault\.js \{\n +add_header Content-Security-Policy "([^"]+)"/.exec(readme) ?? [];
    const { issuer, api } = e2e.servers;
    const strict = policy
      .replace("https://id.example.com", issuer)
      .replace("https://api.example.com", api);
    assert.match(strict, /default-src 'none'.*connect-src http.* http/);
    const { vault } = e2e.headers();
    e2e.servers.direct.app.setHeaders({ vault: { ...vault, [POLICY]: strict } });
    const app = await e2e.application();
    const tab = await app.openSignedIn();
    assert.equal((await tab.call(`${api}/me`)).status, 200);
  },
);

test("a page with an embedder policy starts a dedicated worker from a script that has one, too", async () => {
  const name = "Cross-Origin-Embedder-Policy";
  const { page, vault } = e2e.headers();
  const app = await e2e.application({ page: { start: false } });
  const started = async (/** @type {Record<string, string>} */ more) => {
    e2e.servers.direct.app.setHeaders({
      page: { ...page, [name]: "require-corp" },
      vault: { ...vault, ...more },
    });
    const tab = await app.open();
    return tab.run((auth) =>
      auth.ready.then(
        () => "started",
        (/** @type {any} */ error) => `${error.code}: ${error.message}`,
      ),
    );
  };
  const without = await started({});
  if (place.place === "worker") assert.match(without, /^worker_blocked: .*Embedder-Policy/);
  else assert.equal(without, "started");
  assert.equal(await started({ [name]: "require-corp" }), "started");
});

/** Where the vault is the page, the page's own policy is the vault's. */
async function aPolicyOfThePage() {
  const { page } = e2e.headers();
  const app = await e2e.application({ page: { start: false } });
  const scripts = ["/pkg/", "/main.js"].map((path) => e2e.servers.app + path).join(" ");
  e2e.servers.direct.app.setHeaders({
    page: edit(page, "script-src 'self'", `script-src ${scripts}`),
  });
  let tab = await app.open();
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("worker_blocked", /needs `script-src 'self'`\.$/),
  );
  e2e.servers.direct.app.setHeaders({ page: edit(page, " 'wasm-unsafe-eval'", "") });
  tab = await app.open();
  await assert.rejects(
    tab.run((auth) => auth.ready),
    authError("wasm_blocked", /page's own .*'wasm-unsafe-eval'.*connect-src/),
  );
  // Nothing of it is a worker, so it needs no policy for one, nor one of Trusted Types.
  const bare = edit(page, "worker-src 'self'", "worker-src 'none'");
  e2e.servers.direct.app.setHeaders({
    page: edit(bare, "trusted-types tokenward", "trusted-types 'none'"),
  });
  tab = await app.open();
  await tab.ready();
}

test("an insecure origin is refused with the word https, and nothing is sent", once, async () => {
  const app = await e2e.application({ page: { start: false } });
  const before = e2e.servers.direct.provider.counters.of().requests;
  const tab = e2e.tab();
  const { port } = new URL(e2e.servers.app);
  await tab.go(`http://${e2e.engine.insecureHost}:${port}/c/${app.clientId}/`);
  assert.equal(await tab.run(() => isSecureContext), false);
  await tab.untilStarted();
  const insecure = authError("insecure_context", /https/);
  await assert.rejects(
    tab.run((auth) => auth.ready),
    insecure,
  );
  await assert.rejects(
    tab.run((auth) => auth.signIn()),
    insecure,
  );
  await assert.rejects(
    tab.run((auth, url) => auth.fetch(url), `${e2e.servers.api}/me`),
    insecure,
  );
  assert.equal(e2e.servers.direct.provider.counters.of().requests, before);
});

test("a wrong call is refused with its reason, and the session stays", once, async () => {
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  const me = `${e2e.servers.api}/me`;
  /** @type {[string, (auth: any, url: string) => unknown, string, RegExp][]} */
  const wrong = [
    [
      "an Authorization header of its own (br1)",
      (auth, url) => auth.fetch(url, { headers: { authorization: "Bearer mine" } }),
      "request_invalid",
      /`Authorization`/,
    ],
    [
      "no-cors (br10)",
      (auth, url) => auth.fetch(url, { mode: "no-cors" }),
      "request_invalid",
      /`mode`/,
    ],
    [
      "same-origin mode",
      (auth, url) => auth.fetch(url, { mode: "same-origin" }),
      "request_invalid",
      /`mode`/,
    ],
    [
      "a used body",
      async (auth, url) => {
        const request = new Request(url, { method: "POST", body: "once" });
        await request.text();
        return auth.fetch(request);
      },
      "body_used",
      /clone/,
    ],
    ["an export", (auth) => auth.exportAccessToken(), "export_not_allowed", /allowTokenExport/],
    [
      "an unknown sign-in option",
      (auth) => auth.signIn({ return_to: "/" }),
      "config_invalid",
      /returnTo/,
    ],
  ];
  for (const [name, attempt, code, says] of wrong) {
    await assert.rejects(tab.run(attempt, me), authError(code, says), name);
  }
  assert.equal(app.calls().length, 0);
  assert.equal((await tab.state()).status, "signedIn");
  assert.equal((await tab.call(me)).status, 200);
});

test("an export is what the provider issued, where it is configured", once, async () => {
  const app = await e2e.application({ options: { allowTokenExport: true } });
  const tab = await app.open();
  await tab.ready();
  await assert.rejects(
    tab.run((auth) => auth.exportAccessToken()),
    authError("not_signed_in", /signIn/),
  );
  await tab.signIn();
  const token = await tab.run((auth) => auth.exportAccessToken());
  assert.equal(token, app.tokens("access")[0]?.token);
});

/**
 * @param {Record<string, string>} headers
 * @param {string} from
 * @param {string} to
 * @returns {Record<string, string>}
 */
function edit(headers, from, to) {
  const policy = headers[POLICY] ?? "";
  assert.ok(policy.includes(from), `${policy} lacks ${from}`);
  return { ...headers, [POLICY]: policy.replace(from, to) };
}
