//! The authorization request: the URL at which a person signs in (RFC 6749, 4.1.1; OpenID Connect
//! Core, 3.1.2.1). Always the code flow, always PKCE with S256.

use form_urlencoded::Serializer;

use crate::{
    config::{self, Config},
    error::{AuthError, Code, Phase},
    json::{Json, JsonError, Object},
    oauth::{pkce, transaction::Transaction},
};

/// What one sign-in asks for besides what the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(ts_rs::TS),
    ts(rename_all = "camelCase", optional_fields)
)]
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
    /// Reads what a page asks for: the members have the fields' names, in camel case.
    pub fn read(from: &Object) -> Result<Self, JsonError> {
        let mut asked = Self::default();
        for (name, value) in from.members() {
            let field = match name {
                "prompt" => &mut asked.prompt,
                "loginHint" => &mut asked.login_hint,
                "maxAge" => &mut asked.max_age,
                "acrValues" => &mut asked.acr_values,
                "uiLocales" => &mut asked.ui_locales,
                "extraParams" => {
                    asked.extra_params = pairs(value).ok_or(JsonError::Unexpected)?;
                    continue;
                }
                _ => return Err(JsonError::Unexpected),
            };
            *field = Some(value.as_text().ok_or(JsonError::Unexpected)?.to_owned());
        }
        Ok(asked)
    }

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
    let message = ["the parameter `", &name, "` ", why, ": leave it out of `extraParams`"].concat();
    AuthError::new(Code::ConfigInvalid, Phase::SignIn, message)
}

