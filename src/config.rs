//! The configuration: options in, one checked [`Config`] and its fingerprint out, all problems at
//! once. It must not know what the options are used for.

use sha2::{Digest, Sha256};

use crate::{
    clock::Millis,
    error::{AuthError, Code, Phase},
    json,
    url::ParseUrl,
};

pub mod credential;
mod keys;
mod options;
mod read;
mod reader;
mod scalars;

#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) use options::MEMBERS;
pub use options::{Kind, OPTIONS, OptionSpec};
pub use read::NETWORK_MS;
pub use scalars::extra_param_problem;

/// The longest configuration that is read, in bytes.
const LIMIT: usize = 64 * 1024;

/// The number of the default audience: the one whose access token comes with a sign-in.
pub const DEFAULT_AUDIENCE: usize = 0;

/// What defines a session: checked, with defaults in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The issuer, exactly as given: it is compared byte by byte.
    pub issuer: String,
    /// The client's name at the provider.
    pub client_id: String,
    /// Where the provider sends people back to: absolute, of the page's origin, and from then on the
    /// same bytes in every request (RFC 9700, 2.1).
    pub redirect_uri: String,
    /// The same for hidden frames; `None` where they are not used.
    pub silent_redirect_uri: Option<String>,
    /// The scopes asked for; none is allowed.
    pub scope: Vec<String>,
    /// Where access tokens may go. Everything else is denied.
    pub resources: Vec<Resource>,
    /// Whom the default access token is for, by the provider's names (RFC 8707); its default where empty.
    pub resource: Vec<String>,
    /// Every audience that has an access token of its own, by its resource indicator. The first one is the
    /// default token's, without a name where it has none or several.
    pub audiences: Vec<String>,
    /// The API keys and signatures that resources take in place of an access token.
    pub keys: Vec<credential::Key>,
    /// The provider's endpoints, where they are not to be discovered.
    pub endpoints: Option<Endpoints>,
    /// Further parameters of the authorization request.
    pub extra_params: Vec<(String, String)>,
    /// Whether authorization requests are pushed to the provider (RFC 9126), also where it does not
    /// require that.
    pub push_authorization_requests: bool,
    /// What access tokens are, and so how they are sent.
    pub token_type: TokenType,
    /// What a sign-out does.
    pub logout: Logout,
    /// What becomes of a session whose vault is gone.
    pub restore: Restore,
    /// Where the refresh token is.
    pub persistence: Persistence,
    /// The backend that keeps the refresh token behind a cookie, where it is not the vault's to keep.
    pub refresh_cookie: Option<RefreshCookie>,
    /// Whether people may sign in by giving their password to the page (`"deprecated"`).
    pub allow_password_grant: bool,
    /// Whether `exportAccessToken` is allowed.
    pub allow_token_export: bool,
    /// How long the provider may take to answer.
    pub network_timeout: Millis,
    /// The origin of the pages that say hello.
    pub page_origin: String,
    /// The origins of the application, where the vault has one of its own; else none, and the application is
    /// at [`Config::page_origin`].
    pub app_origins: Vec<String>,
    /// The fingerprint of the text that this was read from.
    pub fingerprint: String,
}

/// A place that a credential may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its origin, as the browser writes it: `https://api.example.com`.
    pub origin: String,
    /// The paths below which requests may go, by whole segments; `None` for every path.
    pub paths: Option<Vec<String>>,
    /// The methods that may be used; `None` for every method.
    pub methods: Option<Vec<String>>,
    /// Whom the access token is for that goes there, by the provider's name (RFC 8707); the default one
    /// goes there where absent.
    pub resource: Option<String>,
    /// The name of the key that goes there, among [`Config::keys`]; the access token where absent.
    pub credential: Option<String>,
}

/// A provider's endpoints, given instead of being discovered; absolute URLs in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The authorization endpoint.
    pub authorization: String,
    /// The token endpoint.
    pub token: String,
    /// The revocation endpoint.
    pub revocation: Option<String>,
    /// The end-session endpoint.
    pub end_session: Option<String>,
    /// The provider's keys; required with the scope `openid`.
    pub jwks: Option<String>,
    /// The `UserInfo` endpoint.
    pub userinfo: Option<String>,
    /// The endpoint for pushed authorization requests.
    pub pushed_authorization_request: Option<String>,
    /// What the provider may sign ID tokens with; RS256 where it is absent.
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
}

/// What a sign-out does; by default the provider's own session ends too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logout {
    /// Where the provider sends people back to; absolute, as registered there.
    pub post_logout_redirect_uri: Option<String>,
    /// Whether the provider's own session is ended too.
    pub end_session: bool,
    /// Whether the ID token may pass through the page, in the end-session URL (`idTokenHint: "expose"`).
    pub id_token_hint: bool,
}

impl Default for Logout {
    fn default() -> Self {
        Self { post_logout_redirect_uri: None, end_session: true, id_token_hint: false }
    }
}

/// What access tokens are (RFC 6749, 7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenType {
    /// Whoever has one may use it (RFC 6750).
    #[default]
    Bearer,
    /// Bound to a key of the vault's (RFC 9449).
    Dpop,
}

/// What becomes of a session whose vault is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restore {
    /// A page goes to the provider with `prompt=none` and comes back signed in, or not.
    #[default]
    Redirect,
    /// A page asks the provider the same in a hidden frame first, and leaves where that comes to nothing. Only
    /// where the configuration is written into the vault: else a script could have a vault of its own
    /// signed in so, for a configuration of its own, and nobody would see it.
    Frame,
    /// Nothing: nobody is signed in.
    None,
}

