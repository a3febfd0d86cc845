//! The authorization request: the URL at which a person signs in (RFC 6749, 4.1.1; OpenID Connect
//! Core, 3.1.2.1). Always the code flow, always PKCE with S256.

use core::fmt;

use form_urlencoded::Serializer;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    config::{self, Config},
    error::{AuthError, Code, Phase},
    oauth::{pkce, transaction::Transaction},
};

/// What one sign-in asks for besides what the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(ts_rs::TS), ts(optional_fields))]
pub struct Asked {
    /// `prompt`: `login`, `consent`, `select_account`.
    pub prompt: Option<String>,
    /// `login_hint`: who is likely to sign in.
    pub login_hint: Option<String>,
    /// `max_age`: how old, in seconds, the provider's own session may be.
    pub max_age: Option<String>,
    /// `acr_values`: how strongly to authenticate, in order of preference.
    pub acr_values: Option<String>,
    /// `ui_locales`: languages, in order of preference.
    pub ui_locales: Option<String>,
    /// Further parameters; none of the protocol's own.
    #[serde(deserialize_with = "pairs")]
    #[cfg_attr(
        all(test, not(target_arch = "wasm32")),
        ts(optional, as = "Option<std::collections::HashMap<String, String>>")
    )]
    pub extra_params: Vec<(String, String)>,
}

/// The URL of the authorization request.
///
/// Parameters that this sign-in asks for replace those of the same name in the configuration's
/// `extraParams`. No parameter stands twice (RFC 6749, 3.1): one that is the protocol's own, or that
/// the endpoint's own query has, is refused with `config_invalid`.
pub fn url(config: &Config, transaction: &Transaction, asked: &Asked) -> Result<String, AuthError> {
    let endpoint = &transaction.metadata.authorization_endpoint;
    let challenge = pkce::challenge(&transaction.verifier);
    let scope = config.scope.join(" ");
    let mut parameters: Vec<(&str, &str)> = vec![
        ("response_type", "code"),
        ("client_id", &config.client_id),
        ("redirect_uri", &config.redirect_uri),
        ("state", &transaction.state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    if !scope.is_empty() {
        parameters.push(("scope", &scope));
    }
    if let Some(nonce) = &transaction.nonce {
        parameters.push(("nonce", nonce));
    }
    for (name, value) in asked.named() {
        parameters.push((name, value));
    }
    for (name, value) in &asked.extra_params {
        if let Some(why) = config::extra_param_problem(name) {
            return Err(refused(name, why));
        }
        if parameters.iter().any(|(other, _)| other == name) {
            return Err(refused(name, "stands twice"));
        }
        parameters.push((name, value));
    }
    for (name, value) in &config.extra_params {
        if parameters.iter().all(|(other, _)| other != name) {
            parameters.push((name, value));
        }
    }
    let own = endpoint.split_once('?').map_or("", |(_, query)| query);
    for (name, _) in form_urlencoded::parse(own.as_bytes()) {
        if parameters.iter().any(|(other, _)| *other == name) {
            return Err(refused(&name, "stands in the authorization endpoint's own query"));
        }
    }
    let mut url = with_query(endpoint);
    url.extend_pairs(parameters);
    Ok(url.finish())
}

/// `endpoint`, ready to have parameters appended after those of its own query (RFC 6749, 3.1).
pub(crate) fn with_query(endpoint: &str) -> Serializer<'static, String> {
    let mut start = endpoint.to_owned();
    let query = if let Some(at) = endpoint.find('?') {
        at + 1
    } else {
        start.push('?');
        start.len()
    };
    Serializer::for_suffix(start, query)
}

impl Asked {
    fn named(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [
            ("prompt", &self.prompt),
            ("login_hint", &self.login_hint),
            ("max_age", &self.max_age),
            ("acr_values", &self.acr_values),
            ("ui_locales", &self.ui_locales),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

fn refused(name: &str, why: &str) -> AuthError {
    let name = crate::error::inert(name, 64);
    let message = format!("the parameter `{name}` {why}: leave it out of `extraParams`");
    AuthError::new(Code::ConfigInvalid, Phase::SignIn, message)
}

/// The members of an object of strings, in their order.
fn pairs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of strings")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = members.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    from.deserialize_map(Pairs)
}
