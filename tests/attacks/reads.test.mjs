// @ts-check
// A script reads whatever a page can read while somebody is signed in, calls, and has tokens renewed.
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { PACKAGE } from "../e2e/harness/web-root.mjs";
import { READS as ATTACKS } from "./attacks.mjs";
import * as stage from "./harness.mjs";

/** A vault that a script starts in the page opens the record, too. */
const OPENS = { limit: "opens the record in place" };

for (const { word, cell, wanted, options } of stage.PERSISTENCES) {
  test(`what a page can read has no credential in it: ${word} (t1)`, options, async (t) => {
    const { api, other, issuer } = stage.e2e.servers;
    const app = await stage.application({
      ...wanted,
      connects: [api],
      first: ["/attacks/ports.js"],
      page: { listens: true },
    });
    const tab = await app.openSignedIn();
    const key = await stage.handIn(tab);
    const isSealed = word !== "memory";
    const attacks = ATTACKS.map((attack) =>
      isSealed && attack.name.includes("the vault's module") ? { ...attack, ...OPENS } : attack,
    );
    const words = stage.canaries(ATTACKS.map(({ name }) => stage.short(name)));
    await stage.attack(tab, "reads.js", "listen", [`tokenward/${issuer}/${app.clientId}`], words);
    await stage.live(app, tab);
    const modules = readdirSync(PACKAGE).filter((name) => name.endsWith(".js"));
    const config = await stage.attack(tab, "ports.js", "configOf");
    const given = { api, other, config, modules: modules.map((name) => `/pkg/${name}`), isSealed };
    const threw = await stage.attack(tab, "reads.js", "readAll", words, given);
    await stage.live(app, tab);

    const sought = [...app.tokens(), key, ...stage.verifiers(app)];
    const kept = await stage.hoard(tab);
    const { ran, problems } = stage.judgeReads(attacks, words, threw, kept, sought);
    await stage.judge(t, ran, problems, cell);
    await stage.assertUnharmed(tab);
  });
}
