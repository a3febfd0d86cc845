// The life of the access token, drawn from two times in the state. The token itself is elsewhere.
import { byId, setText } from "./dom.ts";
import { clockTime, countdown } from "./time.ts";

/** What of the state is drawn. */
export interface TokenTimes {
  readonly expiresAt: number | null;
  readonly refreshAt: number | null;
  readonly refreshing: boolean;
}

const TICK_MILLIS = 200;

/** Draws again and again; `times` gives nothing while nobody is signed in. */
export function drawTokenLife(times: () => TokenTimes | undefined, lifeMillis: number): void {
  const tick = () => {
    const now = times();
    if (now && !document.hidden) draw(now, lifeMillis);
  };
  setInterval(tick, TICK_MILLIS);
  document.addEventListener("visibilitychange", tick);
}

function draw({ expiresAt, refreshAt, refreshing }: TokenTimes, lifeMillis: number): void {
  const now = Date.now();
  const untilRefresh = refreshAt === null ? undefined : refreshAt - now;
  const issuedAt = expiresAt === null ? undefined : expiresAt - lifeMillis;

  setText("until-refresh", untilRefresh === undefined ? "–" : countdown(untilRefresh));
  setText("ring-unit", refreshing ? "refreshing" : unit(untilRefresh));
  setText("refresh-time", refreshAt === null ? "none planned" : `at ${clockTime(refreshAt)}`);
  const left = share(untilRefresh, span(issuedAt, refreshAt));
  const ring = byId("ring", SVGCircleElement);
  ring.setAttribute("stroke-dashoffset", String(100 - left));
  // Its round end is a dot even where nothing is left.
  ring.setAttribute("opacity", left > 0 ? "1" : "0");

  if (expiresAt === null || issuedAt === undefined) return;
  const untilExpiry = expiresAt - now;
  byId("life", SVGRectElement).setAttribute("width", String(100 - share(untilExpiry, lifeMillis)));
  const due = share(span(issuedAt, refreshAt), lifeMillis);
  byId("due", SVGRectElement).setAttribute("x", String(due));
  setText("life-start", `issued ${clockTime(issuedAt)}`);
  setText("life-end", untilExpiry > 0 ? `expires in ${countdown(untilExpiry)} s` : "expired");
}

function unit(untilRefresh: number | undefined): string {
  return untilRefresh !== undefined && untilRefresh < 100_000 ? "seconds" : "minutes";
}

function span(from: number | undefined, to: number | null): number | undefined {
  return from === undefined || to === null ? undefined : to - from;
}

/** In percent, 0 to 100; nothing where one of the two is not known. */
function share(part: number | undefined, whole: number | undefined): number {
  if (part === undefined || !whole) return 0;
  return Math.min(100, Math.max(0, (100 * part) / whole));
}
