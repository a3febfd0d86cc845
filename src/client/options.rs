//! The options, and the text that the vault reads. Their meaning is `config`'s.

use crate::{
    clock::Millis,
    config::{
        Endpoints, Logout, Persistence, RefreshCookie, Resource, Restore, TokenType,
        credential::{Component, Key, Usage},
    },
    json::{Members, Writer},
    url::ParseUrl,
};

/// What defines a session; clients that agree in it share one. The names are those of the package's
/// `createClient`.
///
/// ```
/// use tokenward::{client::Options, config::Resource};
///
/// let mut options = Options::new("https://id.example.com", "spa", "/callback");
/// options.resources.push(Resource::at("https://api.example.com"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The provider's issuer identifier, exactly as it writes it.
    pub issuer: String,
    /// The client identifier that the provider gave out.
    pub client_id: String,
    /// Where the provider sends people back to: a URL of this origin, or a path.
    pub redirect_uri: String,
    /// Scopes to ask for.
    pub scope: Vec<String>,
    /// Where the access token may go. Nowhere else.
    pub resources: Vec<Resource>,
    /// Whom the default access token is for, by the provider's names (RFC 8707); its default where empty.
    pub resource: Vec<String>,
    /// The API keys and signatures that resources take in place of an access token. Addresses may be
    /// paths.
    pub keys: Vec<Key>,
    /// Static metadata, instead of discovery.
    pub endpoints: Option<Endpoints>,
    /// More parameters for the authorization request.
    pub extra_params: Vec<(String, String)>,
    /// Whether authorization requests are pushed to the provider (RFC 9126), also where it does not
    /// require that.
    pub push_authorization_requests: bool,
    /// What access tokens are, and so how they are sent.
    pub token_type: TokenType,
    /// What a sign-out does at the provider.
    pub logout: Logout,
    /// Whether people may sign in by giving their password to the page, which RFC 9700, 2.4, forbids: for
    /// migrations alone.
    pub allow_password_grant: bool,
    /// Whether [`Client::export_access_token`](super::Client::export_access_token) may hand the access
    /// token to the page.
    pub allow_token_export: bool,
    /// What becomes of a session whose vault is gone.
    pub restore: Restore,
    /// Where the refresh token is.
    pub persistence: Persistence,
    /// The backend that keeps the refresh token behind a cookie, in a vault with a configuration alone.
    pub refresh_cookie: Option<RefreshCookie>,
    /// How long the provider may take to answer; ten seconds where it is absent.
    pub network_timeout: Option<Millis>,
}

impl Options {
    /// Options with the scope `openid`, and no resource yet.
    #[must_use]
    pub fn new(issuer: &str, client_id: &str, redirect_uri: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            scope: vec!["openid".to_owned()],
            resources: Vec::new(),
            resource: Vec::new(),
            keys: Vec::new(),
            endpoints: None,
            extra_params: Vec::new(),
            push_authorization_requests: false,
            token_type: TokenType::Bearer,
            logout: Logout::default(),
            allow_password_grant: false,
            allow_token_export: false,
            restore: Restore::Redirect,
            persistence: Persistence::Memory,
            refresh_cookie: None,
            network_timeout: None,
        }
    }

    /// The text that the vault reads, members in the order of their names, so that equal options have
    /// equal texts. Paths become URLs of `origin`, the same on every page.
    #[must_use]
    pub fn to_json(&self, origin: &str, urls: &dyn ParseUrl) -> String {
        let whole = |address: &str| match urls.parse(address, None) {
            // As it is, since providers compare addresses character by character.
            Some(_) => address.to_owned(),
            // What is no address stays too: the vault complains of it.
            None => {
                urls.parse(address, Some(origin)).map_or_else(|| address.to_owned(), |u| u.href)
            }
        };
        let mut json = Writer::default();
        json.optional("allowPasswordGrant", self.allow_password_grant.then_some("deprecated"));
        json.flag("allowTokenExport", self.allow_token_export);
        self.keys(&mut json, "apiKeys", "apiKey:", &whole);
        json.text("clientId", &self.client_id);
        json.flag("dpop", self.token_type == TokenType::Dpop);
        if let Some(endpoints) = &self.endpoints {
            let mut to = Writer::default();
            to.text("authorization", &endpoints.authorization);
            to.optional("endSession", endpoints.end_session.as_deref());
            if let Some(names) = &endpoints.id_token_signing_alg_values_supported {
                to.texts("idTokenSigningAlgValuesSupported", names);
            }
            to.optional("jwks", endpoints.jwks.as_deref());
            let par = endpoints.pushed_authorization_request.as_deref();
            to.optional("pushedAuthorizationRequest", par);
            to.optional("revocation", endpoints.revocation.as_deref());
            to.text("token", &endpoints.token);
            to.optional("userinfo", endpoints.userinfo.as_deref());
            json.raw("endpoints", &to.finish());
        }
        let mut params: Vec<_> = self.extra_params.iter().collect();
        params.sort();
        json.object("extraParams", &|to| {
            for (name, value) in &params {
                to.text(name, value);
            }
        });
        json.text("issuer", &self.issuer);
        json.object("logout", &|to| {
            to.flag("endSession", self.logout.end_session);
            to.optional("idTokenHint", self.logout.id_token_hint.then_some("expose"));
            let address = self.logout.post_logout_redirect_uri.as_deref().map(whole);
            to.optional("postLogoutRedirectUri", address.as_deref());
        });
        json.optional("persistence", self.persistence.as_str());
        json.flag("pushAuthorizationRequests", self.push_authorization_requests);
        json.text("redirectUri", &whole(&self.redirect_uri));
        if let Some(cookie) = &self.refresh_cookie {
            json.object("refreshCookie", &|to| {
                to.text("header", &cookie.header);
                to.text("revocation", &cookie.revocation);
                to.text("token", &cookie.token);
            });
        }
        if !self.resource.is_empty() {
            json.texts("resource", &self.resource);
        }
        let resources: Vec<_> = self.resources.iter().map(resource).collect();
        json.raw("resources", &["[", &resources.join(","), "]"].concat());
        let restore = match self.restore {
            Restore::Redirect => "redirect",
            Restore::Frame => "frame",
            Restore::None => "none",
        };
        json.text("restore", restore);
        json.texts("scope", &self.scope);
        self.keys(&mut json, "signatures", "signature:", &whole);
        if let Some(timeout) = self.network_timeout {
            json.object("timeouts", &|to| to.number("networkMs", i64::try_from(timeout.0).ok()));
        }
        json.finish()
    }

    /// The keys of one kind, where there are some.
    fn keys(&self, json: &mut Writer, member: &str, kind: &str, whole: &dyn Fn(&str) -> String) {
        let of_kind = |key: &'_ Key| Some((key.name.strip_prefix(kind)?.to_owned(), key.clone()));
        let mut keys: Vec<_> = self.keys.iter().filter_map(of_kind).collect();
        keys.sort_by(|(a, _), (b, _)| a.cmp(b));
        if !keys.is_empty() {
            let mut all = Writer::default();
            for (name, one) in &keys {
                all.raw(name, &key(one, whole));
            }
            json.raw(member, &all.finish());
        }
    }
}

