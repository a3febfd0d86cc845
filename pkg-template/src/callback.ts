/** The way back from the provider: the address is read and cleaned once, whoever asks, however often. */

import type { Link } from "./connection.js";
import type { AuthError } from "./error.js";
import { WINDOW_STATE } from "./generated/constants.js";
import type { Settings } from "./options.js";
import { loaded } from "./places/place.js";

/** One way back from the provider. */
interface Callback {
  /** Empty once a vault has refused it, so that the same may be tried again. */
  url: string;
  /** Of the vault that has it. */
  verdict?: Promise<void>;
}

/** What came back to this page, for all clients of one configuration. */
export interface Arrival {
  /** The last one. */
  callback?: Callback;
  returnTo?: string | undefined;
  error?: AuthError | undefined;
  /** Over once it is known whether the page beside which this window stands took the last one. */
  handing?: Promise<void>;
}

/** By the configuration's text. Two clients of a `StrictMode` must not fight over one callback. */
const arrivals = new Map<string, Arrival>();

/** Of what came back last, for any client of this page. */
let last: Promise<void> | undefined;

/** The way back for one configuration. */
export interface Doorway {
  /** Whether a callback stands in the address bar. */
  isHere(): boolean;
  /** Takes a callback's URL out of the address bar. Nothing awaits before it. */
  take(): void;
  /** Takes this URL as a callback's. The same twice is once. */
  accept(url: string): void;
  /** Brings what was taken to the vault; rejects where it is refused. */
  deliver(link: Link): Promise<void>;
  /** Brings it too, and resolves when there is nothing or it was judged. */
  settle(link: Link): Promise<void>;
  /** Where the application wanted to be: to everyone who asks in one turn, then no more. */
  returnTo(): string | undefined;
  /** Resolves when nothing is being judged that came back to this page: to leave before would lose it. */
  idle(): Promise<void> | undefined;
  /** Why the last callback failed. */
  error(): AuthError | undefined;
}

/** The way back for these settings. */
export function doorway({ config, redirectUri }: Settings): Doorway {
  const arrival = arrivals.get(config) ?? {};
  arrivals.set(config, arrival);

  const isHere = (): boolean => {
    // `redirectUri` is of this origin, or there would be no client.
    const { pathname, searchParams } = new URL(location.href);
    return (
      pathname === redirectUri.pathname &&
      (searchParams.has("code") || searchParams.has("error")) &&
      searchParams.has("state")
    );
  };

  const accept = (url: string): void => {
    if (arrival.callback?.url === url) return;
    arrival.callback = { url };
    if (url.includes(`state=${WINDOW_STATE}`))
      arrival.handing = loaded(import("./acts.js")).then((script) => script.offer(arrival));
  };

  const judge = async (link: Link, callback: Callback): Promise<void> => {
    try {
      const { url } = callback;
      const { answer } = link.ask<"concluded">({ type: "callback", url });
      arrival.returnTo = (await answer).returnTo;
      arrival.error = undefined;
    } catch (error) {
      arrival.error = error as AuthError;
      callback.url = "";
      throw error;
    }
  };

  const deliver = async (link: Link): Promise<void> => {
    await arrival.handing;
    const { callback } = arrival;
    if (!callback) return;
    callback.verdict ??= last = judge(link, callback);
    await callback.verdict;
  };

  return {
    accept,
    deliver,
    isHere,
    take() {
      if (!isHere()) return;
      accept(location.href);
      history.replaceState(history.state, "", redirectUri);
    },
    // The state and `error()` tell of a failure; whoever waits only wants it to be over.
    settle: (link) => deliver(link).catch(() => {}),
    returnTo() {
      // Not at once: `if (auth.returnTo) go(auth.returnTo)` and StrictMode's second effect read twice.
      if (arrival.returnTo !== undefined) setTimeout(() => delete arrival.returnTo);
      return arrival.returnTo;
    },
    idle: () => last?.catch(() => {}),
    error: () => arrival.error,
  };
}
