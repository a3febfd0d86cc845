/**
 * A callback's address, on its way from the window that the provider sent it to, to the page that waits
 * for it. It needs no `opener`, which the provider's pages may have cut off (COOP).
 */

/** How long a page that waits may take to say so: it may be in the background. */
const ANSWER_MS = 3000;

/** Only who knows the `state` can listen: a page, its provider, and the window between them. */
function channel(state: string | null): BroadcastChannel {
  return new BroadcastChannel(`tokenward/callback/${state}`);
}

/**
 * Hands over the address and closes the window; resolves if the window stays open all the same. Rejects
 * where nobody waits for it.
 */
export function handOver(url: string): Promise<void> {
  const way = channel(new URL(url).searchParams.get("state"));
  return new Promise<void>((taken, nobody) => {
    setTimeout(nobody, ANSWER_MS);
    way.onmessage = () => taken();
    way.postMessage(url);
  })
    .then(() => close())
    .finally(() => way.close());
}

/** The address that the window of this `state` hands over. */
export function takeOver(state: string): { url: Promise<string>; stop: () => void } {
  const way = channel(state);
  const url = new Promise<string>((taken) => {
    way.onmessage = ({ data }) => {
      way.postMessage("taken");
      taken(String(data));
    };
  });
  return { url, stop: () => way.close() };
}
