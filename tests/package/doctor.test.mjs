// @ts-check
// `npx tokenward doctor` against a server that is right, and then wrong in one thing at a time: each check
// is seen to hold and to complain.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CALLBACK, CSP, OF_VAULT, PAGE, SHIELD, STRICT, VAULT, WRONG } from "./doctor-cases.mjs";
import { startSite } from "./doctor-site.mjs";

/** @type {import("./doctor-site.mjs").Site} */
let site;

before(async () => {
  site = await startSite();
});
after(() => site?.close());

test("doctor has nothing to say of a deployment as the README has it", async () => {
  site.serve(site.right);
  const { code, said, lines } = await site.doctor(`${site.origin}/`);
  assert.equal(code, 0, said);
  assert.deepEqual(
    lines.filter(({ level }) => level !== "ok"),
    [],
  );
  // Each of its checks is seen to complain, below or in a test of its own.
  const elsewhere = ["origin"];
  const unseen = lines.filter(
    ({ name }) => ![...elsewhere, ...WRONG.map((w) => w.name)].includes(name),
  );
  assert.deepEqual(unseen, []);
  assert.match(said, /^\d+ ok, warnings: 0, problems: 0$/m);
});

for (const { name, what, at, change, level = "problem", says } of WRONG) {
  test(`doctor complains of ${name}: ${what}`, async () => {
    site.serve(site.changed(at, change));
    const { code, said, lines } = await site.doctor(`${site.origin}/`);
    const line = lines.find((it) => it.name === name);
    assert.equal(line?.level, level, said);
    assert.match(line?.text ?? "", says);
    assert.equal(code, lines.some((it) => it.level === "problem") ? 1 : 0, said);
    assert.ok(level === "warning" || code === 1, said);
    assert.doesNotMatch(said, /SECRET/);
  });
}

test("doctor takes what is right in other ways", async () => {
  const ways = [
    site.changed(CALLBACK, { headers: { [CSP]: null, "X-Frame-Options": "SAMEORIGIN" } }),
    site.changed(CALLBACK, { headers: { [CSP]: `frame-ancestors ${site.origin}` } }),
    site.changed(PAGE, {
      headers: { [CSP]: `script-src 'self'; worker-src ${site.origin}/tokenward/` },
    }),
    site.changed(PAGE, {
      headers: { [CSP]: "script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline'" },
    }),
    site.changed(PAGE, { headers: { [CSP]: `${STRICT}; require-trusted-types-for 'script'` } }),
    site.changed(VAULT, {
      type: "application/javascript",
      headers: { "Cache-Control": "no-store" },
    }),
    // The narrower of two policies counts.
    site.changed(VAULT, { headers: { [CSP]: `script-src 'self' 'unsafe-eval', ${OF_VAULT}` } }),
    site.changed(SHIELD, { headers: { "Service-Worker-Allowed": "/tokenward/" } }),
    site.changed(PAGE, { headers: { "Set-Cookie": null } }),
  ];
  for (const way of ways) {
    site.serve(way);
    const { code, said, lines } = await site.doctor(`${site.origin}/`);
    assert.deepEqual([code, lines.filter(({ level }) => level !== "ok")], [0, []], said);
  }
});

test("doctor follows a page's redirect, and reports the cookies on the way", async () => {
  const away = {
    status: 302,
    headers: { Location: "/app/?state=SECRET-VALUE", "Set-Cookie": "hop=SECRET-VALUE" },
  };
  site.serve({ ...site.right, [PAGE]: away, "/app/": { ...site.right[PAGE] } });
  const { code, said, lines } = await site.doctor(`${site.origin}/?key=SECRET-VALUE`);
  assert.equal(code, 0, said);
  assert.doesNotMatch(said, /SECRET/);
  assert.match(lines.find(({ name }) => name === "page")?.text ?? "", /\/app\/ is there/);
  assert.equal(lines.find(({ name }) => name === "cookie hop")?.level, "warning");
  assert.equal(lines.find(({ name }) => name === "cookie theme")?.level, "ok");
});

