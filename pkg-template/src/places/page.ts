/** The one file that runs the vault in the page itself: the same script, imported. */

import type { Opened } from "./place.js";
import type { ImportError } from "./trouble.js";

/** What the vault's script exports, for a page. */
interface VaultScript {
  connect(name: string, port: MessagePort): void;
}

/** Starts, or finds, the vault of this name in this page. */
export function openPage(url: string, name: string): Opened {
  const { port1, port2 } = new MessageChannel();
  const begin = async (): Promise<never> => {
    const script: VaultScript = await import(url);
    script.connect(name, port2);
    return new Promise(() => {});
  };
  // Its reason is found by asking for the script, as for a worker's.
  const failed = begin().catch((cause) => {
    const mark = { isImport: true } as const;
    const error: ImportError = Object.assign(new Error("no import", { cause }), mark);
    throw error;
  });
  return { port: port1, failed };
}
