// Shows the session as the vault publishes it, and counts the silent refreshes.
import type { SessionState } from "tokenward";
import { byId, setText } from "./dom.ts";
import { lookForTokens } from "./exposure.ts";
import { note } from "./log.ts";
import { nameOf, showPerson } from "./person.ts";
import { clockTime } from "./time.ts";

type SignedIn = Extract<SessionState, { status: "signedIn" }>;
type SignedOut = Extract<SessionState, { status: "signedOut" }>;

const PILL: Record<SessionState["status"], string> = {
  restoring: "restoring",
  signingIn: "signing in",
  signedIn: "signed in",
  signedOut: "signed out",
};

/** Follows the session through its states. */
export class SessionView {
  #status: SessionState["status"] | undefined;
  #claims: SignedIn["claims"] | undefined;
  #expiresAt: number | null = null;
  #degraded: string | undefined;
  #refreshes = 0;

  /** How often the access token changed while this tab looked on. */
  get refreshes(): number {
    return this.#refreshes;
  }

  show(state: SessionState): void {
    const changed = state.status !== this.#status;
    this.#status = state.status;
    document.body.dataset["status"] = state.status;
    setText("state", PILL[state.status]);
    if (state.status === "signedIn") this.#signedIn(state, changed);
    else if (changed && state.status === "signedOut") this.#signedOut(state);
    if (changed) void lookForTokens();
  }

  #signedIn(state: SignedIn, isNew: boolean): void {
    if (isNew || JSON.stringify(state.claims) !== JSON.stringify(this.#claims)) {
      showPerson(state.claims, state.scopes);
    }
    this.#claims = state.claims;
    if (isNew) {
      note(`Signed in as ${nameOf(state.claims)}`, "good");
    } else if (state.expiresAt !== this.#expiresAt) {
      this.#refreshes += 1;
      note(`Access token refreshed in silence${nextRefresh(state)}`, "good");
    }
    this.#expiresAt = state.expiresAt;
    setText("refreshes", String(this.#refreshes));
    this.#showDegraded(state.degraded?.message);
  }

  #showDegraded(message: string | undefined): void {
    if (message === this.#degraded) return;
    this.#degraded = message;
    showNotice(message && `The last refresh failed, the session is kept. ${message}`);
    if (message) note(`Refresh failed: ${message}`, "bad");
  }

  #signedOut({ reason, error }: SignedOut): void {
    this.#degraded = undefined;
    this.#refreshes = 0;
    showNotice(error ? `${error.code}: ${error.message}` : undefined);
    const words = reason.replaceAll("_", " ");
    note(words === "signed out" ? "Signed out" : `Signed out: ${words}`, error ? "bad" : "plain");
  }
}

/** A line above everything else, for what the user should know; none without a text. */
export function showNotice(text: string | undefined): void {
  const notice = byId("notice", HTMLElement);
  notice.hidden = !text;
  notice.textContent = text ?? "";
}

function nextRefresh({ refreshAt }: SignedIn): string {
  return refreshAt === null ? "" : `, the next is due at ${clockTime(refreshAt)}`;
}
