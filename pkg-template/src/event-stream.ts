/** The format `text/event-stream` (HTML, 9.2.6): text in, events out. Knows nothing of connections. */

import { failure } from "./error.js";

/** One server-sent event. */
export interface ServerEvent {
  /** What the server calls it; `message` where it does not. */
  readonly type: string;
  /** Its data lines, with a line feed between them. */
  readonly data: string;
  /** The identifier of this event, or of the last before it that had one; empty where none had. */
  readonly lastEventId: string;
}

/** How many UTF-16 units a line, or all data of an event, may have: a server could fill the memory. */
const LIMIT = 2 ** 20;
/** How long a server may have a page wait, in milliseconds: a timer knows no more than 24 days. */
const MAX_RETRY_MS = 86_400_000;

/** What reads one stream after the other of the same source. */
export interface Parser {
  /** Another stream begins: what the last one left unfinished is dropped. */
  begin(): void;
  /** The events that a piece of text completes. The byte order mark is the decoder's. */
  read(text: string): ServerEvent[];
  lastEventId(): string;
  /** What the server last asked to wait before another connection, in milliseconds. */
  retry(): number | undefined;
}

/** A parser that goes on from `lastEventId`. */
export function parser(lastEventId = ""): Parser {
  let retry: number | undefined;
  let line = "";
  let data = "";
  let type = "";
  // An event without `id` has that of the last, also across connections, as browsers have it.
  let id = lastEventId;
  /** A line feed that comes next belongs to a carriage return that ended the last piece. */
  let endedInReturn = false;

  const fits = (text: string): void => {
    if (text.length <= LIMIT) return;
    const message =
      "An event of more than 1,048,576 characters: have the server send smaller ones.";
    throw failure("events_invalid", message, false, "fetch");
  };

  const onLine = (): ServerEvent | undefined => {
    if (!line) {
      lastEventId = id;
      const event = { type: type || "message", data: data.slice(0, -1), lastEventId };
      const isEvent = data !== "";
      data = type = "";
      return isEvent ? event : undefined;
    }
    const [field, value] = split(line);
    if (field === "data") {
      data += `${value}\n`;
      fits(data);
    } else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) retry = Math.min(+value, MAX_RETRY_MS);
    return undefined;
  };

  return {
    begin() {
      line = data = type = "";
      id = lastEventId;
      endedInReturn = false;
    },
    read(text) {
      const events: ServerEvent[] = [];
      if (!text) return events;
      let from = endedInReturn && text[0] === "\n" ? 1 : 0;
      const ends = /\r\n?|\n/g;
      ends.lastIndex = from;
      for (let end = ends.exec(text); end; end = ends.exec(text)) {
        line += text.slice(from, end.index);
        fits(line);
        const event = onLine();
        if (event) events.push(event);
        line = "";
        from = ends.lastIndex;
      }
      line += text.slice(from);
      fits(line);
      endedInReturn = text.endsWith("\r");
      return events;
    },
    lastEventId: () => lastEventId,
    retry: () => retry,
  };
}

/** A line's field and value; of a comment the field is empty. */
function split(line: string): [field: string, value: string] {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  const from = line[colon + 1] === " " ? colon + 2 : colon + 1;
  return [line.slice(0, colon), line.slice(from)];
}
