// Made from the Rust sources: UPDATE_GENERATED=1 cargo test --lib generated
export type AuthErrorCode = "config_invalid" | "no_browser" | "insecure_context" | "vault_unavailable" | "worker_blocked" | "wasm_blocked" | "vault_crashed" | "closed" | "message_invalid" | "provider_unreachable" | "provider_answer_invalid" | "timeout" | "offline" | "metadata_invalid" | "provider_unsupported" | "oauth_error" | "transaction_storage_denied" | "callback_invalid" | "callback_unknown" | "callback_used" | "issuer_mismatch" | "return_to_invalid" | "token_answer_invalid" | "id_token_invalid" | "not_signed_in" | "session_ended" | "refresh_failed" | "target_not_allowed" | "request_invalid" | "body_used" | "redirect_refused" | "export_not_allowed";

export type AuthErrorPhase = "config" | "vault" | "discovery" | "signIn" | "callback" | "refresh" | "fetch" | "signOut" | "export";

export type AuthErrorInfo = { code: AuthErrorCode, phase: AuthErrorPhase, message: string, retryable: boolean, retryAfterMs?: number, oauthError?: string, };

export type SignedOutReason = "no_session" | "signed_out" | "expired" | "session_ended" | "refresh_lost" | "callback_failed";

export type SessionState = { "status": "restoring" } | { "status": "signedOut", reason: SignedOutReason, error?: AuthErrorInfo, } | { "status": "signingIn" } | { "status": "signedIn", claims: Record<string, unknown>, scopes: Array<string>, expiresAt: number | null, refreshAt: number | null, refreshing: boolean, degraded?: AuthErrorInfo, };

export type Asked = { prompt?: string, loginHint?: string, maxAge?: string, acrValues?: string, uiLocales?: string, extra: Array<[string, string]>, };

export type Hello = { wire: number, config: string, page: string, lock: string, };

export type SignIn = { id: number, returnTo?: string, asked?: Asked, };

export type Callback = { id: number, url: string, };

export type Fetch = { id: number, url: string, method: string, headers: Array<[string, string]>, credentials?: string, cache?: string, redirect?: string, referrerPolicy?: string, integrity?: string, keepalive?: boolean, };

export type SignOut = { id: number, local?: boolean, };

export type Numbered = { id: number, };

export type Empty = Record<symbol, never>;

export type ToVault = { "type": "hello" } & Hello | { "type": "signIn" } & SignIn | { "type": "callback" } & Callback | { "type": "fetch" } & Fetch | { "type": "abort" } & Numbered | { "type": "signOut" } & SignOut | { "type": "exportAccessToken" } & Numbered | { "type": "woke" } & Empty | { "type": "online" } & Empty | { "type": "offline" } & Empty | { "type": "ping" } & Empty | { "type": "pong" } & Empty | { "type": "close" } & Empty;

export type FromVault = { "type": "welcome", wire: number, build: string, lock: string, state: string, } | { "type": "refused", error: AuthErrorInfo, } | { "type": "state", state: string, } | { "type": "ping" } | { "type": "pong" } | { "type": "navigate", id: number, url: string, } | { "type": "concluded", id: number, returnTo?: string, } | { "type": "signedOut", id: number, url?: string, } | { "type": "response", id: number, status: number, statusText: string, headers: Array<[string, string]>, url: string, redirected: boolean, } | { "type": "failed", id: number, error: AuthErrorInfo, } | { "type": "networkFailed", id: number, message: string, } | { "type": "accessToken", id: number, token: string, };

