//! Signing out at the provider and being signed out by it: the end-session URL and the way back from
//! there (RP-Initiated Logout), and the page that a provider loads when somebody signed out elsewhere
//! (Front-Channel Logout).

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::{
    clock::UnixMillis,
    config::Config,
    error::{AuthError, Code, Phase},
    json::{self, Json, Members, Writer},
    oauth::{authorize, metadata::Metadata, transaction::LIFETIME_MS},
    secret::Secret,
    url::ParsedUrl,
};

/// The largest record that is read, in bytes.
const RECORD_LIMIT: usize = 16 * 1024;

/// Where the page goes so that the provider ends its session too; `None` where the provider has no
/// such place or the configuration does not want it.
///
/// It passes through the page, so it carries a token only where the configuration exposes it
/// (`logout.idTokenHint`): elsewhere `client_id` stands in for `id_token_hint` (RP-Initiated Logout, 2).
#[must_use]
pub fn end_session_url(
    config: &Config,
    metadata: &Metadata,
    id_token: Option<&Secret>,
    state: Option<&str>,
) -> Option<String> {
    let endpoint = metadata.end_session_endpoint.as_ref().filter(|_| config.logout.end_session)?;
    let mut url = authorize::with_query(endpoint);
    if let Some(token) = id_token.filter(|_| config.logout.id_token_hint) {
        // exposed: the configuration says so, and the session that it was of is gone.
        url.append_pair("id_token_hint", token.expose());
    }
    url.append_pair("client_id", &config.client_id);
    if let Some(back) = &config.logout.post_logout_redirect_uri {
        url.append_pair("post_logout_redirect_uri", back);
        url.extend_pairs(state.map(|state| ("state", state)));
    }
    Some(url.finish())
}

/// Whether a page that leaves for the provider's logout comes back, so that something may wait for it.
#[must_use]
pub fn comes_back(config: &Config, metadata: &Metadata) -> bool {
    config.logout.end_session
        && config.logout.post_logout_redirect_uri.is_some()
        && metadata.end_session_endpoint.is_some()
}

/// A sign-out whose page is at the provider: what is remembered until it is back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// The `state` parameter: 256 random bits, base64url.
    pub state: String,
    return_to: Option<String>,
    started: UnixMillis,
}

impl Farewell {
    /// One that leaves now, and wants to be at `return_to` afterwards, an address that was checked.
    #[must_use]
    pub fn begin(entropy: &[u8; 32], return_to: Option<String>, now: UnixMillis) -> Self {
        Self { state: Base64UrlUnpadded::encode_string(entropy), return_to, started: now }
    }

    /// The record for the store.
    #[must_use]
    pub fn to_record(&self) -> String {
        let mut record = Writer::default();
        record.text("state", &self.state);
        record.optional("return_to", self.return_to.as_deref());
        record.number("started", Some(self.started.0));
        record.finish()
    }

    /// The sign-out of a record; `None` if it is none.
    #[must_use]
    pub fn from_record(record: &str) -> Option<Self> {
        let record = json::read(record.as_bytes(), RECORD_LIMIT).ok()?;
        let Some(Json::Number(started)) = record.get("started") else { return None };
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let started = UnixMillis(*started as i64);
        let return_to = record.text("return_to").ok()?.map(str::to_owned);
        Some(Self { state: record.required("state").ok()?.to_owned(), return_to, started })
    }

    /// Whether the page at `url` is back from this sign-out: its `state`, once, within ten minutes.
    #[must_use]
    pub fn is_answered_by(&self, url: &ParsedUrl, now: UnixMillis) -> bool {
        let age = now.0.saturating_sub(self.started.0);
        let is_same = |state: &str| Secret::from(state) == Secret::from(self.state.as_str());
        (0..=LIFETIME_MS).contains(&age) && once(url, "state").is_some_and(|state| is_same(&state))
    }

    /// Where the application wanted to be.
    #[must_use]
    pub fn into_return_to(self) -> Option<String> {
        self.return_to
    }
}

/// A provider's word that a session of its own ended: whose provider, and which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    issuer: String,
    sid: String,
}

impl Ended {
    /// What the page at `url` was told: `iss` and `sid`, each once (Front-Channel Logout, 2). Without
    /// both, any page that embeds this address could sign people out: `logout_invalid`.
    pub fn read(url: &ParsedUrl) -> Result<Self, AuthError> {
        match (once(url, "iss"), once(url, "sid")) {
            (Some(issuer), Some(sid)) => Ok(Self { issuer, sid }),
            _ => Err(invalid(
                "the provider's logout lacks `iss` or `sid`, or has one twice: have it \
                              send both (`frontchannel_logout_session_required`)",
            )),
        }
    }

    /// Whether it is about the session whose ID token had these claims, as JSON text.
    #[must_use]
    pub fn is_about(&self, issuer: &str, claims: &str) -> bool {
        let sid = json::read(claims.as_bytes(), claims.len());
        let is_same = sid.is_ok_and(|claims| claims.text("sid") == Ok(Some(self.sid.as_str())));
        self.issuer == issuer && is_same
    }
}

