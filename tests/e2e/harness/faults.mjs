// @ts-check
// The fault matrix: what each fault does at each step, and how docs/faults.md says it.

/** @typedef {import("../../servers/faults.mjs").Fault} Fault */
/** @typedef {import("../../servers/faults.mjs").Step} AnyStep */
/** @typedef {Exclude<AnyStep, "keys" | "pushed" | "userinfo">} Step those of every session */
/** @typedef {{ name: string, fault: () => Fault | "refuse" } & Record<Step, string>} Row */

const DAY_MS = 24 * 60 * 60 * 1000;
const HTML = { contentType: "text/html", body: "<h1>Bad gateway</h1>" };

/** The steps, in the order in which a session takes them, and what is told of them. */
export const STEPS = /** @type {[step: Step, title: string][]} */ ([
  ["discovery", "Discovery"],
  ["code", "Code exchange"],
  ["refresh", "Refresh"],
  ["api", "API call"],
  ["revocation", "Sign-out"],
]);

const UNREACHABLE = {
  discovery: "provider_unreachable, then found",
  code: "provider_unreachable, signed in as before",
  refresh: "degraded by provider_unreachable, then renewed",
  api: "TypeError",
  revocation: "signed out",
};
const NO_ANSWER = {
  discovery: "provider_answer_invalid, then found",
  code: "provider_answer_invalid, signed in as before",
  refresh: "degraded by provider_answer_invalid, then renewed",
  revocation: "signed out",
};
const FINE = {
  discovery: "found",
  code: "signed in",
  refresh: "renewed",
  api: "200",
  revocation: "signed out",
};
const waits = (/** @type {string} */ code) => `degraded by ${code}, waits as told`;
const lost = (/** @type {string} */ code) => `degraded by ${code}, then ended: refresh_lost`;

/**
 * Every fault with what it does at each step. A count of ten is for browsers, which send by themselves
 * what broke on a connection that they had kept open.
 *
 * @type {Row[]}
 */
export const MATRIX = [
  { name: "the connection is refused", fault: () => "refuse", ...UNREACHABLE },
  {
    name: "reset before the server acted",
    fault: () => ({ drop: true, count: 10 }),
    ...UNREACHABLE,
  },
  {
    name: "reset after the server acted",
    fault: () => ({ spoil: "lose", count: 10 }),
    ...UNREACHABLE,
    refresh: lost("provider_unreachable"),
  },
  {
    name: "cut off in mid-body",
    fault: () => ({ spoil: "truncate" }),
    ...UNREACHABLE,
    api: "200, then breaks off",
    refresh: lost("provider_unreachable"),
  },
  { name: "late, within the time", fault: () => ({ delayMs: 100 }), ...FINE },
  {
    name: "no answer",
    // Not even late: what a page gave up may reach the server before the news that it did.
    fault: () => ({ hold: true, drop: true }),
    discovery: "timeout, then found",
    code: "timeout, signed in as before",
    refresh: "degraded by timeout, then renewed",
    api: "waits until aborted",
    revocation: "signed out, unanswered",
  },
  { name: "429", fault: () => ({ status: 429, count: 2 }), ...NO_ANSWER, api: "429" },
  {
    name: "429 and `Retry-After` in seconds",
    fault: () => ({ status: 429, headers: { "Retry-After": "3600" }, count: 2 }),
    ...NO_ANSWER,
    refresh: waits("provider_answer_invalid"),
    api: "429",
  },
  {
    name: "429 and `Retry-After` as a date",
    fault: () => ({ status: 429, headers: { "Retry-After": inSeconds(3600) }, count: 2 }),
    ...NO_ANSWER,
    refresh: waits("provider_answer_invalid"),
    api: "429",
  },
  {
    name: "500 with an OAuth error",
    fault: () => ({ status: 500, body: { error: "server_error" }, count: 2 }),
    ...NO_ANSWER,
    code: "oauth_error, signed in as before",
    refresh: "degraded by oauth_error, then renewed",
    api: "500",
  },
  {
    name: "502 with HTML",
    fault: () => ({ status: 502, ...HTML, count: 2 }),
    ...NO_ANSWER,
    api: "502",
  },
  { name: "503", fault: () => ({ status: 503, body: "", count: 2 }), ...NO_ANSWER, api: "503" },
  {
    name: "no CORS headers",
    fault: () => ({ spoil: "hide" }),
    ...UNREACHABLE,
    refresh: lost("provider_unreachable"),
  },
  {
    name: "another content type",
    fault: () => ({ spoil: "retype" }),
    ...NO_ANSWER,
    discovery: "found",
    refresh: lost("provider_answer_invalid"),
    api: "200",
  },
  {
    name: "a redirect to another origin",
    fault: () => ({ status: 302, headers: { Location: "{other}/elsewhere" } }),
    ...UNREACHABLE,
  },
  {
    name: "a body of a mebibyte",
    fault: () => ({ spoil: "swell", count: 2 }),
    discovery: "provider_answer_invalid, then found",
    code: "token_answer_invalid, signed in as before",
    refresh: lost("token_answer_invalid"),
    api: "200",
    revocation: "signed out",
  },
  { name: "`Date` a day ahead", fault: () => ({ dateMs: DAY_MS }), ...FINE },
  { name: "`Date` a day behind", fault: () => ({ dateMs: -DAY_MS }), ...FINE },
];

/** @param {number} seconds */
function inSeconds(seconds) {
  return new Date(Date.now() + seconds * 1000).toUTCString();
}

/** @returns {string} docs/faults.md */
export function render() {
  const row = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
  const code = (/** @type {string} */ text) => text.replace(/\b(\w+_\w+|TypeError)\b/g, "`$1`");
  return `# What a session does under faults

Made from \`tests/e2e/harness/faults.mjs\`: \`UPDATE_FAULTS=1 node --test tests/e2e/faults.engine.test.mjs\`. Each
cell is driven in every browser, against a real provider and a real API behind a proxy that misbehaves
as the row says, and its outcome is asserted.

A session ends in one kind of cell alone: the provider rotated the refresh token, the answer was lost,
and the provider then took the old token for a stolen one and ended the session. tokenward asks again
until an answer comes, for providers that allow that for a while; \`refresh_lost\` is what remains where they do not. All
else keeps the session, and what follows shows that it works.

${row(["fault", ...STEPS.map(([, title]) => title)])}
${row(["---", ...STEPS.map(() => "---")])}
${MATRIX.map((one) => row([one.name, ...STEPS.map(([step]) => code(one[step]))])).join("\n")}

- **Discovery.** What \`signIn()\` rejects with, and then the same call again. Both well-known addresses
  fail; where one alone does, the other is asked.
- **Code exchange.** Somebody is signed in and signs in again. A code is never sent twice, so its failure
  is the sign-in's; the session from before stays.
- **Refresh.** The API refuses the token, and the call that brings the refresh about gets the API's 401.
  While a provider says \`Retry-After\`, nothing is sent to it, and the session waits.
- **API call.** As the page's own \`fetch\` has it, with the session untouched. No credential follows a
  redirect to an origin that is no resource.
- **Sign-out.** The session is gone here whatever becomes of the revocation, which is waited for at most
  two seconds.
`;
}
