/** The client: what the page holds. It asks the vault for everything and keeps no secret. */

import type { Acts, Check, SignInOptions } from "./acts.js";
import { doorway } from "./callback.js";
import { connector, gone, type Link } from "./connection.js";
import { type AuthError, failure } from "./error.js";
import type { Ear } from "./events.js";
import { type AuthResponse, type FetchInit, send } from "./fetch.js";
import type { SessionEvent, SessionState } from "./generated/types.js";
import { follow } from "./lifecycle.js";
import {
  type ClientOptions,
  checkOptions,
  type OriginOptions,
  readOptions,
  refuse,
  unknownNames,
} from "./options.js";
import { loaded, type Place } from "./places/place.js";

/** What a sign-out leaves alone, and what comes after it. */
export interface SignOutOptions {
  /** End the session here and leave the provider's own as it is. */
  local?: boolean;
  /** Where the application wants to be afterwards: `afterSignOut()` tells it, on the page to which the provider sends people back. */
  returnTo?: string;
}

/** A session, as the page sees it. Every method may be passed on without its object. */
export interface Client {
  /**
   * Resolves once `state` is `signedIn` or `signedOut`, so after a callback was handled, however it
   * ended; stays pending while the page leaves to have the session restored. Rejects where the vault cannot be reached; read it again to try again.
   */
  readonly ready: Promise<void>;
  /** The session now: frozen, and the same object until it changes. */
  readonly state: SessionState;
  /** Calls `listener` after each change of `state`; returns what ends that. */
  readonly subscribe: (listener: () => void) => () => void;
  /**
   * Calls `listener` with what becomes of the session from now on: sign-ins, renewals, failures, ends,
   * whichever tab brings them about where tabs share a vault. Returns what ends that.
   */
  readonly onEvent: (listener: (event: SessionEvent) => void) => () => void;
  /** The last 100 events of the vault, the latest last. */
  readonly diagnostics: () => Promise<SessionEvent[]>;
  /**
   * Sends the browser to the provider. Resolves when it is on its way; with a `mode` that lets this page
   * stay, once somebody is signed in.
   */
  readonly signIn: (options?: SignInOptions) => Promise<void>;
  /**
   * Like `fetch`, with the credential that the configuration has for the target. A network failure
   * is a `TypeError`, an abort rejects with the signal's reason, and an HTTP status never throws.
   * With `credential: "none"` it is the page's own `fetch`, to any origin, without the vault.
   */
  readonly fetch: (input: RequestInfo | URL, init?: FetchInit) => Promise<AuthResponse>;
  /**
   * Ends the session for every tab. Where the provider is to end its own, the browser is sent
   * there; the promise resolves when it is on its way.
   */
  readonly signOut: (options?: SignOutOptions) => Promise<void>;
  /**
   * On the page to which the provider sends people back from a sign-out: the `returnTo` of that one,
   * or nothing where this is no answer to it. Takes the answer's `state` out of the address.
   */
  readonly afterSignOut: () => Promise<string | undefined>;
  /**
   * On the page that the provider loads in a frame when a session ended there (OpenID Connect
   * Front-Channel Logout): ends that session here too. Rejects where `iss` and `sid` are not its own.
   */
  readonly frontChannelLogout: () => Promise<void>;
  /**
   * On the page to which portals send people who are to sign in (OpenID Connect Core, 4): does that.
   * Rejects where `iss` is not the configured issuer, or `target_link_uri` leads elsewhere.
   */
  readonly signInInitiated: () => Promise<void>;
  /**
   * Signs in with a password that was given to the page, only where `allowPasswordGrant` is configured.
   * RFC 9700 forbids it: the page, and every script in it, has the password.
   */
  readonly signInWithPassword: (username: string, password: string) => Promise<void>;
  /**
   * Hands the vault the key of `apiKeys[name]`, in place of the one it has; `null` has it forgotten. It is
   * kept in memory alone, and until the next sign-out.
   */
  readonly setApiKey: (name: string, key: string | null) => Promise<void>;
  /**
   * The same for the key of `signatures[name]`: at least 32 random bytes. Your own array stays yours to
   * wipe.
   */
  readonly setSigningKey: (name: string, key: Uint8Array | null) => Promise<void>;
  /** The provider's UserInfo, fetched by the vault; only where it is about whom the ID token was for. */
  readonly userInfo: () => Promise<Record<string, unknown>>;
  /**
   * Hands out the access token, only where `allowTokenExport` is configured: the default one, or that of
   * the resources with this `resource`.
   */
  readonly exportAccessToken: (options?: { resource?: string }) => Promise<string>;
  /** Handles the callback at `url`, for `callback: "manual"`. The same URL twice is once. */
  readonly handleCallback: (url: string) => Promise<void>;
  /** Where a finished sign-in or restore wanted to be: there once, until the turn that reads it is over. */
  readonly returnTo: string | undefined;
  /** Why the last callback failed; `state` may be `signedIn` all the same, from before. */
  readonly callbackError: AuthError | undefined;
  /** Where the vault runs: a `SharedWorker`, a dedicated `Worker`, at an origin of its own, or this page. */
  readonly place: Place;
  /** Lets go of the vault. The session stays, for other tabs and for a new client. */
  readonly close: () => void;
}

