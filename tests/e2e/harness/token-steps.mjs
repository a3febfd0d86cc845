// @ts-check
// What the token search does in the page: the failures that it forces, and the places where it
// leaks a token on purpose. Everything here runs in the page and knows nothing outside itself.

/**
 * Calls that fail in as many ways as a page can bring about; says how each ended.
 *
 * @param {any} auth
 * @param {string} api
 * @param {string} other
 * @returns {Promise<string[]>}
 */
export const failures = (auth, api, other) => {
  const signal = AbortSignal.abort(new Error("no longer wanted"));
  const used = new Request(`${api}/echo`, { method: "POST", body: "once" });
  const attempts = [
    () => auth.fetch(`${other}/`),
    () => auth.fetch("data:text/plain,x"),
    () => auth.fetch(`${api}/me`, { headers: { Authorization: "Bearer mine" } }),
    () => auth.fetch(`${api}/me`, { mode: "no-cors" }),
    () => auth.fetch(`${api}/me`, { signal }),
    () => used.text().then(() => auth.fetch(used)),
    () => auth.fetch("http://localhost:1/me"),
    () => auth.fetch(`${api}/redirect?to=${other}/`, { redirect: "error" }),
    () => auth.fetch("http://[::"),
    () => auth.exportAccessToken(),
    () => auth.signIn({ returnTo: "https://example.com/" }),
    () => auth.signIn({ extraParams: { state: "mine" } }),
    () => auth.signIn({ nope: true }),
    () => auth.handleCallback(`${location.href}?code=x&state=y`),
    () => window.tw.sdk.createClient({}),
  ];
  return Promise.all(
    attempts.map((attempt) =>
      Promise.resolve()
        .then(attempt)
        .then(
          (value) => `came: ${value?.status}`,
          (error) => {
            window.tw.note("error", error);
            window.tw.note("error", [String(error), JSON.stringify(error), error?.stack]);
            console.error(error);
            return `${error?.code ?? error?.name}`;
          },
        ),
    ),
  );
};

/** @typedef {(token: string, auth: any) => unknown} Put */

/**
 * A leak, where it must be found, how it is done: `absent` where the browser has no such place.
 *
 * @type {[name: string, foundIn: string, put: Put][]}
 */
