// The buttons that call the API, through the vault and once past it.
import { type Client, isAuthError } from "tokenward";
import { type Outcome, showBurst, showCall } from "./answer.ts";
import { onClick, setText } from "./dom.ts";
import { note } from "./log.ts";
import { duration } from "./time.ts";

const BURST = 20;

export function offerCalls(auth: Client, api: string, refreshes: () => number): void {
  const url = `${api}/me`;
  const what = `GET ${url}`;
  let total = 0;
  let good = 0;

  const count = (outcome: Outcome) => {
    total += 1;
    if (outcome.status === 200) good += 1;
    setText("calls-total", String(total));
    setText("calls-ok", String(good));
  };
  /** The refreshes that fell into what `perform` did. */
  const remarks = async (before: number) => {
    await nextState();
    const fresh = refreshes() - before;
    return fresh > 0 ? [fresh === 1 ? "token refreshed on the way" : `${fresh} refreshes`] : [];
  };

  onClick("call", async () => {
    const before = refreshes();
    const outcome = await attempt(() => auth.fetch(url));
    showCall({ ...outcome, what, remarks: await remarks(before) });
    count(outcome);
    note(`Call: ${inWords(outcome)}`, tone(outcome));
  });

  onClick("burst", async () => {
    const before = refreshes();
    const burst = showBurst(BURST);
    const start = performance.now();
    const outcomes = await Promise.all(
      Array.from({ length: BURST }, async (_, index) => {
        const outcome = await attempt(() => auth.fetch(url));
        burst.settle(index, outcome);
        return outcome;
      }),
    );
    const took = duration(performance.now() - start);
    const answered = outcomes.filter(({ status }) => status === 200).length;
    const other = outcomes.find(({ status }) => status !== 200);
    const text = `${answered} of ${BURST} answered 200 in ${took}${other ? `; ${inWords(other)}` : ""}`;
    burst.finish(text, await remarks(before));
    outcomes.forEach(count);
    note(`Burst: ${text}`, other ? "bad" : "good");
  });

  onClick("expire", async () => {
    const response = await fetch("/demo/expire", { method: "POST" });
    note(
      response.ok
        ? "The API now refuses every token issued so far. Call it and see."
        : `The demo's server answered ${response.status}`,
      response.ok ? "plain" : "bad",
    );
  });

  onClick("bare", async () => {
    const outcome = await attempt(() => fetch(url, { cache: "no-store" }));
    showCall({ ...outcome, what, remarks: ["past the vault, without a token"] });
    note(`Call past the vault: ${inWords(outcome)}`);
  });
}

async function attempt(send: () => Promise<Response>): Promise<Outcome> {
  const start = performance.now();
  const millis = () => performance.now() - start;
  try {
    const response = await send();
    const body = await response.text();
    return { status: response.status, body: pretty(body), millis: millis() };
  } catch (error) {
    if (isAuthError(error)) return { failure: error.code, advice: error.message, millis: millis() };
    return { failure: "failed", advice: String(error), millis: millis() };
  }
}

/** The vault posts the state and the response on the same port; one turn lets the state be seen. */
function nextState(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function inWords({ status, failure, millis }: Outcome): string {
  return `${status ?? failure} in ${duration(millis)}`;
}

function tone({ status }: Outcome): "good" | "bad" {
  return status === 200 ? "good" : "bad";
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
