/**
 * A callback's address at the vault's own origin, between the page that the provider sent people to and the
 * frame in the application's page: for this tab, once. It must not know what the address says.
 */

const FOLDER = new URL(".", location.href).pathname;
const KEY = `tokenward ${FOLDER}`;
const COOKIE = "tokenward";
/** How long the way to the application's page may take, in seconds. */
const MAX_AGE = 60;

/**
 * Leaves it. Where a frame has another storage than a page of its origin (WebKit), the callback page finds no
 * sign-in and what it leaves is not found: it is `isLost` there, and left in a cookie of this host instead.
 */
export function leave(url: string, isLost = false): void {
  if (isLost) cookie(encodeURIComponent(url), MAX_AGE);
  else sessionStorage.setItem(KEY, url);
}

/** Takes what was left. */
export function taken(): { url: string; isLost: boolean } | undefined {
  try {
    const url = sessionStorage.getItem(KEY);
    sessionStorage.removeItem(KEY);
    if (url) return { url, isLost: false };
  } catch {
    // Storage is denied, so nothing was left there.
  }
  const [, text] = document.cookie.match(new RegExp(`(?:^|; )${COOKIE}=([^;]*)`)) ?? [];
  if (!text) return undefined;
  cookie("", 0);
  return { url: decodeURIComponent(text), isLost: true };
}

function cookie(text: string, maxAge: number): void {
  const secure = location.protocol === "https:" ? "; secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: there is no other place that both see
  document.cookie = `${COOKIE}=${text}; path=${FOLDER}; max-age=${maxAge}; samesite=strict${secure}`;
}