export const LEAKS = [
  ["localStorage", "localStorage", (token) => localStorage.setItem("leak", token)],
  ["the name of a key", "localStorage", (token) => localStorage.setItem(token, "")],
  ["sessionStorage", "sessionStorage", (token) => sessionStorage.setItem("leak", token)],
  [
    "a cookie",
    "cookies",
    (token) => {
      // An ID token would be too long for one cookie; its signature is what counts.
      document.cookie = `leak=${token.slice(-600)}`;
    },
  ],
  [
    "IndexedDB",
    "IndexedDB",
    (token) =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open("leak");
        request.onupgradeneeded = () => request.result.createObjectStore("deep");
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const database = request.result;
          const transaction = database.transaction("deep", "readwrite");
          const bytes = new TextEncoder().encode(token);
          transaction.objectStore("deep").put({ list: [new Map([["key", bytes]])] }, 1);
          transaction.oncomplete = () => {
            database.close();
            resolve(undefined);
          };
        };
      }),
  ],
  [
    "a cached answer",
    "Cache",
    async (token) => (await caches.open("leak")).put("/leak", new Response(`{"t":"${token}"}`)),
  ],
  [
    "a cached answer's header",
    "Cache",
    async (token) => {
      const answer = new Response("", { headers: { "X-Token": token } });
      await (await caches.open("leak")).put("/leak", answer);
    },
  ],
  [
    "the origin's private files",
    "files",
    async (token) => {
      if (!navigator.storage) return "absent";
      const folder = await navigator.storage.getDirectory();
      const file = await folder.getFileHandle("leak", { create: true });
      const writer = await file.createWritable();
      await writer.write(token);
      await writer.close();
    },
  ],
  [
    "window.name",
    "window.name",
    (token) => {
      window.name = token;
    },
  ],
  [
    "the address",
    "location",
    (token) => {
      location.hash = encodeURIComponent(token);
    },
  ],
  ["the history's state", "history", (token) => history.replaceState({ a: [token] }, "")],
  [
    "an attribute",
    "document",
    (token) => {
      document.body.dataset.leak = token;
    },
  ],
  ["a performance mark", "performance", (token) => performance.mark(`leak ${token}`)],
  [
    "the name of a lock",
    "locks",
    (token) =>
      new Promise((held) => {
        void navigator.locks.request(token, () => {
          held(undefined);
          return new Promise((release) => {
            window.tw.release = release;
          });
        });
      }),
  ],
  [
    "a global",
    "globals",
    (token) => {
      // The page's own `Set`: Firefox runs this beside the page.
      Object.assign(window, { leak: { deep: [new window.Set([token])] } });
    },
  ],
  [
    "a symbol on a method of the client",
    "client",
    (token, auth) => {
      auth.fetch[Symbol("leak")] = {
        get token() {
          return token;
        },
      };
    },
  ],
  [
    "bytes on a method of the client",
    "client",
    (token, auth) => {
      auth.signOut.leak = new Uint16Array([...token].map((letter) => letter.charCodeAt(0)));
    },
  ],
  [
    "an export of the module",
    "module",
    (token) => {
      window.tw.sdk.createClient.leak = token;
    },
  ],
  [
    "a message that is sent",
    "message sent",
    (token) => new MessageChannel().port1.postMessage({ body: new TextEncoder().encode(token) }),
  ],
  [
    "a message that is received",
    "message received",
    async (token) => {
      const { port1, port2 } = new MessageChannel();
      const arrived = new Promise((resolve) => port2.addEventListener("message", resolve));
      port2.start();
      // In pieces on the way out, so that only the arriving message holds it whole.
      port1.postMessage({ inner: new Blob([token]) });
      await arrived;
    },
  ],
  [
    "a message to all tabs",
    "message sent",
    (token) => new BroadcastChannel("leak").postMessage([token]),
  ],
  ["an event", "event", (token) => dispatchEvent(new CustomEvent("leak", { detail: { token } }))],
  [
    "an error's cause",
    "error",
    (token) => window.tw.note("error", new Error("no", { cause: new Error(`for ${token}`) })),
  ],
  ["the console", "console", (token) => console.debug("token", { token })],
  [
    "a request of the page",
    "page request",
    async (token) => {
      const { href } = new URL(`/settings/none.json?t=${token}`, location.href);
      await (await fetch(href)).text();
      // Its entry comes when it likes; one that came after the cleaning would be a leak of the next.
      for (let tries = 0; tries < 200; tries += 1) {
        if (performance.getEntriesByName(href).length > 0) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  ],
  ["a channel's name", "broadcast channel", (token) => new BroadcastChannel(token).close()],
  ["a state", "state", (token) => window.tw.states.push({ status: "signedIn", claims: { token } })],
  ["base64", "localStorage", (token) => localStorage.setItem("leak", btoa(`{"t":"${token}"}`))],
  ["base64 of more", "localStorage", (token) => localStorage.setItem("leak", btoa(`x${token}`))],
  [
    "hex",
    "localStorage",
    (token) => {
      const bytes = [...new TextEncoder().encode(token)];
      const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
      localStorage.setItem("leak", hex);
    },
  ],
  [
    "reversed",
    "localStorage",
    (token) => localStorage.setItem("leak", [...token].reverse().join("")),
  ],
  [
    "the signature alone",
    "localStorage",
    (token) => localStorage.setItem("leak", token.split(".")[2] ?? ""),
  ],
];

/**
 * Takes every leak away again.
 *
 * @param {any} auth
 */
export const clean = async (auth) => {
  localStorage.clear();
  sessionStorage.clear();
  document.cookie = "leak=; max-age=0";
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase("leak");
    request.onsuccess = resolve;
    request.onerror = resolve;
  });
  await caches.delete("leak");
  const folder = await navigator.storage?.getDirectory();
  await folder?.removeEntry("leak").catch(() => {});
  window.name = "";
  history.replaceState(null, "", location.pathname);
  delete document.body.dataset.leak;
  performance.clearMarks();
  performance.clearResourceTimings();
  window.tw.release?.();
  Reflect.deleteProperty(window, "leak");
  for (const method of [auth.fetch, auth.signOut]) {
    for (const key of [...Object.getOwnPropertySymbols(method), "leak"]) delete method[key];
  }
  delete window.tw.sdk.createClient.leak;
  window.tw.states.splice(0);
  window.tw.forget();
};
