// @ts-check
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { BUILD, ORIGIN, script } from "./edge.mjs";
import { options, page, turn } from "./page.mjs";

const CALLBACK = `${ORIGIN}/callback?code=c&state=s#_=_`;

/** @param {import("./edge.mjs").Message} message @param {import("./edge.mjs").Worker} worker */
function concluding(message, worker) {
  if (message.type !== "callback") return;
  const claims = { sub: "ada", deep: { list: [1] } };
  const state = {
    status: "signedIn",
    claims,
    scopes: ["openid"],
    expiresAt: 1,
    refreshAt: null,
    refreshing: false,
  };
  worker.say({ type: "state", state: JSON.stringify(state) });
  worker.say({ type: "concluded", id: message.id, returnTo: "/deep?x=1" });
}

test("nothing starts before it is used", async () => {
  const { createClient, workers, location } = await page({ href: CALLBACK });
  const auth = createClient(options());
  assert.equal(auth.state.status, "restoring");
  assert.equal(JSON.stringify(auth), "{}");
  await turn();
  assert.equal(workers.length, 0);
  assert.equal(location.href, CALLBACK);
});

test("the worker's name pins the configuration, whatever the order of its members", async () => {
  const { createClient, workers } = await page();
  const given = options();
  await createClient(given).ready;
  const turned = Object.fromEntries(Object.entries(given).reverse());
  // @ts-expect-error the members are all there
  await createClient({ ...turned, callback: "manual", scope: undefined }).ready;
  const [first, second] = workers;
  assert.equal(first?.options.name, second?.options.name);
  assert.deepEqual(
    { ...first?.options, name: 0 },
    { type: "module", extendedLifetime: true, name: 0 },
  );
  assert.equal(first?.url, `${ORIGIN}/lib/vault.js`);
  const hello = first?.heard[0];
  assert.equal(hello?.page, `${ORIGIN}/`);
  assert.equal(JSON.parse(hello?.config).redirectUri, `${ORIGIN}/callback`);
  const hash = createHash("sha256").update(hello?.config).digest("hex");
  assert.equal(first?.options.name, `tokenward/1/${BUILD}/0/${hash}`);
});

test("the address is clean before the first await and before the worker (cb7)", async () => {
  const { createClient, workers, location } = await page({ href: CALLBACK, vault: concluding });
  const auth = createClient(options());
  const { ready } = auth;
  assert.equal(location.href, `${ORIGIN}/callback`);
  await ready;
  assert.equal(workers[0]?.href, `${ORIGIN}/callback`);
  assert.deepEqual(
    workers[0]?.heard.filter(({ type }) => type === "callback").map(({ url }) => url),
    [CALLBACK],
  );
  assert.equal(auth.state.status, "signedIn");
});

test("a place to return to is there for one turn", async () => {
  const { createClient } = await page({ href: CALLBACK, vault: concluding });
  const auth = createClient(options());
  await auth.ready;
  assert.equal(auth.returnTo, "/deep?x=1");
  assert.equal(auth.returnTo, "/deep?x=1");
  await turn();
  assert.equal(auth.returnTo, undefined);
});

test("what only looks like a callback is left alone", async () => {
  for (const path of [
    "/callback?state=s",
    "/other?state=s&code=c",
    "/callback?code=c",
    "/callback",
  ]) {
    const { createClient, workers, location } = await page({ href: ORIGIN + path });
    await createClient(options()).ready;
    assert.equal(location.href, ORIGIN + path);
    assert.deepEqual(
      workers[0]?.heard.map(({ type }) => type),
      ["hello"],
    );
  }
});

test("a client that is closed at once leaves its callback to the next (StrictMode)", async () => {
  const { createClient, workers } = await page({ href: CALLBACK, vault: concluding });
  const given = options();
  const first = createClient(given);
  const gone = assert.rejects(first.ready, { code: "closed" });
  first.close();
  const second = createClient(given);
  await second.ready;
  await gone;
  assert.equal(second.returnTo, "/deep?x=1");
  const sent = workers.flatMap(({ heard }) => heard).filter(({ type }) => type === "callback");
  assert.equal(sent.length, 1);
});

test("a failed callback is no obstacle to being ready", async () => {
  const error = { code: "callback_unknown", phase: "callback", message: "no", retryable: false };
  const { createClient, isAuthError } = await page({
    href: CALLBACK,
    vault({ type, id }, worker) {
      if (type === "callback") worker.say({ type: "failed", id, error });
    },
  });
  const auth = createClient(options());
  await auth.ready;
  assert.ok(isAuthError(auth.callbackError));
  assert.equal(auth.callbackError.code, "callback_unknown");
  assert.equal(auth.returnTo, undefined);
});

