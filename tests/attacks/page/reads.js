// Scripts that read whatever a page can read. Where something can be planted beforehand, a word is, which the
// script must find: it shows that the script can read at all.
import { walk } from "/walk.js";
import { loot } from "./attacker.js";
import { done } from "./stored.js";

const { tw } = window;

/** @type {Record<string, (hear: (value: unknown) => void, word: string, given: any) => unknown>} */
const READS = {
  async "reads localStorage and sessionStorage"(hear, word) {
    localStorage.setItem("planted", word);
    sessionStorage.setItem("planted", word);
    hear([{ ...localStorage }, { ...sessionStorage }]);
  },

  async "reads every cookie"(hear, word) {
    document.cookie = `planted=${word}; path=/; max-age=60`;
    hear(document.cookie);
    hear(await window.cookieStore?.getAll());
    document.cookie = "planted=; path=/; max-age=0";
  },

  async "reads every record of IndexedDB"(hear, word) {
    const mine = await done(indexedDB.open(word), (base) => base.createObjectStore("planted"));
    mine.transaction("planted", "readwrite").objectStore("planted").put(word, "planted");
    mine.close();
    for (const { name } of await indexedDB.databases()) {
      const base = await done(indexedDB.open(name));
      for (const store of base.objectStoreNames) {
        const records = base.transaction(store).objectStore(store);
        hear([name, store, await done(records.getAllKeys())]);
        hear(await done(base.transaction(store).objectStore(store).getAll()));
      }
      base.close();
    }
    indexedDB.deleteDatabase(word);
  },

  async "reads every cache"(hear, word) {
    await (await caches.open(word)).put("/planted", new Response(word));
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const answer = await cache.match(request);
        hear([name, request.url, [...request.headers], [...answer.headers], await answer.text()]);
      }
    }
    await caches.delete(word);
  },

  async "reads the origin's private files"(hear, word) {
    const root = await navigator.storage.getDirectory();
    await root.getFileHandle(word, { create: true });
    for await (const entry of root.values()) {
      hear(entry.name);
      if (entry.kind === "file") hear(await (await entry.getFile()).text());
    }
    await root.removeEntry(word);
  },

  "reads window.name, the history and the addresses"(hear, word) {
    window.name = word;
    hear([window.name, history.state, location.href, document.referrer, document.baseURI]);
  },

  async "reads the performance entries"(hear, word) {
    performance.mark(word);
    for (const entry of performance.getEntries()) hear(entry.toJSON());
    const types = PerformanceObserver.supportedEntryTypes;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) hear(entry.toJSON());
    });
    for (const type of types) observer.observe({ type, buffered: true });
    await pause(50);
    observer.disconnect();
  },

  async "reads the document and the text of every script"(hear) {
    hear(document.documentElement.outerHTML);
    for (const { name } of performance.getEntriesByType("resource")) {
      if (new URL(name).origin !== location.origin || !name.endsWith(".js")) continue;
      hear([name, await (await fetch(name)).text()]);
    }
  },

  async "walks every object in reach of the client"(hear) {
    for (const root of [tw.auth, tw.sdk, tw.states, tw.auth.state]) {
      const { texts, promises } = walk(root);
      hear(texts);
      for (const promise of promises) {
        const value = await Promise.race([promise, pause(20)]).catch((error) => error);
        hear(walk(value).texts);
      }
    }
  },

  async "prints, copies and serialises everything public"(hear) {
    const { auth } = tw;
    const diagnostics = await auth.diagnostics();
    for (const value of [auth, auth.state, diagnostics, tw.sdk]) {
      hear([attempt(() => String(value)), attempt(() => JSON.stringify(value))]);
      hear(attempt(() => structuredClone(value)));
      hear(Object.getOwnPropertyNames(value));
    }
  },

  async "reads the errors of forced failures"(hear, _, { api, other }) {
    const { auth, sdk, settings } = tw;
    const acts = [
      () => auth.fetch(other),
      () => auth.fetch(`${other}/`, { headers: { Authorization: "Bearer x" } }),
      () => auth.fetch(`${api}/me`, { headers: { Authorization: "Bearer x" } }),
      () => auth.fetch(`${api}/me`, { headers: { DPoP: "x" } }),
      () => auth.fetch(`${api}/me`, { signal: AbortSignal.abort("x") }),
      () => auth.fetch(`${api}/redirect?to=${other}/`, { redirect: "error" }),
      () => auth.fetch(`${api}/open/1?end=reset`),
      () => auth.fetch(`${api}/open/1?cors=no`),
      () => auth.fetch(`${api}/${"x".repeat(100_000)}`),
      () => auth.fetch("data:,x"),
      () => auth.fetch(`${settings.options.issuer}/token`, { method: "POST" }),
      () => auth.setApiKey("none", "x"),
      () => auth.setApiKey("k", "\n"),
      () => auth.setSigningKey("none", new Uint8Array(32)),
      () => auth.exportAccessToken(),
      () => auth.exportAccessToken({ resource: "x" }),
      () => auth.signInWithPassword("a", "b"),
      () => auth.handleCallback(`${location.origin}/callback?code=a&state=b`),
      () => auth.handleCallback("::"),
      () => auth.frontChannelLogout(),
      () => auth.signIn({ returnTo: other }),
      () => auth.signIn({ extraParams: { state: "x" } }),
      () => auth.userInfo(),
      () => sdk.createClient({ issuer: "x" }),
      () => sdk.createClient({ ...settings.options, resources: "x" }),
    ];
    for (const act of acts) {
      try {
        const value = await act();
        hear(["no error", String(value)]);
      } catch (error) {
        hear([error, error?.code, error?.stack, `${error}`, attempt(() => JSON.stringify(error))]);
        hear(walk(error).texts);
      }
    }
  },

  async "imports the SDK's modules by URL and calls every export"(hear, word, { modules, api }) {
    const { auth, settings } = tw;
    const link = { ask: (question) => hear(question), tell: hear, over: AbortSignal.abort(word) };
    const sets = [
      [],
      [auth],
      [{ ...settings.options }],
      [link, link, link],
      [`${api}/me`, {}, auth],
      [JSON.stringify(auth.state), hear, hear],
      [hear, hear, hear],
      [word],
    ];
    for (const url of modules) {
      const script = await tw.load(url);
      for (const [name, member] of Object.entries(script)) {
        hear([url, name]);
        if (typeof member !== "function") hear(walk(member).texts);
        else hear(await Promise.all(sets.map((set) => outcome(() => member(...set)))));
      }
    }
    hear(word);
  },

  async "starts the vault's module in the page and searches its memory"(
    hear,
    _,
    { config, isSealed },
  ) {
    const buffers = [];
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...args) => {
      const made = await instantiate(...args);
      for (const member of Object.values((made.instance ?? made).exports)) {
        if (member instanceof WebAssembly.Memory) buffers.push(member);
      }
      return made;
    };
    try {
      const { connect } = await tw.load("/tokenward/vault.js");
      const probe = new MessageChannel();
      const hash = await digest(config);
      connect(`probe/${hash}`, probe.port2);
      const hello = {
        type: "hello",
        wire: 1,
        config,
        page: location.href,
        lock: "tokenward/page/0",
      };
      const build = await answer(probe.port1, hello, (message) => message.build);
      const { port1, port2 } = new MessageChannel();
      // The very name that the page's own vault has.
      connect(`tokenward/1/${build}/0/${hash}`, port2);
      hear(await answer(port1, hello));
      hear(await answer(port1, { type: "exportAccessToken", id: 1 }, (message) => message.id));
      // It opens a sealed record in its own time.
      for (let looks = isSealed ? 12 : 1; looks > 0; looks -= 1) {
        for (const { buffer } of buffers) searchBytes(new Uint8Array(buffer), hear);
        if (looks > 1) await pause(250);
      }
    } finally {
      WebAssembly.instantiate = instantiate;
    }
  },

  async "reads the names of all locks"(hear) {
    hear(await navigator.locks.query());
  },

  async "reads an authorised answer from the HTTP cache, as nobody"(hear, _, { api }) {
    await (await tw.auth.fetch(`${api}/me`, { cache: "default" })).text();
    for (const cache of ["default", "force-cache"]) {
      const answer = await fetch(`${api}/me`, { cache });
      hear([answer.status, [...answer.headers], await answer.text()]);
    }
    await fetch(`${api}/me`, { cache: "only-if-cached", mode: "same-origin" }).then(hear, hear);
  },

  async "asks for the token by the client's own means"(hear) {
    const { auth } = tw;
    const outcomes = [
      () => auth.exportAccessToken(),
      () => auth.exportAccessToken({ resource: tw.settings.options.resources[0].origin }),
      () => auth.userInfo(),
      () => auth.diagnostics(),
      () => auth.returnTo,
      () => auth.callbackError,
    ];
    for (const ask of outcomes) hear(await outcome(ask, 5000));
    hear(auth.state);
  },

  async "calls an API that repeats the token in text or a header"(hear, _, { api }) {
    for (const where of ["header", "body", "pieces"]) {
      const read = async () => {
        const answer = await tw.auth.fetch(`${api}/reflect/${where}`);
        hear([...answer.headers]);
        const reader = answer.body.getReader();
        for (let it = await reader.read(); !it.done; it = await reader.read()) hear(it.value);
      };
      hear(await outcome(read, 5000));
    }
  },

  async "looks through a frame with functions of its own"(hear, word) {
    const frame = document.createElement("iframe");
    document.body.append(frame);
    const inside = frame.contentWindow;
    inside.localStorage.setItem("planted", word);
    hear({ ...inside.localStorage });
    hear(await inside.navigator.locks.query());
    hear(await inside.indexedDB.databases());
    hear(inside.parent.tw.auth.state);
    frame.remove();
  },

  async "reads the service workers and speaks to the shield"(hear) {
    const replies = [];
    navigator.serviceWorker.addEventListener("message", ({ data }) => replies.push(data));
    for (const { scope, active } of await navigator.serviceWorker.getRegistrations()) {
      hear([scope, active?.scriptURL]);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => replies.push(data);
      active?.postMessage({ type: "hello" }, [port2]);
      active?.postMessage({ type: "ping" });
    }
    await pause(50);
    hear(replies);
  },
};

