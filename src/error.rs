//! `AuthError`: the only error that leaves the crate. It knows codes and advice, never a credential
//! and never text from the network that was not made inert first.

use core::{
    fmt,
    ops::{Deref, DerefMut},
};
use std::borrow::Cow;

use crate::{
    clock::Millis,
    json::{Members, Writer},
};

macro_rules! codes {
    ($( $(#[doc = $doc:literal])+ $name:ident = $text:literal, )+) => {
        /// What went wrong, for programs. The text form is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(
            all(test, not(target_arch = "wasm32")),
            derive(ts_rs::TS),
            ts(rename = "AuthErrorCode")
        )]
        pub enum Code {
            $(
                $(#[doc = $doc])+
                #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(rename = $text))]
                $name,
            )+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code as programs see it: `token_answer_invalid`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The code of that text.
            #[must_use]
            pub fn read(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

codes! {
    /// The options are wrong; the message lists every problem.
    ConfigInvalid = "config_invalid",
    /// There is no browser here (server render, test): call it in the page.
    NoBrowser = "no_browser",
    /// The page is not a secure context, so the browser withholds WebCrypto and locks: use https.
    InsecureContext = "insecure_context",
    /// The vault's script did not load: check `vaultUrl` or run `npx tokenward init`.
    VaultUnavailable = "vault_unavailable",
    /// The browser refused to start the worker: check the page's `worker-src` and Trusted Types.
    WorkerBlocked = "worker_blocked",
    /// The vault's policy forbids WebAssembly: add `'wasm-unsafe-eval'` to its `script-src`.
    WasmBlocked = "wasm_blocked",
    /// The vault stopped without being asked; it is replaced at the next call.
    VaultCrashed = "vault_crashed",
    /// The client was closed with `close()`.
    Closed = "closed",
    /// A message between page and vault was not of the protocol; nothing was changed.
    MessageInvalid = "message_invalid",
    /// The provider could not be reached, or hides its answer from this origin (CORS).
    ProviderUnreachable = "provider_unreachable",
    /// The provider answered with a status or a body that is no answer.
    ProviderAnswerInvalid = "provider_answer_invalid",
    /// The provider did not answer in time.
    Timeout = "timeout",
    /// The device is offline.
    Offline = "offline",
    /// The discovery document is wrong or is for another issuer.
    MetadataInvalid = "metadata_invalid",
    /// The provider cannot do what a public browser client needs (PKCE with S256, an endpoint).
    ProviderUnsupported = "provider_unsupported",
    /// The provider answered with an OAuth error; `oauthError` has its code.
    OauthError = "oauth_error",
    /// Three sign-ins came back within 30 seconds, so no other was begun: something ends each session at
    /// once.
    LoginLoop = "login_loop",
    /// The transaction of a sign-in could not be stored, so no navigation was started.
    TransactionStorageDenied = "transaction_storage_denied",
    /// The browser did not open the window: call `signIn()` in the handler of a click, or redirect.
    PopupBlocked = "popup_blocked",
    /// The person closed the window. Told only where the provider's pages leave it in this page's reach;
    /// what comes back from it all the same still counts.
    PopupClosed = "popup_closed",
    /// The page's policy forbids the hidden frame: add the provider's origin, or that of the vault, to `frame-src`.
    FrameBlocked = "frame_blocked",
    /// The callback's URL is malformed: a parameter is missing or stands twice.
    CallbackInvalid = "callback_invalid",
    /// No sign-in of this browser belongs to the callback's `state`, or it is older than ten minutes.
    CallbackUnknown = "callback_unknown",
    /// The callback was used before.
    CallbackUsed = "callback_used",
    /// The callback comes from another issuer than the one that was asked (RFC 9207).
    IssuerMismatch = "issuer_mismatch",
    /// The address to return to is not of this origin.
    ReturnToInvalid = "return_to_invalid",
    /// The token endpoint's answer is not a token answer.
    TokenAnswerInvalid = "token_answer_invalid",
    /// The ID token fails a check of OpenID Connect Core, 3.1.3.7: its claims, its signature, its hashes.
    IdTokenInvalid = "id_token_invalid",
    /// The provider's `UserInfo` is of no use: about somebody else than the ID token, or no JSON.
    UserinfoInvalid = "userinfo_invalid",
    /// The provider's logout names no session, or another one than that which is here.
    LogoutInvalid = "logout_invalid",
    /// The provider's keys (`jwks_uri`) are not to be had, so no ID token can be verified: sign in again.
    KeysUnavailable = "keys_unavailable",
    /// This browser cannot check the algorithm or the key that the ID token is signed with.
    AlgorithmUnsupported = "algorithm_unsupported",
    /// The token endpoint's `token_type` is not the one that was asked for: `DPoP` with the option `dpop`,
    /// `Bearer` without. Such a token is revoked, never used.
    TokenTypeRefused = "token_type_refused",
    /// A server wants a nonce in DPoP proofs and shows none to this origin: have it list `DPoP-Nonce` in
    /// `Access-Control-Expose-Headers`.
    DpopNonceUnreadable = "dpop_nonce_unreadable",
    /// The key that the sign-in is bound to (DPoP) is gone: sign in again.
    DpopKeyLost = "dpop_key_lost",
    /// The browser keeps no sealed record (storage denied or full, or no key can be stored in this place): a
    /// warning, with which the session goes on and ends with its vault.
    SealedUnavailable = "sealed_unavailable",
    /// The sealed record does not open: changed, cut off, another key. It was removed: sign in again.
    SealedUnreadable = "sealed_unreadable",
    /// The provider asks for no DPoP nonce, so proofs that a script signed beforehand are good elsewhere: a
    /// warning, with which the session goes on.
    SealedWithoutNonce = "sealed_without_nonce",
    /// Nobody is signed in.
    NotSignedIn = "not_signed_in",
    /// The session ended while the call waited.
    SessionEnded = "session_ended",
    /// The token has expired and could not be refreshed yet; the session is kept.
    RefreshFailed = "refresh_failed",
    /// There is no access token for this resource of its own: the provider refuses one (`oauthError` says
    /// how), or there is no refresh token to ask with. The session and other resources go on.
    AudienceUnavailable = "audience_unavailable",
    /// The URL is outside the configured resources, so no credential was attached and nothing sent.
    TargetNotAllowed = "target_not_allowed",
    /// The request itself is at fault: its mode, its own `Authorization`, a forbidden scheme.
    RequestInvalid = "request_invalid",
    /// The resource takes a key that nobody has handed in: `setApiKey` or `setSigningKey` does.
    KeyMissing = "key_missing",
    /// The key cannot be used: it is too short, too long, not of the right kind or form.
    KeyInvalid = "key_invalid",
    /// The configured `endpoint` did not give a key.
    KeyUnavailable = "key_unavailable",
    /// The answer is not signed as `responses` wants it, so it was not handed out; the resource may have done
    /// what it was asked.
    ResponseSignatureInvalid = "response_signature_invalid",
    /// The request's body was used before.
    BodyUsed = "body_used",
    /// The resource answered with a redirect that could carry a credential away.
    RedirectRefused = "redirect_refused",
    /// The answer repeats the credential that it was asked with, and was not handed on: have the resource
    /// not echo its requests' headers.
    CredentialReflected = "credential_reflected",
    /// The answer is no stream of server-sent events: another status, another content type, or too long
    /// an event.
    EventsInvalid = "events_invalid",
    /// The answer has no ticket: another status than 2xx, or no `ticket` in its JSON.
    TicketInvalid = "ticket_invalid",
    /// `installFetch` would be in its own way: it is installed already, or the vault is this page.
    InstallRefused = "install_refused",
    /// A password is taken only where `allowPasswordGrant` is `"deprecated"`.
    PasswordGrantNotAllowed = "password_grant_not_allowed",
    /// The access token leaves the vault only where `allowTokenExport` is set.
    ExportNotAllowed = "export_not_allowed",
}

/// During what it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(rename = "AuthErrorPhase", rename_all = "camelCase")
)]
pub enum Phase {
    /// Reading the options.
    Config,
    /// Starting or reaching the vault.
    Vault,
    /// Learning the provider's endpoints.
    Discovery,
    /// Preparing a sign-in.
    SignIn,
    /// Reading the callback and exchanging its code.
    Callback,
    /// Refreshing the access token.
    Refresh,
    /// An authorised request.
    Fetch,
    /// Signing out.
    SignOut,
    /// Handing the access token out.
    Export,
}

impl Phase {
    /// Every phase.
    pub const ALL: &[Self] = &[
        Self::Config,
        Self::Vault,
        Self::Discovery,
        Self::SignIn,
        Self::Callback,
        Self::Refresh,
        Self::Fetch,
        Self::SignOut,
        Self::Export,
    ];

    /// The phase of that text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|phase| phase.as_str() == text)
    }

    /// The phase as programs see it: `signIn`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Vault => "vault",
            Self::Discovery => "discovery",
            Self::SignIn => "signIn",
            Self::Callback => "callback",
            Self::Refresh => "refresh",
            Self::Fetch => "fetch",
            Self::SignOut => "signOut",
            Self::Export => "export",
        }
    }
}

