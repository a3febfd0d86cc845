// @ts-check
// A script speaks to the vault itself: as the page does, as the page never would, and to vaults of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "../e2e/harness/place.mjs";
import { VAULT_HEADERS } from "../servers/start.mjs";
import * as stage from "./harness.mjs";
import { forgeries, protocol, randomMessages } from "./messages.mjs";

/** @type {stage.Attack} */
const DIRECT = {
  name: "connects to the page's vault and calls the API (t4, t33)",
  limit: "uses the session",
};
const PORT = { name: "speaks over the page's own port (t4, t33)", limit: "uses the session" };
const UNGREETED = { name: "sends the vault every message but a hello (t33, st4)" };
const GREETS = { name: "says hello to the page's vault with a wider configuration (t4, st4)" };
const WIDER = { name: "starts a vault of its own that may reach the attacker (t4, st4)" };
const FORGED = { name: "forges every message with every field, each of them wrong (t33, st4)" };
const CHANCE = { name: "sends ten thousand messages that chance made (t33, st4)" };
const VAULT_URL = { name: "points `vaultUrl` at a script of its own (t33, st4)" };

test("whoever speaks to the vault gets no credential (t33)", stage.isolated, async (t) => {
  const { e2e } = stage;
  const { api, other, app: origin } = e2e.servers;
  const app = await stage.application({ first: ["/attacks/ports.js"], connects: [other] });
  const tab = await app.openSignedIn();
  const key = await stage.handIn(tab);
  const at = { api, other, app: origin };
  /** @type {Map<string, string>} */
  const problems = new Map();
  /**
   * @param {stage.Attack} attack
   * @param {string} name of the function in page/forges.js
   * @param {unknown[]} given
   */
  const run = (attack, name, ...given) => {
    return stage.attack(tab, "forges.js", name, stage.short(attack.name), ...given);
  };
  /**
   * @param {stage.Attack} attack
   * @param {boolean} asSaid
   * @param {unknown} outcome
   */
  const check = (attack, asSaid, outcome) => {
    if (!asSaid) problems.set(attack.name, JSON.stringify(outcome));
  };

  const direct = await run(DIRECT, "speakDirectly", `${api}/me`);
  check(DIRECT, direct === 200, direct);
  const port = await run(PORT, "speakForThePage", `${api}/me`);
  check(PORT, port.includes(200) && port.includes("export_not_allowed"), port);

  const forged = forgeries(at);
  assert.ok(protocol().size >= 21 && forged.length > 300, `${protocol().size} ${forged.length}`);
  const ungreeted = await run(UNGREETED, "speakUngreeted", [
    ...forged.slice(0, 200),
    { type: "fetch", id: 1, url: `${api}/me`, method: "GET", headers: [], options: [] },
    { type: "exportAccessToken", id: 1 },
    { type: "signOut", id: 1 },
  ]);
  check(UNGREETED, isRefused(ungreeted), ungreeted);

  const resources = [{ origin: api }, { origin: other }];
  const wider = { resources, apiKeys: {}, allowTokenExport: true };
  const greetings = [
    { options: wider },
    { options: { allowTokenExport: true } },
    { options: { redirectUri: `${other}/` } },
    { fields: { wire: 0 } },
    { fields: { page: `${other}/` } },
    { fields: { lock: "tokenward/vault/x" } },
    { fields: { more: true } },
  ];
  const greeted = await run(GREETS, "greetWrongly", greetings);
  check(
    GREETS,
    greeted.every((/** @type {string} */ type) => type !== "welcome"),
    greeted,
  );

  const started = await run(WIDER, "startWider", wider, `${other}/`);
  assert.equal(started[0], "welcome");
  check(WIDER, !started.includes("response") && !started.includes("token"), started);

  const written = forged.map((message) => JSON.stringify(message));
  const answered = await run(FORGED, "speakMuch", written);
  check(FORGED, Object.keys(answered).length > 4, answered);
  await stage.assertUnharmed(tab);

  const seed = Number(process.env.TOKENWARD_SEED ?? 7);
  const made = randomMessages(10_000, seed, at);
  const texts = made.map((message) => JSON.stringify(message));
  let answers = 0;
  // In parts, which a slow machine is done with before a driver gives up.
  for (let at = 0; at < texts.length; at += 2500) {
    const survived = await run(CHANCE, "speakMuch", texts.slice(at, at + 2500));
    check(CHANCE, Object.keys(survived).length > 4, survived);
    for (const times of Object.values(survived)) answers += Number(times);
  }

  const own = await run(VAULT_URL, "redirectVault", `${origin}/attacks/vault.js`);
  const foreign = await run(VAULT_URL, "redirectVault", `${other}/vault.js`);
  // A page's dedicated worker is found by its name, so that a second client speaks to the one that is there.
  const isRight = own.includes("signedIn") === !place.sharesTabs && !foreign.includes("signedIn");
  check(VAULT_URL, isRight, [own, foreign]);

  await stage.live(app, tab);
  const found = stage.stolen(await stage.hoard(tab), [
    ...app.tokens(),
    key,
    ...stage.verifiers(app),
  ]);
  const attacks = [DIRECT, PORT, UNGREETED, GREETS, WIDER, FORGED, CHANCE, VAULT_URL];
  for (const attack of attacks) {
    const hits = found.get(stage.short(attack.name));
    if (hits) problems.set(attack.name, hits.join());
  }
  await stage.judge(t, attacks, problems);
  assert.deepEqual([...found], []);
  const reached = e2e.servers.direct.other.log.list().filter(({ url }) => url !== "/loot");
  assert.deepEqual(reached, [], "the vault was made to ask the attacker's server");
  await stage.assertUnharmed(tab);
  const counts = [
    ["forged", written.length],
    ["made by chance", texts.length],
    ["answers to these", answers],
    ["to an unlisted origin", reached.length],
  ];
  t.diagnostic(
    `figure: ${JSON.stringify({ matrix: `messages by a port (seed ${seed})`, counts })}`,
  );
});

