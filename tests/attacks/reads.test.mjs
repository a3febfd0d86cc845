// @ts-check
// A script reads whatever a page can read while somebody is signed in, calls, and has tokens renewed.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { PACKAGE } from "../e2e/harness/web-root.mjs";
import * as stage from "./harness.mjs";

/**
 * Each is in page/reads.js. What shows that it reads at all is its planted word, unless `shows` says else.
 *
 * @type {(stage.Attack & { shows?: RegExp })[]}
 */
const ATTACKS = [
  { name: "reads localStorage and sessionStorage (t1, st1)" },
  { name: "reads every cookie (t1, st1, st2)" },
  { name: "reads every record of IndexedDB (t1, st1)" },
  { name: "reads every cache (t1, st1)" },
  { name: "reads the origin's private files (t1, st1)" },
  { name: "reads window.name, the history and the addresses (t18, st1)" },
  { name: "reads the performance entries (t18)" },
  { name: "reads the document and the text of every script (t1)", shows: /createClient/ },
  { name: "walks every object in reach of the client (t1, st9)", shows: /signedIn/ },
  { name: "prints, copies and serialises everything public (st9, t23)", shows: /refreshed/ },
  { name: "reads the errors of forced failures (t23, st9)", shows: /target_not_allowed/ },
  { name: "imports the SDK's modules by URL and calls every export (t1, st3)" },
  {
    name: "starts the vault's module in the page and searches its memory (t21, st3)",
    shows: /client-\d+-\d+/,
  },
  { name: "reads the names of all locks (t17)", shows: /tokenward\/page\// },
  {
    name: "reads an authorised answer from the HTTP cache, as nobody (br9, t1)",
    shows: /missing_token/,
  },
  {
    name: "asks for the token by the client's own means (t1, st9)",
    shows: /export_not_allowed/,
  },
  {
    name: "calls an API that repeats the token in text or a header (t1, t23)",
    shows: /credential_reflected/,
  },
  { name: "looks through a frame with functions of its own (t1, t20)" },
  { name: "reads the service workers and speaks to the shield (t39)", shows: /shield\.js/ },
  { name: "listens on every BroadcastChannel (t16)" },
  { name: "listens to the windows' messages and to storage events (t16)" },
  { name: "listens to every state and event of the client (st9, t23)", shows: /refreshed/ },
];

test("what a page can read has no credential in it", stage.isolated, async (t) => {
  const { api, other, issuer } = stage.e2e.servers;
  const app = await stage.application({
    connects: [api],
    first: ["/attacks/ports.js"],
    page: { listens: true },
  });
  const tab = await app.openSignedIn();
  const key = await stage.handIn(tab);
  const words = stage.canaries(ATTACKS.map(({ name }) => stage.short(name)));
  await stage.attack(tab, "reads.js", "listen", [`tokenward/${issuer}/${app.clientId}`], words);
  await stage.live(app, tab);
  const modules = readdirSync(PACKAGE).filter((name) => name.endsWith(".js"));
  const config = await stage.attack(tab, "ports.js", "configOf");
  const given = { api, other, config, modules: modules.map((name) => `/pkg/${name}`) };
  const threw = await stage.attack(tab, "reads.js", "readAll", words, given);
  await stage.live(app, tab);

  const kept = await stage.hoard(tab);
  const sought = [...app.tokens(), key, ...stage.verifiers(app)];
  const found = stage.stolen(kept, sought);
  /** @type {Map<string, string>} */
  const problems = new Map();
  const lacks = Object.entries(stage.e2e.engine.lacks).map(([, why]) => why);
  const ran = ATTACKS.filter(({ name }) => lacks.length === 0 || !name.includes("private files"));
  for (const { name, shows } of ran) {
    const what = stage.short(name);
    const hits = found.get(what);
    const heard = kept.filter((_, at) => kept[at - 1] === what).join("\n");
    if (threw[what]) problems.set(name, threw[what]);
    else if (hits) problems.set(name, hits.join());
    else if (shows ? !shows.test(heard) : !heard.includes(words[what] ?? "no word")) {
      problems.set(name, `it read nothing: ${heard.slice(0, 300)}`);
    }
  }
  await stage.judge(t, ran, problems);
  assert.deepEqual([...found], []);
  await stage.assertUnharmed(tab);
});
