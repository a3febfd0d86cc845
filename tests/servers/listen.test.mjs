// @ts-check
// Shows that servers find free ports, however many are taken.
import assert from "node:assert/strict";
import { test } from "node:test";
import { listen } from "./listen.mjs";

test("a port is found past many that are taken, and without a warning", async (context) => {
  /** @type {Error[]} */
  const warnings = [];
  const onWarning = (/** @type {Error} */ warning) => void warnings.push(warning);
  process.on("warning", onWarning);
  context.after(() => process.off("warning", onWarning));
  const servers = [];
  for (let count = 0; count < 15; count += 1) servers.push(await listen());
  try {
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(new Set(servers.map(({ port }) => port)).size, servers.length);
    assert.deepEqual(warnings, []);
    await assert.rejects(listen(servers[0]?.port), { code: "EADDRINUSE" });
  } finally {
    for (const server of servers) await server.close();
  }
});
