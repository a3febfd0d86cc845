// @ts-check
// A script replaces functions of the browser and listens to what passes: before the SDK loads, so that this
// captures the replaced ones, and after.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as stage from "./harness.mjs";

/** Each is installed by page/spies.js, all at once. */
const ATTACKS = [
  "replaces fetch (t20, st6)",
  "replaces XMLHttpRequest (t20)",
  "replaces Headers (t20, st6)",
  "replaces Request (t20)",
  "replaces Response (t20)",
  "replaces the methods of streams (t20)",
  "replaces Promise.prototype.then (t20, st6)",
  "replaces Promise (t20)",
  "replaces JSON (t20, st6)",
  "replaces TextEncoder and TextDecoder (t20, st6)",
  "replaces crypto.subtle (t20)",
  "replaces MessagePort and MessageChannel (t20, st3)",
  "replaces Worker (t20)",
  "replaces SharedWorker (t20)",
  "replaces WebAssembly (t20, t21)",
  "replaces setTimeout and queueMicrotask (t20)",
  "replaces addEventListener and dispatchEvent (t20)",
  "replaces BroadcastChannel (t16, t20)",
  "replaces navigator.locks (t20)",
  "replaces IndexedDB's methods (t20, st1)",
  "replaces the console (t23)",
  "replaces structuredClone (t20)",
  "replaces URL and URLSearchParams (t20)",
  "replaces history's methods (t18)",
  "replaces the storage's and the cookies' setters (st1, st2)",
  "replaces Array's methods (t20)",
  "replaces String's methods (t20)",
  "replaces the methods of typed arrays (t20)",
  "replaces call, apply and bind (t20)",
  "replaces Object's and Reflect's functions (t20)",
  "replaces Map, Set and WeakMap (t20)",
  "replaces Blob, File and FormData (t20)",
  "replaces Trusted Types and the service workers' methods (t20)",
  "has Object.prototype hear of every promise and every token's name (t19)",
].map((name) => ({ name }));

test("functions that a script replaces hear of no credential", stage.isolated, async (t) => {
  const { e2e } = stage;
  /** @type {Map<string, string>} */
  const problems = new Map();

  const early = await stage.application({ first: ["/attacks/spying.js"] });
  const tab = await early.openSignedIn();
  await stage.live(early, tab);
  await spied(early, tab, []);

  e2e.servers.direct.other.log.reset();
  const late = await stage.application();
  const second = await e2e.newTab();
  await late.open({ tab: second });
  await second.signIn();
  const key = await stage.handIn(second);
  await stage.attack(second, "spies.js", "install");
  await stage.live(late, second);
  await spied(late, second, [key]);
  await stage.judge(t, ATTACKS, problems);

  /**
   * @param {stage.Application} app
   * @param {stage.Tab} tab
   * @param {stage.Sought[]} keys
   */
  async function spied(app, tab, keys) {
    const names = ATTACKS.map(({ name }) => stage.short(name));
    const words = stage.canaries(names);
    await stage.attack(tab, "spies.js", "probeAll", words);
    const kept = await stage.hoard(tab);
    const sought = [...app.tokens(), ...keys, ...stage.verifiers(app)];
    for (const kind of ["access", "refresh", "id", "verifier"]) {
      assert.ok(
        sought.some((one) => one.kind === kind),
        kind,
      );
    }
    const found = stage.stolen(kept, sought);
    for (const { name } of ATTACKS) {
      const hits = found.get(stage.short(name));
      if (hits) problems.set(name, hits.join());
      const word = words[stage.short(name)] ?? "";
      const atServer = e2e.servers.direct.other.log.list().some(({ body }) => body.includes(word));
      if (!atServer) problems.set(name, "the spy is deaf");
    }
    assert.deepEqual([...found.keys()], []);
    await stage.assertUnharmed(tab);
  }
});