/// The members of an object of strings, in their order.
fn pairs(value: &Json) -> Option<Vec<(String, String)>> {
    let Json::Object(object) = value else { return None };
    let pair = |(name, value): (&str, &Json)| Some((name.to_owned(), value.as_text()?.to_owned()));
    object.members().map(pair).collect()
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use std::collections::HashSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::json;
    use crate::oauth::fixtures::{config, parameters, transaction};

    fn value<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
        parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn asks_for_a_code_with_pkce_ar1_ar2_ar8_ar9_ar15() {
        let transaction = transaction();
        let url = url(&config(), &transaction, &Asked::default()).unwrap();
        assert!(url.starts_with("https://id.example.com/authorize?response_type=code&"));
        let sent = parameters(&url);
        assert_eq!(value(&sent, "client_id"), Some("spa"));
        assert_eq!(value(&sent, "redirect_uri"), Some("https://app.example.com/callback"));
        assert_eq!(value(&sent, "scope"), Some("openid profile"));
        assert_eq!(value(&sent, "state"), Some(transaction.state.as_str()));
        assert_eq!(value(&sent, "nonce"), transaction.nonce.as_deref());
        assert_eq!(value(&sent, "code_challenge_method"), Some("S256"));
        let challenge = pkce::challenge(&transaction.verifier);
        assert_eq!(value(&sent, "code_challenge"), Some(challenge.as_str()));
        assert!(!url.contains(transaction.verifier.expose()), "pk4: never the verifier");
        assert!(!url.contains("orders"), "ar7: nor where the application wants to be");
    }

    #[test]
    fn plain_oauth_has_no_nonce_and_maybe_no_scope_ar12() {
        let config = Config { scope: Vec::new(), ..config() };
        let transaction = Transaction { nonce: None, ..transaction() };
        let sent = parameters(&url(&config, &transaction, &Asked::default()).unwrap());
        assert_eq!((value(&sent, "nonce"), value(&sent, "scope")), (None, None));
    }

    #[test]
    fn what_is_asked_for_is_passed_on_ar14() {
        let text = r#"{"prompt":"login","loginHint":"a&b=c","maxAge":"0","acrValues":"x y",
            "uiLocales":"de-CH fr","extraParams":{"audience":"https://api"}}"#;
        let asked = Asked::read(&json::read(text.as_bytes(), 1000).unwrap()).unwrap();
        let config = Config {
            extra_params: vec![
                ("prompt".to_owned(), "none".to_owned()),
                ("audience".to_owned(), "other".to_owned()),
                ("kc_idp_hint".to_owned(), "corp".to_owned()),
            ],
            ..config()
        };
        let sent = parameters(&url(&config, &transaction(), &asked).unwrap());
        for (name, expected) in [
            ("prompt", "login"),
            ("login_hint", "a&b=c"),
            ("max_age", "0"),
            ("acr_values", "x y"),
            ("ui_locales", "de-CH fr"),
            ("audience", "https://api"),
            ("kc_idp_hint", "corp"),
        ] {
            assert_eq!(value(&sent, name), Some(expected));
            assert_eq!(sent.iter().filter(|(other, _)| other == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn the_protocols_parameters_cannot_be_set_ar13_tk2() {
        for name in ["state", "redirect_uri", "client_secret", "id_token_hint", "", "response_mode"]
        {
            let extra_params = vec![(name.to_owned(), "x".to_owned())];
            let asked = Asked { extra_params, ..Asked::default() };
            let error = url(&config(), &transaction(), &asked).unwrap_err();
            assert_eq!(error.code, Code::ConfigInvalid, "{name}");
        }
        let twice = vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
        let asked = Asked { extra_params: twice, ..Asked::default() };
        assert!(url(&config(), &transaction(), &asked).is_err());
        for text in [r#"{"promt":"login"}"#, r#"{"prompt":1}"#, r#"{"extraParams":{"a":1}}"#] {
            assert!(Asked::read(&json::read(text.as_bytes(), 1000).unwrap()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_endpoints_own_query_stays_ar13() {
        let at = |endpoint: &str| {
            let mut transaction = transaction();
            transaction.metadata.authorization_endpoint = endpoint.to_owned();
            url(&config(), &transaction, &Asked::default())
        };
        let url = at("https://id.example.com/authorize?p=b2c_1&q=a%20b").unwrap();
        assert!(
            url.starts_with("https://id.example.com/authorize?p=b2c_1&q=a%20b&response_type=code&")
        );
        assert!(
            at("https://id.example.com/authorize?").unwrap().contains("/authorize?response_type=")
        );
        assert_eq!(
            at("https://id.example.com/authorize?client%5Fid=x").map_err(|error| error.code),
            Err(Code::ConfigInvalid)
        );
    }

    proptest! {
        #[test]
        fn no_parameter_stands_twice_ar1_ar2_ar13(
            names in vec("[a-d]|prompt|state|max_age|code_challenge", 0..4),
            asked in vec("[a-d]|prompt|scope|\\PC{0,3}", 0..4),
            query in "(\\?([a-e]|prompt|nonce)=1(&[a-e]=2)?)?",
            prompt in proptest::option::of("login|none"),
        ) {
            let pairs = |names: Vec<String>| names.into_iter().map(|name| (name, "v".to_owned()));
            let config = Config { extra_params: pairs(names).collect(), ..config() };
            let asked = Asked { prompt, extra_params: pairs(asked).collect(), ..Asked::default() };
            let mut transaction = transaction();
            transaction.metadata.authorization_endpoint.push_str(&query);
            if let Ok(url) = url(&config, &transaction, &asked) {
                let sent = parameters(&url);
                let names: HashSet<_> = sent.iter().map(|(name, _)| name).collect();
                let own: usize = usize::from(query.contains("=1")) + usize::from(query.contains("=2"));
                let distinct_own: HashSet<_> = parameters(&query).into_iter().map(|p| p.0).collect();
                prop_assert_eq!(sent.len() - own, names.len() - distinct_own.len());
                prop_assert_eq!(value(&sent, "response_type"), Some("code"));
                prop_assert_eq!(value(&sent, "code_challenge_method"), Some("S256"));
                prop_assert_eq!(value(&sent, "state"), Some(transaction.state.as_str()));
            }
        }
    }
}
