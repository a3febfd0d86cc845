// The demo's page: what an application does with tokenward is in this file, the rest only shows it.
import { createClient, isAuthError } from "tokenward";
import { offerCalls } from "./calls.ts";
import { readConfig } from "./config.ts";
import { onClick, setText } from "./dom.ts";
import { lookForTokens } from "./exposure.ts";
import { SessionView, showNotice } from "./session.ts";
import { drawTokenLife } from "./token-life.ts";

async function start(): Promise<void> {
  const config = await readConfig();
  setText("issuer", config.issuer);
  setText("api", config.api);

  const auth = createClient({
    issuer: config.issuer,
    clientId: config.clientId,
    redirectUri: "/callback",
    scope: ["openid", "profile", "email", "offline_access"],
    resources: [{ origin: config.api }],
    logout: { postLogoutRedirectUri: `${location.origin}/` },
    vaultUrl: "/tokenward/vault.js",
  });

  const view = new SessionView();
  drawTokenLife(
    () => (auth.state.status === "signedIn" ? auth.state : undefined),
    config.accessTokenSeconds * 1000,
  );
  offerCalls(auth, config.api, () => view.refreshes);
  onClick("sign-in", () => auth.signIn({ returnTo: "/" }).catch(report));
  onClick("sign-out", () => auth.signOut().catch(report));
  onClick("look", lookForTokens);

  // From here on the state is an answer: before, a sign-in that came back is not done yet.
  await auth.ready;
  auth.subscribe(() => view.show(auth.state));
  view.show(auth.state);
  leaveCallback(auth.returnTo);
}

/** The address after a sign-in or a sign-out is no place to stay at. */
function leaveCallback(returnTo: string | undefined): void {
  if (location.pathname === "/" && !location.search) return;
  history.replaceState(null, "", returnTo ?? "/");
}

function report(error: unknown): void {
  showNotice(isAuthError(error) ? `${error.code}: ${error.message}` : String(error));
}

start().catch(report);
