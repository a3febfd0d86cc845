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
 * Throws `events_invalid` for any other status or content type, and for an event of more than a mebibyte
 * (its `cause` is the `Response`, where there is one that was refused); the signal's reason after an abort;
 * and whatever `fetch` decides that is not `retryable`. `return()` ends the connection at once.
 */
export function events(
  auth: Pick<Client, "fetch">,
  url: string | URL,
  init: EventsInit = {},
): AsyncIterableIterator<ServerEvent, undefined, undefined> {
  const stop = new AbortController();
  const signal = init.signal ? AbortSignal.any([init.signal, stop.signal]) : stop.signal;
  const all = follow(auth, url, { ...init, signal });
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
  auth: Pick<Client, "fetch">,
  url: string | URL,
  { lastEventId, ...init }: EventsInit & { signal: AbortSignal },
): AsyncGenerator<ServerEvent, undefined, undefined> {
  const { signal } = init;
  signal.throwIfAborted();
  // What no request can be made of is no network failure, to be tried again.
  const { method, headers } = new Request(url, init);
  headers.set("Accept", "text/event-stream");
  const stream = parser(lastEventId);
  let failures = 0;
  for (;;) {
    const id = stream.lastEventId();
    // A header's value is bytes; the identifier's are UTF-8 (HTML, 9.2.4).
    if (id) headers.set("Last-Event-ID", String.fromCharCode(...new TextEncoder().encode(id)));
    let body: ReadableStreamDefaultReader<Uint8Array> | undefined;
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
    } finally {
      body?.cancel().catch(() => {});
    }
    const jitter = failures && Math.min(MAX_JITTER_MS, JITTER_MS * 2 ** (failures - 1));
    await pause((stream.retry() ?? RETRY_MS) + random() * jitter, signal);
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
