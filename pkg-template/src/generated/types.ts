// Made from the Rust sources: UPDATE_GENERATED=1 cargo test --lib generated
/**
 * What went wrong, for programs. The text form is stable.
 */
export type AuthErrorCode = "config_invalid" | "no_browser" | "insecure_context" | "vault_unavailable" | "worker_blocked" | "wasm_blocked" | "vault_crashed" | "closed" | "message_invalid" | "provider_unreachable" | "provider_answer_invalid" | "timeout" | "offline" | "metadata_invalid" | "provider_unsupported" | "oauth_error" | "login_loop" | "transaction_storage_denied" | "popup_blocked" | "popup_closed" | "frame_blocked" | "callback_invalid" | "callback_unknown" | "callback_used" | "issuer_mismatch" | "return_to_invalid" | "token_answer_invalid" | "id_token_invalid" | "userinfo_invalid" | "logout_invalid" | "keys_unavailable" | "algorithm_unsupported" | "token_type_refused" | "dpop_nonce_unreadable" | "dpop_key_lost" | "sealed_unavailable" | "sealed_unreadable" | "sealed_without_nonce" | "not_signed_in" | "session_ended" | "refresh_failed" | "audience_unavailable" | "target_not_allowed" | "request_invalid" | "key_missing" | "key_invalid" | "key_unavailable" | "response_signature_invalid" | "body_used" | "redirect_refused" | "credential_reflected" | "events_invalid" | "ticket_invalid" | "install_refused" | "password_grant_not_allowed" | "export_not_allowed";

/**
 * During what it went wrong.
 */
export type AuthErrorPhase = "config" | "vault" | "discovery" | "signIn" | "callback" | "refresh" | "fetch" | "signOut" | "export";

/**
 * What an [`AuthError`] says.
 */
export type AuthErrorInfo = { 
/**
 * What went wrong.
 */
code: AuthErrorCode, 
/**
 * During what.
 */
phase: AuthErrorPhase, 
/**
 * What to do about it, in a sentence. Never a credential, never raw text from the network.
 */
message: string, 
/**
 * Whether the same call may succeed later without a change.
 */
retryable: boolean, 
/**
 * How long to wait before that, where it is known. Milliseconds.
 */
retryAfterMs?: number, 
/**
 * The provider's `error` code (RFC 6749, 4.1.2.1 and 5.2), made inert.
 */
oauthError?: string, };

/**
 * Why nobody is signed in.
 */
export type SignedOutReason = "no_session" | "signed_out" | "expired" | "session_ended" | "refresh_lost" | "callback_failed" | "signed_in_elsewhere" | "sealed_unreadable" | "vault_gone";

/**
 * What restored a session whose vault was gone.
 */
export type RestoredBy = "redirect" | "frame" | "sealed" | "cookie";

/**
 * The session as the pages see it. Crosses to the page as JSON text.
 */
export type SessionState = { "status": "restoring" } | { "status": "signedOut", 
/**
 * Why.
 */
reason: SignedOutReason, 
/**
 * The error behind it, where there is one.
 */
error?: AuthErrorInfo, } | { "status": "signingIn" } | { "status": "signedIn", 
/**
 * The claims of the ID token, as JSON text; an empty object for plain OAuth.
 */
claims: Record<string, unknown>, 
/**
 * The granted scopes.
 */
scopes: Array<string>, 
/**
 * When the access token expires, in milliseconds since the Unix epoch by this device's
 * clock; `null` where the provider does not say.
 */
expiresAt: number | null, 
/**
 * When the next silent refresh is due, by the same clock; `null` where none is planned.
 */
refreshAt: number | null, 
/**
 * Whether a refresh is under way.
 */
refreshing: boolean, 
/**
 * Why the last refresh failed, while the session is kept all the same.
 */
degraded?: AuthErrorInfo, 
/**
 * What restored the session after its vault was gone; absent where somebody signed in.
 */
restoredBy?: RestoredBy, };

/**
 * What happened.
 */
export type SessionEventType = "signedIn" | "restored" | "refreshed" | "degraded" | "recovered" | "ended" | "warning";

