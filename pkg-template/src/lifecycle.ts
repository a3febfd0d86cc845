/** What the browser tells a page about its life, for a vault that is told nothing. */

/** What a page's life means to a client. */
export interface Life {
  /** The page is active, or the network changed. */
  onNews(type: "woke" | "online" | "offline"): void;
  /** The page goes into the back/forward cache: its port would not survive. */
  onHidden(): void;
  /** It came back from there. */
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
  on<PageTransitionEvent>(window, "pagehide", (event) => event.persisted && onHidden());
  on<PageTransitionEvent>(window, "pageshow", (event) => event.persisted && onShown());
}
