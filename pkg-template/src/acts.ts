/** What a page asks of the vault seldom: a script of its own, loaded then. */

import type { Client } from "./client.js";
import type { Link } from "./connection.js";
import type { failure } from "./error.js";
import type { SignInMode } from "./generated/types.js";
import type { Settings } from "./options.js";
import { signInBeside } from "./window.js";

export { offer, standBy } from "./window.js";

/** What a sign-in asks for besides. */
export interface SignInOptions {
  /** Where the application wants to be afterwards; where it is now, if absent. */
  returnTo?: string;
  /** `login`, `consent`, `select_account`, … (OpenID Connect Core, 3.1.2.1). */
  prompt?: string;
  /** Who is likely to sign in. */
  loginHint?: string;
  /** How long ago the person may have proved who they are, in seconds. */
  maxAge?: number;
  /** Authentication contexts, most wanted first, with spaces between. */
  acrValues?: string;
  /** Languages, most wanted first, with spaces between. */
  uiLocales?: string;
  /** Single claims (OpenID Connect Core, 5.5): `{ id_token: { acr: { essential: true } } }`. */
  claims?: Readonly<Record<string, unknown>>;
  /** More parameters for this one authorization request. */
  extraParams?: Readonly<Record<string, string>>;
  /**
   * Where the person signs in: in place of this page, which leaves for the provider; in a window of
   * its own, for which the browser wants `signIn` called in the handler of a click; or nowhere, since a
   * hidden frame asks the provider who is signed in already (needs `silentRedirectUri`; where the browser
   * withholds the provider's cookies from frames, that is nobody).
   */
  mode?: SignInMode;
}

/** The client's methods that are here. */
export type Acts = Pick<
  Client,
  | "signIn"
  | "signInInitiated"
  | "signInWithPassword"
  | "setApiKey"
  | "setSigningKey"
  | "userInfo"
  | "exportAccessToken"
  | "afterSignOut"
  | "frontChannelLogout"
  | "diagnostics"
>;

/** Throws `config_invalid` where members are not among the known ones. */
export type Check = (given: object, known: readonly string[]) => void;

/** The page that asks. */
export interface Page {
  /** Each time the link that there is, or the next one. */
  reach: () => Promise<Link>;
  check: Check;
  /** An error of the facade's own: with a second copy of its class, `instanceof` would not know it. */
  failure: typeof failure;
  /** The window that was opened for a sign-in; `null` where the browser opened none. */
  popup: Window | null | false;
  settings: Settings;
}

type Act<F extends (...given: never[]) => unknown> = (
  page: Page & { link: Link },
  ...given: Parameters<F>
) => ReturnType<F>;

const SIGN_IN: readonly string[] = [
  "returnTo",
  "prompt",
  "loginHint",
  "maxAge",
  "acrValues",
  "uiLocales",
  "claims",
  "extraParams",
  "mode",
] satisfies (keyof SignInOptions)[];

const signIn: Act<Acts["signIn"]> = async (page, options = {}) => {
  page.check(options, SIGN_IN);
  // Nothing that a script gave to `Object.prototype`.
  const own: SignInOptions = Object.assign(Object.create(null), options);
  const { returnTo: wanted = location.href, mode = "redirect", maxAge, claims, ...rest } = own;
  const isFramed = page.settings.place === "origin";
  if (isFramed && mode !== "redirect") {
    const advice = 'with `isolation: "origin"` people sign in by redirect: take `mode` away';
    throw page.failure("config_invalid", advice, false, "signIn");
  }
  // The vault is elsewhere, and so would be a path.
  const isPath = isFramed && URL.canParse(wanted, location.href);
  const returnTo = isPath ? new URL(wanted, location.href).href : wanted;
  const asked = {
    ...rest,
    ...(maxAge === undefined ? {} : { maxAge: `${maxAge}` }),
    ...(claims === undefined ? {} : { claims: JSON.stringify(claims) }),
  };
  const question = { type: "signIn", returnTo, asked, mode } as const;
  if (mode !== "redirect") return signInBeside(page, question);
  location.assign((await page.link.ask<"navigate">(question).answer).url);
};