/// Where the refresh token is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    /// In the vault alone.
    #[default]
    Memory,
    /// Also in IndexedDB, under a key that cannot be exported; it is bound to another such key (DPoP).
    Sealed,
    /// The same, not bound: a script that opens the record once may use it anywhere.
    SealedUnbound,
}

/// A backend of the application's that takes token requests in the provider's place, and keeps the refresh token
/// behind a cookie that no script reads (RFC 10017, 6.2). Only where the configuration is written into the
/// vault: any script of an origin that it serves could else have a vault of its own ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshCookie {
    /// Where codes are exchanged and tokens are renewed; an absolute URL in canonical form.
    pub token: String,
    /// Where a sign-out is told, so that the cookie goes.
    pub revocation: String,
    /// The header that says so of every such request: no form and no page of another origin can send it
    /// without the backend's leave.
    pub header: String,
}

impl Persistence {
    /// The option's word; `None` for its default.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Memory => None,
            Self::Sealed => Some("sealed"),
            Self::SealedUnbound => Some("sealed-unbound"),
        }
    }
}

impl Config {
    /// Whether tokens are bound to a key of the vault's.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.token_type == TokenType::Dpop
    }

    /// The configuration in `text`, the JSON that a page sent. Relative URLs are of `page_url`.
    ///
    /// `config_invalid` with every problem, one a line.
    pub fn check(text: &str, page_url: &str, urls: &dyn ParseUrl) -> Result<Self, AuthError> {
        let options = json::read(text.as_bytes(), LIMIT)
            .map_err(|error| invalid(&[["the text ", error.as_str()].concat()]))?;
        let page = urls.parse(page_url, None);
        let page = page.ok_or_else(|| invalid(&["the page's own address is no URL".to_owned()]))?;
        let config = read::config(&options, &page, urls).map_err(|problems| invalid(&problems))?;
        Ok(Self { fingerprint: fingerprint(text), ..config })
    }

    /// The same for a vault that has `baked`, the text of the one configuration that it serves: whatever else a
    /// page asks for is `config_invalid`. Without it nobody may name origins of an application, or have sessions
    /// restored in a frame or by a cookie.
    pub fn admit(
        text: &str,
        baked: Option<&str>,
        page_url: &str,
        urls: &dyn ParseUrl,
    ) -> Result<Self, AuthError> {
        let wanted = Self::check(text, page_url, urls)?;
        // The same, however it is written.
        let as_wanted = |baked| Self { fingerprint: wanted.fingerprint.clone(), ..baked };
        let baked = baked.map(|baked| Self::check(baked, page_url, urls).map(as_wanted));
        let problem = match baked {
            Some(Ok(baked)) if baked == wanted => None,
            Some(Ok(_)) => Some(
                "they are not those that `npx tokenward init --config` wrote into this vault: give \
                 `createClient` the same, or run it again",
            ),
            Some(Err(_)) => {
                Some("those in this vault are wrong: run `npx tokenward init --config` again")
            }
            None if !wanted.app_origins.is_empty() => {
                Some("`appOrigins` is for `npx tokenward init --config` alone")
            }
            None if wanted.restore == Restore::Frame => Some(
                "`restore` is \"frame\" for `npx tokenward init --config` alone: write them into the vault with \
                 it, or take \"redirect\"",
            ),
            None if wanted.refresh_cookie.is_some() => Some(
                "`refreshCookie` is for `npx tokenward init --config` alone: write them into the vault with it",
            ),
            None => None,
        };
        problem.map_or(Ok(wanted), |problem| Err(invalid(&[problem.to_owned()])))
    }

    /// The number of the audience that this indicator names, the default one's where there is none. `None`
    /// where the configuration has no such audience.
    #[must_use]
    pub fn audience(&self, resource: Option<&str>) -> Option<usize> {
        match resource {
            Some(resource) => self.audiences.iter().position(|other| other == resource),
            None => Some(DEFAULT_AUDIENCE),
        }
    }

    /// Whether the refresh token outlives the vault, under a seal.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.persistence != Persistence::Memory
    }

    /// This client at its issuer: what outlives a vault is stored under this.
    #[must_use]
    pub fn client_at_issuer(&self) -> String {
        [self.issuer.as_str(), " ", self.client_id.as_str()].concat()
    }

    /// Whether OpenID Connect is spoken, so that an ID token comes with a grant.
    #[must_use]
    pub fn is_openid(&self) -> bool {
        self.scope.iter().any(|scope| scope == "openid")
    }
}

/// The indicator of the audience of that number, where it is another than the default one.
#[must_use]
pub fn further_audience(audiences: &[String], number: usize) -> Option<&String> {
    audiences.get(number).filter(|_| number != DEFAULT_AUDIENCE)
}

/// The SHA-256 of a configuration's text, in lower-case hexadecimal: what a vault's name ends in.
#[must_use]
pub fn fingerprint(text: &str) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
    Sha256::digest(text).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn invalid(problems: &[String]) -> AuthError {
    let mut message = "the options are wrong:".to_owned();
    for problem in problems {
        message.push_str("\n- ");
        message.push_str(problem);
    }
    AuthError::new(Code::ConfigInvalid, Phase::Config, message)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
