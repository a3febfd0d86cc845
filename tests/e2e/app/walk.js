// @ts-check
// Finds every piece of text in a value as deep as script can look: members and accessors, own and
// inherited, by name and by symbol, in collections and in bytes.

const LIMIT = 200_000;

/** What the browser itself brings, as it was before anything else ran. */
const builtIn = new Set();
for (const key of Reflect.ownKeys(window)) {
  const member = Object.getOwnPropertyDescriptor(window, key)?.value;
  if (typeof member === "function") addBuiltIn(member);
}

/** Larger things than one value: whoever wants them looks at them by name. */
const isWorld = (/** @type {object} */ value) =>
  value === window || value === document || value === window.tw || builtIn.has(value);

/**
 * @param {unknown} root
 * @param {{ accessors?: boolean }} [how] without accessors nothing of the page is called
 * @returns {{ texts: string[], promises: Promise<unknown>[], blobs: Blob[] }}
 */
export function walk(root, { accessors = true } = {}) {
  /** @type {Set<string>} */
  const texts = new Set();
  /** @type {Promise<unknown>[]} */
  const promises = [];
  /** @type {Blob[]} */
  const blobs = [];
  /** @type {Set<object>} */
  const seen = new Set();
  /** @type {unknown[]} */
  const open = [root];

  const look = (/** @type {unknown} */ value) => {
    if (typeof value === "string") texts.add(value);
    else if (typeof value === "symbol") texts.add(String(value));
    else if ((typeof value === "object" || typeof value === "function") && value) open.push(value);
  };

  while (open.length > 0 && seen.size < LIMIT) {
    const value = open.pop();
    if (typeof value !== "object" && typeof value !== "function") {
      look(value);
      continue;
    }
    if (value === null || seen.has(value) || isWorld(value)) continue;
    seen.add(value);
    if (value instanceof Promise) promises.push(value);
    if (value instanceof Blob) blobs.push(value);
    for (const inside of contents(value)) look(inside);
    for (let at = value; at; at = Object.getPrototypeOf(at)) {
      for (const key of Reflect.ownKeys(at)) {
        look(key);
        const member = Object.getOwnPropertyDescriptor(at, key);
        if (!member) continue;
        if ("value" in member) look(member.value);
        else if (accessors) look(attempt(() => member.get?.call(value)));
      }
    }
  }
  if (seen.size >= LIMIT) throw new Error("there is more in reach than can be searched");
  return { texts: [...texts], promises, blobs };
}

/** @param {unknown} value with all that hangs on it */
function addBuiltIn(value) {
  if ((typeof value !== "function" && typeof value !== "object") || value === null) return;
  if (builtIn.has(value) || value === window || value === document) return;
  builtIn.add(value);
  for (const { value: member, get, set } of Object.values(
    Object.getOwnPropertyDescriptors(value),
  )) {
    for (const inside of [member, get, set]) addBuiltIn(inside);
  }
  addBuiltIn(Object.getPrototypeOf(value));
}

/**
 * @param {object} value
 * @returns {unknown[]} what a value holds besides its members
 */
function contents(value) {
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  if (value instanceof Headers || value instanceof URLSearchParams) return [...value].flat();
  if (value instanceof FormData) return [...value].flat();
  if (value instanceof URL || value instanceof Error) return [attempt(() => String(value))];
  if (value instanceof Node) return [attempt(() => new XMLSerializer().serializeToString(value))];
  if (value instanceof ArrayBuffer) return bytesAsTexts(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) {
    return bytesAsTexts(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return [];
}

/**
 * @param {Uint8Array} bytes
 * @returns {string[]} the text that they are in the encodings that strings are kept in
 */
export function bytesAsTexts(bytes) {
  return ["utf-8", "utf-16le", "utf-16be"].map((name) => new TextDecoder(name).decode(bytes));
}

/**
 * @template T
 * @param {() => T} look
 * @returns {T | undefined} nothing where looking throws
 */
export function attempt(look) {
  try {
    return look();
  } catch {
    return undefined;
  }
}
