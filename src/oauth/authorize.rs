//! The authorization request: the URL at which a person signs in (RFC 6749, 4.1.1; OpenID Connect
//! Core, 3.1.2.1). Always the code flow, always PKCE with S256.

use form_urlencoded::Serializer;

use crate::{
    config::{self, Config},
    error::{AuthError, Code, Phase},
    json::{self, Json, JsonError, Object},
    oauth::{
        pkce,
        transaction::{Mode, Transaction},
    },
};

/// The longest `claims` that is passed on, in bytes.
const CLAIMS_LIMIT: usize = 16 * 1024;

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
    /// `claims`: single claims, as JSON text (OpenID Connect Core, 5.5).
    pub claims: Option<String>,
    /// Further parameters; none of the protocol's own.
    #[cfg_attr(
        all(test, not(target_arch = "wasm32")),
        ts(optional, as = "Option<std::collections::HashMap<String, String>>")
    )]
    pub extra_params: Vec<(String, String)>,
}

/// The parameters of an authorization request, none twice but `resource` (RFC 8707, 2).
pub type Parameters = Vec<(String, String)>;

/// What the authorization request says. What of it the ID token is to be held against is noted in the
/// transaction.
///
/// Parameters that this sign-in asks for replace those of the same name in the configuration's
/// `extraParams`. No parameter stands twice (RFC 6749, 3.1): one that is the protocol's own, or that
/// the endpoint's own query has, is refused with `config_invalid`.
pub fn parameters(
    config: &Config,
    transaction: &mut Transaction,
    asked: &Asked,
) -> Result<Parameters, AuthError> {
    let challenge = pkce::challenge(&transaction.verifier);
    let scope = config.scope.join(" ");
    let mut parameters: Vec<(&str, &str)> = vec![
        ("response_type", "code"),
        ("client_id", &config.client_id),
        ("redirect_uri", transaction.redirect_uri(config)),
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
    if let Some(jkt) = &transaction.jkt {
        parameters.push(("dpop_jkt", jkt));
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
    // All that tokens will be asked for (RFC 8707, 2.1).
    for uri in config.resource.iter().chain(config.audiences.iter().skip(1)) {
        if !parameters.contains(&("resource", uri)) {
            parameters.push(("resource", uri));
        }
    }
    let endpoint = &transaction.metadata.authorization_endpoint;
    let own = endpoint.split_once('?').map_or("", |(_, query)| query);
    for (name, _) in form_urlencoded::parse(own.as_bytes()) {
        if parameters.iter().any(|(other, _)| *other == name) {
            return Err(refused(&name, "stands in the authorization endpoint's own query"));
        }
    }
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let parameters: Parameters = parameters.into_iter().map(owned).collect();
    note(transaction, &parameters)?;
    Ok(parameters)
}

/// The URL of the authorization request.
#[must_use]
pub fn url(transaction: &Transaction, parameters: &Parameters) -> String {
    let mut url = with_query(&transaction.metadata.authorization_endpoint);
    url.extend_pairs(parameters);
    url.finish()
}

/// Notes in the transaction what the ID token must show: `max_age` and `acr_values`, whichever way they
/// were asked for.
fn note(transaction: &mut Transaction, parameters: &Parameters) -> Result<(), AuthError> {
    for (name, value) in parameters {
        match name.as_str() {
            "max_age" => {
                let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
                let seconds = value.parse().ok().filter(|_| is_number);
                transaction.max_age = Some(seconds.ok_or_else(|| {
                    wrong("`maxAge` must be a whole number of seconds, zero or more")
                })?);
            }
            "acr_values" => transaction.acr_values = Some(value.clone()),
            "claims" if json::read(value.as_bytes(), CLAIMS_LIMIT).is_err() => {
                return Err(wrong("`claims` must be an object, as JSON text (Core, 5.5)"));
            }
            _ => {}
        }
    }
    Ok(())
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
    /// That nobody is to be asked anything: who is signed in at the provider already?
    #[must_use]
    pub fn without_asking() -> Self {
        Self { prompt: Some("none".to_owned()), ..Self::default() }
    }

    /// The same in this mode: a hidden frame asks nobody anything. `config_invalid` where it is to,
    /// or where frames are not configured.
    pub fn in_mode(self, mode: Mode, config: &Config) -> Result<Self, AuthError> {
        if mode != Mode::Silent {
            return Ok(self);
        }
        let problem = if config.silent_redirect_uri.is_none() {
            "a silent sign-in needs `silentRedirectUri`, a page for hidden frames"
        } else if self.prompt.as_ref().is_some_and(|prompt| prompt != "none") {
            "a silent sign-in asks nobody: leave `prompt` out"
        } else {
            return Ok(Self { prompt: Self::without_asking().prompt, ..self });
        };
        Err(AuthError::new(Code::ConfigInvalid, Phase::SignIn, problem))
    }

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
                "claims" => &mut asked.claims,
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
            ("claims", &self.claims),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

fn refused(name: &str, why: &str) -> AuthError {
    let name = crate::error::inert(name, 64);
    let message = ["the parameter `", &name, "` ", why, ": leave it out of `extraParams`"].concat();
    wrong(message)
}

fn wrong(message: impl Into<std::borrow::Cow<'static, str>>) -> AuthError {
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
mod tests;
