/**
 * tokenward keeps an application's credentials out of the page: tokens live in a vault, a worker
 * that alone talks to the provider and attaches credentials to requests.
 */

export type { SignInOptions } from "./acts.js";
export { type Client, createClient, type SignOutOptions } from "./client.js";
export { AuthError, isAuthError } from "./error.js";
export type { AuthResponse, FetchInit } from "./fetch.js";
export type {
  AuthErrorCode,
  AuthErrorInfo,
  AuthErrorPhase,
  RestoredBy,
  SessionEvent,
  SessionEventType,
  SessionState,
  SignedOutReason,
  SignInMode,
} from "./generated/types.js";
export type {
  ApiKey,
  ClientOptions,
  Endpoints,
  OriginOptions,
  RefreshCookie,
  RequestSignature,
  Resource,
} from "./options.js";
