// @ts-check
/**
 * A reporter for Node's test runner that `cargo xtask test` reads: one JSON object a line, one line
 * a test. Suites are not tests, and neither is a file, unless it failed as a whole. What a test counted
 * and what became of an attack, `figure: …` and `outcome: …` among its diagnostics, have lines of their own.
 */

/**
 * @param {AsyncIterable<import("node:test/reporters").TestEvent>} source
 */
export default async function* report(source) {
  /** @type {Map<string, string[]>} the names of the suites around the next test, by file */
  const paths = new Map();
  for await (const { type, data } of source) {
    if (type === "test:start") {
      const path = paths.get(data.file ?? "") ?? [];
      paths.set(data.file ?? "", [...path.slice(0, data.nesting), data.name]);
    }
    if (type === "test:diagnostic") {
      const kind = ["figure", "outcome"].find((kind) => data.message.startsWith(`${kind}: `));
      if (kind) yield `${JSON.stringify({ [kind]: data.message })}\n`;
    }
    if (type !== "test:pass" && type !== "test:fail") continue;
    const passed = type === "test:pass";
    const isFile = data.nesting === 0 && data.name === data.file;
    if (data.details.type === "suite" || (isFile && passed)) continue;
    const path = (paths.get(data.file ?? "") ?? []).slice(0, data.nesting);
    const line = {
      name: [...path, data.name].join(" > "),
      file: data.file,
      passed,
      skipped: data.skip ?? data.todo ?? false,
      seconds: (data.details.duration_ms ?? 0) / 1000,
      why: passed ? undefined : reason(data.details.error),
    };
    yield `${JSON.stringify(line)}\n`;
  }
}

/**
 * @param {Error} error Node's own around what a test threw
 */
function reason(error) {
  const { cause } = error;
  return String((cause instanceof Error && cause.message) || cause || error.message);
}