const exportAccessToken: Act<Acts["exportAccessToken"]> = async ({ link, check }, options = {}) => {
  check(options, ["resource"]);
  const { answer } = link.ask<"accessToken">({ type: "exportAccessToken", ...options });
  return (await answer).token;
};

const signInInitiated: Act<Acts["signInInitiated"]> = async ({ link }) => {
  const question = { type: "signInInitiated", url: location.href } as const;
  const { url } = await link.ask<"navigate">(question).answer;
  // In place of this page: to come back to it would begin another sign-in.
  location.replace(url);
};

const userInfo: Act<Acts["userInfo"]> = async ({ link }) => {
  const { claims } = await link.ask<"userInfo">({ type: "userInfo" }).answer;
  return JSON.parse(claims);
};

const afterSignOut: Act<Acts["afterSignOut"]> = async ({ link }) => {
  const { href } = location;
  const { answer } = link.ask<"concluded">({ type: "afterSignOut", url: href });
  const { returnTo } = await answer;
  if (returnTo !== undefined && location.href === href) {
    const clean = new URL(href);
    clean.searchParams.delete("state");
    history.replaceState(history.state, "", clean);
  }
  return returnTo;
};

const frontChannelLogout: Act<Acts["frontChannelLogout"]> = async ({ link }) => {
  await link.ask<"signedOut">({ type: "frontChannelLogout", url: location.href }).answer;
};

const diagnostics: Act<Acts["diagnostics"]> = async ({ link }) => {
  const { events } = await link.ask<"events">({ type: "events" }).answer;
  return JSON.parse(events, (_, value) => Object.freeze(value));
};

let hasWarned = false;

const signInWithPassword: Act<Acts["signInWithPassword"]> = async (
  { link },
  username,
  password,
) => {
  if (!hasWarned) {
    hasWarned = true;
    // biome-ignore lint/suspicious/noConsole: whoever migrates is to see it, and nobody else
    console.warn("tokenward: the password grant is deprecated (RFC 9700, 2.4): use signIn().");
  }
  // As bytes, which the vault wipes; nothing can wipe the page's own string.
  const { buffer: body } = new TextEncoder().encode(password);
  await link.ask<"concluded">({ type: "password", username, body }).answer;
};

/** Hands a key in, or with none has it forgotten. The bytes go to the vault and are not here any more. */
const setKey = async (
  link: Link,
  name: string,
  bytes: Uint8Array<ArrayBuffer> | null,
): Promise<void> => {
  await link.ask<"concluded">({ type: "setKey", name, ...(bytes && { body: bytes.buffer }) })
    .answer;
};

const setApiKey: Act<Acts["setApiKey"]> = ({ link }, name, key) =>
  setKey(link, `apiKey:${name}`, key === null ? key : new TextEncoder().encode(key));

const setSigningKey: Act<Acts["setSigningKey"]> = ({ link }, name, key) =>
  // A copy, since it may be a part of something larger and is the caller's to wipe; and of bytes alone.
  setKey(link, `signature:${name}`, key === null ? key : Uint8Array.prototype.slice.call(key));

const ACTS = {
  signIn,
  signInInitiated,
  signInWithPassword,
  setApiKey,
  setSigningKey,
  frontChannelLogout,
  afterSignOut,
  exportAccessToken,
  userInfo,
  diagnostics,
};

/** Does what a page asks for, once it has its vault; whatever comes of it, no window is left open. */
export async function act(name: keyof Acts, page: Page, given: unknown[]): Promise<unknown> {
  try {
    const link = await page.reach();
    const one = ACTS[name] as (...all: unknown[]) => Promise<unknown>;
    return await one({ ...page, link }, ...given);
  } finally {
    if (page.popup) page.popup.close();
  }
}
