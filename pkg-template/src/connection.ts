/** The page's end of the port: the hello, questions and their answers, and whether the vault lives. */

import { AuthError, failure, isAuthError } from "./error.js";
import { WIRE } from "./generated/constants.js";
import type { FromVault, Hello, ToVault } from "./generated/types.js";
import type { Settings } from "./options.js";
import { explain, loaded, type Open, type Opened, opener, type Place } from "./places/place.js";
import { raiseShield, trusted } from "./places/script.js";

/** The hash of the vault's wasm and glue; the build writes it in. */
declare const __TOKENWARD_BUILD__: string;

/** How long a hello may go unanswered before the next generation of the vault is asked. */
const HELLO_MS = 5000;
const GENERATIONS = 3;
/** A worker of the same name that is asked for sooner shares the failure and is silent (Firefox). */
const RETRY_MS = 200;
/** How long a vault may be silent after a ping before it counts as dead. */
const SILENCE_MS = 3000;
/** How soon a living vault whose lock was taken from it is asked again. */
const AGAIN_MS = 10_000;

type Numbered = { id: number };
type Unnumbered<M> = M extends Numbered ? Omit<M, "id"> : never;
/** What a message carries beside its fields; it is transferred. */
export type Body = ArrayBuffer | ReadableStream;
/** A message that is answered; its number is given by the link. */
export type Question = Unnumbered<ToVault> & { body?: Body };
/** A message that is not. */
export type Notice = Exclude<ToVault, Numbered | Hello> | Extract<ToVault, { type: "abort" }>;
type Answers = Extract<FromVault, Numbered> & { body?: MessagePort };
/** An answer, by its `type`. */
export type Answer<T extends Answers["type"]> = Extract<Answers, { type: T }>;

/** A question on its way. */
export interface Call<T extends Answers["type"]> {
  answer: Promise<Answer<T>>;
  /** The answer is no longer wanted. */
  drop(): void;
}

/** A port whose hello was accepted. */
export interface Link {
  /** The session's state at the welcome, as JSON text. */
  state: string;
  /** Asks what is answered by a message of type `T`; its failures reject. */
  ask<T extends Answers["type"]>(question: Question): Call<T>;
  tell(notice: Notice): void;
  /** Aborts when the link ends, with the error that everything open on it gets. */
  over: AbortSignal;
  end(reason: AuthError): void;
}

/** What a link reports without being asked. */
export interface Reports {
  /** The session's state changed; as JSON text. */
  onState(text: string): void;
  /** The vault died; the link is over. */
  onDeath(): void;
  /** A newer build's vault has its place: what is asked from now on is asked there. */
  onMoved(): void;
}

type Welcome = Extract<FromVault, { type: "welcome" }>;
/** A vault that accepted a hello. */
export type Welcomed = { opened: Opened; welcome: Welcome; generation: number };

/** A function that connects to the vault of these settings, each time anew. */
export function connector(settings: Settings): (reports: Reports) => Promise<Link> {
  // A SharedWorker that did not answer cannot be ended, so this page stays away from its generation.
  let first = 0;
  let build: string = __TOKENWARD_BUILD__;
  return async (reports) => {
    // No insecure context has it.
    if (!globalThis.crypto?.subtle) {
      const message = "No WebCrypto here: serve the page over https.";
      throw failure("insecure_context", message);
    }
    const ended = new AbortController();
    try {
      const welcomed = await (settings.place === "origin"
        ? (await loaded(import("./places/origin.js"))).meet(settings, first, ended.signal, failure)
        : meet(settings, first, ended.signal, build));
      first = welcomed.generation;
      return link(welcomed, ended, reports, (to) => {
        build = to;
      });
    } catch (error) {
      ended.abort();
      throw error;
    }
  };
}

/** Says hello to the vault of these settings, as a page that lives until the signal aborts. */
export async function meet(
  { config, hasShield, place, vaultUrl }: Settings,
  first: number,
  until: AbortSignal,
  build: string = __TOKENWARD_BUILD__,
): Promise<Welcomed> {
  const lock = `tokenward/page/${crypto.randomUUID()}`;
  const url = vaultUrl ?? new URL("./vault.js", import.meta.url);
  const [open, hash] = await Promise.all([
    opener(place as Exclude<Place, "origin">),
    fingerprint(config),
    hold(lock, until),
    // What the page itself fetches is its own service worker's to see, whatever lies beside it.
    place !== "page" && raiseShield(url, hasShield),
  ]);
  const page = location.origin + location.pathname;
  const hello: ToVault = { type: "hello", wire: WIRE, config, page, lock };
  // What can be ended is replaced under its own name, where other clients find it too.
  const name = (generation: number) =>
    `tokenward/${WIRE}/${build}/${place === "shared" ? generation : 0}/${hash}`;
  return reach(open, url.href, name, hello, first, build);
}

/** The vault died, or this page cannot hear it any more. */
export function gone(): AuthError {
  return failure("vault_crashed", "The vault is gone: try again.", true);
}

async function fingerprint(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => (256 + byte).toString(16).slice(1)).join("");
}

