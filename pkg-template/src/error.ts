/** `AuthError`: every decision of tokenward's own that a caller must hear of. */

import type { AuthErrorCode, AuthErrorInfo, AuthErrorPhase } from "./generated/types.js";

/** The same in every copy of the package, so that `isAuthError` knows the errors of all. */
const BRAND = Symbol.for("tokenward.AuthError");

/** An error with a code for programs and a message for people that says what to do. */
export class AuthError extends Error {
  /** What went wrong. */
  declare readonly code: AuthErrorCode;
  /** During what. */
  declare readonly phase: AuthErrorPhase;
  /** Whether the same call may succeed later without a change. */
  declare readonly retryable: boolean;
  /** How long to wait before that, in milliseconds, where it is known. */
  declare readonly retryAfterMs?: number;
  /** The provider's own `error` code, where it gave one. */
  declare readonly oauthError?: string;

  constructor(info: AuthErrorInfo, options?: ErrorOptions) {
    super(info.message, options);
    Object.assign(this, info);
  }

  static {
    // On the prototype, so that a stack begins with it.
    Object.assign(AuthError.prototype, { name: "AuthError", [BRAND]: true });
  }
}

/** Whether `value` is an `AuthError`, of this copy of the package or of another. */
export function isAuthError(value: unknown): value is AuthError {
  return value instanceof Error && BRAND in value;
}

/** An error that the facade itself decides on. */
export function failure(
  code: AuthErrorCode,
  message: string,
  retryable = false,
  phase: AuthErrorPhase = "vault",
): AuthError {
  return new AuthError({ code, phase, message, retryable });
}
