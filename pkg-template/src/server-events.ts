/** Server-sent events over a client's `fetch`: connects, reads, connects again. Knows no credential. */

import type { Client } from "./client.js";
import { type AuthError, failure, isAuthError } from "./error.js";
import { parser, type ServerEvent } from "./event-stream.js";
import type { FetchInit } from "./fetch.js";

export type { ServerEvent } from "./event-stream.js";

/** What `fetch` takes, and where to go on from. */
export interface EventsInit extends FetchInit {
  /** The `lastEventId` of an event that was seen before, in another page for example. */
  lastEventId?: string;
}

/** What of a client this needs: its `fetch`, and whose session it is. */
export type EventsClient = Pick<Client, "fetch" | "state" | "subscribe">;

/** How long to wait before another connection, in milliseconds, until the server says otherwise. */
const RETRY_MS = 3000;
/** What is waited beyond that after a failure: anything up to this, doubled with each. */
const JITTER_MS = 1000;
const MAX_JITTER_MS = 30_000;

/**
 * The events of `url` (HTML, 9.2), as they are asked for: the connection is opened with the first
 * `next()`, and nothing is read ahead but the piece under way. A connection that ends or breaks is opened
 * again with `Last-Event-ID`, after the server's `retry`; a 204 is the end. Only a GET is repeated: with
 * another method the end of the answer is the end, and a break is a `TypeError`.
 *
 * What it brings is of whoever was signed in when it began: a sign-out ends it with
 * `not_signed_in`, instead of going on for the next person. Where `credential` is `"none"` it is nobody's.
 *
 * Throws `events_invalid` for any other status or content type, and for an event of more than a mebibyte
 * (its `cause` is the head of the `Response`, where there is one that was refused); the signal's reason
 * after an abort; and whatever `fetch` decides that is not `retryable`. `return()` ends the connection at
 * once.
 */
export function events(
  auth: EventsClient,
  url: string | URL,
  init: EventsInit = {},
): AsyncIterableIterator<ServerEvent, undefined, undefined> {
  const stop = new AbortController();
  const left = new AbortController();
  const signals = [stop.signal, left.signal, init.signal ?? []].flat();
  const all = follow(auth, url, { ...init, signal: AbortSignal.any(signals) }, left);
  const done = { done: true, value: undefined } as const;
  return {
    next: () => all.next().catch((error) => (stop.signal.aborted ? done : Promise.reject(error))),
    async return() {
      // Before the generator hears of it: a `next()` under way would keep it waiting.
      stop.abort();
      await all.return(undefined).catch(() => {});
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* follow(
  auth: EventsClient,
  url: string | URL,
  { lastEventId, ...init }: EventsInit & { signal: AbortSignal },
  left: AbortController,
): AsyncGenerator<ServerEvent, undefined, undefined> {
  const forget = init.credential === "none" ? undefined : tie(auth, left);
  try {
    yield* connections(auth, url, lastEventId, init);
  } finally {
    forget?.();
  }
}

/**
 * Aborts when whoever is signed in is so no longer; returns what ends the watch. Where nobody is, as for an
 * API key, there is nobody to leave.
 */
function tie(auth: EventsClient, left: AbortController): () => void {
  let who: { subject: unknown } | undefined;
  const look = (): void => {
    const { state } = auth;
    const now = state.status === "signedIn" ? { subject: state.claims["sub"] } : undefined;
    who ??= now;
    // In between it may be `restoring`, for the same person.
    const isOver = state.status === "signedOut" ? who : now && now.subject !== who?.subject;
    if (!isOver) return;
    const message = "Whoever asked for these events is signed out: ask again when somebody is in.";
    left.abort(failure("not_signed_in", message, false, "fetch"));
  };
  const forget = auth.subscribe(look);
  look();
  return forget;
}

async function* connections(
  auth: EventsClient,
  url: string | URL,
  lastEventId: string | undefined,
  init: FetchInit & { signal: AbortSignal },
): AsyncGenerator<ServerEvent, undefined, undefined> {
  const { signal } = init;
  signal.throwIfAborted();
  // What no request can be made of is no network failure, to be tried again. Without the body, whose
  // type (the boundary of a form) is that of the request that is sent.
  const { method, headers } = new Request(url, { ...init, body: null });
  headers.set("Accept", "text/event-stream");
  const stream = parser(lastEventId);
  let failures = 0;
  for (;;) {
    const id = stream.lastEventId();
    // A header's value is bytes; the identifier's are UTF-8 (HTML, 9.2.4).
    if (id) headers.set("Last-Event-ID", Array.from(new TextEncoder().encode(id), letter).join(""));
    let body: ReadableStreamDefaultReader<Uint8Array> | undefined;
    let atLeast = 0;
    failures++;
    try {
      const response = await auth.fetch(url, { ...init, headers, cache: "no-store" });
      if (response.status === 204) return;
      check(response);
      body = response.body?.getReader();
      const decoder = new TextDecoder();
      stream.begin();
      for (;;) {
        const { value, done = true } = (await body?.read()) ?? {};
        if (done) break;
        for (const event of stream.read(decoder.decode(value, { stream: true }))) {
          failures = 0;
          yield event;
          signal.throwIfAborted();
        }
      }
      if (method !== "GET") return;
    } catch (error) {
      signal.throwIfAborted();
      if (method !== "GET" || !mayPass(error)) throw error;
      // It brought something, and broke all the same.
      failures ||= 1;
      if (isAuthError(error)) atLeast = error.retryAfterMs ?? 0;
    } finally {
      body?.cancel().catch(() => {});
    }
    const jitter = failures && Math.min(MAX_JITTER_MS, JITTER_MS * 2 ** (failures - 1));
    const usual = stream.retry() ?? RETRY_MS;
    await pause(Math.max(usual, atLeast) + random() * jitter, signal);
  }
}

/** Throws unless the response is a stream of events. */
function check(response: Response): void {
  const { status, headers } = response;
  const type = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (status === 200 && type === "text/event-stream") return;
  response.body?.cancel().catch(() => {});
  const message = `No stream of events came, but status ${status}: see \`cause\`, the response.`;
  const error: AuthError = failure(
    "events_invalid",
    message,
    status === 429 || status > 499,
    "fetch",
  );
  error.cause = response;
  throw error;
}

/** Whether the same request may succeed later: the network's failures, and a vault that is replaced. */
function mayPass(error: unknown): boolean {
  return isAuthError(error)
    ? error.retryable && error.code !== "events_invalid"
    : error instanceof TypeError;
}

function letter(byte: number): string {
  return String.fromCharCode(byte);
}

/** A number from 0 up to 1. */
function random(): number {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
  return number / 2 ** 32;
}

/** Waits; rejects with the signal's reason when it aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