/// The provider's logout is about another session than the one here.
#[must_use]
pub fn of_another_session() -> AuthError {
    invalid("the provider's logout is about another session than the one here: nothing was ended")
}

fn invalid(message: &'static str) -> AuthError {
    AuthError::new(Code::LogoutInvalid, Phase::SignOut, message)
}

/// The value of a parameter that stands in the query once.
fn once(url: &ParsedUrl, name: &str) -> Option<String> {
    let mut values = url.parameters().into_iter().filter(|(other, _)| other == name);
    let (_, value) = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::oauth::fixtures::{NOW, config, metadata, parameters, url};

    #[test]
    fn the_end_session_url_carries_no_token_unless_told_to_lo1() {
        let mut metadata = metadata();
        let mut config = config();
        let token = Secret::from("x.y.z");
        let at = |config: &Config, metadata: &Metadata| {
            end_session_url(config, metadata, Some(&token), Some("s"))
        };
        assert_eq!(at(&config, &metadata), None, "the provider has no such place");
        assert!(!comes_back(&config, &metadata));
        metadata.end_session_endpoint = Some("https://id.example.com/end?x=1".to_owned());
        let expected = "https://id.example.com/end?x=1&client_id=spa";
        assert_eq!(at(&config, &metadata).as_deref(), Some(expected), "no way back, no `state`");
        assert!(!comes_back(&config, &metadata));
        let back = "https://app.example.com/bye";
        config.logout.post_logout_redirect_uri = Some(back.to_owned());
        let sent = parameters(&at(&config, &metadata).unwrap());
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let usual = [
            pair("x", "1"),
            pair("client_id", "spa"),
            pair("post_logout_redirect_uri", back),
            pair("state", "s"),
        ];
        assert_eq!(sent, usual);
        assert!(comes_back(&config, &metadata));
        config.logout.id_token_hint = true;
        let sent = parameters(&at(&config, &metadata).unwrap());
        assert!(sent.contains(&pair("id_token_hint", "x.y.z")));
        let sent = end_session_url(&config, &metadata, None, Some("s")).unwrap();
        assert_eq!(parameters(&sent), usual, "plain OAuth has none");
        config.logout.end_session = false;
        assert_eq!(at(&config, &metadata), None);
        assert!(!comes_back(&config, &metadata));
    }

    #[test]
    fn the_way_back_is_known_by_its_state_lo2() {
        let farewell = Farewell::begin(&[7; 32], Some("/bye".to_owned()), NOW);
        assert_eq!(farewell.state.len(), 43);
        assert_eq!(Farewell::from_record(&farewell.to_record()), Some(farewell.clone()));
        let at = |query: &str, ms: i64| {
            let page = url(&format!("https://app.example.com/{query}"));
            farewell.is_answered_by(&page, UnixMillis(NOW.0 + ms))
        };
        let state = &farewell.state;
        assert!(
            at(&format!("?state={state}"), 0) && at(&format!("?a=b&state={state}"), LIFETIME_MS)
        );
        for query in [
            String::new(),
            "?state=".to_owned(),
            "?state=other".to_owned(),
            format!("?state={state}x"),
            format!("?state={state}&state={state}"),
            format!("#state={state}"),
        ] {
            assert!(!at(&query, 0), "{query}");
        }
        let query = format!("?state={state}");
        assert!(!at(&query, LIFETIME_MS + 1) && !at(&query, -1), "too old, or of a clock set back");
        assert_eq!(farewell.into_return_to().as_deref(), Some("/bye"));
        let long = Farewell::begin(&[7; 32], Some(format!("/{}", "a".repeat(8000))), NOW);
        assert_eq!(Farewell::from_record(&long.to_record()), Some(long));
        for record in ["", "{}", "[]", r#"{"state":"s"}"#, r#"{"state":1,"started":1}"#] {
            assert_eq!(Farewell::from_record(record), None, "{record}");
        }
    }

    #[test]
    fn a_providers_logout_is_for_its_session_alone_lo4() {
        let at = |query: &str| Ended::read(&url(&format!("https://app.example.com/out?{query}")));
        for query in [
            "",
            "iss=https%3A%2F%2Fid.example.com",
            "sid=s1",
            "iss=a&iss=a&sid=s1",
            "iss=a&sid=s1&sid=s1",
        ] {
            assert_eq!(at(query).map_err(|error| error.code), Err(Code::LogoutInvalid), "{query}");
        }
        let issuer = "https://id.example.com";
        let ended = at("iss=https%3A%2F%2Fid.example.com&sid=s1").unwrap();
        assert!(ended.is_about(issuer, r#"{"sub":"a","sid":"s1"}"#));
        for claims in ["{}", r#"{"sid":"s2"}"#, r#"{"sid":1}"#, r#"{"sid":null}"#, ""] {
            assert!(!ended.is_about(issuer, claims), "{claims}");
        }
        assert!(!ended.is_about("https://id.example.com/", r#"{"sid":"s1"}"#));
        let empty = at("iss=https%3A%2F%2Fid.example.com&sid=").unwrap();
        assert!(!empty.is_about(issuer, "{}"), "no `sid` is not the empty one");
    }
}
