//! What the pages may see of a session: never a token.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::AuthError;

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(ts_rs::TS))]
pub enum SignedOutReason {
    /// There was no session to find.
    NoSession,
    /// The user signed out.
    SignedOut,
    /// The access token expired and there is no refresh token.
    Expired,
    /// The provider ended the session.
    SessionEnded,
    /// A refresh was sent, its answer lost, and the provider no longer takes the old token.
    RefreshLost,
    /// A sign-in came back and failed; `error` says why.
    CallbackFailed,
}

/// The session as the pages see it. Crosses to the page as JSON text.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(ts_rs::TS))]
#[cfg_attr(all(test, not(target_arch = "wasm32")), ts(rename = "SessionState"))]
pub enum Snapshot {
    /// It is being found out whether there is a session.
    Restoring,
    /// Nobody is signed in.
    SignedOut {
        /// Why.
        reason: SignedOutReason,
        /// The error behind it, where there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
        error: Option<AuthError>,
    },
    /// A callback's code is being exchanged.
    SigningIn,
    /// Somebody is signed in.
    SignedIn {
        /// The claims of the ID token; an empty object for plain OAuth.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(type = "Record<string, unknown>"))]
        claims: Box<RawValue>,
        /// The granted scopes.
        scopes: Vec<String>,
        /// When the access token expires, in milliseconds since the Unix epoch by this device's
        /// clock; `null` where the provider does not say.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(type = "number | null"))]
        expires_at: Option<i64>,
        /// When the next silent refresh is due, by the same clock; `null` where none is planned.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(type = "number | null"))]
        refresh_at: Option<i64>,
        /// Whether a refresh is under way.
        refreshing: bool,
        /// Why the last refresh failed, while the session is kept all the same.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
        degraded: Option<AuthError>,
    },
}
