/**
 * tokenward keeps an application's credentials out of the page: tokens live in a vault, a worker
 * that alone talks to the provider and attaches credentials to requests.
 */

export { type Client, createClient, type SignInOptions, type SignOutOptions } from "./client";
export { AuthError, isAuthError } from "./error";
export type {
  AuthErrorCode,
  AuthErrorInfo,
  AuthErrorPhase,
  SessionState,
  SignedOutReason,
} from "./generated/types";
export type { ClientOptions, Endpoints, Resource } from "./options";
