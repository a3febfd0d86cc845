// @ts-check
// A vault whose memory can be read: what the package has, behind a few statements that keep hold of the
// memory of the module that it starts, and search it for whoever asks on a channel that nothing else knows.
import { readFile, writeFile } from "node:fs/promises";
import { forms } from "./token-search.mjs";

/** @typedef {import("./token-search.mjs").Sought} Sought */

let serial = 0;

/** For `vaultUrl` of one application, the vaults of which hear nothing of what others are asked. */
export function readableUrl() {
  serial += 1;
  return `/tokenward/readable.vault.js?${process.pid}-${serial}`;
}

const CHANNEL = "tokenward-memory";

// In the vault, before its own first statement.
const WATCH = `{
  const memories = [];
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...given) => {
    const made = await instantiate.apply(WebAssembly, given);
    const exports = Object.values((made.instance ?? made).exports);
    memories.push(...exports.filter((it) => it instanceof WebAssembly.Memory));
    return made;
  };
  // Each byte becomes one letter, whichever it is: text that is not Latin is found too.
  const letters = (bytes) => new TextDecoder("windows-1252").decode(bytes);
  const channel = new BroadcastChannel("${CHANNEL}" + new URL(import.meta.url).search);
  channel.onmessage = ({ data: { ask, needles } }) => {
    if (!ask) return;
    const all = memories.map(({ buffer }) => letters(new Uint8Array(buffer)));
    const found = needles.map((needle) => {
      const text = letters(needle);
      return all.map((memory) => memory.indexOf(text)).find((at) => at >= 0) ?? -1;
    });
    const bytes = memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    if (memories.length > 0) channel.postMessage({ answer: ask, found, bytes });
  };
}
`;

/**
 * @param {string} folder the vault's
 */
export async function makeReadable(folder) {
  const vault = await readFile(`${folder}/vault.js`, "utf8");
  await writeFile(`${folder}/readable.vault.js`, WATCH + vault);
}

/**
 * Searches the memory of the vault behind a page of `READABLE_URL`.
 *
 * @param {import("./tab.mjs").Tab} tab
 * @param {Sought[]} sought
 * @returns {Promise<{ hits: string[], bytes: number }>} what was found, as "kind, form", and how much was searched
 */
export async function searchMemory(tab, sought) {
  const needles = sought.flatMap(({ kind, token }) =>
    encodings(token).map(([form, bytes]) => ({ name: `${kind}, ${form}`, bytes: [...bytes] })),
  );
  const { found, bytes } = await tab.run(
    (_, name, needles) =>
      new Promise((resolve) => {
        const { search } = new URL(window.tw.settings.options.vaultUrl, location.href);
        const channel = new BroadcastChannel(name + search);
        const ask = `${Math.random()}`;
        channel.onmessage = ({ data }) => {
          if (data.answer !== ask) return;
          channel.close();
          resolve({ found: [...data.found], bytes: data.bytes });
        };
        const bytes = (/** @type {number[]} */ needle) => Uint8Array.from(needle);
        channel.postMessage({ ask, needles: needles.map(bytes) });
      }),
    CHANNEL,
    needles.map(({ bytes }) => bytes),
  );
  const hits = needles.flatMap(({ name }, at) => {
    const place = /** @type {number} */ (found[at]);
    return place < 0 ? [] : [`${name} at ${place}`];
  });
  return { hits, bytes };
}

/**
 * @param {string} token
 * @returns {[form: string, bytes: Uint8Array][]} as it may lie in a memory: in every common encoding, and in part
 */
function encodings(token) {
  const secret = forms(token)[0]?.[1] ?? token;
  return [
    ...forms(token).map(
      ([form, text]) => /** @type {[string, Uint8Array]} */ ([form, Buffer.from(text)]),
    ),
    ["its beginning", Buffer.from(secret.slice(0, 20))],
    ["its end", Buffer.from(secret.slice(-20))],
    ["its middle", Buffer.from(secret.slice(10, 30))],
    ["UTF-16", Buffer.from(secret, "utf16le")],
    ["the bytes of its base64url", Buffer.from(secret, "base64url")],
  ];
}