/// An error with a code for programs and a message for people that says what to do. It is one word
/// long: results carry it through every room, and most of them are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError(Box<AuthErrorInfo>);

/// What an [`AuthError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(ts_rs::TS), ts(rename_all = "camelCase"))]
pub struct AuthErrorInfo {
    /// What went wrong.
    pub code: Code,
    /// During what.
    pub phase: Phase,
    /// What to do about it, in a sentence. Never a credential, never raw text from the network.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(type = "string"))]
    pub message: Cow<'static, str>,
    /// Whether the same call may succeed later without a change.
    pub retryable: bool,
    /// How long to wait before that, where it is known. Milliseconds.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional, type = "number"))]
    pub retry_after_ms: Option<Millis>,
    /// The provider's `error` code (RFC 6749, 4.1.2.1 and 5.2), made inert.
    #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
    pub oauth_error: Option<String>,
}

impl AuthError {
    /// An error that stands until something is changed.
    #[must_use]
    pub fn new(code: Code, phase: Phase, message: impl Into<Cow<'static, str>>) -> Self {
        Self::made(code, phase, message.into(), false)
    }

    /// An error that may pass by itself.
    #[must_use]
    pub fn transient(code: Code, phase: Phase, message: impl Into<Cow<'static, str>>) -> Self {
        Self::made(code, phase, message.into(), true)
    }

