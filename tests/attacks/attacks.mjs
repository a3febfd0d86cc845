// @ts-check
// The attacks that run in a page with any vault: by name, and what shows that each works at all.

/** @typedef {import("./harness.mjs").Attack} Attack */

/**
 * Each is in page/reads.js. What shows that it reads at all is its planted word, unless `shows` says else.
 *
 * @type {(Attack & { shows?: RegExp })[]}
 */
export const READS = [
  { name: "reads localStorage and sessionStorage (t1, st1)" },
  { name: "reads every cookie (t1, st1, st2)" },
  { name: "reads every record of IndexedDB (t1, st1)" },
  { name: "reads every cache (t1, st1)" },
  { name: "reads the origin's private files (t1, st1)" },
  { name: "reads window.name, the history and the addresses (t18, st1)" },
  { name: "reads the performance entries (t18)" },
  { name: "reads the document and the text of every script (t1)", shows: /createClient/ },
  { name: "walks every object in reach of the client (t1, st9)", shows: /signedIn/ },
  { name: "prints, copies and serialises everything public (st9, t23)", shows: /refreshed/ },
  { name: "reads the errors of forced failures (t23, st9)", shows: /target_not_allowed/ },
  { name: "imports the SDK's modules by URL and calls every export (t1, st3)" },
  {
    name: "starts the vault's module in the page and searches its memory (t21, st3)",
    shows: /client-\d+-\d+/,
  },
  { name: "reads the names of all locks (t17)", shows: /tokenward\/page\// },
  {
    name: "reads an authorised answer from the HTTP cache, as nobody (br9, t1)",
    shows: /missing_token/,
  },
  {
    name: "asks for the token by the client's own means (t1, st9)",
    shows: /export_not_allowed/,
  },
  {
    name: "calls an API that repeats the token in text or a header (t1, t23)",
    shows: /credential_reflected/,
  },
  { name: "looks through a frame with functions of its own (t1, t20)" },
  { name: "reads the service workers and speaks to the shield (t39)", shows: /shield\.js/ },
  { name: "listens on every BroadcastChannel (t16)" },
  { name: "listens to the windows' messages and to storage events (t16)" },
  { name: "listens to every state and event of the client (st9, t23)", shows: /refreshed/ },
];

/** Each is installed by page/spies.js, all at once. */
export const PATCHES = [
  "replaces fetch (t20, st6)",
  "replaces XMLHttpRequest (t20)",
  "replaces Headers (t20, st6)",
  "replaces Request (t20)",
  "replaces Response (t20)",
  "replaces the methods of streams (t20)",
  "replaces Promise.prototype.then (t20, st6)",
  "replaces Promise (t20)",
  "replaces JSON (t20, st6)",
  "replaces TextEncoder and TextDecoder (t20, st6)",
  "replaces crypto.subtle (t20)",
  "replaces MessagePort and MessageChannel (t20, st3)",
  "replaces Worker (t20)",
  "replaces SharedWorker (t20)",
  "replaces WebAssembly (t20, t21)",
  "replaces setTimeout and queueMicrotask (t20)",
  "replaces addEventListener and dispatchEvent (t20)",
  "replaces BroadcastChannel (t16, t20)",
  "replaces navigator.locks (t20)",
  "replaces IndexedDB's methods (t20, st1)",
  "replaces the console (t23)",
  "replaces structuredClone (t20)",
  "replaces URL and URLSearchParams (t20)",
  "replaces history's methods (t18)",
  "replaces the storage's and the cookies' setters (st1, st2)",
  "replaces Array's methods (t20)",
  "replaces String's methods (t20)",
  "replaces the methods of typed arrays (t20)",
  "replaces call, apply and bind (t20)",
  "replaces Object's and Reflect's functions (t20)",
  "replaces Map, Set and WeakMap (t20)",
  "replaces Blob, File and FormData (t20)",
  "replaces Trusted Types and the service workers' methods (t20)",
  "has Object.prototype hear of every promise and every token's name (t19)",
].map((name) => ({ name }));

/** Which of them hear a credential where the vault runs in the page itself. */
export const HEARD_IN_PAGE = [
  "replaces fetch",
  "replaces Headers",
  "replaces Request",
  "replaces the methods of streams",
  "replaces Promise.prototype.then",
  "replaces TextEncoder and TextDecoder",
  "replaces IndexedDB's methods",
  "replaces the methods of typed arrays",
  "replaces call, apply and bind",
  "replaces Object's and Reflect's functions",
  "has Object.prototype hear of every promise and every token's name",
];

/** What no vault can stop, since the page itself may do it. */
export const USES = {
  name: "calls the API by the client's own means (t4)",
  limit: "uses the session",
};
export const HEARS = {
  name: "listens while the application hands in an API key (t1)",
  limit: "sees what the page hands in",
};
export const ECHO = {
  name: "calls an API that repeats the token in bytes (t1)",
  limit: "sees what the API gives away",
};
export const ENDS = { name: "signs the user out (t4)", limit: "uses the session" };
