/**
 * A sign-in beside the page: in a window of its own, or in a hidden frame that asks nobody; so a session is
 * restored, too.
 */

import type { Page } from "./acts.js";
import type { Arrival } from "./callback.js";
import type { Answer } from "./connection.js";
import { LIFETIME_MS, NETWORK_MS } from "./generated/constants.js";
import type { ToVault } from "./generated/types.js";
import { handOver, takeOver } from "./handoff.js";

/** How often a window is looked at. */
const LOOK_MS = 300;
/** How large a window is, in CSS pixels. */
const [WIDTH, HEIGHT] = [480, 640];

type Question = Omit<Extract<ToVault, { type: "signIn" }>, "id">;

/**
 * Signs in beside the page: in the window that was opened for it, or in a hidden frame. Resolves when the
 * vault has accepted the callback.
 */
export async function signInBeside(page: Page, question: Question): Promise<void> {
  const { reach, popup, failure } = page;
  if (popup === false && question.mode !== "silent") {
    const advice = '`mode` must be "redirect", "popup" or "silent"';
    throw failure("config_invalid", advice, false, "signIn");
  }
  if (popup === null) {
    const advice = "The browser opened no window: call `signIn` in a click's handler, or redirect.";
    throw failure("popup_blocked", advice, true, "signIn");
  }
  return standBy(page, await (await reach()).ask<"navigate">(question).answer);
}

/** What is needed of the page beside which it is. */
type Beside = Pick<Page, "reach" | "popup" | "settings" | "failure">;

/**
 * Goes where the vault said, in the window or in a hidden frame, and brings it what comes back from there.
 * Rejects where nothing does, or the vault refuses it.
 */
export async function standBy(
  { reach, popup, settings, failure }: Beside,
  told: Answer<"navigate">,
): Promise<void> {
  let frame: HTMLIFrameElement | undefined;
  const waiting = new AbortController();
  try {
    const { url, stop } = takeOver(told.channel as string);
    // However the waiting ends: a window that seemed to be closed may still come back.
    const over = setTimeout(stop, LIFETIME_MS);
    const unheard = () => {
      clearTimeout(over);
      stop();
    };
    const accepted = url.then(async (url) => {
      unheard();
      waiting.abort();
      await (await reach()).ask<"concluded">({ type: "callback", url }).answer;
    });
    accepted.catch(() => {});
    if (popup) {
      popup.resizeTo(WIDTH, HEIGHT);
      popup.location.replace(told.url);
      await Promise.race([accepted, closing(popup, failure, waiting.signal)]);
    } else {
      const given = JSON.parse(settings.config).timeouts?.networkMs;
      frame = document.createElement("iframe");
      const silent = silence(frame, given ?? NETWORK_MS, failure, waiting.signal);
      // Nothing comes out of a frame that is gone.
      silent.catch(unheard);
      show(frame, told.url);
      await Promise.race([accepted, silent]);
    }
  } finally {
    waiting.abort();
    frame?.remove();
  }
}

/** Offers what came back to this window to the page beside which it stands; what that takes is gone here. */
export async function offer(arrival: Arrival): Promise<void> {
  try {
    await handOver(arrival.callback?.url ?? "");
    delete arrival.callback;
  } catch {
    // Nobody waits for it: it is this page's own.
  }
}

/**
 * Rejects once the person closed the window. A browser says `closed` also of one that is open, where the
 * provider cut it off (COOP): so it counts only if the provider's page was seen in reach before.
 */
function closing(popup: Window, failure: Page["failure"], waiting: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const deadline = Date.now() + LIFETIME_MS;
    let wasInReach = false;
    const timer = setInterval(() => {
      if (popup.closed && wasInReach)
        reject(failure("popup_closed", "The window was closed.", true, "signIn"));
      else if (Date.now() > deadline)
        reject(failure("timeout", "Nobody signed in within ten minutes.", true, "signIn"));
      else wasInReach ||= !popup.closed && isElsewhere(popup);
    }, LOOK_MS);
    waiting.addEventListener("abort", () => clearInterval(timer));
  });
}

/** Whether the window shows another origin's page. */
function isElsewhere(popup: Window): boolean {
  try {
    return !popup.location.href;
  } catch {
    return true;
  }
}

/** Has a frame that nobody sees load this. */
function show(frame: HTMLIFrameElement, url: string): void {
  frame.hidden = true;
  // A provider that wants no frames may send the page around it elsewhere: here it cannot.
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms");
  frame.src = url;
  document.documentElement.append(frame);
}

/** Rejects if nothing comes out of the frame in time, and says what is known of why. */
function silence(
  frame: HTMLIFrameElement,
  ms: number,
  failure: Page["failure"],
  waiting: AbortSignal,
): Promise<never> {
  return new Promise((_, reject) => {
    let why = "did not answer in the hidden frame";
    frame.onload = () => {
      why = "showed a page in the hidden frame, or refuses frames";
    };
    const onViolation = ({ effectiveDirective }: SecurityPolicyViolationEvent): void => {
      if (effectiveDirective !== "frame-src") return;
      const advice = "The page's policy forbids the frame: add the provider to `frame-src`.";
      reject(failure("frame_blocked", advice, false, "signIn"));
    };
    document.addEventListener("securitypolicyviolation", onViolation, { signal: waiting });
    const timer = setTimeout(() => {
      const advice = `The provider ${why}: redirect, or use a popup.`;
      reject(failure("timeout", advice, true, "signIn"));
    }, ms);
    waiting.addEventListener("abort", () => clearTimeout(timer));
  });
}