/**
 * One event. Times are milliseconds.
 */
export type SessionEvent = { 
/**
 * Which one it is of its vault: 1 for the first.
 */
serial: number, 
/**
 * What happened.
 */
type: SessionEventType, 
/**
 * Whose access token it was, where that is not the session's default one: the resource's `resource`.
 */
resource?: string, 
/**
 * When, since the Unix epoch by this device's clock.
 */
at: number, 
/**
 * How long the token request was under way; absent where none was sent.
 */
tookMs?: number, 
/**
 * How long the access token lives in all; absent where that is not known, or none came.
 */
lifeMs?: number, 
/**
 * Which attempt it was since the last access token came; 1 for the first.
 */
attempt?: number, 
/**
 * When the next attempt is due by itself, by the clock of `at`; absent where none is planned.
 */
nextAt?: number, 
/**
 * Why it ended; only there.
 */
reason?: SignedOutReason, 
/**
 * The error behind it: of an attempt that failed and of a warning always, of an end where there is one.
 */
error?: AuthErrorInfo, };

/**
 * What one sign-in asks for besides what the configuration says.
 */
export type Asked = { 
/**
 * `prompt`: `login`, `consent`, `select_account`.
 */
prompt?: string, 
/**
 * `login_hint`: who is likely to sign in.
 */
loginHint?: string, 
/**
 * `max_age`: how old, in seconds, the provider's own session may be.
 */
maxAge?: string, 
/**
 * `acr_values`: how strongly to authenticate, in order of preference.
 */
acrValues?: string, 
/**
 * `ui_locales`: languages, in order of preference.
 */
uiLocales?: string, 
/**
 * `claims`: single claims, as JSON text (OpenID Connect Core, 5.5).
 */
claims?: string, 
/**
 * Further parameters; none of the protocol's own.
 */
extraParams?: { [key in string]: string }, };

/**
 * Where a person signs in.
 */
export type SignInMode = "redirect" | "popup" | "silent";

/**
 * The first message of a port.
 */
export type Hello = { 
/**
 * The protocol's version: [`WIRE`].
 */
wire: number, 
/**
 * The configuration, as JSON text; its SHA-256 is the last part of the vault's name.
 */
config: string, 
/**
 * The page's URL without query and fragment: the base of relative URLs.
 */
page: string, 
/**
 * The Web Lock that the page holds while it lives.
 */
lock: string, };

/**
 * A sign-in.
 */
export type SignIn = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * Where the application wants to be afterwards.
 */
returnTo?: string, 
/**
 * What the authorization request asks for besides.
 */
asked?: Asked, 
/**
 * Where the person signs in; in place of the page, if absent.
 */
mode?: SignInMode, };

/**
 * A page at an address that somebody sent it to.
 */
export type At = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * The page's whole URL, as it was before it was cleaned.
 */
url: string, };

/**
 * Whoever signs in by giving their password to the page. Its bytes travel beside these fields.
 */
export type Password = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * Who signs in.
 */
username: string, };

/**
 * A key that resources take. Its bytes travel beside these fields.
 */
export type SetKey = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * Which, as resources name it: `apiKey:…`, `signature:…`.
 */
name: string, };

/**
 * A page of a session that may be restored.
 */
export type Restore = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * Where the page is; absent where it cannot leave.
 */
returnTo?: string, 
/**
 * Whether it can show a hidden frame; not any more once one came to nothing.
 */
frame?: boolean, };

/**
 * An authorised request. Its bytes, where it has any, travel beside these fields.
 */
export type Fetch = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * The canonical URL.
 */
url: string, 
/**
 * The method, as the browser normalised it.
 */
method: string, 
/**
 * The header fields, in order.
 */
headers: Array<[string, string]>, 
/**
 * Members of `RequestInit`, as far as they are passed on: names of [`REQUEST_OPTIONS`].
 */
options: Array<[string, string]>, };

/**
 * A sign-out.
 */
export type SignOut = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * Leave the provider's own session alone.
 */
local?: boolean, 
/**
 * Where the application wants to be once the provider's session is over too.
 */