impl Resource {
    /// Everything at `origin`, by every method.
    #[must_use]
    pub fn at(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            paths: None,
            methods: None,
            resource: None,
            credential: None,
        }
    }

    /// The same with an access token of its own, by the provider's name for whom it is for (RFC 8707).
    /// Resources of one name share one.
    #[must_use]
    pub fn with_token_for(self, resource: &str) -> Self {
        Self { resource: Some(resource.to_owned()), ..self }
    }
}

fn key(key: &Key, whole: &dyn Fn(&str) -> String) -> String {
    let mut json = Writer::default();
    let endpoint = key.endpoint.as_deref().map(whole);
    match &key.usage {
        Usage::ApiKey { header, prefix } => {
            json.optional("endpoint", endpoint.as_deref());
            json.text("header", header);
            json.text("prefix", prefix);
        }
        Usage::Signature(profile) => {
            let components: Vec<_> = profile.components.iter().map(Component::to_text).collect();
            json.texts("components", &components);
            json.optional("endpoint", endpoint.as_deref());
            json.number("expiresInS", Some(profile.expires_in_s.into()));
            json.text("keyId", &profile.key_id);
            json.text("label", &profile.label);
            json.optional("responses", profile.answers.as_str());
            json.optional("tag", profile.tag.as_deref());
        }
    }
    json.finish()
}

