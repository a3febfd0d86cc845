// @ts-check
// The eyes of the token search. From before the SDK loads, it notes each message, event, error,
// console line and page request; `collect` adds everything that lies within reach. What is noted
// goes to `tw.kept` of the window that opened this one, so that it outlives a navigation.
import { reach } from "./reach.js";
import { walk } from "./walk.js";

/** @typedef {import("./page.js").TestPage} TestPage */
/** @typedef {(place: string, value: unknown) => void} Note */

/**
 * @param {TestPage} tw
 * @param {Set<string | symbol>} globals what the window had before the SDK
 * @returns {() => Promise<void>} notes everything that is in reach now
 */
export function watch(tw, globals) {
  const kept = attemptOpener() ?? tw.kept;
  tw.kept = kept;
  const known = new Set();
  /** @type {Promise<unknown>[]} */
  const pending = [];

  /** @type {Note} */
  const note = (place, value) => {
    const { texts, blobs, promises } = walk(value);
    for (const text of texts) {
      const entry = `${place}\n${text}`;
      if (known.has(entry)) continue;
      known.add(entry);
      kept.push(place, text);
    }
    for (const blob of blobs) {
      pending.push(blob.arrayBuffer().then((bytes) => note(place, bytes)));
    }
    for (const promise of promises) {
      // Of a promise that has not settled there is nothing to see yet.
      promise.then(
        (result) => note(place, result),
        (error) => note(place, error),
      );
    }
  };
  tw.note = note;
  tw.sent = [];
  tw.workers = [];
  tw.made = [];
  tw.forget = () => {
    known.clear();
    kept.length = 0;
  };

  watchMessages(tw, note);
  watchEvents(note);
  watchConsole(note);
  watchRequests(note);
  return async () => {
    await reach(tw, globals, note);
    await Promise.all(pending.splice(0));
    // Settled promises have been noted after one more turn.
    await new Promise((resolve) => setTimeout(resolve));
  };
}

/** @returns {string[] | undefined} */
function attemptOpener() {
  try {
    return window.opener?.tw?.kept;
  } catch {
    return undefined;
  }
}

/**
 * @param {TestPage} tw also given the messages and the workers themselves, for who wants to forge them
 * @param {Note} note
 */
function watchMessages(tw, note) {
  const listen = (/** @type {EventTarget} */ target) => {
    target.addEventListener("message", (event) => {
      const { data, ports } = /** @type {MessageEvent} */ (event);
      note("message received", data);
      for (const port of ports) listen(port);
    });
  };
  for (const owner of [MessagePort, Worker, BroadcastChannel]) {
    before(owner.prototype, "postMessage", ([message]) => {
      note("message sent", message);
      tw.sent.push(message);
    });
  }
  before(window, "postMessage", ([message]) => note("message sent", message));
  onConstruct("SharedWorker", (args, worker) => {
    note("worker", args.map(String).concat(JSON.stringify(args[1] ?? null)));
    tw.workers.push(args);
    listen(worker.port);
  });
  onConstruct("Worker", (args, worker) => {
    note("worker", args.map(String).concat(JSON.stringify(args[1] ?? null)));
    tw.made.push(worker);
    listen(worker);
  });
  onConstruct("BroadcastChannel", (args, channel) => {
    note("broadcast channel", args);
    listen(channel);
  });
  onConstruct("MessageChannel", (_, channel) => {
    listen(channel.port1);
    listen(channel.port2);
  });
  listen(window);
  listen(navigator.serviceWorker);
}

/** @param {Note} note */
function watchEvents(note) {
  before(EventTarget.prototype, "dispatchEvent", ([event]) => note("event", event));
  for (const type of ["error", "unhandledrejection", "storage"]) {
    addEventListener(type, (event) => note("event", event));
  }
  const cookies = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(document, "cookie", {
    configurable: true,
    get: () => cookies?.get?.call(document),
    set(value) {
      note("cookie written", value);
      cookies?.set?.call(document, value);
    },
  });
}

/** @param {Note} note */
function watchConsole(note) {
  for (const name of /** @type {const} */ (["debug", "error", "info", "log", "trace", "warn"])) {
    before(console, name, (args) => note("console", args));
  }
}

/** @param {Note} note */
function watchRequests(note) {
  before(window, "fetch", ([input, init]) => {
    note("page request", [input instanceof Request ? input.url : String(input), init]);
  });
  before(XMLHttpRequest.prototype, "open", (args) => note("page request", args));
  before(XMLHttpRequest.prototype, "setRequestHeader", (args) => note("page request", args));
  before(navigator, "sendBeacon", (args) => note("page request", args));
}

/**
 * Calls `look` with the arguments of each call of a method, before it.
 *
 * @param {object} owner
 * @param {string} name
 * @param {(args: any[]) => void} look
 */
function before(owner, name, look) {
  const members = /** @type {Record<string, Function>} */ (owner);
  const native = /** @type {Function} */ (members[name]);
  Object.defineProperty(members, name, {
    configurable: true,
    writable: true,
    /**
     * @this {unknown}
     * @param {unknown[]} args
     */
    value(...args) {
      look(args);
      return native.apply(this, args);
    },
  });
}

/**
 * Calls `look` with the arguments and the result of each `new`.
 *
 * @param {"SharedWorker" | "Worker" | "BroadcastChannel" | "MessageChannel"} name
 * @param {(args: unknown[], made: any) => void} look
 */
function onConstruct(name, look) {
  Reflect.set(
    window,
    name,
    new Proxy(window[name], {
      construct(target, args) {
        const made = Reflect.construct(target, args);
        look(args, made);
        return made;
      },
    }),
  );
}
