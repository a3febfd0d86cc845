// @ts-check
/** What the doctor found: one line for each check, and what becomes of the exit code. */

/**
 * @typedef {"ok" | "warning" | "problem"} Level
 * @typedef {{ level: Level, name: string, text: string }} Finding
 */

/** @param {string} name @param {string} text @returns {Finding} */
export const ok = (name, text) => ({ level: "ok", name, text });

/** @param {string} name @param {string} text @returns {Finding} */
export const warning = (name, text) => ({ level: "warning", name, text });

/** @param {string} name @param {string} text @returns {Finding} */
export const problem = (name, text) => ({ level: "problem", name, text });

/** @param {Finding[]} findings */
export function print(findings) {
  const lines = findings.map(({ level, name, text }) => `${level.padEnd(8)} ${name}: ${text}`);
  const count = (/** @type {Level} */ level) => findings.filter((it) => it.level === level).length;
  const total = `${count("ok")} ok, warnings: ${count("warning")}, problems: ${count("problem")}`;
  return `${[...lines, total].map(printable).join("\n")}\n`;
}

/**
 * Without what a terminal would obey: headers are the server's words.
 *
 * @param {string} line
 */
function printable(line) {
  return line.replace(/\p{Cc}/gu, "?");
}
