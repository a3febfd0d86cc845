//! What the pages may see of a session: never a token.

use std::rc::Rc;

use crate::{
    error::AuthError,
    json::{Members, Writer},
    oauth::transaction::Mode,
};

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(rename_all = "snake_case")
)]
pub enum SignedOutReason {
    /// There was no session to find.
    NoSession,
    /// The user signed out.
    SignedOut,
    /// The access token expired and there is no refresh token, or that one had come to the end that the
    /// provider foretold.
    Expired,
    /// The provider ended the session.
    SessionEnded,
    /// A refresh was sent, its answer lost, and the provider no longer takes the old token.
    RefreshLost,
    /// A sign-in came back and failed; `error` says why.
    CallbackFailed,
    /// Nobody is signed in here, but somebody is in another tab: `signIn({ prompt: "none" })` may do.
    SignedInElsewhere,
    /// The sealed record of the session does not open: it was changed, cut off, or its key is gone.
    SealedUnreadable,
    /// The vault that held the session is gone, and the session was not restored; `error` says why
    /// where that was attempted.
    VaultGone,
}

/// What restored a session whose vault was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(rename_all = "snake_case")
)]
pub enum RestoredBy {
    /// The provider, which was asked without asking anybody (`prompt=none`), by a page that went there.
    Redirect,
    /// The same in a hidden frame, beside which the page stayed.
    Frame,
    /// The sealed record (`persistence`).
    Sealed,
    /// A backend, by its cookie (`refreshCookie`).
    Cookie,
}

impl RestoredBy {
    /// What it was, as programs see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Frame => "frame",
            Self::Sealed => "sealed",
            Self::Cookie => "cookie",
        }
    }

    /// By the provider, asked in this mode.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        if mode == Mode::Silent { Self::Frame } else { Self::Redirect }
    }

    /// The same, read.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let all = [Self::Redirect, Self::Frame, Self::Sealed, Self::Cookie];
        all.into_iter().find(|by| by.as_str() == text)
    }
}

/// The session as the pages see it. Crosses to the page as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(
        rename = "SessionState",
        tag = "status",
        rename_all = "camelCase",
        rename_all_fields = "camelCase"
    )
)]
pub enum Snapshot {
    /// It is being found out whether there is a session.
    Restoring,
    /// Nobody is signed in.
    SignedOut {
        /// Why.
        reason: SignedOutReason,
        /// The error behind it, where there is one.
        #[cfg_attr(
            all(test, not(target_arch = "wasm32")),
            ts(optional, as = "Option<crate::error::AuthErrorInfo>")
        )]
        error: Option<AuthError>,
    },
    /// A callback's code is being exchanged.
    SigningIn,
    /// Somebody is signed in. Scopes, moments and what a refresh comes to are the default access token's, where
    /// resources have others.
    SignedIn {
        /// The claims of the ID token, as JSON text; an empty object for plain OAuth.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(type = "Record<string, unknown>"))]
        claims: Rc<str>,
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
        #[cfg_attr(
            all(test, not(target_arch = "wasm32")),
            ts(optional, as = "Option<crate::error::AuthErrorInfo>")
        )]
        degraded: Option<AuthError>,
        /// What restored the session after its vault was gone; absent where somebody signed in.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
        restored_by: Option<RestoredBy>,
    },
}

impl SignedOutReason {
    /// Every reason.
    pub const ALL: &[Self] = &[
        Self::NoSession,
        Self::SignedOut,
        Self::Expired,
        Self::SessionEnded,
        Self::RefreshLost,
        Self::CallbackFailed,
        Self::SignedInElsewhere,
        Self::SealedUnreadable,
        Self::VaultGone,
    ];

    /// The reason of that text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
    }

    /// The reason as programs see it: `session_ended`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::SignedOut => "signed_out",
            Self::Expired => "expired",
            Self::SessionEnded => "session_ended",
            Self::RefreshLost => "refresh_lost",
            Self::CallbackFailed => "callback_failed",
            Self::SignedInElsewhere => "signed_in_elsewhere",
            Self::SealedUnreadable => "sealed_unreadable",
            Self::VaultGone => "vault_gone",
        }
    }
}

impl Snapshot {
    /// The JSON that crosses to the pages.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Writer::default();
        match self {
            Self::Restoring => json.text("status", "restoring"),
            Self::SigningIn => json.text("status", "signingIn"),
            Self::SignedOut { reason, error } => {
                json.text("status", "signedOut");
                json.text("reason", reason.as_str());
                tell(&mut json, "error", error.as_ref());
            }
            Self::SignedIn {
                claims,
                scopes,
                expires_at,
                refresh_at,
                refreshing,
                degraded,
                restored_by,
            } => {
                json.text("status", "signedIn");
                json.raw("claims", claims);
                json.texts("scopes", scopes);
                json.number("expiresAt", *expires_at);
                json.number("refreshAt", *refresh_at);
                json.flag("refreshing", *refreshing);
                json.optional("restoredBy", restored_by.map(RestoredBy::as_str));
                tell(&mut json, "degraded", degraded.as_ref());
            }
        }
        json.finish()
    }
}

fn tell(json: &mut Writer, name: &str, error: Option<&AuthError>) {
    if let Some(error) = error {
        json.object(name, &|to| error.tell(to));
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::{Code, Phase};

    fn shown(snapshot: &Snapshot) -> Value {
        serde_json::from_str(&snapshot.to_json()).unwrap()
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for by in [RestoredBy::Redirect, RestoredBy::Frame, RestoredBy::Sealed] {
            assert_eq!(RestoredBy::read(by.as_str()), Some(by));
        }
        assert_eq!(RestoredBy::read("Sealed"), None);
        for reason in SignedOutReason::ALL {
            assert_eq!(SignedOutReason::read(reason.as_str()), Some(*reason));
        }
        assert_eq!(SignedOutReason::read("expired "), None);
    }

    #[test]
    fn the_pages_see_every_member() {
        let error = AuthError::transient(Code::Timeout, Phase::SignOut, "try \"again\"");
        let reason = SignedOutReason::Expired;
        let signed_out = Snapshot::SignedOut { reason, error: Some(error.clone()) };
        let error_seen = json!({ "code": "timeout", "phase": "signOut", "message": "try \"again\"", "retryable": true });
        assert_eq!(
            shown(&signed_out),
            json!({ "status": "signedOut", "reason": "expired", "error": error_seen })
        );
        let signed_in = Snapshot::SignedIn {
            claims: r#"{"sub":"a"}"#.into(),
            scopes: vec!["openid".to_owned()],
            expires_at: Some(7),
            refresh_at: None,
            refreshing: false,
            degraded: Some(error),
            restored_by: Some(RestoredBy::Redirect),
        };
        assert_eq!(
            shown(&signed_in),
            json!({
                "status": "signedIn", "claims": { "sub": "a" }, "scopes": ["openid"],
                "expiresAt": 7, "refreshAt": null, "refreshing": false, "degraded": error_seen,
                "restoredBy": "redirect"
            })
        );
        assert_eq!(shown(&Snapshot::Restoring), json!({ "status": "restoring" }));
        assert_eq!(shown(&Snapshot::SigningIn), json!({ "status": "signingIn" }));
    }
}
