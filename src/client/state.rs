//! The session as an application sees it: the vault's own [`Snapshot`], read back from its text.

use crate::json::{self, Json};

pub use crate::session::snapshot::Snapshot as State;

impl State {
    /// Whether it is known who is signed in, or that nobody is.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self, Self::SignedIn { .. } | Self::SignedOut { .. })
    }

    /// Whether somebody is signed in.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        matches!(self, Self::SignedIn { .. })
    }

    /// The claim of that name, where it is text: `sub`, `name`, `email`.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<String> {
        let Self::SignedIn { claims, .. } = self else { return None };
        let claims = json::read(claims.as_bytes(), claims.len()).ok()?;
        claims.get(name).and_then(Json::as_text).map(str::to_owned)
    }
}

#[cfg(target_arch = "wasm32")]
pub(super) use reading::{error, number, read, text};

/// JavaScript objects of the wire, as Rust. They come from the vault, so they are what its types say;
/// what is not is left at a default.
#[cfg(target_arch = "wasm32")]
mod reading {
    use std::rc::Rc;

    use js_sys::{Array, JSON, Object};
    use wasm_bindgen::{JsCast, JsValue};

    use super::State;
    use crate::{
        browser::object,
        clock::Millis,
        error::{AuthError, Code, Phase},
        session::snapshot::{RestoredBy, SignedOutReason},
    };

    /// The member that is text; empty where there is none.
    pub(in super::super) fn text(from: &Object, name: &str) -> String {
        object::own(from, name).as_string().unwrap_or_default()
    }

    /// The member that is a whole number.
    #[allow(clippy::cast_possible_truncation, reason = "it saturates")]
    pub(in super::super) fn number(from: &Object, name: &str) -> Option<i64> {
        object::own(from, name).as_f64().map(|number| number as i64)
    }

    /// The error that these members tell of.
    pub(in super::super) fn error(from: &Object) -> AuthError {
        let code = Code::read(&text(from, "code")).unwrap_or(Code::MessageInvalid);
        let phase = Phase::read(&text(from, "phase")).unwrap_or(Phase::Vault);
        let mut error = AuthError::new(code, phase, text(from, "message"));
        error.retryable = object::own(from, "retryable").is_truthy();
        let wait = number(from, "retryAfterMs").and_then(|wait| u64::try_from(wait).ok());
        error.retry_after_ms = wait.map(Millis);
        error.oauth_error = object::own(from, "oauthError").as_string();
        error
    }

    /// The state in the vault's text.
    pub(in super::super) fn read(json: &str) -> Option<State> {
        // The browser's own parser: claims may be nested as deep as ours reads, and are one deeper here.
        let from = JSON::parse(json).ok()?.dyn_into::<Object>().ok()?;
        let inner = |name| object::own(&from, name).dyn_into().ok().map(|inner| error(&inner));
        Some(match text(&from, "status").as_str() {
            "restoring" => State::Restoring,
            "signingIn" => State::SigningIn,
            "signedOut" => State::SignedOut {
                reason: SignedOutReason::read(&text(&from, "reason"))
                    .unwrap_or(SignedOutReason::NoSession),
                error: inner("error"),
            },
            "signedIn" => State::SignedIn {
                claims: claims(&object::own(&from, "claims")),
                scopes: Array::from(&object::own(&from, "scopes"))
                    .iter()
                    .filter_map(|scope| scope.as_string())
                    .collect(),
                expires_at: number(&from, "expiresAt"),
                refresh_at: number(&from, "refreshAt"),
                refreshing: object::own(&from, "refreshing").is_truthy(),
                degraded: inner("degraded"),
                restored_by: RestoredBy::read(&text(&from, "restoredBy")),
            },
            _ => return None,
        })
    }

    fn claims(from: &JsValue) -> Rc<str> {
        JSON::stringify(from).map_or_else(|_| "{}".into(), |text| String::from(text).into())
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::State;
    use crate::session::snapshot::SignedOutReason;

    #[test]
    fn claims_are_found_by_name() {
        let state = State::SignedIn {
            claims: r#"{"sub":"alice","name":"Älice","iat":7}"#.into(),
            scopes: Vec::new(),
            expires_at: None,
            refresh_at: None,
            refreshing: false,
            degraded: None,
            restored_by: None,
        };
        assert!(state.is_signed_in() && state.is_known());
        assert_eq!(state.claim("sub").as_deref(), Some("alice"));
        assert_eq!(state.claim("name").as_deref(), Some("Älice"));
        assert_eq!((state.claim("iat"), state.claim("email")), (None, None));
    }

    #[test]
    fn nobody_has_claims_before_a_sign_in() {
        let reason = SignedOutReason::NoSession;
        let signed_out = State::SignedOut { reason, error: None };
        assert!(signed_out.is_known() && !signed_out.is_signed_in());
        assert!(!State::Restoring.is_known() && !State::SigningIn.is_known());
        assert_eq!(signed_out.claim("sub"), None);
    }
}
