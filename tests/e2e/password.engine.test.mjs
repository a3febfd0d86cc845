// @ts-check
// The password grant, for those who migrate: by a word in the options alone, said on the console, sent
// once, and nowhere but to the token endpoint.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { suite } from "./harness/suite.mjs";
import { authError } from "./harness/tab.mjs";
import { PACKAGE } from "./harness/web-root.mjs";

const e2e = suite({ vaultConnects: "{other}" });
const PASSWORD = "correct horse & b\u00e4ttery";

/** The forms that reached the provider, the look-alike here: the real one knows no such grant. */
const forms = () =>
  e2e.servers.direct.other.log
    .list()
    .filter(({ method }) => method === "POST")
    .map(({ body }) => Object.fromEntries(new URLSearchParams(body)));

/** @param {object} [options] */
async function open(options) {
  const { issuer, other } = e2e.servers;
  const app = await e2e.application({
    page: { watched: true },
    options: {
      scope: ["read"],
      restore: "none",
      endpoints: { authorization: `${issuer}/auth`, token: `${other}/token` },
      ...options,
    },
  });
  const tab = await app.open();
  await tab.ready();
  return tab;
}

test("a password is refused unless the options say that it is deprecated (ro1)", async () => {
  const tab = await open();
  await assert.rejects(
    tab.run((auth, password) => auth.signInWithPassword("alice", password), PASSWORD),
    authError("password_grant_not_allowed", /signIn\(\)/, { phase: "signIn" }),
  );
  assert.deepEqual(forms(), []);
  for (const name of await readdir(PACKAGE)) {
    if (!name.endsWith(".js") || name === "vault.js") continue;
    const script = await readFile(path.join(PACKAGE, name), "utf8");
    assert.doesNotMatch(script, /grant_type/, name);
  }
});

test("a password signs in once, with a warning, and is seen nowhere else (ro1, ro2)", async () => {
  const tab = await open({ allowPasswordGrant: "deprecated" });
  const { other } = e2e.servers.direct;
  other.setAnswer("/token", { status: 400, body: { error: "invalid_grant" } });
  await assert.rejects(
    tab.run((auth, password) => auth.signInWithPassword("alice", password), PASSWORD),
    authError("oauth_error", /invalid_grant/, { phase: "signIn", retryable: false }),
  );
  assert.deepEqual((await tab.state()).reason, "no_session", "a wrong one changes nothing");
  other.setAnswer("/token", { status: 503, body: {} });
  await assert.rejects(
    tab.run((auth, password) => auth.signInWithPassword("alice", password), PASSWORD),
    authError("provider_answer_invalid", /503/, { retryable: false }),
  );
  const body = { access_token: "at-1", token_type: "Bearer", expires_in: 60 };
  other.setAnswer("/token", { body });
  await tab.run((auth, password) => auth.signInWithPassword("alice", password), PASSWORD);
  assert.equal((await tab.state()).status, "signedIn");
  const expected = {
    grant_type: "password",
    client_id: forms()[0]?.client_id,
    scope: "read",
    username: "alice",
    password: PASSWORD,
  };
  assert.deepEqual(forms(), [expected, expected, expected], "each was sent once");

  await tab.run(() => window.tw.collect?.());
  const kept = await tab.run(() => window.tw.kept);
  const lines = kept.filter((_, at) => at % 2 === 1 && kept[at - 1] === "console");
  assert.equal(lines.filter((line) => /RFC 9700/.test(line)).length, 1, "one warning");
  for (const [at, text] of kept.entries()) {
    if (at % 2 === 0) continue;
    // What the page posts has the bytes, until the vault has them.
    assert.ok(kept[at - 1] === "message sent" || !text.includes(PASSWORD), `in ${kept[at - 1]}`);
  }
});