const RESTORING: SessionState = Object.freeze({ status: "restoring" });

/** What is loaded when it is asked for. A sign-out is not: it works offline too. */
const ACTS: readonly (keyof Acts)[] = [
  "signIn",
  "signInInitiated",
  "signInWithPassword",
  "setApiKey",
  "setSigningKey",
  "frontChannelLogout",
  "afterSignOut",
  "exportAccessToken",
  "userInfo",
  "diagnostics",
];

/** A method for each of them. */
function acts(make: (name: keyof Acts) => unknown): Acts {
  return Object.fromEntries(ACTS.map((name) => [name, make(name)])) as unknown as Acts;
}

/**
 * A client for this configuration. It starts nothing before it is used, and is safe to make without
 * a browser. Throws an `AuthError` with every problem of the options.
 */
export function createClient(options: ClientOptions | OriginOptions): Client {
  const own = checkOptions(options);
  return sealed(typeof window === "undefined" ? absent() : present(own));
}

/** A client where there is no browser: it waits for ever, and does nothing. */
function absent(): Client {
  const ready = new Promise<void>(() => {});
  const refused = async (): Promise<never> => {
    throw failure("no_browser", "No browser: call this in the page.");
  };
  // What is absent here is `undefined`.
  return {
    ready,
    state: RESTORING,
    subscribe: () => () => {},
    onEvent: () => () => {},
    ...acts(() => refused),
    fetch: refused,
    signOut: refused,
    handleCallback: refused,
    place: "shared",
    close() {},
  } as Partial<Client> as Client;
}