test("doctor looks where it is told to, and knows a name that a bundler made", async () => {
  const vault = { ...site.right[VAULT] };
  vault.headers = { ...vault.headers, "Cache-Control": "max-age=31536000, immutable" };
  site.serve({
    [PAGE]: { ...site.right[PAGE] },
    "/assets/vault-Bq3x9_Ka.js": vault,
    "/silent.html": { ...site.right[CALLBACK] },
  });
  const places = ["--vault", "/assets/vault-Bq3x9_Ka.js", "--callback", "/silent.html"];
  const { code, said, lines } = await site.doctor(`${site.origin}/`, ...places);
  assert.equal(code, 0, said);
  const notOk = lines.filter(({ level }) => level !== "ok").map(({ name }) => name);
  assert.deepEqual(notOk, ["shield"]);
  assert.match(said, /vault_exposed/);
  // What was asked for by name must be there.
  const missing = await site.doctor(
    `${site.origin}/`,
    ...places.slice(0, 2),
    "--callback",
    "/none.html",
  );
  assert.deepEqual([missing.code, /callback frames: .*404/.test(missing.said)], [1, true]);
});

test("doctor knows this package's vault with a configuration in it", async () => {
  const baked = site.bakedWith({ scope: "x" });
  site.serve(site.changed(VAULT, { body: baked }));
  const { code, said } = await site.doctor(`${site.origin}/`);
  assert.equal(code, 0, said);
  assert.match(said, /^ok +vault build: .*with a configuration in it$/m);
  site.serve(site.changed(VAULT, { body: `${baked}//` }));
  assert.match(
    (await site.doctor(`${site.origin}/`)).said,
    /^warning +vault build: .*other bytes/m,
  );
});

test("doctor knows whether a page may show the frame that restores a session", async () => {
  /** @param {string} restore @param {string} policy */
  const said = async (restore, policy) => {
    const body = site.bakedWith({ issuer: "https://id.example.com/tenant", restore });
    const page = { ...site.right[PAGE], headers: { [CSP]: policy } };
    site.serve({ ...site.changed(VAULT, { body }), [PAGE]: page });
    const { lines } = await site.doctor(`${site.origin}/`);
    return lines.find(({ name }) => name === "page frame-src");
  };
  const enough = `${STRICT}; frame-src https://id.example.com 'self'`;
  assert.equal(await said("redirect", STRICT), undefined);
  assert.equal((await said("frame", enough))?.level, "ok");
  const sources = ["", "; frame-src https://id.example.com", "; frame-src 'self'"];
  for (const policy of sources.map((given) => STRICT + given)) {
    const line = await said("frame", policy);
    assert.equal(line?.level, "problem", policy);
    assert.ok(
      line?.text.includes(`add \`frame-src https://id.example.com ${site.origin}\``),
      line?.text,
    );
  }
});

test("doctor wants a vault in a folder of its own", async () => {
  site.serve({
    ...site.right,
    "/vault.js": { ...site.right[VAULT] },
    "/shield.js": { ...site.right[SHIELD] },
  });
  const { code, said } = await site.doctor(`${site.origin}/`, "--vault", "/vault.js");
  assert.equal(code, 1, said);
  assert.match(said, /^problem +shield scope: .*folder of their own/m);
});

test("doctor says that a page is not secure, and that nobody answers", async () => {
  const { code, said } = await site.doctor("http://app.invalid/");
  assert.equal(code, 1, said);
  assert.match(said, /^problem +origin: .*https/m);
  assert.match(said, /^problem +page: .*does not answer/m);
});

test("doctor refuses a command line that it does not understand, with exit code 2", async () => {
  /** @type {[string[], RegExp][]} */
  const wrong = [
    [[], /wants one address/],
    [["http://localhost/", "http://localhost/"], /wants one address/],
    [["localhost:8080"], /write it whole/],
    [["ftp://localhost/"], /write it whole/],
    [["http://a:SECRET@localhost/"], /write it whole/],
    [["http://localhost/", "--vault", "https://elsewhere.example/vault.js"], /is not of/],
    [["http://localhost/", "--vaults", "/x"], /--vaults/],
  ];
  for (const [words, says] of wrong) {
    const { code, said } = await site.doctor(...words);
    assert.equal(code, 2, said);
    assert.match(said, says);
    assert.doesNotMatch(said, /SECRET/);
  }
});