/** @param {Record<string, number>} counts what was answered to somebody who must get nothing */
function isRefused(counts) {
  return Object.keys(counts).every((word) => /^(failed|refused|ping|pong)\b/.test(word));
}

const OUT = { name: "sends data out through the vault, under the recommended policies (t4, st4)" };

test(
  "under the recommended policies nothing leaves by way of the vault (t4)",
  stage.isolated,
  async (t) => {
    const { e2e } = stage;
    const { api, other } = e2e.servers;
    const app = await stage.application();
    const { page } = e2e.headers();
    const headers = e2e.filled({ page: page ?? {}, vault: VAULT_HEADERS });
    e2e.servers.direct.app.setHeaders(headers);
    const tab = await app.openSignedIn();
    const ways = await stage.attack(tab, "forges.js", "sendOut", stage.short(OUT.name), other, api);
    /** @type {Map<string, string>} */
    const problems = new Map();
    const codes = ["vault", "keepalive", "redirect", "unauthorised", "returnTo"];
    if (codes.some((way) => ways[way] === "no error")) problems.set(OUT.name, JSON.stringify(ways));
    assert.equal(ways["vault"], "target_not_allowed");
    const reached = e2e.servers.direct.other.log.list();
    if (reached.length > 0) problems.set(OUT.name, JSON.stringify(reached));
    await stage.judge(t, [OUT], problems);
    await stage.assertUnharmed(tab);
  },
);

const EARLY = {
  name: "connects before the application does, with a wider configuration (t5, st4)",
};
const sharesVault = place.sharesTabs
  ? stage.isolated
  : { skip: "nobody can be at a dedicated worker before its page" };

test("a script that is at the vault first gets nothing by it (t5)", sharesVault, async (t) => {
  const { api, other } = stage.e2e.servers;
  const app = await stage.application({ first: ["/attacks/early.js"], connects: [other] });
  const tab = await app.open();
  // The first page told the name, and started no vault.
  const name = await tab.run(() => sessionStorage.getItem("name"));
  assert.match(name ?? "", /^tokenward\/1\//);
  await app.open();
  await tab.signIn();
  await stage.live(app, tab);
  const said = await stage.attack(tab, "early.js", "ask", stage.short(EARLY.name), `${api}/me`);
  /** @type {Map<string, string>} */
  const problems = new Map();
  const found = stage.stolen(await stage.hoard(tab), app.tokens());
  if (found.size > 0 || !isRefused(said)) {
    problems.set(EARLY.name, JSON.stringify([said, [...found]]));
  }
  await stage.judge(t, [EARLY], problems);
});
