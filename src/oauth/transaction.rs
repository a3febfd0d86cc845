//! A sign-in under way: what must be remembered between the authorization request and its callback.
//! It does not know where it is kept.

use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroize;

use crate::{
    clock::UnixMillis,
    config::Config,
    error::{AuthError, Code, Phase},
    json::{self, Json, Members, Writer},
    oauth::{metadata::Metadata, pkce},
    secret::Secret,
};

/// How long a sign-in may take before its callback is refused.
pub const LIFETIME_MS: i64 = 10 * 60 * 1000;

/// What the `state` of a sign-in in a window of its own begins with: the page that comes back hands its
/// address over, and is no application of its own. It tells nobody anything that the window does not.
pub const WINDOW_STATE: &str = "w.";

/// Where a person signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(rename = "SignInMode", rename_all = "lowercase")
)]
pub enum Mode {
    /// In place of the page, which leaves for the provider and comes back.
    #[default]
    Redirect,
    /// In a window of its own, beside the page.
    Popup,
    /// Nowhere: a hidden frame asks who is signed in already (`prompt=none`).
    Silent,
}

impl Mode {
    /// Every mode.
    pub const ALL: &[Self] = &[Self::Redirect, Self::Popup, Self::Silent];

    /// Whether a sign-in in this mode may be bound to the key at hand (`dpop_jkt`): not where the page leaves,
    /// its vault perhaps with it, and the key is in that vault's memory alone. Its code goes unbound then, as
    /// the standard allows (RFC 9449, 10), which is better than no sign-in.
    #[must_use]
    pub fn can_bind(self, is_stored: bool) -> bool {
        is_stored || self != Self::Redirect
    }

    /// The mode as pages write it: `popup`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Popup => "popup",
            Self::Silent => "silent",
        }
    }
}

/// The largest record that is read, in bytes.
const RECORD_LIMIT: usize = 64 * 1024;

/// One authorization request, until its callback (single use, ten minutes, known by its `state`).
///
/// It carries the provider's metadata as they were when it began: the code goes to that token
/// endpoint, whatever the metadata says later (OAuth 2.1, 7.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The `state` parameter: 256 random bits, base64url.
    pub state: String,
    /// The `nonce` that the ID token must repeat; absent without the `openid` scope.
    pub nonce: Option<String>,
    /// The PKCE verifier (RFC 7636, 4.1).
    pub verifier: Secret,
    /// Where the application wants to be afterwards: a path of its own origin, checked.
    pub return_to: Option<String>,
    /// Where the person signs in. Only a redirect's transaction is stored: beside a window, the page
    /// that waits keeps its vault.
    pub mode: Mode,
    /// Whether it is to restore a session without asking anybody (`prompt=none`).
    pub is_restore: bool,
    /// Whether it came back from a record, which a script of the page may have rewritten.
    pub was_stored: bool,
    /// How old, in seconds, the authentication may be (`max_age`); the ID token's `auth_time` must show it.
    pub max_age: Option<u32>,
    /// How strongly to authenticate (`acr_values`); the ID token's `acr` must be one of them.
    pub acr_values: Option<String>,
    /// The thumbprint of the key that its code is bound to (`dpop_jkt`, RFC 9449, 10), where it is to one.
    pub jkt: Option<String>,
    /// When it began.
    pub started: UnixMillis,
    /// The provider as it was then.
    pub metadata: Metadata,
}

impl Transaction {
    /// A sign-in that begins now. `entropy` is fresh from the platform's generator: 256 bits each for
    /// `state`, `nonce` and the verifier. Without OpenID Connect (`openid`) there is no nonce.
    #[must_use]
    pub fn begin(
        entropy: &[u8; 96],
        return_to: Option<String>,
        openid: bool,
        now: UnixMillis,
        metadata: Metadata,
    ) -> Self {
        let mut parts = [[0; 32]; 3];
        for (part, bytes) in parts.iter_mut().zip(entropy.chunks_exact(32)) {
            part.copy_from_slice(bytes);
        }
        let [state, nonce, verifier] = &parts;
        let begun = Self {
            state: Base64UrlUnpadded::encode_string(state),
            nonce: openid.then(|| Base64UrlUnpadded::encode_string(nonce)),
            verifier: pkce::verifier(verifier),
            return_to,
            mode: Mode::Redirect,
            is_restore: false,
            was_stored: false,
            max_age: None,
            acr_values: None,
            jkt: None,
            started: now,
            metadata,
        };
        parts.zeroize();
        begun
    }

    /// The same in this mode.
    #[must_use]
    pub fn in_mode(self, mode: Mode) -> Self {
        if mode == Mode::Redirect {
            return self;
        }
        Self { state: [WINDOW_STATE, &self.state].concat(), mode, ..self }
    }

