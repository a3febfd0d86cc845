/**
 * The vault's script, for every place: in a `SharedWorker` ports come with `connect`, in a dedicated
 * worker by message, and a page imports `connect`.
 */

import { begin, type Take } from "./begin.js";

const realm = self as unknown as Partial<SharedWorkerGlobalScope> & DedicatedWorkerGlobalScope;

/** By name: a page may hold more than one, a worker has its own. */
const vaults = new Map<string, Take>();

/** Hands a port to this realm's vault of this name, which begins with its first port. */
export function connect(name: string, port: MessagePort): void {
  let take = vaults.get(name);
  if (!take) {
    // What cannot serve makes room, so that the next call starts another.
    const leave = () => (isWorker ? realm.close() : vaults.delete(name));
    take = begin(name, leave, isWorker);
    vaults.set(name, take);
  }
  take(port);
}

const isWorker = !("document" in realm);
if (isWorker) {
  const onPorts = ({ ports }: MessageEvent): void => {
    for (const port of ports) connect(realm.name, port);
  };
  // Before any await: a connection that comes while nobody listens is lost.
  if ("onconnect" in realm) realm.onconnect = onPorts;
  else realm.onmessage = onPorts;
  // A trap leaves the memory in an unknown state. The worker ends, its lock is let go, and that is
  // how pages notice and start another.
  realm.addEventListener("error", () => realm.close());
}
