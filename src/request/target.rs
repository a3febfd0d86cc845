//! May a credential travel with this request? Decided on the canonical URL that will be fetched, by
//! the configuration alone; whatever it does not name is denied.

mod path;

use super::httpsig;
use crate::{
    config::{
        Config, DEFAULT_AUDIENCE, Resource,
        credential::{Key, Usage},
    },
    error::{AuthError, Code, Phase},
    oauth::metadata::Metadata,
    url::ParsedUrl,
};

const NO_AUDIENCE: &str =
    "no access token is for that `resource`: it is none of the configuration's";

/// Leave for a credential to travel, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    follows_redirects: bool,
    /// The number of the audience whose access token may.
    pub audience: usize,
    /// The number of the configuration's key that does; the access token where absent.
    pub key: Option<usize>,
}

impl Passage {
    /// Leave for a request of the vault's own, to an endpoint of the provider: as far as that, and no
    /// further.
    pub const TO_PROVIDER: Self =
        Self { follows_redirects: false, audience: DEFAULT_AUDIENCE, key: None };

    /// The `redirect` that the request goes out with, where the caller asked for `asked`. A redirect
    /// could leave the paths or methods that a credential is bound to: there none is followed.
    #[must_use]
    pub fn redirect(self, asked: Option<&str>) -> &'static str {
        match asked {
            Some("error") => "error",
            Some("manual") => "manual",
            // A browser takes `Authorization` off when a redirect leaves the origin.
            _ if self.follows_redirects => "follow",
            _ => "manual",
        }
    }
}

/// Leave for a request of a page, with `headers` of its own; `request_invalid` or
/// `target_not_allowed` otherwise. `metadata` are the provider's, as far as they are known.
pub fn admit(
    url: &ParsedUrl,
    method: &str,
    headers: &[(String, String)],
    config: &Config,
    metadata: Option<&Metadata>,
) -> Result<Passage, AuthError> {
    let is_ours = |name: &str| {
        name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("dpop")
    };
    if headers.iter().any(|(name, _)| is_ours(name.trim())) {
        return Err(request_invalid(
            "the request has an `Authorization` or `DPoP` header of its own: leave it to the vault",
        ));
    }
    let resource = decide(url, method, config, metadata)?;
    let named = |name: &String| config.keys.iter().position(|key| key.name == *name);
    let key = resource.credential.as_ref().and_then(named);
    let is_set = |key: &Key| headers.iter().any(|(name, _)| is_written(name.trim(), key));
    if key.and_then(|key| config.keys.get(key)).is_some_and(is_set) {
        return Err(request_invalid(
            "the request has a header of its own that its credential is written into: leave it to \
             the vault",
        ));
    }
    let is_whole = resource.paths.is_none() && resource.methods.is_none();
    // A redirect within the origin keeps `Authorization`; of anything else browsers keep all, wherever it
    // leads.
    let is_other = |other: &Resource| {
        other.origin == resource.origin
            && (&other.resource, &other.credential) != (&resource.resource, &resource.credential)
    };
    // One that led to a backend would have it answer the page.
    let is_bearer = key.is_none() && !config.is_bound() && config.refresh_cookie.is_none();
    Ok(Passage {
        follows_redirects: is_whole && is_bearer && !config.resources.iter().any(is_other),
        audience: config
            .audience(resource.resource.as_deref())
            .ok_or_else(|| not_allowed(NO_AUDIENCE))?,
        key,
    })
}

/// Whether the vault writes a header of this name for that key.
fn is_written(name: &str, key: &Key) -> bool {
    match &key.usage {
        Usage::ApiKey { header, .. } => name.eq_ignore_ascii_case(header),
        Usage::Signature(_) => httpsig::is_ours(&name.to_ascii_lowercase()),
    }
}

