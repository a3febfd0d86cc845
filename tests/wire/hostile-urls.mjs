// @ts-check
// The hostile addresses of hostile-urls.json, for one resource of a configuration.
// `src/request/target/hostile.rs` reads the same file in the same way.
import { readFileSync } from "node:fs";

/** @typedef {{ about: string, each?: string[], urls: string[] }} Group */

/** @type {{ groups: Group[] }} */
const { groups } = JSON.parse(
  readFileSync(new URL("./hostile-urls.json", import.meta.url), "utf8"),
);

/** @param {string} text in letters that are as wide as those of Chinese */
const wide = (text) =>
  text.replace(/[!-~]/g, (letter) => String.fromCodePoint(letter.charCodeAt(0) + 0xfee0));

/**
 * @param {string} origin of the resource
 * @param {string} other the authority of another server
 * @returns {string[]} each once
 */
export function hostileUrls(origin, other) {
  const { protocol, hostname: host, port: named } = new URL(origin);
  const scheme = protocol.slice(0, -1);
  const port = named || (scheme === "https" ? "443" : "80");
  const percent = [...host].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join("");
  /** @type {Record<string, string>} */
  const words = {
    ...{ origin, scheme, host, port, other, percent, wide: wide(host), wideport: wide(port) },
    ...{ SCHEME: scheme.toUpperCase(), HOST: host.toUpperCase() },
    Host: host.replace(/[a-z]/g, (letter, at) => (at % 2 ? letter : letter.toUpperCase())),
  };
  const urls = groups.flatMap(({ each = [""], urls }) =>
    each.flatMap((one) => urls.map((url) => url.replaceAll("{each}", one))),
  );
  const filled = urls.map((url) => url.replace(/\{(\w+)\}/g, (all, word) => words[word] ?? all));
  return [...new Set(filled)];
}