fn resource(resource: &Resource) -> String {
    let mut json = Writer::default();
    json.optional("credential", resource.credential.as_deref());
    if let Some(methods) = &resource.methods {
        json.texts("methods", methods);
    }
    json.text("origin", &resource.origin);
    if let Some(paths) = &resource.paths {
        json.texts("paths", paths);
    }
    json.optional("resource", resource.resource.as_deref());
    json.finish()
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::{
        config::{Config, credential::Answers},
        error::Code,
        url::oracle::Oracle,
    };

    const ORIGIN: &str = "https://app.example.com";

    fn usual() -> Options {
        let mut options = Options::new("https://id.example.com", "spa", "/callback");
        options.resources.push(Resource::at("https://api.example.com"));
        options
    }

    fn read(options: &Options) -> Result<Config, Code> {
        let text = options.to_json(ORIGIN, &Oracle);
        Config::check(&text, "https://app.example.com/deep/page", &Oracle).map_err(|e| e.code)
    }

    #[test]
    fn keys_are_read_as_they_were_given() {
        let mut options = usual();
        let signature = Key::signature("b", "k1").with_answers(Answers::Bound);
        let api_key = Key { endpoint: Some("/key".into()), ..Key::api_key("a", "X-API-Key") };
        options.keys = vec![signature.clone(), Key::api_key("B", "apikey"), api_key];
        options.resources[0].credential = Some("signature:b".into());
        let config = read(&options).unwrap();
        let names: Vec<_> = config.keys.iter().map(|key| &*key.name).collect();
        assert_eq!(names, ["apiKey:B", "apiKey:a", "signature:b"]);
        let endpoint = config.keys[1].endpoint.as_deref();
        assert_eq!(endpoint, Some("https://app.example.com/key"));
        assert_eq!(config.keys[2], signature);
        assert_eq!(config.resources[0].credential.as_deref(), Some("signature:b"));
    }

    #[test]
    fn few_options_are_enough() {
        let config = read(&usual()).unwrap();
        assert_eq!(config.redirect_uri, "https://app.example.com/callback");
        assert_eq!(
            (config.scope, config.network_timeout),
            (vec!["openid".to_owned()], Millis(10_000))
        );
    }

    #[test]
    fn the_vault_reads_every_option() {
        let mut options = usual();
        let text = |text: &str| Some(text.to_owned());
        options.scope.push("email".to_owned());
        options.resources[0].paths = Some(vec!["/v1".to_owned()]);
        options.resources[0].methods = Some(vec!["GET".to_owned()]);
        options.endpoints = Some(Endpoints {
            authorization: "https://id.example.com/auth".to_owned(),
            token: "https://id.example.com/token".to_owned(),
            revocation: text("https://id.example.com/revoke"),
            end_session: text("https://id.example.com/end"),
            jwks: text("https://id.example.com/jwks"),
            userinfo: text("https://id.example.com/me"),
            pushed_authorization_request: text("https://id.example.com/par"),
            id_token_signing_alg_values_supported: Some(vec!["ES256".to_owned()]),
        });
        options.resource = vec!["https://api.example.com/v1".to_owned()];
        let second = Resource::at("https://orders.example.com").with_token_for("urn:orders");
        options.resources.push(second);
        options.extra_params =
            vec![("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())];
        options.logout = Logout {
            post_logout_redirect_uri: text("/bye"),
            end_session: false,
            id_token_hint: true,
        };
        options.allow_token_export = true;
        options.allow_password_grant = true;
        options.push_authorization_requests = true;
        options.token_type = TokenType::Dpop;
        options.restore = Restore::None;
        options.persistence = Persistence::Sealed;
        options.network_timeout = Some(Millis(5000));
        let mut behind_cookie = usual();
        behind_cookie.refresh_cookie = Some(RefreshCookie {
            token: "https://app.example.com/token".to_owned(),
            revocation: "https://app.example.com/revoke".to_owned(),
            header: "X-CSRF".to_owned(),
        });
        assert_eq!(read(&behind_cookie).unwrap().refresh_cookie, behind_cookie.refresh_cookie);
        let config = read(&options).unwrap();
        assert_eq!(config.issuer, options.issuer);
        assert_eq!(config.client_id, options.client_id);
        assert_eq!(config.scope, options.scope);
        assert_eq!(config.resources, options.resources);
        assert_eq!(config.resource, options.resource);
        assert_eq!(config.endpoints, options.endpoints);
        assert_eq!(config.extra_params.len(), 2);
        let after = config.logout.post_logout_redirect_uri.as_deref();
        assert_eq!(
            (after, config.logout.end_session),
            (Some("https://app.example.com/bye"), false)
        );
        assert!(config.logout.id_token_hint && config.allow_password_grant);
        assert!(
            config.is_bound() && config.allow_token_export && config.push_authorization_requests
        );
        assert_eq!(config.restore, Restore::None);
        assert_eq!(config.persistence, Persistence::Sealed);
        assert_eq!(config.network_timeout, Millis(5000));
    }

    #[test]
    fn equal_options_have_equal_texts_with_their_members_in_order() {
        let (mut one, mut other) = (usual(), usual());
        let [token, revocation, header] = ["t", "r", "h"].map(str::to_owned);
        one.refresh_cookie = Some(RefreshCookie { token, revocation, header });
        other.refresh_cookie.clone_from(&one.refresh_cookie);
        one.extra_params = vec![("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())];
        other.extra_params =
            vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        let text = one.to_json(ORIGIN, &Oracle);
        assert_eq!(text, other.to_json(ORIGIN, &Oracle));
        // As the package writes them: sorted, at every depth.
        let sorted: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&text).unwrap();
        assert_eq!(text, serde_json::to_string(&sorted).unwrap());
    }

    #[test]
    fn what_is_wrong_is_told_by_the_vaults_own_rules() {
        let mut options = usual();
        options.redirect_uri = "https://other.example/callback".to_owned();
        assert_eq!(read(&options).err(), Some(Code::ConfigInvalid));
        options = usual();
        options.extra_params = vec![("state".to_owned(), "x".to_owned())];
        assert_eq!(read(&options).err(), Some(Code::ConfigInvalid));
    }
}
