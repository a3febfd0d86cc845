//! What is known of a provider: its discovery document, read strictly, or the endpoints that the
//! configuration names instead (OpenID Connect Discovery 4, RFC 8414). It must not know how a
//! document is fetched.

use crate::{
    config::Config,
    error::{AuthError, Code, Phase, inert},
    json::{self, Json, JsonError, Members, Object},
    jwt::algorithm::Algorithms,
    url::ParseUrl,
};

/// The largest discovery document that is read, in bytes.
pub const LIMIT: usize = 256 * 1024;

/// A provider's metadata, checked: every endpoint is an absolute URL over https, or of this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The issuer, exactly as configured.
    pub issuer: String,
    /// Where a person signs in; it may have a query of its own.
    pub authorization_endpoint: String,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: String,
    /// Where tokens are revoked (RFC 7009).
    pub revocation_endpoint: Option<String>,
    /// Where a person signs out (RP-Initiated Logout).
    pub end_session_endpoint: Option<String>,
    /// Where the provider's keys are.
    pub jwks_uri: Option<String>,
    /// Where claims are (OpenID Connect Core, 5.3).
    pub userinfo_endpoint: Option<String>,
    /// Where authorization requests are pushed to (RFC 9126).
    pub pushed_authorization_request_endpoint: Option<String>,
    /// Whether no other ones are taken (RFC 9126, 5).
    pub requires_pushed_requests: bool,
    /// What it may sign ID tokens with (`id_token_signing_alg_values_supported`).
    pub id_token_algorithms: Algorithms,
    /// Whether callbacks always name their issuer (RFC 9207, 3).
    pub iss_parameter_supported: bool,
    /// Whether it may take DPoP proofs signed with ES256 (RFC 9449, 5.1): one that lists nothing is tried.
    pub takes_es256_proofs: bool,
}

impl Metadata {
    /// Tells the metadata as they stand in the record of a transaction.
    pub(super) fn tell(&self, to: &mut dyn Members) {
        to.text("issuer", &self.issuer);
        to.text("authorization_endpoint", &self.authorization_endpoint);
        to.text("token_endpoint", &self.token_endpoint);
        to.optional("revocation_endpoint", self.revocation_endpoint.as_deref());
        to.optional("end_session_endpoint", self.end_session_endpoint.as_deref());
        to.optional("jwks_uri", self.jwks_uri.as_deref());
        to.optional("userinfo_endpoint", self.userinfo_endpoint.as_deref());
        let par = self.pushed_authorization_request_endpoint.as_deref();
        to.optional("pushed_authorization_request_endpoint", par);
        to.flag("requires_pushed_requests", self.requires_pushed_requests);
        to.number("id_token_algorithms", Some(self.id_token_algorithms.to_bits().into()));
        to.flag("iss_parameter_supported", self.iss_parameter_supported);
        to.flag("takes_es256_proofs", self.takes_es256_proofs);
    }

    /// The metadata in such a record.
    pub(super) fn from_record(record: &Object) -> Result<Self, JsonError> {
        let optional = |name| record.text(name).map(|text| text.map(str::to_owned));
        let flag = |name| match record.get(name) {
            Some(Json::Bool(is_set)) => Ok(*is_set),
            _ => Err(JsonError::Unexpected),
        };
        Ok(Self {
            issuer: record.required("issuer")?.to_owned(),
            authorization_endpoint: record.required("authorization_endpoint")?.to_owned(),
            token_endpoint: record.required("token_endpoint")?.to_owned(),
            revocation_endpoint: optional("revocation_endpoint")?,
            end_session_endpoint: optional("end_session_endpoint")?,
            jwks_uri: optional("jwks_uri")?,
            userinfo_endpoint: optional("userinfo_endpoint")?,
            pushed_authorization_request_endpoint: optional(
                "pushed_authorization_request_endpoint",
            )?,
            requires_pushed_requests: flag("requires_pushed_requests")?,
            id_token_algorithms: match record.get("id_token_algorithms") {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "`as` saturates"
                )]
                Some(Json::Number(bits)) => Algorithms::from_bits(*bits as u16),
                _ => return Err(JsonError::Unexpected),
            },
            iss_parameter_supported: flag("iss_parameter_supported")?,
            takes_es256_proofs: flag("takes_es256_proofs")?,
        })
    }

    /// Whether this client's ID tokens can be verified, and its proofs are taken; `provider_unsupported`
    /// otherwise. Without OpenID Connect there are no ID tokens.
    pub fn check(self, config: &Config) -> Result<Self, AuthError> {
        let is_openid = config.is_openid();
        if config.is_bound() && !self.takes_es256_proofs {
            return Err(unsupported(
                "the provider takes no DPoP proofs signed with ES256 \
                 (`dpop_signing_alg_values_supported`): leave `dpop` out, or have it take them",
            ));
        }
        if is_openid && self.jwks_uri.is_none() {
            return Err(missing("jwks_uri"));
        }
        if is_openid && self.id_token_algorithms.is_empty() {
            return Err(unsupported(
                "the provider signs ID tokens with nothing that can be verified here: have it sign with \
                 RS256 or ES256 (`id_token_signing_alg_values_supported`)",
            ));
        }
        Ok(self)
    }
}

/// Where an issuer's document may be, the likelier place first: the form of OpenID Connect Discovery
/// (4.1), then that of RFC 8414 (3.1), which stands between host and path.
#[must_use]
pub fn well_known(issuer: &str) -> [String; 2] {
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    // The third `/` ends the host: `https://host/path`.
    let end = base.match_indices('/').nth(2).map_or(base.len(), |(at, _)| at);
    let (host, path) = base.split_at_checked(end).unwrap_or((base, ""));
    [
        [base, "/.well-known/openid-configuration"].concat(),
        [host, "/.well-known/oauth-authorization-server", path].concat(),
    ]
}

