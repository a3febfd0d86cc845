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
    /// What it may sign ID tokens with (`id_token_signing_alg_values_supported`).
    pub id_token_algorithms: Algorithms,
    /// Whether callbacks always name their issuer (RFC 9207, 3).
    pub iss_parameter_supported: bool,
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
        to.number("id_token_algorithms", Some(self.id_token_algorithms.to_bits().into()));
        to.flag("iss_parameter_supported", self.iss_parameter_supported);
    }

    /// The metadata in such a record.
    pub(super) fn from_record(record: &Object) -> Result<Self, JsonError> {
        let optional = |name| record.text(name).map(|text| text.map(str::to_owned));
        Ok(Self {
            issuer: record.required("issuer")?.to_owned(),
            authorization_endpoint: record.required("authorization_endpoint")?.to_owned(),
            token_endpoint: record.required("token_endpoint")?.to_owned(),
            revocation_endpoint: optional("revocation_endpoint")?,
            end_session_endpoint: optional("end_session_endpoint")?,
            jwks_uri: optional("jwks_uri")?,
            id_token_algorithms: match record.get("id_token_algorithms") {
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "`as` saturates"
                )]
                Some(Json::Number(bits)) => Algorithms::from_bits(*bits as u16),
                _ => return Err(JsonError::Unexpected),
            },
            iss_parameter_supported: match record.get("iss_parameter_supported") {
                Some(Json::Bool(is_promised)) => *is_promised,
                _ => return Err(JsonError::Unexpected),
            },
        })
    }

    /// Whether this client's ID tokens can be verified; `provider_unsupported` otherwise. Without OpenID
    /// Connect (`is_openid`) there are none.
    pub fn check_keys(self, is_openid: bool) -> Result<Self, AuthError> {
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
        id_token_algorithms: match document.get("id_token_signing_alg_values_supported") {
            None | Some(Json::Null) => Algorithms::default(),
            Some(listed) => Algorithms::of_issuer(
                &listed.as_texts().ok_or_else(|| unreadable(JsonError::Unexpected))?,
            ),
        },
        iss_parameter_supported: promises_iss(&document)?,
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
        id_token_algorithms: match endpoints.id_token_signing_alg_values_supported {
            None => Algorithms::default(),
            Some(names) => {
                Algorithms::of_issuer(&names.iter().map(String::as_str).collect::<Vec<_>>())
            }
        },
        iss_parameter_supported: false,
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

fn promises_iss(document: &Object) -> Result<bool, AuthError> {
    match document.get("authorization_response_iss_parameter_supported") {
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
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::url::oracle::Oracle;

    const ISSUER: &str = "https://id.example.com";

    fn document(changes: &Value) -> Vec<u8> {
        let mut document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example.com/authorize",
            "token_endpoint": "https://id.example.com/token",
            "revocation_endpoint": "https://id.example.com/revoke",
            "end_session_endpoint": "https://id.example.com/end",
            "jwks_uri": "https://keys.example.net/jwks",
            "response_types_supported": ["code", "id_token"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": true,
            "id_token_signing_alg_values_supported": ["none", "RS256"],
            "claims_parameter_supported": false,
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        serde_json::to_vec(&document).unwrap()
    }

    fn changed(changes: &Value) -> Result<Metadata, Code> {
        read(&document(changes), ISSUER, &Oracle).map_err(|error| {
            assert_eq!(error.phase, Phase::Discovery);
            error.code
        })
    }

    #[test]
    fn reads_a_whole_document_ds4_ds6() {
        let metadata = changed(&json!({})).unwrap();
        assert_eq!(metadata.token_endpoint, "https://id.example.com/token");
        assert_eq!(metadata.jwks_uri.as_deref(), Some("https://keys.example.net/jwks"));
        assert!(metadata.iss_parameter_supported);
    }

    #[test]
    fn only_what_is_needed_is_required_ar6_ds7() {
        let small = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example.com/authorize",
            "token_endpoint": "https://id.example.com/token",
            "revocation_endpoint": null,
        });
        let metadata = read(&serde_json::to_vec(&small).unwrap(), ISSUER, &Oracle).unwrap();
        assert_eq!((metadata.revocation_endpoint, metadata.iss_parameter_supported), (None, false));
    }

    #[test]
    fn the_issuer_is_exactly_the_one_asked_ds2_t32() {
        for other in [
            "https://id.example.com/",
            "https://ID.example.com",
            "HTTPS://id.example.com",
            "https://id.example.com:443",
            "http://id.example.com",
            "https://id.example.com ",
            "https://id.example.com?",
            "https://id.ex%61mple.com",
            "https://id.example.com.evil.example",
            "https://evil.example",
            "",
        ] {
            assert_eq!(changed(&json!({ "issuer": other })), Err(Code::MetadataInvalid), "{other}");
        }
        for other in [json!(null), json!(1), json!([ISSUER])] {
            assert_eq!(changed(&json!({ "issuer": other })), Err(Code::MetadataInvalid));
        }
    }

    #[test]
    fn every_endpoint_is_secure_and_absolute_ds5_ar10_t38() {
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "revocation_endpoint",
            "end_session_endpoint",
            "jwks_uri",
        ] {
            for bad in [
                json!("http://id.example.com/x"),
                json!("http://localhost.evil.example/x"),
                json!("//id.example.com/x"),
                json!("/x"),
                json!(""),
                json!("javascript:alert(1)"),
                json!("data:application/json,{}"),
                json!("blob:https://id.example.com/x"),
                json!("wss://id.example.com/x"),
                json!("https://user@id.example.com/x"),
                json!("https://id.example.com/x#y"),
                json!("https://"),
                json!(1),
                json!({}),
            ] {
                let mut changes = json!({});
                changes[name] = bad.clone();
                assert_eq!(changed(&changes), Err(Code::MetadataInvalid), "{name}: {bad}");
            }
            let mut local = json!({});
            local[name] = json!("http://127.0.0.1:8100/x");
            assert!(changed(&local).is_ok(), "{name} of this device");
        }
    }

    #[test]
    fn a_provider_without_s256_or_code_is_refused_ar3_pk5() {
        for changes in [
            json!({ "code_challenge_methods_supported": ["plain"] }),
            json!({ "code_challenge_methods_supported": [] }),
            json!({ "code_challenge_methods_supported": ["s256"] }),
            json!({ "response_types_supported": ["id_token", "code id_token"] }),
            json!({ "authorization_endpoint": null }),
            json!({ "token_endpoint": null }),
        ] {
            assert_eq!(changed(&changes), Err(Code::ProviderUnsupported), "{changes}");
        }
    }

    #[test]
    fn id_tokens_need_keys_and_an_algorithm_that_verifies_jw2_ds10() {
        let code = |changes: &Value, is_openid| {
            let metadata = changed(changes).unwrap().check_keys(is_openid);
            metadata.map(|metadata| metadata.id_token_algorithms).map_err(|error| error.code)
        };
        let es256 = json!({ "id_token_signing_alg_values_supported": ["none", "ES256", "HS256"] });
        let only = |name| Ok(Algorithms::of_issuer(&[name]));
        assert_eq!(code(&es256, true), only("ES256"));
        assert_eq!(
            code(&json!({ "id_token_signing_alg_values_supported": null }), true),
            only("RS256")
        );
        for changes in [
            json!({ "jwks_uri": null }),
            json!({ "id_token_signing_alg_values_supported": [] }),
            json!({ "id_token_signing_alg_values_supported": ["none", "HS256"] }),
        ] {
            assert_eq!(code(&changes, true), Err(Code::ProviderUnsupported), "{changes}");
            assert!(code(&changes, false).is_ok(), "plain OAuth needs none: {changes}");
        }
        for wrong in [json!("RS256"), json!([1]), json!({})] {
            let changes = json!({ "id_token_signing_alg_values_supported": wrong });
            assert_eq!(changed(&changes), Err(Code::MetadataInvalid), "{changes}");
        }
    }

    #[test]
    fn endpoints_that_are_given_name_their_algorithms_jw2() {
        let endpoints = |names: Option<&[&str]>| crate::config::Endpoints {
            authorization: String::new(),
            token: String::new(),
            revocation: None,
            end_session: None,
            jwks: None,
            id_token_signing_alg_values_supported: names
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        };
        for (names, expected) in [(None, "RS256"), (Some(&["HS256", "EdDSA"][..]), "Ed25519")] {
            let endpoints = Some(endpoints(names));
            let config = Config { endpoints, ..crate::oauth::fixtures::config() };
            let known = fixed(&config).unwrap().id_token_algorithms;
            assert_eq!(known, Algorithms::of_issuer(&[expected]));
        }
    }

    #[test]
    fn bodies_that_are_no_document_ds4() {
        let code = |body: &[u8]| read(body, ISSUER, &Oracle).map_err(|error| error.code);
        for body in [&b""[..], b"<!doctype html>", b"{", b"{}{}", b"{\"issuer\":1,\"issuer\":1}"] {
            assert_eq!(code(body), Err(Code::ProviderAnswerInvalid), "{body:?}");
        }
        assert_eq!(code(&vec![b' '; LIMIT + 1]), Err(Code::ProviderAnswerInvalid));
        for body in [&b"{}"[..], b"[]", b"null", b"\"https://id.example.com\""] {
            assert_eq!(code(body), Err(Code::MetadataInvalid), "{body:?}");
        }
    }

    #[test]
    fn an_issuer_of_the_document_is_shown_inert_cb6() {
        let body = document(&json!({ "issuer": "https://<img src=x>\u{202e}" }));
        let message = read(&body, ISSUER, &Oracle).unwrap_err().message.clone();
        assert!(message.contains("https://img src=x") && !message.contains('<'), "{message}");
    }

    #[test]
    fn where_a_document_is_looked_for_ds3() {
        for (issuer, oidc, oauth) in [
            (ISSUER, "https://id.example.com/.well-known/openid-configuration", ""),
            (
                "https://id.example.com/",
                "https://id.example.com/.well-known/openid-configuration",
                "",
            ),
            ("https://h:8443/a/b", "https://h:8443/a/b/.well-known/openid-configuration", "/a/b"),
            ("https://h/a/", "https://h/a/.well-known/openid-configuration", "/a"),
        ] {
            let [first, second] = well_known(issuer);
            assert_eq!(first, oidc);
            assert!(second.ends_with(&format!("/.well-known/oauth-authorization-server{oauth}")));
        }
        assert_eq!(
            well_known("https://h:8443/a/b")[1],
            "https://h:8443/.well-known/oauth-authorization-server/a/b"
        );
    }
}
