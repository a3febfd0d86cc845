//! The wire protocol between a page and the vault: plain objects over one `MessagePort`. Reading is
//! strict, since any script of the page can post: an unknown type, an unknown field or a wrong kind
//! of value is an error and changes nothing. This file knows shapes, not meanings.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    error::{AuthError, Code, Phase},
    oauth::authorize::Asked,
};

#[cfg(all(test, not(target_arch = "wasm32")))]
use ts_rs::TS;

/// The version of this protocol. Page and vault must agree on it.
pub const WIRE: u32 = 1;

/// A name for one page's question or request; unique within its port.
pub type Id = u32;

/// Limits on what a page may send.
pub mod limits {
    /// The configuration's text, in bytes.
    pub const CONFIG: usize = 64 * 1024;
    /// A URL, in bytes.
    pub const URL: usize = 64 * 1024;
    /// Header fields of one request.
    pub const HEADERS: usize = 256;
    /// Names and values of all header fields of one request, in bytes.
    pub const HEADER_BYTES: usize = 64 * 1024;
    /// The name of a lock.
    pub const LOCK: usize = 256;
}

macro_rules! to_vault {
    ($( $(#[doc = $doc:literal])+ $variant:ident($body:ty) = $tag:literal, )+) => {
        /// A message from a page.
        #[derive(Debug)]
        #[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS), ts(tag = "type"))]
        pub enum ToVault {
            $(
                $(#[doc = $doc])+
                #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(rename = $tag))]
                $variant($body),
            )+
        }

        impl ToVault {
            /// Every `type` of a message, as it stands on the wire.
            pub const TYPES: &[&str] = &[$($tag),+];

            /// Reads the body of a message of the given `type`; `body` has neither that member nor
            /// a request's bytes.
            pub fn read<'de, D: Deserializer<'de>>(tag: &str, body: D) -> Result<Self, AuthError> {
                let read = match tag {
                    $( $tag => <$body>::deserialize(body).map(Self::$variant), )+
                    _ => return Err(invalid("a message's `type` is unknown to this vault")),
                };
                read.map_err(|_| invalid("a message's fields are not those of its `type`"))?.checked()
            }
        }
    };
}

to_vault! {
    /// The first message of a port: who is there, and with which configuration.
    Hello(Hello) = "hello",
    /// Prepare a sign-in; answered by `navigate` or `failed`.
    SignIn(SignIn) = "signIn",
    /// The page is at its redirect URI; answered by `concluded` or `failed`.
    Callback(Callback) = "callback",
    /// An authorised request; answered by `response`, `failed` or `networkFailed`.
    Fetch(Fetch) = "fetch",
    /// The request is no longer wanted; not answered.
    Abort(Numbered) = "abort",
    /// Sign out; answered by `signedOut`.
    SignOut(SignOut) = "signOut",
    /// Hand out the access token; answered by `accessToken` or `failed`.
    ExportAccessToken(Numbered) = "exportAccessToken",
    /// The page became active, so clocks should be judged again.
    Woke(Empty) = "woke",
    /// The device is online again.
    Online(Empty) = "online",
    /// The device is offline.
    Offline(Empty) = "offline",
    /// Is the vault there? Answered by `pong`.
    Ping(Empty) = "ping",
    /// The page is there.
    Pong(Empty) = "pong",
    /// The page closes its client; the session stays.
    Close(Empty) = "close",
}

/// The first message of a port.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS))]
pub struct Hello {
    /// The protocol's version: [`WIRE`].
    pub wire: u32,
    /// The configuration, as JSON text; its SHA-256 is the last part of the vault's name.
    pub config: String,
    /// The page's URL without query and fragment: the base of relative URLs.
    pub page: String,
    /// The Web Lock that the page holds while it lives.
    pub lock: String,
}

/// A sign-in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS), ts(optional_fields))]
pub struct SignIn {
    /// Names the answer.
    pub id: Id,
    /// Where the application wants to be afterwards.
    pub return_to: Option<String>,
    /// What the authorization request asks for besides.
    pub asked: Option<Asked>,
}

/// A page at its redirect URI.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS))]
pub struct Callback {
    /// Names the answer.
    pub id: Id,
    /// The page's whole URL, as it was before it was cleaned.
    pub url: String,
}

/// An authorised request. Its bytes, where it has any, travel beside these fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS), ts(optional_fields))]
pub struct Fetch {
    /// Names the answer.
    pub id: Id,
    /// The canonical URL.
    pub url: String,
    /// The method, as the browser normalised it.
    pub method: String,
    /// The header fields, in order.
    pub headers: Vec<(String, String)>,
    /// `RequestInit.credentials`.
    pub credentials: Option<String>,
    /// `RequestInit.cache`.
    pub cache: Option<String>,
    /// `RequestInit.redirect`.
    pub redirect: Option<String>,
    /// `RequestInit.referrerPolicy`.
    pub referrer_policy: Option<String>,
    /// `RequestInit.integrity`.
    pub integrity: Option<String>,
    /// `RequestInit.keepalive`.
    pub keepalive: Option<bool>,
}

/// A sign-out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS), ts(optional_fields))]
pub struct SignOut {
    /// Names the answer.
    pub id: Id,
    /// Leave the provider's own session alone.
    pub local: Option<bool>,
}

/// A message that says only which question or request it is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS))]
pub struct Numbered {
    /// Which.
    pub id: Id,
}

/// A message without fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS))]
pub struct Empty {}

impl ToVault {
    fn checked(self) -> Result<Self, AuthError> {
        let fits = match &self {
            Self::Hello(hello) => {
                hello.config.len() <= limits::CONFIG
                    && hello.page.len() <= limits::URL
                    && hello.lock.len() <= limits::LOCK
            }
            Self::Callback(callback) => callback.url.len() <= limits::URL,
            Self::SignIn(sign_in) => {
                sign_in.return_to.as_ref().is_none_or(|url| url.len() <= limits::URL)
            }
            Self::Fetch(fetch) => {
                let bytes: usize = fetch.headers.iter().map(|(n, v)| n.len() + v.len()).sum();
                fetch.url.len() <= limits::URL
                    && fetch.headers.len() <= limits::HEADERS
                    && bytes <= limits::HEADER_BYTES
            }
            _ => true,
        };
        if fits { Ok(self) } else { Err(invalid("a message is larger than the vault takes")) }
    }
}

fn invalid(message: &'static str) -> AuthError {
    AuthError::new(Code::MessageInvalid, Phase::Vault, message)
}

/// A message to a page. A response's body travels beside it, as a transferred stream.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS))]
pub enum FromVault {
    /// The hello was accepted.
    Welcome {
        /// The protocol's version.
        wire: u32,
        /// The vault's build.
        build: String,
        /// The Web Lock that the vault holds while it lives.
        lock: String,
        /// The session's state, as JSON text.
        state: String,
    },
    /// The hello was refused; the port is of no further use.
    Refused {
        /// Why.
        error: AuthError,
    },
    /// The session's state changed.
    State {
        /// As JSON text.
        state: String,
    },
    /// Is the page there? Answered by `pong`.
    Ping,
    /// The vault is there.
    Pong,
    /// Go to this address to sign in.
    Navigate {
        /// The question.
        id: Id,
        /// The authorization request.
        url: String,
    },
    /// The callback was accepted.
    Concluded {
        /// The question.
        id: Id,
        /// Where the application wanted to be: path, query and fragment of its own origin.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
        return_to: Option<String>,
    },
    /// Nobody is signed in any more.
    SignedOut {
        /// The question.
        id: Id,
        /// Where to go so that the provider ends its session too.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
        url: Option<String>,
    },
    /// A resource's answer.
    Response {
        /// The request.
        id: Id,
        /// The HTTP status.
        status: u16,
        /// Its reason phrase.
        status_text: String,
        /// The header fields that the browser shows.
        headers: Vec<(String, String)>,
        /// The URL that answered.
        url: String,
        /// Whether that is another one than was asked.
        redirected: bool,
    },
    /// The question or the request failed by a decision of the vault.
    Failed {
        /// Which.
        id: Id,
        /// Why.
        error: AuthError,
    },
    /// The request failed as the browser's own would: no connection, no CORS.
    NetworkFailed {
        /// The request.
        id: Id,
        /// The browser's words.
        message: String,
    },
    /// The access token, where the configuration allows it to be handed out.
    AccessToken {
        /// The question.
        id: Id,
        /// The token.
        token: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(tag: &str, body: &Value) -> Result<ToVault, AuthError> {
        ToVault::read(tag, body)
    }

    #[test]
    fn reads_what_the_page_sends() {
        let hello = json!({"wire": 1, "config": "{}", "page": "https://app.example", "lock": "l"});
        assert!(matches!(read("hello", &hello), Ok(ToVault::Hello(h)) if h.wire == 1));
        let fetch = json!({"id": 7, "url": "https://a/", "method": "GET", "headers": [["a", "b"]]});
        assert!(matches!(read("fetch", &fetch), Ok(ToVault::Fetch(f)) if f.headers.len() == 1));
        assert!(matches!(read("woke", &json!({})), Ok(ToVault::Woke(_))));
    }

    #[test]
    fn unknown_types_and_fields_are_refused_t33() {
        for (tag, body) in [
            ("helo", json!({})),
            ("", json!({})),
            ("woke", json!({"reason": "focus"})),
            ("abort", json!({})),
            ("abort", json!({"id": -1})),
            ("abort", json!({"id": 1.5})),
            ("abort", json!({"id": "1"})),
            ("abort", json!({"id": 1, "to": "https://evil.example"})),
            ("fetch", json!({"id": 1, "url": "https://a/", "method": "GET"})),
            ("hello", json!({"wire": 1, "config": {}, "page": "p", "lock": "l"})),
            ("signOut", json!([])),
        ] {
            let error = read(tag, &body).err();
            assert_eq!(error.map(|e| e.code), Some(Code::MessageInvalid), "{tag} {body}");
        }
    }

    #[test]
    fn oversized_messages_are_refused_t26() {
        let url = "x".repeat(limits::URL + 1);
        assert!(read("callback", &json!({"id": 1, "url": url})).is_err());
        let many: Vec<_> = (0..=limits::HEADERS).map(|n| (format!("h{n}"), "v")).collect();
        let fetch = json!({"id": 1, "url": "https://a/", "method": "GET", "headers": many});
        assert!(read("fetch", &fetch).is_err());
    }
}
