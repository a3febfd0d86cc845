// The list of what happened, newest first. It is told states and statuses, never a credential.
import { byId, make } from "./dom.ts";
import { clockTime } from "./time.ts";

export type Tone = "good" | "bad" | "plain";

const LIMIT = 60;

export function note(text: string, tone: Tone = "plain"): void {
  const list = byId("log", HTMLOListElement);
  const now = Date.now();
  const time = make("time", "", clockTime(now));
  time.dateTime = new Date(now).toISOString();
  list.prepend(make("li", tone, time, make("span", "event", text)));
  while (list.children.length > LIMIT) list.lastElementChild?.remove();
}