    // Once for every message's type, and of the many places that make errors in none.
    #[inline(never)]
    fn made(code: Code, phase: Phase, message: Cow<'static, str>, retryable: bool) -> Self {
        let (retry_after_ms, oauth_error) = (None, None);
        Self(Box::new(AuthErrorInfo {
            code,
            phase,
            message,
            retryable,
            retry_after_ms,
            oauth_error,
        }))
    }

    /// The same, during something else.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Tells its members, as they cross to the pages.
    pub fn tell(&self, to: &mut dyn Members) {
        to.text("code", self.code.as_str());
        to.text("phase", self.phase.as_str());
        to.text("message", &self.message);
        to.flag("retryable", self.retryable);
        if let Some(wait) = self.retry_after_ms {
            to.number("retryAfterMs", i64::try_from(wait.0).ok());
        }
        to.optional("oauthError", self.oauth_error.as_deref());
    }

    /// The JSON that crosses to the pages within a state.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Writer::default();
        self.tell(&mut json);
        json.finish()
    }

    /// An error that names the provider's own error code. What is not of the code's alphabet is
    /// dropped and the rest cut at 64 characters, so that it can be shown and logged.
    #[must_use]
    pub fn with_oauth_error(mut self, code: &str) -> Self {
        self.oauth_error = Some(inert(code, 64));
        self
    }
}

impl Deref for AuthError {
    type Target = AuthErrorInfo;

    fn deref(&self) -> &AuthErrorInfo {
        &self.0
    }
}

impl DerefMut for AuthError {
    fn deref_mut(&mut self) -> &mut AuthErrorInfo {
        &mut self.0
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for AuthError {}

/// `text` with only the characters that OAuth allows in `error_description` (printable ASCII but `"`
/// and `\`; RFC 6749, 5.2), and of those what cannot open markup, cut at `limit`.
#[must_use]
pub fn inert(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '<' | '>' | '&' | '`'))
        .take(limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_network_is_inert_cb6() {
        assert_eq!(inert("<script>\u{202e}a\nb\"\\", 10), "scriptab");
        assert_eq!(inert(&"x".repeat(100), 5), "xxxxx");
    }

    #[test]
    #[cfg(not(target_arch = "wasm32"))]
    fn the_page_is_told_every_member() {
        use serde_json::{Value, json};
        let mut error = AuthError::transient(Code::OauthError, Phase::SignIn, "a \"quoted\" word");
        let told = |error: &AuthError| serde_json::from_str::<Value>(&error.to_json()).unwrap();
        let members = json!({
            "code": "oauth_error", "phase": "signIn", "message": "a \"quoted\" word", "retryable": true
        });
        assert_eq!(told(&error), members);
        error.retry_after_ms = Some(Millis(1500));
        let error = error.with_oauth_error("slow_down").in_phase(Phase::Refresh);
        let members = json!({
            "code": "oauth_error", "phase": "refresh", "message": "a \"quoted\" word", "retryable": true,
            "retryAfterMs": 1500, "oauthError": "slow_down"
        });
        assert_eq!(told(&error), members);
    }

    #[test]
    fn codes_and_phases_are_read_back() {
        for code in Code::ALL {
            assert_eq!(Code::read(code.as_str()), Some(*code));
        }
        for phase in Phase::ALL {
            assert_eq!(Phase::read(phase.as_str()), Some(*phase));
        }
        assert_eq!((Code::read("no_such_code"), Phase::read("")), (None, None));
    }

    #[test]
    fn codes_are_snake_case_and_distinct() {
        let mut seen: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert!(seen.iter().all(|c| c.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), Code::ALL.len());
    }
}