/** Holds the Web Lock `name` until the signal aborts; resolves once it is held, or cannot be. */
function hold(name: string, until: AbortSignal): Promise<void> {
  return new Promise((held) => {
    const whileHeld = () => {
      held();
      return new Promise((release) => until.addEventListener("abort", release));
    };
    // Without locks the vault pings instead, so a refusal is no obstacle.
    navigator.locks.request(name, whileHeld).catch(() => held());
  });
}

/** Says hello, to the next generation too where one is silent; the first to answer is taken. */
async function reach(
  open: Open,
  url: string,
  name: (generation: number) => string,
  hello: ToVault,
  first: number,
  build: string,
): Promise<Welcomed> {
  const silent = new Set<Opened>();
  const greet = async (generation: number): Promise<Welcomed> => {
    const opened = open(trusted(url), name(generation));
    silent.add(opened);
    const { port, failed } = opened;
    const answer = new Promise<Welcome>((resolve, reject) => {
      port.onmessage = ({ data }: MessageEvent<FromVault>) => {
        if (data.type === "welcome") resolve(data);
        if (data.type === "refused") reject(new AuthError(data.error));
      };
    });
    port.postMessage(hello);
    const welcome = await Promise.race([answer, failed]);
    silent.delete(opened);
    return { opened, welcome, generation };
  };
  const insist = async (generation: number) => {
    try {
      return await greet(generation);
    } catch (reason) {
      // No reason is the worker's own `error`. One is forgiven: it may have been about to end.
      const error = await explain(url, reason);
      if (error.code !== "worker_blocked") throw error;
      await sleep(RETRY_MS);
      return greet(generation).catch((again) => Promise.reject(isAuthError(again) ? again : error));
    }
  };

  const answers: Promise<Welcomed | undefined>[] = [];
  try {
    for (let generation = first; generation < first + GENERATIONS; generation++) {
      answers.push(insist(generation));
      const found = await Promise.race([...answers, sleep(HELLO_MS)]);
      if (!found) {
        for (const { end } of silent) end?.();
        continue;
      }
      // A script of the page could have named any: then it is the page's own after all.
      if ([build, __TOKENWARD_BUILD__].includes(found.welcome.build)) return found;
      found.opened.port.close();
      throw await explain(url, found.welcome.build);
    }
  } finally {
    // Not ended: what has just begun may be the vault that was found, asked a second time.
    for (const { port } of silent) port.close();
  }
  throw failure("vault_unavailable", "The vault does not answer: try again.", true);
}

function sleep(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function link(
  { opened, welcome }: Welcomed,
  ended: AbortController,
  reports: Reports,
  move: (build: string) => void,
): Link {
  const { port } = opened;
  /** What waits for an answer; it gets none when the link is over. */
  const open = new Map<number, (answer?: Answers) => void>();
  const over = ended.signal;
  let last = 0;
  let heard = 0;

  const tell = (notice: Notice): void => port.postMessage(notice);

  const end = (reason: AuthError): void => {
    if (over.aborted) return;
    tell({ type: "close" });
    port.close();
    ended.abort(reason);
    for (const settle of open.values()) settle();
  };

  port.onmessage = ({ data }: MessageEvent<FromVault>) => {
    heard++;
    if (data.type === "ping") tell({ type: "pong" });
    else if (data.type === "state") reports.onState(data.state);
    else if (data.type === "moved") {
      move(data.build);
      reports.onMoved();
    }
    // What bears no number (`pong`) is nobody's answer.
    else open.get((data as Answers).id)?.(data as Answers);
  };

  const ask = <T extends Answers["type"]>(question: Question): Call<T> => {
    const id = ++last;
    const answer = new Promise<Answer<T>>((resolve, reject) => {
      if (over.aborted) return reject(over.reason);
      open.set(id, (given) => {
        open.delete(id);
        if (!given) reject(over.reason);
        else if (given.type === "networkFailed") reject(new TypeError(given.message));
        else if (given.type === "failed") reject(new AuthError(given.error));
        // A vault of this very build answers as its types say.
        else resolve(given as Answer<T>);
      });
      port.postMessage({ ...question, id }, question.body ? [question.body] : []);
    });
    const drop = () => {
      open.delete(id);
      tell({ type: "abort", id });
    };
    return { answer, drop };
  };

  /** Waits for the vault's lock, which is a hint alone: a page's script can take it away. */
  const watch = (): void => {
    const options: LockOptions = { mode: "shared", signal: over };
    navigator.locks.request(welcome.lock, options, () => {}).then(doubt, () => {});
  };
  const doubt = (): void => {
    if (over.aborted) return;
    const before = heard;
    tell({ type: "ping" });
    setTimeout(() => {
      if (over.aborted) return;
      if (heard !== before) setTimeout(watch, AGAIN_MS);
      else {
        end(gone());
        opened.end?.();
        reports.onDeath();
      }
    }, SILENCE_MS);
  };

  watch();
  opened.failed.catch(doubt);
  return { state: welcome.state, ask, tell, over, end };
}
