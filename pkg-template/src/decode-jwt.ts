/**
 * Looks into a JSON Web Token, for showing it to people. It checks no signature, no time and no issuer:
 * anybody can make a token that says anything, so nothing may be decided by what it says.
 */

/**
 * What somebody says and nobody verified. It is not what a session's state has (`state.claims`), and
 * nothing makes it that: to read it, write `.unverified` each time.
 */
export interface Unverified<T> {
  readonly unverified: T;
}

/** The parts of a token that are JSON. */
export interface Decoded {
  /** The header (RFC 7515, 4). */
  readonly header: Readonly<Record<string, unknown>>;
  /** The claims (RFC 7519, 4). */
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * The header and the claims of a signed token in the compact form. Throws a `TypeError` that holds
 * nothing of `token` where it is none: access tokens need not be JSON Web Tokens, and often are not.
 */
export function decodeJwt(token: string): Unverified<Decoded> {
  const [header, claims, signature, ...more] = typeof token === "string" ? token.split(".") : [];
  if (header === undefined || claims === undefined || signature === undefined || more.length > 0) {
    throw new TypeError("this is no signed token of three parts");
  }
  return { unverified: { header: object(header), claims: object(claims) } };
}

function object(part: string): Record<string, unknown> {
  let value: unknown;
  try {
    // `atob` takes white space and the other alphabet, too.
    if (!/^[\w-]+$/.test(part)) throw part;
    const binary = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new TypeError("a part of this token is not JSON in base64url");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("a part of this token is no JSON object");
  }
  return value as Record<string, unknown>;
}