test("nobody is signed out before the callback was judged", async () => {
  for (const callback of /** @type {const} */ (["auto", "manual"])) {
    const { createClient } = await page({
      href: CALLBACK,
      async vault(message, worker) {
        if (message.type !== "callback") return;
        worker.say({ type: "state", state: '{"status":"signedOut","reason":"expired"}' });
        await turn();
        worker.say({ type: "state", state: '{"status":"signingIn"}' });
        await turn();
        concluding(message, worker);
      },
    });
    const auth = createClient({ ...options(), callback });
    const seen = [auth.state.status];
    auth.subscribe(() => seen.push(auth.state.status));
    if (callback === "manual") await auth.handleCallback(CALLBACK);
    await auth.ready;
    assert.deepEqual(seen, ["restoring", "signingIn", "signedIn"], callback);
  }
});

test("a callback that failed shows who was signed out before anybody is told", async () => {
  const error = { code: "callback_unknown", phase: "callback", message: "no", retryable: false };
  const state = { status: "signedOut", reason: "callback_failed", error };
  const { createClient, workers, session } = await page({
    href: CALLBACK,
    vault({ type, id }, worker) {
      if (type !== "callback") return;
      session.state = JSON.stringify(state);
      for (const each of workers) each.say({ type: "state", state: session.state });
      worker.say({ type: "failed", id, error });
    },
  });
  const given = options();
  const auth = createClient(given);
  /** @type {unknown[]} */
  const seen = [];
  auth.subscribe(() => seen.push(auth.state));
  const twin = createClient(given);
  await auth.ready;
  await twin.ready;
  assert.deepEqual(seen, [state]);
  assert.deepEqual(twin.state, state);
  session.state = '{"status":"signedOut","reason":"no_session"}';
  const byHand = createClient({ ...options(), callback: "manual" });
  await assert.rejects(byHand.handleCallback(CALLBACK), { code: "callback_unknown" });
  assert.deepEqual(byHand.state, state);
});

test("a callback by hand is brought once, and its failure told", async () => {
  const { createClient, workers, location } = await page({ href: CALLBACK, vault: concluding });
  const auth = createClient({ ...options(), callback: "manual" });
  await auth.ready;
  assert.equal(location.href, CALLBACK);
  await Promise.all([auth.handleCallback(CALLBACK), auth.handleCallback(CALLBACK)]);
  assert.equal(auth.returnTo, "/deep?x=1");
  assert.equal(workers[0]?.heard.filter(({ type }) => type === "callback").length, 1);
});

test("the state is frozen to its depths, and the same until it changes", async () => {
  const { createClient, workers } = await page({ href: CALLBACK, vault: concluding });
  const auth = createClient(options());
  let changes = 0;
  const { subscribe } = auth;
  const stop = subscribe(() => changes++);
  await auth.ready;
  const { state } = auth;
  assert.ok(state.status === "signedIn");
  assert.ok(Object.isFrozen(state) && Object.isFrozen(state.claims["deep"]));
  const before = changes;
  workers[0]?.say({ type: "state", state: JSON.stringify(state) });
  await turn();
  assert.equal(auth.state, state);
  assert.equal(changes, before);
  stop();
  workers[0]?.say({ type: "state", state: '{"status":"signedOut","reason":"signed_out"}' });
  await turn();
  assert.equal(auth.state.status, "signedOut");
  assert.equal(changes, before);
});

test("a listener that throws or leaves is no matter to the others", async (context) => {
  const { createClient, workers } = await page();
  const reported = context.mock.fn();
  Object.assign(globalThis, { reportError: reported });
  const auth = createClient(options());
  await auth.ready;
  const error = new Error("mine");
  /** @type {string[]} */
  const called = [];
  auth.subscribe(() => {
    throw error;
  });
  auth.subscribe(() => stop());
  const stop = auth.subscribe(() => called.push("left before its turn"));
  auth.subscribe(() => called.push("last"));
  workers[0]?.say({ type: "state", state: '{"status":"signingIn"}' });
  await turn();
  assert.deepEqual(called, ["last"]);
  assert.deepEqual(reported.mock.calls[0]?.arguments, [error]);
});

test("what nobody waits for raises no unhandled rejection", async (context) => {
  const unhandled = context.mock.fn();
  process.on("unhandledRejection", unhandled);
  context.after(() => process.off("unhandledRejection", unhandled));
  const { createClient, failures, workers } = await page({ href: CALLBACK });
  context.mock.method(globalThis, "fetch", async () => script("text/html"));
  const auth = createClient(options());
  failures.count = 1;
  auth.subscribe(() => {});
  await turn();
  failures.count = 1;
  void auth.ready;
  await turn();
  const other = createClient(options());
  void other.ready;
  await turn();
  other.close();
  other.subscribe(() => {});
  await turn();
  assert.equal(workers.length, 3);
  assert.equal(unhandled.mock.callCount(), 0);
});

