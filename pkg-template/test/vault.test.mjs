// @ts-check
// The vault as the facade finds it, loses it and finds another.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { BUILD, ORIGIN, script } from "./edge.mjs";
import { options, page, turn } from "./page.mjs";

test("a silent vault is replaced by its next generation", async () => {
  const { createClient, workers, silent } = await page();
  const given = options();
  const config = JSON.stringify(
    Object.fromEntries(
      Object.entries({ ...given, redirectUri: `${ORIGIN}/callback` }).sort(([a], [b]) =>
        a < b ? -1 : 1,
      ),
    ),
  );
  const hash = createHash("sha256").update(config).digest("hex");
  silent.add(`tokenward/1/${BUILD}/0/${hash}`);
  await createClient(given).ready;
  assert.deepEqual(
    workers.map(({ options: { name } }) => name.split("/")[3]),
    ["0", "1"],
  );
});

test("without SharedWorker the vault is in a worker of the page, and only by its name in the page", async () => {
  const { createClient } = await page();
  const isolation = /** @type {const} */ ("none");
  assert.equal(createClient(options()).place, "shared");
  Reflect.deleteProperty(globalThis, "SharedWorker");
  assert.equal(createClient(options()).place, "worker");
  assert.equal(createClient({ ...options(), isolation }).place, "page");
});

test("a dead vault fails what waits for it, and is replaced", async () => {
  const { createClient, workers, releaseVaultLock } = await page();
  const auth = createClient(options());
  await auth.ready;
  const waiting = assert.rejects(auth.exportAccessToken(), {
    code: "vault_crashed",
    retryable: true,
  });
  await turn();
  /** @type {string[]} */
  const seen = [];
  auth.subscribe(() => seen.push(auth.state.status));
  releaseVaultLock();
  await waiting;
  await auth.ready;
  assert.deepEqual(seen, ["restoring", "signedOut"]);
  assert.equal(workers.length, 2);
});

test("a page that is told of a newer build's vault goes there, and hears the old one out", async () => {
  const { createClient, session, workers } = await page();
  const signedIn = { status: "signedIn", claims: {}, scopes: [], refreshing: false };
  session.state = JSON.stringify(signedIn);
  const auth = createClient(options());
  await auth.ready;
  const [old] = workers;
  const waiting = auth.fetch("https://api.example/slow");
  const asked = (/** @type {number} */ at) =>
    workers[at]?.heard.find(({ type }) => type === "fetch");
  await until(() => asked(0));
  const question = asked(0);
  old?.say({ type: "moved", build: "feedfacefeedface" });
  await until(() => workers[1]?.heard.some(({ type }) => type === "online"));
  assert.match(workers[1]?.options.name ?? "", /^tokenward\/1\/feedfacefeedface\/0\/[0-9a-f]{64}$/);
  assert.equal(auth.state.status, "signedIn", "nothing of it is seen");

  const late = { status: "signedOut", reason: "vault_gone" };
  old?.say({ type: "state", state: JSON.stringify(late) });
  old?.say({ type: "failed", id: question?.id, error: { code: "not_signed_in", phase: "fetch" } });
  await assert.rejects(waiting, { code: "not_signed_in" });
  assert.equal(auth.state.status, "signedIn", "what it has to say besides is old");
  void auth.fetch("https://api.example/me").catch(() => {});
  await until(() => asked(1));
  assert.deepEqual(
    workers.map(({ heard }) => heard.filter(({ type }) => type === "fetch").length),
    [1, 1],
  );
});

test("a stolen lock is no death", async () => {
  const { createClient, workers, releaseVaultLock } = await page({
    vault: ({ type }, worker) => type === "ping" && worker.say({ type: "pong" }),
  });
  const auth = createClient(options());
  await auth.ready;
  releaseVaultLock();
  await new Promise((resolve) => setTimeout(resolve, 3200));
  assert.equal(workers.length, 1);
  assert.equal(auth.state.status, "signedOut");
});

test("a page that comes back from the cache knows nothing until the vault has spoken", async () => {
  const { createClient, workers, page: window } = await page();
  const auth = createClient(options());
  await auth.ready;
  const event = (/** @type {string} */ type) => Object.assign(new Event(type), { persisted: true });
  window.dispatchEvent(event("pagehide"));
  window.dispatchEvent(event("pageshow"));
  assert.equal(auth.state.status, "restoring");
  await auth.ready;
  assert.equal(auth.state.status, "signedOut");
  assert.equal(workers.length, 2);
});

test("a page without WebCrypto is told why", async () => {
  const { createClient } = await page();
  const { subtle } = crypto;
  Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
  const auth = createClient(options());
  await assert.rejects(auth.ready, { code: "insecure_context" });
  Object.defineProperty(crypto, "subtle", { value: subtle });
  await auth.ready;
});

test("a vault of another build is refused with its cure", async () => {
  const { createClient } = await page({ build: "0000000000000000" });
  await assert.rejects(createClient(options()).ready, {
    code: "vault_unavailable",
    message: /npx tokenward init/,
  });
});

test("one error of a worker is forgiven where its script is there", async (context) => {
  const { createClient, workers, failures } = await page();
  failures.count = 1;
  context.mock.method(globalThis, "fetch", async () => script("text/javascript"));
  await createClient(options()).ready;
  assert.equal(workers.length, 2);
  assert.equal(workers[0]?.options.name, workers[1]?.options.name);
});

test("a vault that does not start says why, and the next call tries again", async (context) => {
  const { createClient, failures, workers } = await page();
  const place = /** @type {const} */ ({ vaultUrl: "/tokenward/vault.js", serviceWorker: "none" });
  const auth = createClient({ ...options(), ...place });
  /** @type {[number, Response | undefined, string, RegExp][]} */
  const cases = [
    [1, new Response("", { status: 404 }), "vault_unavailable", /is 404 .*npx tokenward init/],
    [1, script("text/html"), "vault_unavailable", /is 200 \(text\/html\)/],
    [1, undefined, "vault_unavailable", /did not load: run/],
    [2, script("text/javascript"), "worker_blocked", /worker-src 'self'/],
  ];
  for (const [count, response, code, message] of cases) {
    failures.count = count;
    const probe = context.mock.method(globalThis, "fetch", async () => {
      if (!response) throw new TypeError("Failed to fetch");
      return response;
    });
    await assert.rejects(auth.ready, { code, message });
    assert.equal(probe.mock.calls[0]?.arguments[0], `${ORIGIN}/tokenward/vault.js`);
    probe.mock.restore();
  }
  await auth.ready;
  assert.equal(auth.state.status, "signedOut");
  assert.equal(workers.length, 6);
});

test("a vault of another origin is no vault", async () => {
  const { createClient } = await page();
  assert.throws(() => createClient({ ...options(), vaultUrl: "https://cdn.example/vault.js" }), {
    code: "config_invalid",
    message: /`vaultUrl` must be a URL of this origin/,
  });
});

test("being ready waits for a sign-in under way", async () => {
  const { createClient, session, workers } = await page();
  session.state = '{"status":"signingIn"}';
  const auth = createClient(options());
  let isReady = false;
  const ready = auth.ready.then(() => {
    isReady = true;
  });
  await turn();
  assert.equal(auth.state.status, "signingIn");
  assert.equal(isReady, false);
  workers[0]?.say({ type: "state", state: '{"status":"signedOut","reason":"no_session"}' });
  await ready;
});

/** @param {() => unknown} isSo at last */
async function until(isSo) {
  for (let turns = 0; !isSo() && turns < 1000; turns++) await turn();
  assert.ok(isSo());
}
