// @ts-check
// What was found, fact by fact. A fact that was not looked at is not there, and then the whole is
// not ok: the scene names all facts beforehand.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** @typedef {Record<string, unknown>} Findings */

export class Report {
  /** @type {Record<string, { ok: boolean }>} */
  #facts = {};
  #expected;
  #begun = Date.now();

  /** @param {string[]} expected the facts that must be found */
  constructor(expected) {
    this.#expected = expected;
  }

  /**
   * @param {string} name
   * @param {boolean} ok
   * @param {Findings} findings numbers and words, never a credential
   */
  fact(name, ok, findings) {
    if (!this.#expected.includes(name)) throw new Error(`${name} is not among the facts`);
    this.#facts[name] = { ...findings, ok };
    console.log(`${ok ? "ok  " : "FAIL"}  ${name}  ${JSON.stringify(findings)}`);
  }

  get ok() {
    return this.#expected.every((name) => this.#facts[name]?.ok === true);
  }

  /**
   * @param {string} folder
   * @param {Findings} about
   * @param {unknown} [error] what ended the scene early
   */
  async write(folder, about, error) {
    const missing = this.#expected.filter((name) => !(name in this.#facts));
    const report = {
      ok: this.ok && error === undefined,
      ...about,
      seconds: Math.round((Date.now() - this.#begun) / 100) / 10,
      facts: this.#facts,
      ...(missing.length > 0 ? { missing } : {}),
      ...(error === undefined ? {} : { error: String(error) }),
    };
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
    return report;
  }
}