function present(options: ClientOptions): Client {
  const settings = readOptions(options);
  const connect = connector(settings);
  const door = doorway(settings);
  const listeners = new Set<() => void>();
  const closing = new AbortController();
  const closed = () => failure("closed", "Closed: create another client.");

  let state = RESTORING;
  let text = "";
  let link: Link | undefined;
  let linking: Promise<Link> | undefined;
  let readiness: Promise<void> | undefined;
  let isFollowing = false;
  /** Counts what makes a connection under way useless. */
  let round = 0;

  const check: Check = (names, known) => refuse(unknownNames(names, known));

  const isKnown = () => state.status.startsWith("signed");

  const notify = (): void => {
    for (const listener of [...listeners]) {
      try {
        // One that left during this round is not called any more.
        if (listeners.has(listener)) listener();
      } catch (error) {
        reportError(error);
      }
    }
  };

  const onState = (next: string): void => {
    if (next === text) return;
    text = next;
    const told: SessionState = JSON.parse(next, (_, value) => Object.freeze(value));
    const show = () => {
      if (text !== next) return;
      state = told;
      notify();
    };
    // A page that asks for a sign-in when it sees `signedOut` must not do so on the way back from one.
    if (link && state.status === "restoring" && told.status === "signedOut")
      door.settle(link).then(show);
    else show();
  };

  const letGo = (): void => {
    link = linking = readiness = undefined;
    round++;
  };

  /** The vault is out of reach: what is known of the session may be old. */
  const forget = (): void => {
    letGo();
    text = "";
    state = RESTORING;
    notify();
  };

  const onDeath = (): void => {
    forget();
    begin();
  };

  /** What is open stays open there; all else is asked of the newer build's vault. */
  const onMoved = (): void => {
    letGo();
    begin();
  };

  const onNews = (type: "woke" | "online" | "offline"): void => {
    // Without a vault, news is a reason to look for one again.
    if (link) link.tell({ type });
    else begin();
  };

  /** Everything begins here, once: the address is cleaned before anything else happens. */
  const reach = (): Promise<Link> => {
    if (closing.signal.aborted) return Promise.reject(closed());
    if (!settings.isManual) door.take();
    if (!isFollowing) {
      isFollowing = true;
      follow({ onNews, onHidden, onShown: begin }, closing.signal);
    }
    linking ??= establish();
    return linking;
  };

  const establish = async (): Promise<Link> => {
    const mine = round;
    /** Of a vault that was left, nothing counts any more but its answers. */
    const own =
      <G extends unknown[]>(act: (...given: G) => void) =>
      (...given: G): void => {
        if (mine === round) act(...given);
      };
    try {
      const made = await connect({
        onState: own(onState),
        onDeath: own(onDeath),
        onMoved: own(onMoved),
      });
      if (mine !== round) {
        const reason = closing.signal.aborted ? closed() : gone();
        made.end(reason);
        throw reason;
      }
      link = made;
      // Also the good news: the page that told the other may be gone.
      made.tell({ type: navigator.onLine ? "online" : "offline" });
      onState(made.state);
      // Before anything else is asked, so that a request waits for this sign-in.
      door
        .settle(made)
        .then(() => restore(made, true))
        // Nothing came out of the frame.
        .catch(() => restore(made, false))
        .catch(() => {});
      return made;
    } catch (error) {
      if (mine === round) linking = undefined;
      throw error;
    }
  };

  /**
   * Where it is not known who is signed in, the vault may have this page ask the provider: in a hidden frame,
   * and where that came to nothing, by going there.
   */
  const restore = async (link: Link, frame: boolean): Promise<void> => {
    if (isKnown()) return;
    // A callback that the application has yet to bring would be left behind.
    const at = door.isHere() ? {} : { returnTo: location.href };
    const told = await link.ask<"navigate">({ type: "restore", frame, ...at }).answer;
    await door.idle();
    if (told.channel) {
      const page = { reach: async () => link, popup: false, settings, failure } as const;
      return (await loaded(import("./acts.js"))).standBy(page, told);
    }
    // In place of this page: nobody wants to go back to before a reload.
    if (told.url) location.replace(told.url);
  };

  const onHidden = (): void => {
    link?.end(gone());
    forget();
  };

  const untilReady = async (): Promise<void> => {
    for (;;) {
      await door.settle(await reach());
      if (isKnown()) return;
      await new Promise<void>((changed) => {
        const once = () => {
          listeners.delete(once);
          changed();
        };
        listeners.add(once);
        closing.signal.addEventListener("abort", once);
      });
    }
  };

  const begin = (): Promise<void> => {
    if (!readiness) {
      const attempt = untilReady();
      readiness = attempt;
      attempt.catch(() => {
        if (readiness === attempt) readiness = undefined;
      });
    }
    return readiness;
  };

  return {
    get ready() {
      return begin();
    },
    get state() {
      return state;
    },
    subscribe(listener) {
      // Its own object, so that one function can listen twice and stop once.
      const entry = () => listener();
      listeners.add(entry);
      begin();
      return () => void listeners.delete(entry);
    },
    onEvent(listener) {
      const ear: Ear = { listener, since: Date.now() };
      loaded(import("./events.js")).then(({ listen }) => listen(ear, reach, listeners, isKnown));
      return () => {
        delete ear.listener;
      };
    },
    ...acts((name) => async (...given: never[]) => {
      const mode = (given as SignInOptions[])[0]?.mode;
      // At once: the browser must still know of the click.
      const popup = mode === "popup" && open("", "", mode);
      // Before the script is there, for it cleans the address.
      begin();
      const page = { reach, check, failure, popup, settings };
      const script = loaded(import("./acts.js"));
      if (popup) script.catch(() => popup.close());
      return (await script).act(name, page, given);
    }),
    fetch: (input, init) => send(reach, input, init),
    async signOut(options) {
      const { answer } = (await reach()).ask<"signedOut">({ type: "signOut", ...options });
      const { url } = await answer;
      if (url) location.assign(url);
    },
    async handleCallback(url) {
      // Before there is a vault, so that its first word is not taken for the verdict.
      door.accept(new URL(url, location.href).href);
      return door.deliver(await reach());
    },
    get returnTo() {
      return door.returnTo();
    },
    get callbackError() {
      return door.error();
    },
    place: settings.place,
    close() {
      closing.abort();
      listeners.clear();
      const open = link;
      letGo();
      // A callback on its way is waited for: its code works once, and another client may want it.
      if (open) void door.settle(open).then(() => open.end(closed()));
    },
  };
}

/** Nothing to walk, to change or to print: not even `JSON.stringify` shows the session. */
function sealed(client: Client): Client {
  for (const name of Object.keys(client)) {
    Object.defineProperty(client, name, { enumerable: false });
  }
  return Object.freeze(client);
}
