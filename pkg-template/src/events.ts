/** What became of the session, as the vault noted it: a script of its own, since few pages ask. */

import type { Link } from "./connection.js";
import type { SessionEvent } from "./generated/types.js";

/** Whoever listens, until it has no listener any more. */
export interface Ear {
  listener?: (event: SessionEvent) => void;
  /** It hears of nothing that was before. */
  since: number;
}

/** Adds a listener: it is called with every event from its moment on. */
type Listen = (ear: Ear) => void;

/** By what reaches the vault, of which each client has its own: one question is open at a time. */
const heard = new WeakMap<() => Promise<Link>, Listen>();

/**
 * Has somebody listen to the vault that `reach` finds. `onChange` is called after each change of the
 * client's state; where that is known, there is a link.
 */
export function listen(
  ear: Ear,
  reach: () => Promise<Link>,
  onChange: Set<() => void>,
  isKnown: () => boolean,
): void {
  const add = heard.get(reach) ?? listening(reach, onChange, isKnown);
  heard.set(reach, add);
  add(ear);
}

function listening(
  reach: () => Promise<Link>,
  onChange: Set<() => void>,
  isKnown: () => boolean,
): Listen {
  const ears = new Set<Ear>();
  let followed: Link | undefined;
  /** The first answer to whoever listens has what was before; later ones are news, whatever the clock says. */
  let isFirst = true;
  /** What was told of late: a new link may be to the same vault, which has it still. */
  let known: string[] = [];
  const key = ({ serial, at }: SessionEvent) => `${serial} ${at}`;

  const ask = async (link: Link, after?: number): Promise<SessionEvent[]> => {
    const from = after === undefined ? {} : { after };
    const { events } = await link.ask<"events">({ type: "events", ...from }).answer;
    return JSON.parse(events, (_, value) => Object.freeze(value));
  };

  const isHeard = (): boolean => {
    for (const ear of ears) if (!ear.listener) ears.delete(ear);
    return ears.size > 0;
  };

  const tell = (event: SessionEvent): void => {
    for (const ear of [...ears]) {
      try {
        // One that left during this round is not called any more.
        if (!isFirst || event.at >= ear.since) ear.listener?.(event);
      } catch (error) {
        reportError(error);
      }
    }
  };

  const hear = async (link: Link): Promise<void> => {
    let after: number | undefined;
    while (isHeard()) {
      const events = await ask(link, after);
      // Before the first event there is none to wait behind.
      after = events.at(-1)?.serial ?? after ?? 0;
      const news = events.filter((event) => !known.includes(key(event)));
      known = [...known, ...news.map(key)].slice(-100);
      news.forEach(tell);
      isFirst = false;
    }
    // Nobody listens any more: what happens until somebody does is nobody's.
    isFirst = true;
    if (followed === link) followed = undefined;
  };

  const follow = (link: Link): void => {
    if (!isHeard() || followed === link) return;
    followed = link;
    // A link that is over is followed by the next one; what happened meanwhile is told then.
    hear(link).catch(() => {});
  };

  const look = (): void => {
    if (isKnown()) void reach().then(follow, () => {});
  };

  return (ear) => {
    ears.add(ear);
    onChange.add(look);
    reach().then(follow, () => {});
  };
}
