// @ts-check
/** `doctor`: asks for page, vault, shield and callback page, and has each looked at. */

import { readFile } from "node:fs/promises";
import { ask, shown } from "./answers.js";
import { checkBackend } from "./backend.js";
import { checkCallback, checkCookies, checkShield } from "./beside.js";
import { checkFrames, checkOrigin, checkPage } from "./page.js";
import { problem } from "./report.js";
import { checkVault, configurationOf } from "./vault.js";

/**
 * @typedef {import("./answers.js").Answer} Answer
 * @typedef {import("./report.js").Finding} Finding
 * @typedef {{ page: URL, vault: URL, callback: URL | undefined }} Addresses
 */

/**
 * Everything that is to be said of an application that is served.
 *
 * @param {Addresses} addresses
 * @returns {Promise<Finding[]>}
 */
export async function examine({ page, vault, callback }) {
  const findings = [checkOrigin(page)];
  /** @type {Answer[]} */
  const answers = [];

  /**
   * @param {string} name
   * @param {URL} url
   * @param {"page" | "file"} kind
   */
  const fetched = async (name, url, kind) => {
    try {
      const answer = await ask(url, kind);
      answers.push(answer);
      return answer;
    } catch (error) {
      findings.push(problem(name, `${shown(url)} does not answer (${reason(error)})`));
      return undefined;
    }
  };

  const document = await fetched("page", page, "page");
  if (!document) return findings;
  findings.push(...checkPage(document, page, vault));
  const script = await fetched("vault", vault, "file");
  if (script) findings.push(...checkVault(script, document, await own()));
  const shield = await fetched("shield", new URL("./shield.js", vault), "file");
  if (shield) findings.push(...checkShield(shield, vault, await packed("shield.js")));
  const frame = callback ?? new URL("./callback.html", vault);
  const back = await fetched("callback frames", frame, "file");
  if (back) findings.push(checkCallback(back, callback !== undefined));
  if (script) {
    const config = configurationOf(script);
    findings.push(...checkFrames(document, config, frame));
    findings.push(...(await checkBackend(script, config, page)));
  }
  return [...findings, ...checkCookies(answers)];
}

/** This package's vault, and the name of its build. */
async function own() {
  const { build } = JSON.parse((await packed("integrity.json")).toString("utf8"));
  return { vault: await packed("vault.js"), build };
}

/** @param {string} file of this package */
function packed(file) {
  return readFile(new URL(`../../${file}`, import.meta.url));
}

/** @param {unknown} error */
function reason(error) {
  const { message, cause } = /** @type {Error & { cause?: { code?: string }}} */ (error);
  return cause?.code ?? message;
}
