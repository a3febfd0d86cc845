// @ts-check
// A script replaces functions of the browser and listens to what passes: before the SDK loads, so that this
// captures the replaced ones, and after.
import { test } from "node:test";
import { PATCHES as ATTACKS } from "./attacks.mjs";
import * as stage from "./harness.mjs";

for (const { word, cell, wanted, options } of stage.PERSISTENCES) {
  test(
    `functions that a script replaces hear of no credential: ${word} (t20)`,
    options,
    async (t) => {
      const { e2e } = stage;
      /** @type {Map<string, string>} */
      const problems = new Map();

      const early = await stage.application({ ...wanted, first: ["/attacks/spying.js"] });
      const tab = await early.openSignedIn();
      await stage.live(early, tab);
      await stage.spied(ATTACKS, problems, early, tab, []);

      e2e.servers.direct.other.log.reset();
      const late = await stage.application(wanted);
      const second = await e2e.newTab();
      await late.open({ tab: second });
      await second.signIn();
      const key = await stage.handIn(second);
      await stage.attack(second, "spies.js", "install");
      await stage.live(late, second);
      await stage.spied(ATTACKS, problems, late, second, [key]);
      await stage.judge(t, ATTACKS, problems, cell);
    },
  );
}