test("the addresses that people come back to are whole in the configuration", async () => {
  const { createClient, workers } = await page({ href: `${ORIGIN}/deep/page?a#b` });
  const given = Object.freeze({
    ...options(),
    redirectUri: "callback",
    logout: Object.freeze({ endSession: true, postLogoutRedirectUri: "/bye" }),
  });
  await createClient(given).ready;
  const { redirectUri, logout } = JSON.parse(workers[0]?.heard[0]?.config);
  assert.equal(redirectUri, `${ORIGIN}/callback`);
  assert.deepEqual(logout, { endSession: true, postLogoutRedirectUri: `${ORIGIN}/bye` });
  for (const wrong of [{ postLogoutRedirectUri: 7 }, { postLogoutRedirectUri: "https://" }, {}]) {
    // @ts-expect-error the vault says what is wrong with it
    await createClient({ ...options(), logout: wrong }).ready;
    assert.deepEqual(JSON.parse(workers.at(-1)?.heard[0]?.config).logout, wrong);
  }
});

test("signing in and out go where the vault says", async () => {
  const { createClient, location, workers } = await page({
    href: `${ORIGIN}/here?a=1#b`,
    vault({ type, id }, worker) {
      if (type === "signIn") worker.say({ type: "navigate", id, url: "https://id.example/a" });
      if (type === "signOut") worker.say({ type: "signedOut", id, url: "https://id.example/e" });
    },
  });
  const auth = createClient(options());
  const claims = { userinfo: { name: null } };
  await auth.signIn({ prompt: "login", maxAge: 60, claims, extraParams: { a: "b" } });
  await auth.signOut();
  assert.deepEqual(location.assigned, ["https://id.example/a", "https://id.example/e"]);
  const asked = workers[0]?.heard.find(({ type }) => type === "signIn");
  assert.equal(asked?.returnTo, `${ORIGIN}/here?a=1#b`);
  assert.deepEqual(asked?.asked, {
    prompt: "login",
    maxAge: "60",
    claims: '{"userinfo":{"name":null}}',
    extraParams: { a: "b" },
  });
  // @ts-expect-error there is no such mode
  await assert.rejects(auth.signIn({ mode: "tab" }), { code: "config_invalid", message: /popup/ });
  // @ts-expect-error what comes later is refused by name
  await assert.rejects(auth.signIn({ passkey: true }), { code: "config_invalid" });
});

const RESTORING = JSON.stringify({ status: "restoring" });

/** @param {import("./edge.mjs").Worker[]} workers */
const restores = (workers) =>
  workers.flatMap(({ heard }) => heard).filter(({ type }) => type === "restore");

test("a page that is told to leaves to have the session restored, whatever it wants first", async () => {
  for (const want of ["ready", "subscribe", "fetch"]) {
    const { createClient, location, session, workers } = await page({
      href: `${ORIGIN}/here?a=1#b`,
      vault({ type, id }, worker) {
        if (type === "restore") worker.say({ type: "navigate", id, url: "https://id.example/a" });
      },
    });
    session.state = RESTORING;
    const auth = createClient(options());
    let isReady = false;
    if (want === "ready") auth.ready.then(() => (isReady = true));
    if (want === "subscribe") auth.subscribe(() => {});
    if (want === "fetch") void auth.fetch("https://api.example/");
    await turn();
    assert.deepEqual([location.replaced, location.assigned], [["https://id.example/a"], []], want);
    assert.deepEqual(
      restores(workers).map(({ returnTo }) => returnTo),
      [`${ORIGIN}/here?a=1#b`],
    );
    assert.deepEqual([isReady, auth.state.status], [false, "restoring"]);
  }
});

test("a page that is not told to leave stays, and hears of the outcome", async () => {
  const { createClient, location, session, workers } = await page({
    vault({ type, id }, worker) {
      if (type === "restore") worker.say({ type: "concluded", id });
    },
  });
  session.state = RESTORING;
  const auth = createClient(options());
  const { ready } = auth;
  await turn();
  const state = { status: "signedOut", reason: "vault_gone" };
  workers[0]?.say({ type: "state", state: JSON.stringify(state) });
  await ready;
  assert.deepEqual([auth.state, location.replaced], [state, []]);
});

test("a callback comes first, and one that is brought by hand is not left behind", async () => {
  const first = await page({ href: CALLBACK, vault: concluding });
  first.session.state = RESTORING;
  await first.createClient(options()).ready;
  assert.deepEqual(restores(first.workers), [], "the callback answered it");

  const { createClient, session, workers } = await page({ href: CALLBACK });
  session.state = RESTORING;
  createClient({ ...options(), callback: "manual" }).subscribe(() => {});
  await turn();
  assert.deepEqual(
    restores(workers).map((message) => "returnTo" in message),
    [false],
    "this page cannot leave",
  );
});

test("a closed client says so", async () => {
  const { createClient, workers } = await page();
  const auth = createClient(options());
  await auth.ready;
  const waiting = assert.rejects(auth.exportAccessToken(), { code: "closed" });
  await turn();
  auth.close();
  await waiting;
  await assert.rejects(auth.fetch("https://api.example/"), { code: "closed" });
  await assert.rejects(auth.ready, { code: "closed" });
  await turn();
  assert.equal(workers[0]?.heard.at(-1)?.type, "close");
});
