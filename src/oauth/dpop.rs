//! Demonstrating proof of possession (RFC 9449): what a proof says, the nonces that servers want in it,
//! and whether another proof may do better. It holds no private key and signs nothing.

use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::{
    clock::{Now, ServerOffset},
    error::{AuthError, Code, Phase},
    json::{Members, Writer},
    oauth::{
        http_date::http_date,
        token::{self, HttpAnswer},
    },
    secret::Secret,
    url::ParsedUrl,
};

/// The header field with a proof (RFC 9449, 4.1).
pub const FIELD: &str = "dpop";

/// What a server says that wants a nonce (RFC 9449, 8 and 9).
pub const USE_NONCE: &str = "use_dpop_nonce";

/// The longest nonce that is kept, in bytes.
const NONCE_LIMIT: usize = 4096;
/// The most servers whose nonces are kept.
const MOST_SERVERS: usize = 64;
/// How far a server's clock may be from what is known of it before a refused proof is dated anew, in
/// milliseconds.
const DRIFT_MS: u64 = 5_000;

/// The public half of a key for ES256: a point on P-256, its coordinates in base64url. There is no
/// member for anything private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    x: String,
    y: String,
}

impl PublicKey {
    /// The key of an uncompressed point, as `WebCrypto` exports it (`raw`; SEC 1, 2.3.3).
    #[must_use]
    pub fn from_point(point: &[u8]) -> Option<Self> {
        let [4, coordinates @ ..] = point else { return None };
        let (x, y) = coordinates.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
        Some(Self {
            x: Base64UrlUnpadded::encode_string(x),
            y: Base64UrlUnpadded::encode_string(y),
        })
    }

    /// The key as JSON, in the one form whose hash is the thumbprint (RFC 7638, 3.2 and 3.3).
    fn jwk(&self) -> String {
        let mut jwk = Writer::default();
        for (name, value) in [("crv", "P-256"), ("kty", "EC"), ("x", &self.x), ("y", &self.y)] {
            jwk.text(name, value);
        }
        jwk.finish()
    }

    /// `jkt`, the SHA-256 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        hash(&self.jwk())
    }
}

/// Whom a proof is for. A provider that is a resource too, as for `UserInfo`, has two nonces (9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Its token endpoint, and that for pushed requests.
    Provider,
    /// Whoever takes access tokens.
    Resource,
}

/// What is proven: this request, with the access token where one goes along.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    /// Whom it is for.
    pub server: Server,
    /// The method, as it is sent.
    pub method: &'a str,
    /// The URL that is fetched.
    pub url: &'a ParsedUrl,
    /// The access token that goes along; none to the provider's own endpoints.
    pub access_token: Option<&'a Secret>,
}

/// What an answer told of a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// None that can be read here: there is no `DPoP-Nonce`, CORS hides it, or it is none. More than one
    /// are joined with a space between them, which no nonce has (RFC 9449, 8.1).
    Nothing,
    /// The one that the proof had.
    Same,
    /// Another: a proof with it may be believed.
    New,
}

/// One attempt at a request to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The nonce for its proof.
    pub nonce: Option<String>,
    is_first: bool,
}

/// What is known of those who read proofs: their latest nonces, and the provider's clock.
#[derive(Debug, Default)]
pub struct Proofs {
    nonces: Vec<(Server, String, String)>,
    /// The provider's clock, as last seen.
    pub offset: ServerOffset,
    /// Whether the provider has refused a proof for its nonce.
    pub wants_nonce: bool,
}

impl Proofs {
    /// The nonce that a server wants by now.
    #[must_use]
    pub fn nonce(&self, server: Server, origin: &str) -> Option<String> {
        self.at(server, origin).and_then(|at| self.nonces.get(at)).map(|(.., nonce)| nonce.clone())
    }

    /// What is to be signed: header and payload of a proof (RFC 9449, 4.2). `entropy` is fresh from the
    /// platform's generator for each proof, also of a second try.
    #[must_use]
    pub fn signing_input(
        &self,
        proven: &Proven<'_>,
        nonce: Option<&str>,
        key: &PublicKey,
        entropy: &[u8; 16],
        now: Now,
    ) -> String {
        let mut header = Writer::default();
        header.text("typ", "dpop+jwt");
        header.text("alg", "ES256");
        header.raw("jwk", &key.jwk());
        let mut payload = Writer::default();
        payload.text("jti", &Base64UrlUnpadded::encode_string(entropy));
        payload.text("htm", proven.method);
        payload.text("htu", &[proven.url.origin.as_str(), &proven.url.pathname].concat());
        payload.number("iat", Some(self.offset.server_time(now).0.div_euclid(1000)));
        // exposed: to be hashed.
        payload.optional("ath", proven.access_token.map(|token| hash(token.expose())).as_deref());
        payload.optional("nonce", nonce);
        let part = |json: String| Base64UrlUnpadded::encode_string(json.as_bytes());
        [part(header.finish()), part(payload.finish())].join(".")
    }

