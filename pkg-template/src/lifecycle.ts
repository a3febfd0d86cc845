/** What the browser tells a page about its life, for a vault that is told nothing. */

/** What a page's life means to a client. */
export interface Life {
  /** The page is active, or the network changed. */
  onNews(type: "woke" | "online" | "offline"): void;
  /** The page ends, or goes into the back/forward cache, which its port would not survive. */
  onHidden(): void;
  /** It is there; it may have come back from there. */
  onShown(): void;
}

/** Listens until the signal aborts. */
export function follow({ onNews, onHidden, onShown }: Life, signal: AbortSignal): void {
  const woke = () => onNews("woke");
  const on = <E extends Event>(target: EventTarget, type: string, then: (event: E) => void) =>
    // Capturing on the window comes before the application's own listeners.
    target.addEventListener(type, then as EventListener, { capture: true, signal });
  on(window, "online", () => onNews("online"));
  on(window, "offline", () => onNews("offline"));
  on(window, "focus", (event) => event.target === window && woke());
  on(document, "resume", woke);
  on(document, "visibilitychange", () => document.visibilityState === "visible" && woke());
  on(window, "pagehide", onHidden);
  on(window, "pageshow", onShown);
}