/// The resource that the URL belongs to: exact origin, path by whole segments, method.
pub fn decide<'c>(
    url: &ParsedUrl,
    method: &str,
    config: &'c Config,
    metadata: Option<&Metadata>,
) -> Result<&'c Resource, AuthError> {
    if url.protocol != "https:" && url.protocol != "http:" {
        return Err(request_invalid(
            "only `https:` URLs can be fetched with a credential, not `blob:`, `data:` or others",
        ));
    }
    if url.has_userinfo {
        return Err(request_invalid("the request's URL carries a user name or a password"));
    }
    let mut resources = config.resources.iter().filter(|resource| resource.origin == url.origin);
    let mut of_origin = resources.clone();
    if of_origin.next().is_none() || !url.is_secure() {
        return Err(not_allowed(
            "the URL's origin is none of `resources`, so nothing was sent: add it there, or use the \
             page's own `fetch`",
        ));
    }
    if is_provider_endpoint(url, config, metadata) {
        return Err(not_allowed(
            "an endpoint of the provider, or of `refreshCookie`, is never a resource",
        ));
    }
    resources.find(|resource| is_within(resource, url, method)).ok_or_else(|| {
        not_allowed("the URL's path or the method is outside `resources`, so nothing was sent")
    })
}

/// Leave to hand out the access token for the resource of that indicator, by the number of its audience;
/// the default one where it names none.
pub fn admit_export(config: &Config, resource: Option<&str>) -> Result<usize, AuthError> {
    let message = if !config.allow_token_export {
        "the access token stays in the vault: use `fetch`, or set `allowTokenExport`"
    } else if config.is_bound() {
        "with `dpop` the access token is of no use without the vault's key: use `fetch`"
    } else {
        match config.audience(resource) {
            Some(audience) => return Ok(audience),
            None => NO_AUDIENCE,
        }
    };
    Err(AuthError::new(Code::ExportNotAllowed, Phase::Export, message))
}

/// The resource answered with a redirect that was not followed.
#[must_use]
pub fn redirect_refused() -> AuthError {
    AuthError::new(
        Code::RedirectRefused,
        Phase::Fetch,
        "the resource answered with a redirect, which could carry the credential to where it may not \
         go: call the final URL",
    )
}

/// The browser does not make a request of these parts.
#[must_use]
pub fn not_sendable() -> AuthError {
    request_invalid("the browser does not send such a request: check its method, headers and body")
}

fn is_within(resource: &Resource, url: &ParsedUrl, method: &str) -> bool {
    let is_path = resource.paths.as_ref().is_none_or(|paths| {
        path::is_plain(&url.pathname) && paths.iter().any(|it| path::is_below(&url.pathname, it))
    });
    let is_method = |methods: &Vec<String>| methods.iter().any(|allowed| allowed == method);
    is_path && resource.methods.as_ref().is_none_or(is_method)
}

fn is_provider_endpoint(url: &ParsedUrl, config: &Config, metadata: Option<&Metadata>) -> bool {
    let discovered = metadata.map(|metadata| {
        [
            Some(&metadata.authorization_endpoint),
            Some(&metadata.token_endpoint),
            metadata.revocation_endpoint.as_ref(),
            metadata.end_session_endpoint.as_ref(),
            metadata.jwks_uri.as_ref(),
            metadata.pushed_authorization_request_endpoint.as_ref(),
        ]
    });
    let fixed = config.endpoints.as_ref().map(|endpoints| {
        [
            Some(&endpoints.authorization),
            Some(&endpoints.token),
            endpoints.revocation.as_ref(),
            endpoints.end_session.as_ref(),
            endpoints.jwks.as_ref(),
            endpoints.pushed_authorization_request.as_ref(),
        ]
    });
    // What a page could ask there, it could have done with the vault's origin and cookie.
    let backend = config.refresh_cookie.as_ref().map(|it| [&it.token, &it.revocation]);
    let endpoints = discovered.into_iter().chain(fixed).flatten().flatten();
    endpoints.chain(backend.into_iter().flatten()).any(|endpoint| is_at(url, endpoint))
}

/// Whether `url` is `endpoint`, a canonical URL, query aside. Slashes at the end and case play no
/// part: servers differ there, and a provider's endpoint is worth the caution.
fn is_at(url: &ParsedUrl, endpoint: &str) -> bool {
    let end = endpoint.find(['?', '#']).unwrap_or(endpoint.len());
    let endpoint = endpoint.get(..end).unwrap_or(endpoint).trim_end_matches('/');
    let path = endpoint.get(url.origin.len()..).unwrap_or_default();
    endpoint.starts_with(&url.origin)
        && path.eq_ignore_ascii_case(url.pathname.trim_end_matches('/'))
}

