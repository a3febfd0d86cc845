// Shows what came of a call: status, time, what the API said.
import { byId, make } from "./dom.ts";
import { duration } from "./time.ts";

/** How one call ended: with a status, or with an error's code and its advice. */
export interface Outcome {
  readonly status?: number;
  readonly failure?: string;
  readonly advice?: string;
  readonly body?: string;
  readonly millis: number;
}

export interface Shown extends Outcome {
  /** What was called: `GET http://localhost:8102/me`. */
  readonly what: string;
  /** Remarks beside the status: "token refreshed on the way". */
  readonly remarks: readonly string[];
}

export function showCall(call: Shown): void {
  const good = call.status === 200;
  const badge = make("span", good ? "badge good" : "badge bad", label(call));
  badge.id = "answer-status";
  const head = make("p", "answer-head", badge, make("code", "", call.what));
  const details = make(
    "p",
    "answer-details",
    make("span", "", duration(call.millis)),
    ...call.remarks.map((remark) => make("span", "remark", remark)),
  );
  const said = call.body ?? call.advice;
  show(head, details, ...(said ? [make(call.body ? "pre" : "p", "said", said)] : []));
}

/** Dots that take their colour one by one, and the sum at the end. */
export function showBurst(count: number): {
  settle(index: number, outcome: Outcome): void;
  finish(text: string, remarks: readonly string[]): void;
} {
  const dots = Array.from({ length: count }, () => make("i", ""));
  const summary = make("p", "answer-details", make("span", "", `${count} calls under way`));
  const row = make("div", "dots", ...dots);
  row.setAttribute("aria-hidden", "true");
  show(row, summary);
  return {
    settle(index, outcome) {
      const dot = dots[index];
      if (!dot) return;
      dot.className = outcome.status === 200 ? "good" : "bad";
      dot.title = `${label(outcome)} in ${duration(outcome.millis)}`;
    },
    finish(text, remarks) {
      const words = make("span", "sum", text);
      words.id = "burst-sum";
      summary.replaceChildren(words, ...remarks.map((remark) => make("span", "remark", remark)));
    },
  };
}

function label({ status, failure }: Outcome): string {
  return status === undefined ? (failure ?? "failed") : String(status);
}

function show(...parts: Node[]): void {
  byId("answer", HTMLElement).replaceChildren(...parts);
}