/// The metadata in a discovery document.
///
/// `provider_answer_invalid` where it is no JSON (another place may have it), `metadata_invalid`
/// where it is for another issuer or names an endpoint that no credential may go to, and
/// `provider_unsupported` where the provider cannot do what a public browser client needs.
pub fn read(body: &[u8], issuer: &str, urls: &dyn ParseUrl) -> Result<Metadata, AuthError> {
    let document = json::read(body, LIMIT).map_err(unreadable)?;
    let told = document.required("issuer").map_err(unreadable)?;
    if told != issuer {
        // Simple string comparison: no normalisation of any kind (RFC 8414, 3.3; Discovery 4.3).
        return Err(invalid(&[
            "the discovery document is for another issuer: if \"",
            &inert(told, 200),
            "\" is meant, set `issuer` to exactly that",
        ]));
    }
    if lacks(&document, "response_types_supported", "code")? {
        return Err(unsupported("the provider does not offer the authorization code flow"));
    }
    if lacks(&document, "code_challenge_methods_supported", "S256")? {
        return Err(unsupported("the provider does not offer PKCE with S256 (RFC 7636)"));
    }
    let endpoint = |name: &str| match document.text(name).map_err(unreadable)? {
        Some(url) => checked(name, url, urls).map(Some),
        None => Ok(None),
    };
    let required = |name: &str| endpoint(name)?.ok_or_else(|| missing(name));
    Ok(Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: required("authorization_endpoint")?,
        token_endpoint: required("token_endpoint")?,
        revocation_endpoint: endpoint("revocation_endpoint")?,
        end_session_endpoint: endpoint("end_session_endpoint")?,
        jwks_uri: endpoint("jwks_uri")?,
        userinfo_endpoint: endpoint("userinfo_endpoint")?,
        pushed_authorization_request_endpoint: endpoint("pushed_authorization_request_endpoint")?,
        requires_pushed_requests: promised(&document, "require_pushed_authorization_requests")?,
        id_token_algorithms: match document.get("id_token_signing_alg_values_supported") {
            None | Some(Json::Null) => Algorithms::default(),
            Some(listed) => Algorithms::of_issuer(
                &listed.as_texts().ok_or_else(|| unreadable(JsonError::Unexpected))?,
            ),
        },
        iss_parameter_supported: promised(
            &document,
            "authorization_response_iss_parameter_supported",
        )?,
        takes_es256_proofs: !lacks(&document, "dpop_signing_alg_values_supported", "ES256")?,
    })
}

/// The metadata that the configuration itself names; `None` where they are to be discovered.
#[must_use]
pub fn fixed(config: &Config) -> Option<Metadata> {
    let endpoints = config.endpoints.clone()?;
    Some(Metadata {
        issuer: config.issuer.clone(),
        authorization_endpoint: endpoints.authorization,
        token_endpoint: endpoints.token,
        revocation_endpoint: endpoints.revocation,
        end_session_endpoint: endpoints.end_session,
        jwks_uri: endpoints.jwks,
        userinfo_endpoint: endpoints.userinfo,
        pushed_authorization_request_endpoint: endpoints.pushed_authorization_request,
        requires_pushed_requests: false,
        id_token_algorithms: match endpoints.id_token_signing_alg_values_supported {
            None => Algorithms::default(),
            Some(names) => {
                Algorithms::of_issuer(&names.iter().map(String::as_str).collect::<Vec<_>>())
            }
        },
        iss_parameter_supported: false,
        takes_es256_proofs: true,
    })
}

/// Whether the provider lists what it offers, without `needed`. One that lists nothing is tried.
fn lacks(document: &Object, member: &str, needed: &str) -> Result<bool, AuthError> {
    match document.get(member) {
        None | Some(Json::Null) => Ok(false),
        Some(list) => match list.as_texts() {
            Some(listed) => Ok(!listed.contains(&needed)),
            None => Err(unreadable(JsonError::Unexpected)),
        },
    }
}

fn promised(document: &Object, member: &str) -> Result<bool, AuthError> {
    match document.get(member) {
        None | Some(Json::Null) => Ok(false),
        Some(Json::Bool(promised)) => Ok(*promised),
        Some(_) => Err(unreadable(JsonError::Unexpected)),
    }
}

fn checked(name: &str, url: &str, urls: &dyn ParseUrl) -> Result<String, AuthError> {
    match urls.parse(url, None) {
        Some(url) if url.is_secure() && url.hash.is_empty() && !url.has_userinfo => Ok(url.href),
        _ => Err(invalid(&[
            "the discovery document's `",
            name,
            "` is not an absolute https URL (or one of this device) without fragment and user name",
        ])),
    }
}

fn unreadable(error: JsonError) -> AuthError {
    let message = ["the discovery document ", error.as_str(), ": check `issuer`"].concat();
    let code = match error {
        JsonError::Unexpected => Code::MetadataInvalid,
        JsonError::TooLarge | JsonError::Malformed => Code::ProviderAnswerInvalid,
    };
    AuthError::new(code, Phase::Discovery, message)
}

fn missing(name: &str) -> AuthError {
    let parts =
        ["the discovery document has no `", name, "`: set `endpoints` if the provider has one"];
    unsupported(parts.concat())
}

fn unsupported(message: impl Into<std::borrow::Cow<'static, str>>) -> AuthError {
    AuthError::new(Code::ProviderUnsupported, Phase::Discovery, message)
}

fn invalid(message: &[&str]) -> AuthError {
    AuthError::new(Code::MetadataInvalid, Phase::Discovery, message.concat())
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
