// @ts-check
// A bare application, driven through `window.tw`. It lives at /c/<clientId>/..., its settings at
// /settings/<clientId>.json.

const globals = new Set(Reflect.ownKeys(window));
const clientId = location.pathname.split("/")[2] ?? "";

/** @typedef {import("./page.js").TestPage} TestPage */

/** @type {TestPage} */
const tw = {
  settings: /** @type {any} */ (undefined),
  states: [],
  events: [],
  kept: [],
  started: Promise.resolve(),
  load: (url) => import(url),
  forgetBounces,
};
window.tw = tw;
tw.started = start();

async function start() {
  const answer = await fetch(`/settings/${clientId}.json`);
  // A page without settings keeps what others saw, and holds no client.
  if (!answer.ok) return;
  tw.settings = await answer.json();
  // Before the SDK loads: what it captures then is already under watch.
  if (tw.settings.watched) {
    const { watch } = await import("/watch.js");
    tw.collect = watch(tw, globals);
  }
  for (const url of tw.settings.first ?? []) await import(url);
  tw.sdk = await import(tw.settings.sdk);
  if (tw.settings.create) create(tw.settings.options);
  if (location.pathname.endsWith("/frontchannel")) await import("/frontchannel.js");
}

/** @param {import("./page.js").Options} options */
function create(options) {
  const auth = tw.sdk.createClient(options);
  tw.auth = auth;
  if (tw.settings.listens) {
    auth.onEvent((/** @type {TestPage["events"][number]} */ event) => tw.events.push(event));
  }
  if (!tw.settings.start) return;
  auth.subscribe(() => tw.states.push(auth.state));
  void auth.ready;
  tw.urlAfterReady = location.href;
}

/**
 * Has the vault forget which sign-ins came back of late. A page in WebKit's back/forward cache may keep
 * the database to itself: then this gives up, as the vault does.
 */
async function forgetBounces() {
  // A vault of another origin is out of reach.
  if (!tw.settings.options.issuer) return;
  await new Promise((resolve) => {
    setTimeout(resolve, 3000);
    const opening = indexedDB.open("tokenward.memory");
    opening.onerror = resolve;
    // One that is not there is the vault's to make.
    opening.onupgradeneeded = () => opening.transaction?.abort();
    opening.onsuccess = () => {
      const database = opening.result;
      const transaction = database.transaction("memories", "readwrite");
      const { issuer, clientId } = tw.settings.options;
      transaction.objectStore("memories").delete(`bounces ${issuer} ${clientId}`);
      transaction.oncomplete = transaction.onabort = () => {
        database.close();
        resolve(undefined);
      };
    };
  });
}
