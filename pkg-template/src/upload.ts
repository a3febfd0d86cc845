/**
 * Bodies that are streams: a short one goes as bytes, a longer one as it comes. A script of its own, for few
 * need it.
 */

import { REPLAYABLE } from "./generated/constants.js";

/**
 * Hands the stream of `request` to `deliver`: read, where it is short or the engine transfers none, and else
 * one stream that the vault pulls.
 */
export async function upload<T>(
  request: Request,
  deliver: (body: ArrayBuffer | ReadableStream) => Promise<T>,
): Promise<T> {
  const { body, signal } = request;
  if (!body || !transfers()) return deliver(await request.arrayBuffer());
  const reader = body.getReader();
  let isOver = false;
  let reason: unknown;
  /** Breaks off what was transferred. */
  let fail = (_: unknown): void => {};
  const stop = (why: unknown): void => {
    if (isOver) return;
    isOver = true;
    reason = why;
    fail(why);
    // A source that does not like to be cancelled changes nothing.
    reader.cancel(why).catch(() => {});
  };
  signal.addEventListener("abort", () => stop(signal.reason));

  /** What it means that the source broke: what the page's own `fetch` rejects with, and why. */
  let broken: TypeError | undefined;
  const next = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await reader.read().catch((cause) => {
      broken = new TypeError("network error", { cause });
      return Promise.reject(broken);
    });
    // Cancelling ends a read as the last byte does, and half a body must not pass for a whole one.
    if (isOver) throw reason;
    if (done) return;
    if (!(value instanceof Uint8Array)) {
      broken = new TypeError("A body's stream must give `Uint8Array`s.");
      stop(broken);
      throw broken;
    }
    // Copied, as `fetch` does: whoever made it may write the next piece into it, and a view would take all
    // that it is a view of along.
    return new Uint8Array(value);
  };

  try {
    const first: Uint8Array<ArrayBuffer>[] = [];
    for (let size = 0; size <= REPLAYABLE; ) {
      const piece = await next();
      if (!piece) return await deliver(await new Blob(first).arrayBuffer());
      first.push(piece as Uint8Array<ArrayBuffer>);
      size += piece.byteLength;
    }
    const stream = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          fail = (why) => controller.error(why);
        },
        async pull(controller) {
          const piece = first.shift() ?? (await next());
          if (piece) controller.enqueue(piece);
          else controller.close();
        },
        cancel: stop,
      },
      // Nothing is read that nobody asked for.
      { highWaterMark: 0 },
    );
    return await deliver(stream);
  } catch (error) {
    stop(error);
    throw broken ?? error;
  }
}

/** Whether this engine hands streams to other realms. */
function transfers(): boolean {
  const probe = new ReadableStream();
  try {
    // Its ports go with it.
    structuredClone(probe, { transfer: [probe] }).cancel();
    return true;
  } catch {
    return false;
  }
}