    /// Takes in what an answer of any status told in `DPoP-Nonce`, the proof having had the nonce `sent`.
    pub fn heard(
        &mut self,
        server: Server,
        origin: &str,
        told: Option<&str>,
        sent: Option<&str>,
    ) -> Told {
        let Some(told) = told.filter(|nonce| is_nonce(nonce)) else { return Told::Nothing };
        if let Some(at) = self.at(server, origin) {
            self.nonces.remove(at);
        } else if self.nonces.len() >= MOST_SERVERS {
            self.nonces.remove(0);
        }
        self.nonces.push((server, origin.to_owned(), told.to_owned()));
        if sent == Some(told) { Told::Same } else { Told::New }
    }

    /// The first attempt at a request to the provider.
    #[must_use]
    pub fn attempt(&self, origin: &str) -> Attempt {
        Attempt { nonce: self.nonce(Server::Provider, origin), is_first: true }
    }

    /// The attempt that follows this answer, where another proof may do better: with the nonce that the
    /// provider wants (RFC 9449, 8), or dated by its own clock. There is no third. A refused proof is no
    /// use of a code or of a refresh token, so neither is lost.
    pub fn again(
        &mut self,
        attempt: &Attempt,
        origin: &str,
        answer: &HttpAnswer,
        now: Now,
    ) -> Option<Attempt> {
        let sent = attempt.nonce.as_deref();
        let told = self.heard(Server::Provider, origin, answer.dpop_nonce.as_deref(), sent);
        let refusal = token::refusal(answer, Phase::SignIn, now.wall)?;
        let may_help = match refusal.error.oauth_error.as_deref()? {
            USE_NONCE => {
                self.wants_nonce = true;
                told == Told::New
            }
            "invalid_dpop_proof" => self.learn(answer, now) || told == Told::New,
            _ => false,
        };
        (attempt.is_first && may_help).then(|| Attempt { is_first: false, ..self.attempt(origin) })
    }

    /// Learns the provider's clock from an answer's `Date`; says whether that was news.
    fn learn(&mut self, answer: &HttpAnswer, now: Now) -> bool {
        let Some(date) = answer.date.as_deref().and_then(http_date) else { return false };
        let seen = ServerOffset::seen(date, now);
        let is_news = seen.0.abs_diff(self.offset.0) > DRIFT_MS;
        self.offset = seen;
        is_news
    }

    fn at(&self, server: Server, origin: &str) -> Option<usize> {
        self.nonces.iter().position(|(of, at, _)| *of == server && at == origin)
    }
}

/// The proof: what was signed, and the signature.
#[must_use]
pub fn compact(signing_input: &str, signature: &[u8]) -> String {
    [signing_input, &Base64UrlUnpadded::encode_string(signature)].join(".")
}

/// Whether a server that answered with this error wants a nonce, and `told` is none that can be read.
#[must_use]
pub fn wants_unreadable_nonce(error: &str, told: Option<&str>) -> bool {
    error == USE_NONCE && !told.is_some_and(is_nonce)
}

/// The server wants a nonce that cannot be read.
#[must_use]
pub fn nonce_unreadable(phase: Phase) -> AuthError {
    AuthError::new(
        Code::DpopNonceUnreadable,
        phase,
        "the server wants a nonce in DPoP proofs, and its answer has none that can be read here: have it \
         send one `DPoP-Nonce`, and list that in `Access-Control-Expose-Headers`",
    )
}

/// The browser has no key to sign proofs with.
#[must_use]
pub fn key_unavailable() -> AuthError {
    AuthError::new(
        Code::InsecureContext,
        Phase::SignIn,
        "the browser makes no key for DPoP (ES256): serve the page over https",
    )
}

/// The characters of a nonce (RFC 9449, 8.1).
fn is_nonce(text: &str) -> bool {
    let is_character = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    (1..=NONCE_LIMIT).contains(&text.len()) && text.bytes().all(is_character)
}

/// SHA-256, in base64url.
fn hash(text: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(text))
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