    /// Where the provider sends the answer: the same in authorization and token request.
    #[must_use]
    pub fn redirect_uri<'a>(&self, config: &'a Config) -> &'a str {
        let silent = config.silent_redirect_uri.as_deref();
        silent.filter(|_| self.mode == Mode::Silent).unwrap_or(&config.redirect_uri)
    }

    /// Whether it is too old to be answered.
    #[must_use]
    pub fn has_expired(&self, wall: UnixMillis) -> bool {
        let age = wall.0.saturating_sub(self.started.0);
        !(-LIFETIME_MS..=LIFETIME_MS).contains(&age)
    }

    /// Whether its metadata may be believed: what the vault remembered itself is right, whatever the
    /// provider says by now (OAuth 2.1, 7.15); of a record they must be those that are known;
    /// `metadata_invalid` otherwise.
    ///
    /// A stored transaction is a page script's to rewrite: without this, its code, and the session
    /// that follows, would go to whatever endpoints the record names.
    pub fn check_provider(&self, known: &Metadata) -> Result<(), AuthError> {
        if !self.was_stored || self.metadata == *known {
            return Ok(());
        }
        Err(AuthError::new(
            Code::MetadataInvalid,
            Phase::Callback,
            "the provider's metadata are not those that the sign-in began with: call `signIn()` again",
        ))
    }

    /// Whether its code may go with the key at hand, by that one's thumbprint.
    pub fn check_key(&self, jkt: Option<&str>) -> Result<(), AuthError> {
        if self.jkt.is_none() || self.jkt.as_deref() == jkt {
            return Ok(());
        }
        Err(AuthError::new(
            Code::DpopKeyLost,
            Phase::Callback,
            "the key that the sign-in is bound to (DPoP) is gone, by a sign-out or from the browser's storage: \
             call `signIn()` again",
        ))
    }

    /// The record for the store, as JSON text. It holds the verifier in clear: the store is read by
    /// this origin alone, and a record lives for one trip (threat T3 says what that is worth).
    #[must_use]
    pub fn to_record(&self) -> Secret {
        let mut record = Writer::default();
        record.text("state", &self.state);
        record.optional("nonce", self.nonce.as_deref());
        record.optional("return_to", self.return_to.as_deref());
        record.flag("restore", self.is_restore);
        record.number("max_age", self.max_age.map(i64::from));
        record.optional("acr_values", self.acr_values.as_deref());
        record.optional("jkt", self.jkt.as_deref());
        record.number("started", Some(self.started.0));
        record.object("metadata", &|to| self.metadata.tell(to));
        // The vault may be gone when the callback comes, and the exchange needs it.
        record.finish_with("verifier", &self.verifier)
    }

    /// The transaction of a record; `None` if it is not one of this version.
    #[must_use]
    pub fn from_record(record: &Secret) -> Option<Self> {
        // exposed: to be parsed into the fields it was made of.
        let mut record = json::read(record.expose().as_bytes(), RECORD_LIMIT).ok()?;
        let Some(Json::Object(metadata)) = record.get("metadata") else { return None };
        let metadata = Metadata::from_record(metadata).ok()?;
        let Some(Json::Number(started)) = record.get("started") else { return None };
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let started = UnixMillis(*started as i64);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates"
        )]
        let max_age = match record.get("max_age") {
            Some(Json::Number(seconds)) => Some(*seconds as u32),
            _ => None,
        };
        Some(Self {
            state: record.required("state").ok()?.to_owned(),
            nonce: record.text("nonce").ok()?.map(str::to_owned),
            return_to: record.text("return_to").ok()?.map(str::to_owned),
            mode: Mode::Redirect,
            was_stored: true,
            max_age,
            acr_values: record.text("acr_values").ok()?.map(str::to_owned),
            jkt: record.text("jkt").ok()?.map(str::to_owned),
            is_restore: matches!(record.get("restore"), Some(Json::Bool(true))),
            verifier: record.take_secret("verifier").ok()??,
            started,
            metadata,
        })
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::oauth::fixtures::{NOW, entropy, metadata, transaction};

    #[test]
    fn a_rewritten_record_does_not_choose_the_endpoints_mx6_ar11() {
        let begun = transaction();
        assert_eq!(begun.check_provider(&begun.metadata), Ok(()));
        let elsewhere = Metadata {
            token_endpoint: "https://evil.example/token".to_owned(),
            ..begun.metadata.clone()
        };
        let rewritten = Transaction { metadata: elsewhere, ..begun.clone() };
        let stored = Transaction::from_record(&rewritten.to_record()).unwrap();
        assert_eq!(begun.check_provider(&rewritten.metadata), Ok(()), "the vault's own wins");
        let refused = stored.check_provider(&begun.metadata).unwrap_err();
        assert_eq!(refused.code, Code::MetadataInvalid);
    }

    #[test]
    fn begins_with_256_bits_each_ar7_ar8_pk3() {
        let begun = transaction();
        let nonce = begun.nonce.clone().unwrap_or_default();
        let texts = [begun.state.as_str(), nonce.as_str(), begun.verifier.expose()];
        assert!(texts.iter().all(|text| text.len() == 43));
        assert_eq!(texts.iter().collect::<HashSet<_>>().len(), 3, "no part is used twice");
        assert!(!begun.state.contains("orders"), "`state` says nothing");
        let plain = Transaction::begin(&entropy(), None, false, NOW, metadata());
        assert_eq!(plain.nonce, None);
    }

    #[test]
    fn a_window_is_known_by_its_state_ar7() {
        for mode in Mode::ALL {
            let begun = transaction().in_mode(*mode);
            assert_eq!(begun.state.starts_with(WINDOW_STATE), *mode != Mode::Redirect);
            assert!(begun.state.ends_with(&transaction().state), "256 bits: {}", begun.state);
            assert_eq!(begun.mode, *mode);
        }
    }

    #[test]
    fn distinct_for_distinct_entropy_ar4() {
        let of = |n: u16| {
            let mut entropy = [0; 96];
            for part in entropy.chunks_exact_mut(32) {
                part[..2].copy_from_slice(&n.to_le_bytes());
            }
            Transaction::begin(&entropy, None, true, NOW, metadata())
        };
        let begun: Vec<_> = (0..10_000).map(of).collect();
        let verifiers: HashSet<_> = begun.iter().map(|begun| begun.verifier.expose()).collect();
        let states: HashSet<_> = begun.iter().map(|begun| &begun.state).collect();
        assert_eq!((verifiers.len(), states.len()), (10_000, 10_000));
    }

    #[test]
    fn a_record_holds_it_whole_ar11_mx6() {
        let begun = Transaction { was_stored: true, ..transaction() };
        assert_eq!(Transaction::from_record(&begun.to_record()), Some(begun.clone()));
        let restoring = Transaction { is_restore: true, ..begun.clone() };
        assert_eq!(Transaction::from_record(&restoring.to_record()), Some(restoring));
        let return_to = Some(format!("/{}", "a".repeat(8000)));
        let far = Transaction { return_to, ..begun.clone() };
        assert_eq!(Transaction::from_record(&far.to_record()), Some(far));
        let (acr_values, jkt) = (Some("silver gold".to_owned()), Some("thumbprint".to_owned()));
        let demanding = Transaction { max_age: Some(0), acr_values, jkt, ..begun };
        assert_eq!(Transaction::from_record(&demanding.to_record()), Some(demanding));
    }

    #[test]
    fn a_code_goes_with_the_key_that_the_sign_in_began_with_dp10_dp12() {
        let jkt = Some("thumbprint".to_owned());
        let bound = Transaction { jkt, ..transaction() };
        for (begun, at_hand, is_same) in [
            (&bound, Some("thumbprint"), true),
            (&bound, Some("another"), false),
            (&bound, None, false),
            (&transaction(), Some("thumbprint"), true),
            (&transaction(), None, true),
        ] {
            let code = begun.check_key(at_hand).err().map(|error| error.code);
            assert_eq!(code, (!is_same).then_some(Code::DpopKeyLost));
        }
        for mode in Mode::ALL {
            assert!(mode.can_bind(true));
            assert_eq!(mode.can_bind(false), *mode != Mode::Redirect);
        }
    }

    #[test]
    fn other_records_are_none_of_it_cb12() {
        for record in ["", "null", "{}", "[]", r#"{"state":"s"}"#, "\u{0}"] {
            assert_eq!(Transaction::from_record(&Secret::from(record)), None, "{record}");
        }
        let record = transaction().to_record();
        let changed = record.expose().replace("\"started\":", "\"begun\":");
        assert_eq!(Transaction::from_record(&Secret::new(changed)), None);
    }

    #[test]
    fn lives_for_ten_minutes_by_a_clock_that_may_jump_cb8_t29() {
        let begun = transaction();
        let at = |ms: i64| begun.has_expired(UnixMillis(NOW.0 + ms));
        assert!(!at(0) && !at(600_000) && at(600_001));
        assert!(!at(-600_000) && at(-600_001), "begun in a far future");
        assert!(begun.has_expired(UnixMillis(i64::MAX)) && begun.has_expired(UnixMillis(i64::MIN)));
    }

    #[test]
    fn debug_shows_no_verifier_pk4() {
        let begun = transaction();
        assert!(!format!("{begun:?}").contains(begun.verifier.expose()));
    }
}
