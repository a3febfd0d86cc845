/** The way back from the provider: the address is read and cleaned once, whoever asks, however often. */

import type { Link } from "./connection.js";
import type { AuthError } from "./error.js";
import type { Settings } from "./options.js";

/** What came back to this page, for all clients of one configuration. */
interface Arrival {
  /** The callback's URL, until a vault has it. */
  url?: string | undefined;
  /** The URL that a vault has, and its verdict. */
  delivered?: { url: string; verdict: Promise<void> } | undefined;
  returnTo?: string | undefined;
  error?: AuthError | undefined;
}

/** By the configuration's text. Two clients of a `StrictMode` must not fight over one callback. */
const arrivals = new Map<string, Arrival>();

/** The way back for one configuration. */
export interface Doorway {
  /** Takes a callback's URL out of the address bar. Nothing awaits before it. */
  take(): void;
  /** Brings what was taken to the vault; resolves when there is nothing or it was judged. */
  settle(link: Link): Promise<void>;
  /** Brings this URL to the vault; rejects where it is refused. */
  deliver(link: Link, url: string): Promise<void>;
  /** Where the application wanted to be: to everyone who asks in one turn, then no more. */
  returnTo(): string | undefined;
  /** Why the last callback failed. */
  error(): AuthError | undefined;
}

/** The way back for these settings. */
export function doorway({ config, redirectUri }: Settings): Doorway {
  const arrival = arrivals.get(config) ?? {};
  arrivals.set(config, arrival);

  const deliver = (link: Link, url: string): Promise<void> => {
    if (arrival.delivered?.url === url) return arrival.delivered.verdict;
    const verdict = link.ask({ type: "callback", url }, "concluded").answer.then(
      ({ returnTo }) => {
        arrival.returnTo = returnTo;
        arrival.error = undefined;
      },
      (error) => {
        arrival.error = error;
        arrival.delivered = undefined;
        throw error;
      },
    );
    arrival.delivered = { url, verdict };
    return verdict;
  };

  return {
    deliver,
    take() {
      const { origin, pathname, searchParams } = new URL(location.href);
      const isHere = origin === redirectUri.origin && pathname === redirectUri.pathname;
      const isAnswer = searchParams.has("code") || searchParams.has("error");
      if (!isHere || !isAnswer || !searchParams.has("state")) return;
      arrival.url = location.href;
      history.replaceState(history.state, "", redirectUri);
    },
    async settle(link) {
      const { url } = arrival;
      arrival.url = undefined;
      const verdict = url ? deliver(link, url) : arrival.delivered?.verdict;
      // The state and `error()` tell of a failure; whoever waits only wants it to be over.
      await verdict?.catch(() => {});
    },
    returnTo() {
      // Not at once: `if (auth.returnTo) go(auth.returnTo)` and StrictMode's second effect read twice.
      if (arrival.returnTo !== undefined) setTimeout(() => delete arrival.returnTo);
      return arrival.returnTo;
    },
    error: () => arrival.error,
  };
}