returnTo?: string, };

/**
 * A question for the access token itself.
 */
export type Export = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * The resource indicator of the audience that it is for; the default one where absent.
 */
resource?: string, };

/**
 * A question for what became of the session.
 */
export type Events = { 
/**
 * Names the answer.
 */
id: number, 
/**
 * The number of the latest event that the page knows: the answer waits for a later one. Without
 * it the answer comes at once, with all that are kept. A port has one such question open: a
 * second one has the first answered at once.
 */
after?: number, };

/**
 * A message that says only which question or request it is about.
 */
export type Numbered = { 
/**
 * Which.
 */
id: number, };

/**
 * A message without fields.
 */
export type Empty = Record<symbol, never>;

/**
 * A message from a page.
 */
export type ToVault = { "type": "hello" } & Hello | { "type": "signIn" } & SignIn | { "type": "callback" } & At | { "type": "wayBack" } & At | { "type": "password" } & Password | { "type": "restore" } & Restore | { "type": "setKey" } & SetKey | { "type": "fetch" } & Fetch | { "type": "abort" } & Numbered | { "type": "signOut" } & SignOut | { "type": "afterSignOut" } & At | { "type": "frontChannelLogout" } & At | { "type": "signInInitiated" } & At | { "type": "userInfo" } & Numbered | { "type": "exportAccessToken" } & Export | { "type": "events" } & Events | { "type": "woke" } & Empty | { "type": "online" } & Empty | { "type": "offline" } & Empty | { "type": "ping" } & Empty | { "type": "pong" } & Empty | { "type": "close" } & Empty;

/**
 * A message to a page. With a response travels the port on which its body is asked for.
 */
export type FromVault = { "type": "welcome", 
/**
 * The protocol's version.
 */
wire: number, 
/**
 * The vault's build.
 */
build: string, 
/**
 * The Web Lock that the vault holds while it lives.
 */
lock: string, 
/**
 * The session's state, as JSON text.
 */
state: string, } | { "type": "refused", 
/**
 * Why.
 */
error: AuthErrorInfo, } | { "type": "state", 
/**
 * As JSON text.
 */
state: string, } | { "type": "moved", 
/**
 * The newer vault's build, a part of its name.
 */
build: string, } | { "type": "ping" } | { "type": "pong" } | { "type": "navigate", 
/**
 * The question.
 */
id: number, 
/**
 * The authorization request.
 */
url: string, 
/**
 * In a window or a hidden frame: the name under which that hands the callback's address over.
 */
channel?: string, } | { "type": "concluded", 
/**
 * The question.
 */
id: number, 
/**
 * Where the application wanted to be: path, query and fragment of its own origin; the whole address
 * where the vault has another one.
 */
returnTo?: string, } | { "type": "signedOut", 
/**
 * The question.
 */
id: number, 
/**
 * Where to go so that the provider ends its session too.
 */
url?: string, } | { "type": "response", 
/**
 * The request.
 */
id: number, 
/**
 * The HTTP status.
 */
status: number, 
/**
 * Its reason phrase.
 */
statusText: string, 
/**
 * The header fields that the browser shows.
 */
headers: Array<[string, string]>, 
/**
 * The URL that answered.
 */
url: string, 
/**
 * Whether that is another one than was asked.
 */
redirected: boolean, 
/**
 * Whether a second try might have had another answer, and the body could not be sent again.
 */
unrepeated: boolean, } | { "type": "events", 
/**
 * The question.
 */
id: number, 
/**
 * A list of `SessionEvent`, the latest last, as JSON text.
 */
events: string, } | { "type": "userInfo", 
/**
 * The question.
 */
id: number, 
/**
 * As JSON text.
 */
claims: string, } | { "type": "failed", 
/**
 * Which.
 */
id: number, 
/**
 * Why.
 */
error: AuthErrorInfo, } | { "type": "networkFailed", 
/**
 * The request.
 */
id: number, 
/**
 * The browser's words.
 */
message: string, } | { "type": "accessToken", 
/**
 * The question.
 */
id: number, 
/**
 * The token.
 */
token: string, };