/** What listens, from before something happens. */
const EARS = {
  "listens on every BroadcastChannel"(hear, names, word) {
    for (const name of names)
      new BroadcastChannel(name).onmessage = ({ data }) => hear([name, data]);
    for (const name of names) new BroadcastChannel(name).postMessage(word);
  },
  "listens to the windows' messages and to storage events"(hear, _, word) {
    for (const type of [
      "message",
      "storage",
      "error",
      "unhandledrejection",
      "securitypolicyviolation",
    ]) {
      addEventListener(type, (event) =>
        hear([event.type, event.data, event.reason, event.message]),
      );
    }
    postMessage(word);
  },
  "listens to every state and event of the client"(hear, _, word) {
    tw.auth.subscribe(() => hear(tw.auth.state));
    tw.auth.onEvent(hear);
    hear(word);
  },
};

export const listen = (names, words) => {
  for (const [name, ear] of Object.entries(EARS))
    ear((value) => loot(name, value), names, words[name]);
};

/**
 * Runs each that has a word; what it throws is loot too, and told.
 *
 * @returns {Promise<Record<string, string>>} what an attack threw, by its name
 */
export async function readAll(words, given) {
  const problems = {};
  for (const [name, read] of Object.entries(READS)) {
    if (!words[name]) continue;
    const hear = (value) => loot(name, value);
    try {
      await read(hear, words[name], given);
    } catch (error) {
      hear([error, error.stack]);
      problems[name] = `${error} ${error.stack}`;
    }
  }
  return problems;
}

/** @param {() => unknown} act what may never settle */
async function outcome(act, patience = 50) {
  try {
    const value = await Promise.race([act(), pause(patience)]);
    return value instanceof Response ? [value.url, await value.text()] : value;
  } catch (error) {
    return [error, error?.code];
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function attempt(act) {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

function answer(port, question, pick = (message) => message.type) {
  return new Promise((resolve) => {
    port.onmessage = ({ data }) =>
      pick(data) &&
      resolve(pick(data) && data.build && question.type === "hello" ? data.build : data);
    port.postMessage(question);
  });
}

export async function digest(text) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Runs of letters, as a search of memory finds them. */
export function searchBytes(bytes, hear) {
  const text = new TextDecoder("latin1").decode(bytes);
  for (const found of text.match(/[\x21-\x7e]{16,}/g) ?? []) hear(found);
  const wide = new TextDecoder("utf-16le").decode(bytes);
  for (const found of wide.match(/[\x21-\x7e]{16,}/g) ?? []) hear(found);
}
