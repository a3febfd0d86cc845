// @ts-check
// What the comparison of two fetches found, in words; and docs/fetch.md, which is made of that.

/** @typedef {import("../../servers/api.mjs").Received} Received */
/** @typedef {{ group: string, name: string, own: object, through: object }} Compared */
/**
 * @typedef {object} Found of one cell
 * @property {string[]} every what is different in every request
 * @property {Record<string, string>} differs by group and name: what else is different
 */
/** @typedef {{ cases: string[], cells: Record<string, Found> }} Findings */

/** Of the connection, or of the clock: never the same. */
const IGNORED = ["host", "connection", "content-length"];

const REDIRECTED = "after the redirect, ";

/** What takes the place of words that change with every run. */
/** @typedef {(text: string) => string} Steady */

/**
 * @param {Compared[]} compared
 * @param {Received[]} received by the server, in the order in which it came
 * @param {Steady} steady
 * @returns {Found}
 */
export function judge(compared, received, steady) {
  /** @type {Map<string, Received[]>} */
  const byCase = new Map();
  for (const request of received.filter(({ preflight }) => !preflight)) {
    const [, , index, by] = request.url.split("/");
    const key = `${index}/${by?.split("?", 1)}`;
    byCase.set(key, [...(byCase.get(key) ?? []), request]);
  }
  const rows = compared.map(({ group, name, own, through }, index) => {
    const sent = [`${index}/own`, `${index}/through`].map((key) => byCase.get(key) ?? []);
    return {
      name: `${group}: ${name}`,
      differences: [...seen(own, through), ...arrived(sent[0] ?? [], sent[1] ?? [])].map(steady),
    };
  });
  const every = rows[0]?.differences ?? [];
  const differs = rows.map(({ name, differences }) => {
    const more = differences.filter((one) => !every.includes(one.replace(REDIRECTED, "")));
    return /** @type {const} */ ([name, more.join("; ")]);
  });
  return { every, differs: Object.fromEntries(differs.filter(([, words]) => words)) };
}

/**
 * @param {Record<string, any>} own
 * @param {Record<string, any>} through
 * @returns {string[]}
 */
function seen(own, through) {
  if ("rejects" in own || "rejects" in through) {
    const [mine, other] = [outcome(own), outcome(through)];
    return mine === other ? [] : [`${other}; its own ${mine}`];
  }
  return Object.keys(own)
    .map((member) => [member, plain(own[member]), plain(through[member])])
    .filter(([, a, b]) => a !== b)
    .map(([member, a, b]) => `\`${member}\` is ${b}, not ${a}`);
}

/** @param {any} value */
const plain = (value) =>
  JSON.stringify(value).replaceAll("/through", "/{by}").replaceAll("/own", "/{by}");

/** @param {Record<string, any>} observed */
function outcome(observed) {
  if ("rejects" in observed) return `rejects with \`${observed.rejects}\``;
  return observed.type === "cors"
    ? `answers ${observed.status}`
    : `gives an ${observed.type} answer`;
}

/**
 * @param {Received[]} own
 * @param {Received[]} through
 * @returns {string[]}
 */
function arrived(own, through) {
  // A connection that broke is tried again by some engines, how often is chance.
  const last = [own.at(-1), through.at(-1)];
  const [mine, other] = last.every((one) => one && !one.status)
    ? [own.slice(-1), through.slice(-1)]
    : [own, through];
  if (mine.length !== other.length) {
    return [other.length ? `arrives ${other.length} times, not ${mine.length}` : "nothing arrives"];
  }
  return mine.flatMap((mine, at) => {
    const theirs = /** @type {Received} */ (other[at]);
    const second = at > 0 ? REDIRECTED : "";
    const differences = [];
    if (mine.method !== theirs.method) differences.push(`method ${theirs.method}`);
    if (body(mine) !== body(theirs)) differences.push("another body");
    const names = new Set([...Object.keys(mine.headers), ...Object.keys(theirs.headers)]);
    for (const name of [...names].sort()) {
      if (IGNORED.includes(name)) continue;
      const [a, b] = [header(mine, name), header(theirs, name)];
      if (a !== b) differences.push(`\`${name}\` ${b ? `is ${b}` : "is missing"}`);
    }
    return differences.map((one) => second + one);
  });
}

/** The boundary of a form is the browser's own choice, each time another. */
const BOUNDARY = /boundary=([^\s;]+)/;

/** @param {Received} received */
function body({ body, headers }) {
  const boundary = BOUNDARY.exec(String(headers["content-type"]))?.[1];
  return boundary ? body?.replaceAll(boundary, "boundary") : body;
}

/**
 * @param {Received} received
 * @param {string} name
 */
const header = ({ headers }, name) => headers[name] && String(headers[name]).replace(BOUNDARY, "");

const HEAD = `# What \`auth.fetch\` keeps

Made by the test \`tests/e2e/fidelity.test.mjs\`, which runs each line through the page's own \`fetch\` and
through \`auth.fetch\`, against one server that records what it received, and compares both what the
page saw and what arrived. It fails when this page no longer says what is so;
\`UPDATE_FIDELITY=1\` writes it.

*As the page's own* means: the same method, address, header fields and body arrived, and the page saw
the same \`Response\`, or the same kind of rejection.
`;

/** @param {Findings} findings */
export function render({ cases, cells }) {
  const all = Object.keys(cells);
  let page = `${HEAD}
Compared in ${all.map((cell) => `\`${cell}\``).join(", ")}.

## In every request
`;
  const lines = [...new Set(all.flatMap((cell) => cells[cell]?.every ?? []))];
  for (const line of lines) {
    page += `\n- ${line}${only(
      all.filter((cell) => cells[cell]?.every.includes(line)),
      all,
    )}`;
  }
  page += "\n";
  let group = "";
  for (const name of cases) {
    const [own = "", rest = ""] = split(name);
    if (own !== group) page += `\n## ${own}\n\n| what | through \`auth.fetch\` |\n| --- | --- |\n`;
    group = own;
    page += `| ${rest.replaceAll("|", "\\|")} | ${verdict(name, cells).replaceAll("|", "\\|")} |\n`;
  }
  return page;
}

/** @param {string} name */
const split = (name) => [name.slice(0, name.indexOf(": ")), name.slice(name.indexOf(": ") + 2)];

/**
 * @param {string} name
 * @param {Findings["cells"]} cells
 */
function verdict(name, cells) {
  const all = Object.keys(cells);
  /** @type {Map<string, string[]>} */
  const byWords = new Map();
  for (const cell of all) {
    const words = cells[cell]?.differs[name] ?? "as the page's own";
    byWords.set(words, [...(byWords.get(words) ?? []), cell]);
  }
  return [...byWords].map(([words, those]) => words + only(those, all)).join("; ");
}

/**
 * @param {string[]} those cells
 * @param {string[]} all
 * @returns {string} nothing where they are all; else which they are, as short as it can be said
 */
function only(those, all) {
  if (those.length === all.length) return "";
  const left = new Set(those);
  const words = [];
  for (const at of [0, 1]) {
    for (const part of new Set(those.map((cell) => cell.split("/")[at]))) {
      const family = all.filter((cell) => cell.split("/")[at] === part);
      if (family.length > 1 && family.every((cell) => left.has(cell))) {
        words.push(part);
        for (const cell of family) left.delete(cell);
      }
    }
  }
  return ` (${[...words, ...left].join(", ")})`;
}
