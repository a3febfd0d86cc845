// @ts-check
// `auth.fetch` beside the page's own `fetch`, over every member of `RequestInit`, every kind of body,
// every status and what can fail: docs/fetch.md says what it keeps, and this test holds it to that.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { engine } from "./harness/browser.mjs";
import { judge, render } from "./harness/fidelity.mjs";
import { placeName } from "./harness/place.mjs";
import { suite } from "./harness/suite.mjs";

const FINDINGS = fileURLToPath(new URL("./fidelity.json", import.meta.url));
const PAGE = fileURLToPath(new URL("../../docs/fetch.md", import.meta.url));
const CELL = `${engine.name}/${placeName}`;

const e2e = suite({ vaultConnects: "{other}" });

test("what `auth.fetch` keeps is what docs/fetch.md says", async () => {
  const { api, other, app: origin } = e2e.servers;
  const { page, vault } = e2e.headers();
  const policy = "Content-Security-Policy";
  // The page's own fetch may go where the vault's may.
  const connects = /connect-src [^;]*/.exec(vault[policy] ?? "")?.[0] ?? "";
  const allowed = page[policy]?.replace(/connect-src [^;]*/, `${connects} 'self'`) ?? "";
  e2e.servers.direct.app.setHeaders({ page: { ...page, [policy]: allowed } });
  const app = await e2e.application();
  const tab = await app.openSignedIn();
  e2e.servers.direct.api.log.reset();

  const compared = await tab.run(
    async (auth, at) => {
      const path = "/fidelity/compare.js";
      const { compare } = await import(path);
      return compare(auth, at);
    },
    { api, other },
  );
  const found = judge(compared, e2e.servers.direct.api.log.list(), (text) =>
    text
      .replaceAll(`${app.base}callback`, "{page}")
      .replaceAll(app.base, "{page}")
      .replaceAll(origin, "{app}")
      .replaceAll(api, "{api}")
      .replaceAll(other, "{other}")
      .replace(/Bearer [\w.-]+/, "Bearer …"),
  );

  const cases = compared.map(
    (/** @type {import("./harness/fidelity.mjs").Compared} */ { group, name }) =>
      `${group}: ${name}`,
  );
  /** @type {import("./harness/fidelity.mjs").Findings} */
  const findings = JSON.parse(await readFile(FINDINGS, "utf8"));
  if (process.env.UPDATE_FIDELITY) {
    const cells = { ...findings.cells, [CELL]: found };
    const sorted = Object.fromEntries(Object.entries(cells).sort(([a], [b]) => (a < b ? -1 : 1)));
    Object.assign(findings, { cases, cells: sorted });
    await writeFile(FINDINGS, `${JSON.stringify(findings, undefined, 2)}\n`);
    await writeFile(PAGE, render(findings));
  }
  assert.deepEqual(cases, findings.cases, "the cases: run with UPDATE_FIDELITY=1");
  assert.deepEqual(found, findings.cells[CELL], "a difference: run with UPDATE_FIDELITY=1");
  assert.equal(await readFile(PAGE, "utf8"), render(findings), "docs/fetch.md has drifted");
});
