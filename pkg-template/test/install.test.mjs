// @ts-check
// A bare request and `installFetch`: which fetch gets which request.
import assert from "node:assert/strict";
import { after, mock, test } from "node:test";
import { browser, load, loadScript, OPTIONS } from "./edge.mjs";

const own = mock.fn(async (/** @type {any[]} */ ..._given) => new Response("own"));
const native = globalThis.fetch;
globalThis.fetch = own;
const { workers, quit } = browser();
after(() => {
  quit();
  globalThis.fetch = native;
});
const { createClient } = await load();
Object.assign(document, { baseURI: "https://app.example/folder/" });
/** @type {typeof import("../src/install.js")} */
const { installFetch } = await loadScript("install.ts");

test("a request without a credential is the page's own, whoever replaced its fetch since", async () => {
  const auth = createClient(OPTIONS);
  const later = mock.fn(own);
  globalThis.fetch = later;
  const init = /** @type {const} */ ({ credential: "none", method: "POST", body: "x" });
  const answer = await auth.fetch("https://elsewhere.example/", init);
  globalThis.fetch = own;
  assert.equal(await answer.text(), "own");
  assert.deepEqual(own.mock.calls.at(-1)?.arguments, ["https://elsewhere.example/", init]);
  assert.equal(later.mock.callCount(), 0);
  assert.equal(workers.length, 0, "no vault is asked, nor begun");
});

const client = (place = "shared") => ({
  place: /** @type {any} */ (place),
  fetch: mock.fn(async (/** @type {any[]} */ ..._given) => new Response("client")),
});

test("requests to the resources go through the client, others are left alone", async () => {
  const auth = client();
  const uninstall = installFetch(auth, [{ origin: "https://api.example" }]);
  const before = own.mock.callCount();
  const inside = ["https://API.example/a", new URL("https://api.example:443/"), "//api.example/b"];
  for (const input of [...inside, new Request("https://api.example/c")]) {
    assert.equal(await (await fetch(input, { method: "PUT" })).text(), "client");
  }
  assert.equal(own.mock.callCount(), before);
  for (const input of [
    "/d",
    "https://api.example.evil/",
    "https://api.example:8443/",
    "http://api.example/",
  ]) {
    assert.equal(await (await fetch(input)).text(), "own");
    assert.deepEqual(own.mock.calls.at(-1)?.arguments, [input]);
  }
  assert.equal(auth.fetch.mock.callCount(), 4);
  uninstall();
  assert.equal(globalThis.fetch, own);
});

test("a resource is what its paths and methods say, as the vault compares them", async () => {
  const auth = client();
  const uninstall = installFetch(auth, [
    { origin: "https://app.example", paths: ["/api/"], methods: ["GET", "POST", "purge"] },
  ]);
  const inside = [
    "/api",
    "/api/",
    "/api/me?x#y",
    "/x/../api/me",
    new URL("https://app.example/api"),
  ];
  for (const input of inside) assert.equal(await (await fetch(input)).text(), "client", `${input}`);
  for (const method of ["get", "Post", "purge"]) {
    assert.equal(await (await fetch("/api", { method })).text(), "client", method);
  }
  const outside = ["/", "/apis", "/api/../config.json", "/API/me", "https://[", "data:,x"];
  for (const input of outside) assert.equal(await (await fetch(input)).text(), "own", input);
  for (const method of ["PUT", "Purge"]) {
    assert.equal(await (await fetch("/api", { method })).text(), "own", method);
    const request = new Request("https://app.example/api", { method });
    assert.equal(await (await fetch(request)).text(), "own", method);
    assert.equal(await (await fetch(request, { method: "GET" })).text(), "client");
  }
  // A frame's `Request` is one, though no instance of this page's.
  const { url, method } = new Request("https://app.example/api/me");
  assert.equal(await (await fetch(/** @type {any} */ ({ url, method }))).text(), "client");
  uninstall();
});

test("twice is refused, and so is a vault in this page", () => {
  const uninstall = installFetch(client(), []);
  assert.throws(() => installFetch(client(), []), { code: "install_refused" });
  uninstall();
  uninstall();
  assert.throws(() => installFetch(client("page"), []), { code: "install_refused" });
  installFetch(client(), [])();
});

test("what was put over it stays, and hears of no client any more", async () => {
  const auth = client();
  const uninstall = installFetch(auth, [{ origin: "https://api.example" }]);
  const under = globalThis.fetch;
  const over = (/** @type {any} */ input) => under(input);
  globalThis.fetch = over;
  uninstall();
  assert.equal(globalThis.fetch, over);
  assert.equal(await (await fetch("https://api.example/")).text(), "own");
  globalThis.fetch = own;
});