fn request_invalid(message: &'static str) -> AuthError {
    AuthError::new(Code::RequestInvalid, Phase::Fetch, message)
}

fn not_allowed(message: &'static str) -> AuthError {
    AuthError::new(Code::TargetNotAllowed, Phase::Fetch, message)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod hostile;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::{
        config::{RefreshCookie, TokenType},
        url::{ParseUrl, oracle::Oracle},
    };

    fn config(resources: &str) -> Config {
        let text = format!(
            r#"{{"issuer": "https://id.example.com", "clientId": "spa", "redirectUri": "/callback",
            "resources": {resources},
            "endpoints": {{
                "authorization": "https://api.example.com/oauth/authorize",
                "token": "https://api.example.com/oauth/token?tenant=1",
                "jwks": "https://keys.example.net/jwks"
            }}}}"#
        );
        Config::check(&text, "https://app.example.com/", &Oracle).unwrap()
    }

    /// The same with a backend that keeps the refresh token, beside the API.
    fn with_backend(config: Config) -> Config {
        let url = |path: &str| ["https://api.example.com/auth/", path].concat();
        let (token, revocation, header) = (url("token"), url("revoke"), "X-CSRF".to_owned());
        Config { refresh_cookie: Some(RefreshCookie { token, revocation, header }), ..config }
    }

    fn code(config: &Config, method: &str, url: &str) -> Option<Code> {
        let url = Oracle.parse(url, None).unwrap();
        decide(&url, method, config, None).err().map(|error| error.code)
    }

    #[test]
    fn br7_only_the_exact_origin() {
        let config = config(r#"[{"origin": "https://api.example.com"}]"#);
        for allowed in [
            "https://api.example.com/",
            "https://api.example.com:443/me?x=1#y",
            "https://API.example.com/a/../b",
        ] {
            assert_eq!(code(&config, "DELETE", allowed), None, "{allowed}");
        }
        for denied in [
            "https://example.com/",
            "https://api.example.com.evil.example/",
            "https://api.example.com:8443/",
            "https://xapi.example.com/",
            "https://api.example.com./",
            "https://evil.example/?https://api.example.com/",
        ] {
            assert_eq!(code(&config, "GET", denied), Some(Code::TargetNotAllowed), "{denied}");
        }
    }

    #[test]
    fn br3_t10_no_credential_without_tls() {
        let config = config(r#"[{"origin": "https://api.example.com"}]"#);
        let denied = code(&config, "GET", "http://api.example.com/");
        assert_eq!(denied, Some(Code::TargetNotAllowed));
    }

    #[test]
    fn br10_other_schemes_and_user_names_are_named() {
        let config = config(r#"[{"origin": "https://api.example.com"}]"#);
        for url in [
            "blob:https://api.example.com/1",
            "data:text/plain,x",
            "javascript:0",
            "file:///etc/passwd",
            "ws://api.example.com/",
            "https://user@api.example.com/",
            "https://:secret@api.example.com/",
        ] {
            assert_eq!(code(&config, "GET", url), Some(Code::RequestInvalid), "{url}");
        }
    }

    #[test]
    fn st8_paths_by_whole_segments() {
        let config =
            config(r#"[{"origin": "https://api.example.com", "paths": ["/v1/orders", "/open/"]}]"#);
        for allowed in [
            "/v1/orders",
            "/v1/orders/",
            "/v1/orders/7?x",
            "/v1/orders/50%25discount%",
            "/open/a/../b",
            "/open",
        ] {
            let url = format!("https://api.example.com{allowed}");
            assert_eq!(code(&config, "GET", &url), None, "{allowed}");
        }
        for denied in [
            "/",
            "/v1",
            "/v1/orders7",
            "/v1/orders/../users",
            "/v1/orders/%2e%2e/users",
            "/v1/orders/%2E./users",
            "/v1/orders/..%2fusers",
            "/v1/orders/..%5Cusers",
            "/v1/orders\\..\\users",
            "/v1/orders/%252e%252e/users",
            "/v1/orders/%2%65%252%65/users",
            "/v1/orders/..%%35Cusers",
            "/v1/orders/..%3b/users",
            "/v1/orders/..%253Ba/users",
            "/v1/orders/..;/users",
            "/v1/orders/..;a=b/users",
            "/V1/orders",
            "//v1/orders",
        ] {
            let url = format!("https://api.example.com{denied}");
            assert_eq!(code(&config, "GET", &url), Some(Code::TargetNotAllowed), "{denied}");
        }
    }

    #[test]
    fn st8_methods_as_named() {
        let config = config(
            r#"[{"origin": "https://api.example.com", "methods": ["GET"]},
                {"origin": "https://api.example.com", "paths": ["/w"], "methods": ["POST"]}]"#,
        );
        assert_eq!(code(&config, "GET", "https://api.example.com/any"), None);
        assert_eq!(code(&config, "POST", "https://api.example.com/w/1"), None);
        let denied = code(&config, "POST", "https://api.example.com/any");
        assert_eq!(denied, Some(Code::TargetNotAllowed));
    }

    #[test]
    fn st8_provider_endpoints_are_never_targets() {
        let config = config(r#"[{"origin": "https://api.example.com"}]"#);
        for denied in ["/oauth/token", "/oauth/token?x=1", "/oauth/TOKEN/", "/oauth/authorize"] {
            let url = format!("https://api.example.com{denied}");
            assert_eq!(code(&config, "POST", &url), Some(Code::TargetNotAllowed), "{denied}");
        }
        assert_eq!(code(&config, "GET", "https://api.example.com/oauth/tokens"), None);
        let config = with_backend(config);
        for denied in ["/auth/token", "/AUTH/token/?x", "/auth/revoke"] {
            let url = format!("https://api.example.com{denied}");
            assert_eq!(code(&config, "POST", &url), Some(Code::TargetNotAllowed), "ck4: {denied}");
        }
        assert_eq!(code(&config, "GET", "https://api.example.com/auth/me"), None);
        let metadata = Metadata {
            issuer: "https://id.example.com".into(),
            authorization_endpoint: "https://id.example.com/auth".into(),
            token_endpoint: "https://id.example.com/token".into(),
            revocation_endpoint: Some("https://api.example.com/revoke".into()),
            end_session_endpoint: None,
            jwks_uri: None,
            userinfo_endpoint: None,
            pushed_authorization_request_endpoint: None,
            requires_pushed_requests: false,
            id_token_algorithms: crate::jwt::algorithm::Algorithms::default(),
            iss_parameter_supported: true,
            takes_es256_proofs: true,
        };
        let url = Oracle.parse("https://api.example.com/revoke", None).unwrap();
        assert!(decide(&url, "POST", &config, Some(&metadata)).is_err());
    }

    #[test]
    fn br1_dp9_one_authorization_header() {
        let config = config(r#"[{"origin": "https://api.example.com"}]"#);
        let url = Oracle.parse("https://api.example.com/", None).unwrap();
        let admit = |name: &str| {
            let headers =
                [("accept".to_owned(), "*/*".to_owned()), (name.to_owned(), "x".to_owned())];
            admit(&url, "GET", &headers, &config, None).map_err(|error| error.code)
        };
        assert_eq!(admit("AuthoriZation"), Err(Code::RequestInvalid));
        assert_eq!(admit("dpoP"), Err(Code::RequestInvalid));
        assert!(admit("x-authorization").is_ok());
    }

    #[test]
    fn st8_each_resource_has_the_token_of_its_own_audience() {
        let passage = |resources: &str, url: &str| {
            let url = Oracle.parse(url, None).unwrap();
            admit(&url, "GET", &[], &config(resources), None).unwrap()
        };
        let resources = r#"[
            {"origin": "https://a.example", "resource": "urn:a"},
            {"origin": "https://b.example", "resource": "urn:b"},
            {"origin": "https://also-b.example", "resource": "urn:b"},
            {"origin": "https://c.example", "paths": ["/b"], "resource": "urn:b"},
            {"origin": "https://c.example", "resource": "urn:c"}
        ]"#;
        for (url, audience, redirect) in [
            ("https://a.example/", 0, "follow"),
            ("https://b.example/", 1, "follow"),
            ("https://also-b.example/", 1, "follow"),
            ("https://c.example/b/1", 1, "manual"),
            // It could lead to what takes another token.
            ("https://c.example/", 2, "manual"),
        ] {
            let passage = passage(resources, url);
            assert_eq!((passage.audience, passage.redirect(None)), (audience, redirect), "{url}");
        }
        assert_eq!(Passage::TO_PROVIDER.audience, 0);
    }

    #[test]
    fn ak1_hs10_a_key_goes_to_its_resource_alone_and_along_no_redirect() {
        let text = r#"{"issuer": "https://id.example.com", "clientId": "spa", "redirectUri": "/cb",
            "apiKeys": {"a": {}}, "signatures": {"b": {"keyId": "k"}}, "resources": [
                {"origin": "https://a.example", "credential": "apiKey:a"},
                {"origin": "https://b.example", "paths": ["/s"], "credential": "signature:b"},
                {"origin": "https://b.example"}, {"origin": "https://d.example"}]}"#;
        let config = Config::check(text, "https://app.example.com/", &Oracle).unwrap();
        let passage = |url: &str, header: &str| {
            let url = Oracle.parse(url, None).unwrap();
            let headers = [(header.to_owned(), String::new())];
            admit(&url, "GET", &headers, &config, None).map_err(|error| error.code)
        };
        for (url, key, redirect) in [
            ("https://a.example/", Some(0), "manual"),
            ("https://b.example/s/1", Some(1), "manual"),
            ("https://b.example/", None, "manual"),
            ("https://d.example/", None, "follow"),
        ] {
            let passage = passage(url, "accept").unwrap();
            assert_eq!((passage.key, passage.redirect(Some("follow"))), (key, redirect), "{url}");
        }
        for (url, header) in [
            ("https://a.example/", "x-api-key"),
            ("https://a.example/", " X-API-KEY "),
            ("https://a.example/", "authorization"),
            ("https://b.example/s", "Signature"),
            ("https://b.example/s", "signature-input"),
            ("https://b.example/s", "Content-Digest"),
        ] {
            assert_eq!(passage(url, header), Err(Code::RequestInvalid), "{url} {header}");
        }
        assert!(passage("https://b.example/s", "x-api-key").is_ok());
        assert_eq!(passage("https://c.example/", "accept"), Err(Code::TargetNotAllowed));
    }

    #[test]
    fn redirects_are_followed_only_where_they_cannot_leave_the_policy_dp14_t9() {
        let redirect = |resources: &str, asked| {
            let url = Oracle.parse("https://api.example.com/v1", None).unwrap();
            admit(&url, "GET", &[], &config(resources), None).unwrap().redirect(asked)
        };
        let free = r#"[{"origin": "https://api.example.com"}]"#;
        let bound = r#"[{"origin": "https://api.example.com", "paths": ["/v1"]}]"#;
        assert_eq!(redirect(free, None), "follow");
        assert_eq!(redirect(bound, None), "manual");
        assert_eq!(redirect(bound, Some("follow")), "manual");
        assert_eq!(redirect(free, Some("error")), "error");
        let proven = Config { token_type: TokenType::Dpop, ..config(free) };
        let url = Oracle.parse("https://api.example.com/v1", None).unwrap();
        let passage = admit(&url, "GET", &[], &proven, None).unwrap();
        assert_eq!(passage.redirect(Some("follow")), "manual", "dp14");
        let passage = admit(&url, "GET", &[], &with_backend(config(free)), None).unwrap();
        assert_eq!(passage.redirect(Some("follow")), "manual", "ck4");
    }

    #[test]
    fn the_token_is_handed_out_only_where_allowed() {
        let mut config = config("[]");
        let export = |config: &Config, resource| admit_export(config, resource).map_err(|e| e.code);
        assert_eq!(export(&config, None), Err(Code::ExportNotAllowed));
        config.allow_token_export = true;
        assert_eq!(export(&config, None), Ok(0));
        assert_eq!(export(&config, Some("urn:x")), Err(Code::ExportNotAllowed));
        config.audiences = vec!["urn:x".to_owned(), "urn:y".to_owned()];
        assert_eq!(export(&config, Some("urn:x")), Ok(0));
        assert_eq!(export(&config, Some("urn:y")), Ok(1));
        config.token_type = TokenType::Dpop;
        assert_eq!(export(&config, Some("urn:x")), Err(Code::ExportNotAllowed));
    }
}
