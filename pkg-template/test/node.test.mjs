// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { load, OPTIONS } from "./edge.mjs";

const { createClient, isAuthError, AuthError } = await load();

/** @param {any} options */
function problems(options) {
  try {
    createClient(options);
  } catch (error) {
    assert.ok(isAuthError(error));
    assert.equal(error.code, "config_invalid");
    assert.equal(error.phase, "config");
    return error.message;
  }
  assert.fail("nothing was wrong with it");
}

test("every problem of the options is named at once", () => {
  const message = problems({ issuer: 1, redirect_uri: "/", scope: "openid", callback: "never" });
  assert.match(message, /`redirect_uri` is unknown; did you mean `redirectUri`\?/);
  assert.match(message, /`issuer` must be a string/);
  assert.match(message, /`clientId` is missing/);
  assert.match(message, /`redirectUri` is missing/);
  assert.match(message, /`scope` must be an array of strings/);
  assert.match(message, /`callback` must be "auto" or "manual"/);
});

test("what is no object has no options", () => {
  for (const options of [undefined, null, 7, "https://id.example", []]) {
    assert.match(problems(options), /`issuer` is missing/);
  }
});

test("a client secret has words of its own", () => {
  for (const name of ["clientSecret", "client_secret"]) {
    assert.match(problems({ ...OPTIONS, [name]: "x" }), /a browser keeps no secret/);
  }
});

test("a stranger is matched with its neighbour, or with none", () => {
  assert.match(problems({ ...OPTIONS, scopes: [] }), /did you mean `scope`/);
  assert.match(problems({ ...OPTIONS, toString: 1 }), /`toString` is unknown$/);
});

test("without a browser a client waits and refuses (server render)", async () => {
  const auth = createClient(OPTIONS);
  assert.deepEqual(auth.state, { status: "restoring" });
  assert.ok(Object.isFrozen(auth.state));
  auth.subscribe(() => assert.fail())();
  auth.onEvent(() => assert.fail())();
  const first = await Promise.race([auth.ready.then(() => "ready"), Promise.resolve("pending")]);
  assert.equal(first, "pending");
  const calls = [
    auth.signIn(),
    auth.fetch("/relative"),
    auth.signOut(),
    auth.signInInitiated(),
    auth.signInWithPassword("a", "b"),
    auth.userInfo(),
    auth.afterSignOut(),
    auth.frontChannelLogout(),
    auth.exportAccessToken(),
    auth.diagnostics(),
    auth.handleCallback("/callback?state=1&code=2"),
  ];
  for (const call of calls) await assert.rejects(call, { name: "AuthError", code: "no_browser" });
  auth.close();
});

test("a client shows and gives nothing", () => {
  const auth = createClient(OPTIONS);
  assert.equal(JSON.stringify(auth), "{}");
  assert.ok(Object.isFrozen(auth));
  assert.equal(Object.getPrototypeOf(auth), Object.prototype);
});

test("an error's stack begins with its name, and its message is not listed", () => {
  const error = new AuthError({ code: "closed", phase: "vault", message: "m", retryable: false });
  assert.match(error.stack ?? "", /^AuthError: m\n/);
  assert.equal(Object.hasOwn(error, "name"), false);
  assert.deepEqual(Object.keys(error), ["code", "phase", "retryable"]);
  assert.ok(error instanceof Error);
});

test("an error of another copy of the package is known", async () => {
  const other = await load();
  const error = new other.AuthError({
    code: "timeout",
    phase: "refresh",
    message: "later",
    retryable: true,
    retryAfterMs: 5,
  });
  assert.ok(isAuthError(error));
  assert.equal(`${error}`, "AuthError: later");
  assert.equal(error.retryAfterMs, 5);
  assert.ok(!(error instanceof AuthError));
  for (const value of [null, undefined, new Error("x"), { code: "timeout" }]) {
    assert.ok(!isAuthError(value));
  }
});
