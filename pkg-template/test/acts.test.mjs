// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { ORIGIN } from "./edge.mjs";
import { options, page } from "./page.mjs";

/** @param {import("./edge.mjs").Worker[]} workers @param {string} type */
const heard = (workers, type) =>
  workers.flatMap((worker) => worker.heard).filter((message) => message.type === type);

test("a sign-out says what it leaves alone and where it wants to be, and nothing else", async () => {
  const { createClient, workers, location } = await page({
    vault({ type, id }, worker) {
      if (type === "signOut") worker.say({ type: "signedOut", id });
    },
  });
  const auth = createClient(options());
  await auth.signOut();
  await auth.signOut({ local: true, returnTo: "/bye" });
  assert.deepEqual(
    heard(workers, "signOut").map(({ id: _, ...message }) => message),
    [{ type: "signOut" }, { type: "signOut", local: true, returnTo: "/bye" }],
  );
  assert.deepEqual(location.assigned, []);
});

test("keys leave the page as bytes of their own, and only bytes are a signing key (ak1, hs9)", async () => {
  const { createClient, workers } = await page({
    vault({ type, id }, worker) {
      if (type === "setKey") worker.say({ type: "concluded", id });
    },
  });
  const auth = createClient(options());
  const whole = Uint8Array.from({ length: 40 }, (_, at) => at);
  await auth.setApiKey("a", "k\u{e4}y");
  await auth.setSigningKey("b", whole.subarray(4, 36));
  await auth.setApiKey("a", null);
  await auth.setSigningKey("b", null);
  for (const wrong of [undefined, "x".repeat(32), 64, new ArrayBuffer(32)]) {
    await assert.rejects(auth.setSigningKey("b", /** @type {any} */ (wrong)), TypeError);
  }
  const said = heard(workers, "setKey").map(({ name, body }) => [
    name,
    body && [...new Uint8Array(body)],
  ]);
  assert.deepEqual(said, [
    ["apiKey:a", [107, 195, 164, 121]],
    ["signature:b", [...whole.subarray(4, 36)]],
    ["apiKey:a", undefined],
    ["signature:b", undefined],
  ]);
  assert.deepEqual([whole.length, whole[39]], [40, 39], "the caller's own stays");
});

test("the way back from a logout is told, and its state taken out of the address", async () => {
  const href = `${ORIGIN}/?a=1&state=s#x`;
  const { createClient, location } = await page({
    href,
    vault({ type, id, url }, worker) {
      if (type !== "afterSignOut") return;
      const isOurs = url === href;
      worker.say({ type: "concluded", id, ...(isOurs ? { returnTo: "/bye" } : {}) });
    },
  });
  const auth = createClient(options());
  assert.equal(await auth.afterSignOut(), "/bye");
  assert.equal(location.href, `${ORIGIN}/?a=1#x`);
  // What answers nothing of ours is the application's.
  location.href = `${ORIGIN}/?state=t`;
  assert.equal(await auth.afterSignOut(), undefined);
  assert.equal(location.href, `${ORIGIN}/?state=t`);
});

test("the provider's own words are brought to the vault as the address has them", async () => {
  const href = `${ORIGIN}/in?iss=a&sid=b`;
  const error = { code: "logout_invalid", phase: "signOut", message: "no", retryable: false };
  const { createClient, workers, location } = await page({
    href,
    vault({ type, id }, worker) {
      if (type === "signInInitiated")
        worker.say({ type: "navigate", id, url: "https://id.example/a" });
      if (type === "frontChannelLogout") worker.say({ type: "failed", id, error });
    },
  });
  const auth = createClient(options());
  await auth.signInInitiated();
  // Not left behind in the history: to come back to it would begin another sign-in.
  assert.deepEqual([location.replaced, location.assigned], [["https://id.example/a"], []]);
  await assert.rejects(auth.frontChannelLogout(), { code: "logout_invalid" });
  for (const type of ["signInInitiated", "frontChannelLogout"]) {
    assert.deepEqual(
      heard(workers, type).map(({ url }) => url),
      [href],
    );
  }
});

test("UserInfo is an object, whatever its members are called", async () => {
  const { createClient } = await page({
    vault({ type, id }, worker) {
      const claims = '{"sub":"a","__proto__":{"isAdmin":true}}';
      if (type === "userInfo") worker.say({ type: "userInfo", id, claims });
    },
  });
  const claims = await createClient(options()).userInfo();
  assert.equal(claims["sub"], "a");
  assert.equal(claims["isAdmin"], undefined);
});

test("a password crosses as bytes, with one warning (ro1, ro2)", async (t) => {
  const { createClient, workers } = await page({
    vault({ type, id }, worker) {
      if (type === "password") worker.say({ type: "concluded", id });
    },
  });
  const warn = t.mock.method(console, "warn", () => {});
  const auth = createClient(options());
  await auth.signInWithPassword("alice", "p\u00e4ss");
  await auth.signInWithPassword("alice", "p\u00e4ss");
  assert.equal(warn.mock.callCount(), 1);
  assert.doesNotMatch(String(warn.mock.calls[0]?.arguments), /p\u00e4ss|alice/);
  const [sent, again] = heard(workers, "password");
  assert.deepEqual(
    { ...sent, body: new TextDecoder().decode(sent?.["body"]) },
    { type: "password", id: sent?.id, username: "alice", body: "p\u00e4ss" },
  );
  assert.ok(again);
});
