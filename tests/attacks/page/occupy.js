// On its first page this script keeps the name that the vault would have had; on the next ones it starts a
// worker of that name with other options, before the application does.

const Native = window.SharedWorker;
const kept = sessionStorage.getItem("name");
const policy = window.trustedTypes?.createPolicy("tokenward", { createScriptURL: (url) => url });
window[Symbol.for("tokenward.policy")] = policy;

if (kept) {
  const url = sessionStorage.getItem("url");
  const occupied = new Native(policy?.createScriptURL(url) ?? url, {
    type: "module",
    name: kept,
    credentials: "omit",
  });
  occupied.port.start();
  window.occupied = occupied;
} else {
  window.SharedWorker = new Proxy(Native, {
    construct(_, [url, { name }]) {
      sessionStorage.setItem("name", name);
      sessionStorage.setItem("url", String(url));
      throw new Error("not yet");
    },
  });
}
