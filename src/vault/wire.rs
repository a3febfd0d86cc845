//! The wire protocol between a page and the vault: plain objects over one `MessagePort`. Reading is
//! strict, since any script of the page can post: an unknown type, an unknown field or a wrong kind
//! of value is an error and changes nothing. This file knows shapes, not meanings.

use crate::{
    config,
    error::{AuthError, Code, Phase},
    json::{self, Json, JsonError, Object},
    oauth::{authorize::Asked, transaction::Mode},
    url::ParseUrl,
};

#[cfg(all(test, not(target_arch = "wasm32")))]
use ts_rs::TS;

mod from_vault;

pub use from_vault::FromVault;

/// The version of this protocol. Page and vault must agree on it.
pub const WIRE: u32 = 1;

/// A name for one page's question or request; unique within its port.
pub type Id = u32;

/// The members of `RequestInit` that a page may have passed on, with what a credential allows.
pub const REQUEST_OPTIONS: &[&str] =
    &["cache", "credentials", "integrity", "keepalive", "redirect", "referrerPolicy"];

/// Limits on what a page may send.
pub mod limits {
    /// A whole message, a request's body aside, in bytes of JSON.
    pub const MESSAGE: usize = 256 * 1024;
    /// The configuration's text, in bytes.
    pub const CONFIG: usize = 64 * 1024;
    /// A URL, in bytes.
    pub const URL: usize = 64 * 1024;
    /// The name of whoever signs in with a password, in bytes.
    pub const USERNAME: usize = 4096;
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

            fn fields(tag: &str, from: &Object) -> Result<Self, JsonError> {
                match tag {
                    $( $tag => <$body>::read(from).map(Self::$variant), )+
                    _ => Err(JsonError::Unexpected),
                }
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
    Callback(At) = "callback",
    /// The page is at a redirect URI of the vault's own origin, and will leave the callback to a page of the
    /// application: where is that? Answered by `concluded`, with no address where the sign-in is not known.
    WayBack(At) = "wayBack",
    /// A name, and beside it the bytes of a password; answered by `concluded` or `failed`.
    Password(Password) = "password",
    /// Wait until nothing is left to restore; answered by `concluded`, or `navigate` (`channel`: in a frame).
    Restore(Restore) = "restore",
    /// A key, whose bytes travel beside these fields; without them it is forgotten. Answered by `concluded`
    /// or `failed`.
    SetKey(SetKey) = "setKey",
    /// An authorised request; answered by `response`, `failed` or `networkFailed`.
    Fetch(Fetch) = "fetch",
    /// The request is no longer wanted; not answered.
    Abort(Numbered) = "abort",
    /// Sign out; answered by `signedOut`.
    SignOut(SignOut) = "signOut",
    /// Read the way back from a sign-out at the provider; answered by `concluded`.
    AfterSignOut(At) = "afterSignOut",
    /// The provider says that a session ended (Front-Channel Logout); answered by `signedOut` or `failed`.
    FrontChannelLogout(At) = "frontChannelLogout",
    /// Prepare a sign-in that somebody else began; answered by `navigate` or `failed`.
    SignInInitiated(At) = "signInInitiated",
    /// Fetch the provider's claims; answered by `userInfo` or `failed`.
    UserInfo(Numbered) = "userInfo",
    /// Hand out the access token; answered by `accessToken` or `failed`.
    ExportAccessToken(Export) = "exportAccessToken",
    /// What became of the session; answered by `events`.
    Events(Events) = "events",
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

/// A message's fields: each is read by its type, and no other may be there.
macro_rules! message {
    ($(#[doc = $doc:literal])+ $name:ident {
        $( $(#[doc = $field_doc:literal])+ $field:ident: $ty:ty = $wire:literal, )*
    }) => {
        $(#[doc = $doc])+
        #[derive(Debug)]
        #[cfg_attr(all(test, not(target_arch = "wasm32")), derive(TS), ts(optional_fields))]
        pub struct $name {
            $(
                $(#[doc = $field_doc])+
                #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(rename = $wire))]
                pub $field: $ty,
            )*
        }

        impl $name {
            fn read(from: &Object) -> Result<Self, JsonError> {
                let known: &[&str] = &["type", $($wire),*];
                if from.members().any(|(name, _)| !known.contains(&name)) {
                    return Err(JsonError::Unexpected);
                }
                Ok(Self { $( $field: Field::read(from.get($wire))?, )* })
            }
        }
    };
}

message! {
    /// The first message of a port.
    Hello {
        /// The protocol's version: [`WIRE`].
        wire: u32 = "wire",
        /// The configuration, as JSON text; its SHA-256 is the last part of the vault's name.
        config: String = "config",
        /// The page's URL without query and fragment: the base of relative URLs.
        page: String = "page",
        /// The Web Lock that the page holds while it lives.
        lock: String = "lock",
    }
}

impl Hello {
    /// Whether it may speak to the vault of that name, in a realm of that origin: of this protocol, with the
    /// configuration that hashes to the name, from a page of its own origin.
    pub fn check(&self, name: &str, origin: &str, urls: &dyn ParseUrl) -> Result<(), AuthError> {
        if self.wire != WIRE {
            return Err(invalid("page and vault are of different versions: reload the page"));
        }
        let named = name.strip_suffix(config::fingerprint(&self.config).as_str());
        if !named.is_some_and(|rest| rest.ends_with('/')) {
            return Err(invalid("this vault serves another configuration"));
        }
        let page = urls.parse(&self.page, None);
        if page.is_none_or(|page| page.origin != origin) {
            return Err(invalid("the page is of another origin than its vault"));
        }
        Ok(())
    }
}

message! {
    /// A sign-in.
    SignIn {
        /// Names the answer.
        id: Id = "id",
        /// Where the application wants to be afterwards.
        return_to: Option<String> = "returnTo",
        /// What the authorization request asks for besides.
        asked: Option<Asked> = "asked",
        /// Where the person signs in; in place of the page, if absent.
        mode: Option<Mode> = "mode",
    }
}

message! {
    /// A page at an address that somebody sent it to.
    At {
        /// Names the answer.
        id: Id = "id",
        /// The page's whole URL, as it was before it was cleaned.
        url: String = "url",
    }
}

message! {
    /// Whoever signs in by giving their password to the page. Its bytes travel beside these fields.
    Password {
        /// Names the answer.
        id: Id = "id",
        /// Who signs in.
        username: String = "username",
    }
}

message! {
    /// A key that resources take. Its bytes travel beside these fields.
    SetKey {
        /// Names the answer.
        id: Id = "id",
        /// Which, as resources name it: `apiKey:…`, `signature:…`.
        name: String = "name",
    }
}

message! {
    /// A page of a session that may be restored.
    Restore {
        /// Names the answer.
        id: Id = "id",
        /// Where the page is; absent where it cannot leave.
        return_to: Option<String> = "returnTo",
        /// Whether it can show a hidden frame; not any more once one came to nothing.
        frame: Option<bool> = "frame",
    }
}

message! {
    /// An authorised request. Its bytes, where it has any, travel beside these fields.
    Fetch {
        /// Names the answer.
        id: Id = "id",
        /// The canonical URL.
        url: String = "url",
        /// The method, as the browser normalised it.
        method: String = "method",
        /// The header fields, in order.
        headers: Vec<(String, String)> = "headers",
        /// Members of `RequestInit`, as far as they are passed on: names of [`REQUEST_OPTIONS`].
        options: Vec<(String, String)> = "options",
    }
}

message! {
    /// A sign-out.
    SignOut {
        /// Names the answer.
        id: Id = "id",
        /// Leave the provider's own session alone.
        local: Option<bool> = "local",
        /// Where the application wants to be once the provider's session is over too.
        return_to: Option<String> = "returnTo",
    }
}

message! {
    /// A question for the access token itself.
    Export {
        /// Names the answer.
        id: Id = "id",
        /// The resource indicator of the audience that it is for; the default one where absent.
        resource: Option<String> = "resource",
    }
}

message! {
    /// A question for what became of the session.
    Events {
        /// Names the answer.
        id: Id = "id",
        /// The number of the latest event that the page knows: the answer waits for a later one. Without
        /// it the answer comes at once, with all that are kept. A port has one such question open: a
        /// second one has the first answered at once.
        after: Option<u32> = "after",
    }
}

message! {
    /// A message that says only which question or request it is about.
    Numbered {
        /// Which.
        id: Id = "id",
    }
}

message! {
    /// A message without fields.
    Empty {}
}

/// A field, read by its type; `None` where it is absent.
trait Field: Sized {
    fn read(value: Option<&Json>) -> Result<Self, JsonError>;
}

impl Field for String {
    fn read(value: Option<&Json>) -> Result<Self, JsonError> {
        value.and_then(Json::as_text).map(str::to_owned).ok_or(JsonError::Unexpected)
    }
}

impl Field for bool {
    fn read(value: Option<&Json>) -> Result<Self, JsonError> {
        if let Some(Json::Bool(value)) = value { Ok(*value) } else { Err(JsonError::Unexpected) }
    }
}

impl Field for u32 {
    fn read(value: Option<&Json>) -> Result<Self, JsonError> {
        let Some(Json::Number(number)) = value else { return Err(JsonError::Unexpected) };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared")]
        let whole = *number as Self;
        #[allow(clippy::float_cmp, reason = "a whole number of this range is exact")]
        if f64::from(whole) == *number { Ok(whole) } else { Err(JsonError::Unexpected) }
    }
}

impl Field for Vec<(String, String)> {
    fn read(value: Option<&Json>) -> Result<Self, JsonError> {
        let Some(Json::List(pairs)) = value else { return Err(JsonError::Unexpected) };
        let pair = |pair: &Json| match pair.as_texts()?.as_slice() {
            [name, value] => Some(((*name).to_owned(), (*value).to_owned())),
            _ => None,
        };
        pairs.iter().map(pair).collect::<Option<_>>().ok_or(JsonError::Unexpected)
    }
}

impl Field for Asked {
    fn read(value: Option<&Json>) -> Result<Self, JsonError> {
        if let Some(Json::Object(from)) = value {
            Asked::read(from)
        } else {
            Err(JsonError::Unexpected)
        }
    }
}

impl Field for Mode {
    fn read(value: Option<&Json>) -> Result<Self, JsonError> {
        let text = value.and_then(Json::as_text).ok_or(JsonError::Unexpected)?;
        Self::ALL.iter().copied().find(|mode| mode.as_str() == text).ok_or(JsonError::Unexpected)
    }
}

impl<T: Field> Field for Option<T> {
    fn read(value: Option<&Json>) -> Result<Self, JsonError> {
        value.map(|value| T::read(Some(value))).transpose()
    }
}

/// A message that is not of the protocol.
#[derive(Debug)]
pub struct Unreadable {
    /// The number that it gave itself, so that whoever waits for an answer gets one.
    pub id: Option<Id>,
    /// What is wrong with it.
    pub error: AuthError,
}

impl ToVault {
    /// Reads a message, written as JSON.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let unreadable = |id, message| Unreadable { id, error: invalid(message) };
        let message = json::read(text.as_bytes(), limits::MESSAGE)
            .map_err(|_| unreadable(None, "a message is no plain object, or too large"))?;
        let id = Field::read(message.get("id")).ok();
        let tag = message.get("type").and_then(Json::as_text).unwrap_or_default();
        let read = Self::fields(tag, &message).map_err(|_| {
            unreadable(id, "a message's `type` is unknown to this vault, or its fields are others")
        })?;
        read.checked().map_err(|error| Unreadable { id, error })
    }

    fn checked(self) -> Result<Self, AuthError> {
        let fits = match &self {
            Self::Hello(hello) => {
                hello.config.len() <= limits::CONFIG
                    && hello.page.len() <= limits::URL
                    && hello.lock.len() <= limits::LOCK
                    // The vault waits for this lock: it must be none that means something else.
                    && hello.lock.starts_with("tokenward/page/")
            }
            Self::Callback(at)
            | Self::WayBack(at)
            | Self::AfterSignOut(at)
            | Self::FrontChannelLogout(at)
            | Self::SignInInitiated(at) => at.url.len() <= limits::URL,
            Self::Password(password) => password.username.len() <= limits::USERNAME,
            Self::SignIn(SignIn { return_to, .. })
            | Self::Restore(Restore { return_to, .. })
            | Self::SignOut(SignOut { return_to, .. }) => {
                return_to.as_ref().is_none_or(|url| url.len() <= limits::URL)
            }
            Self::Fetch(fetch) => {
                let bytes: usize = fetch.headers.iter().map(|(n, v)| n.len() + v.len()).sum();
                let is_known = |(name, value): &(String, String)| match name.as_str() {
                    "redirect" => ["follow", "error", "manual"].contains(&value.as_str()),
                    "keepalive" => value == "true",
                    name => REQUEST_OPTIONS.contains(&name),
                };
                fetch.url.len() <= limits::URL
                    && fetch.options.iter().all(is_known)
                    && fetch.headers.len() <= limits::HEADERS
                    && bytes <= limits::HEADER_BYTES
            }
            _ => true,
        };
        let problem = "a message is larger than the vault takes, or asks for what is not";
        if fits { Ok(self) } else { Err(invalid(problem)) }
    }
}

fn invalid(message: &'static str) -> AuthError {
    AuthError::new(Code::MessageInvalid, Phase::Vault, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(tag: &str, body: &Value) -> Result<ToVault, Unreadable> {
        let mut message = body.clone();
        if let Value::Object(members) = &mut message {
            members.insert("type".to_owned(), tag.into());
        }
        ToVault::read(&message.to_string())
    }

    #[test]
    fn reads_what_the_page_sends() {
        let hello = json!({"wire": 1, "config": "{}", "page": "https://app.example", "lock": "tokenward/page/1"});
        assert!(matches!(read("hello", &hello), Ok(ToVault::Hello(h)) if h.wire == 1));
        let fetch = json!({"id": 7, "url": "https://a/", "method": "GET", "headers": [["a", "b"]], "options": []});
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
            ("fetch", json!({"id": 1, "url": "https://a/", "method": "GET", "options": []})),
            (
                "fetch",
                json!({"id": 1, "url": "https://a/", "method": "GET", "headers": [], "options": [["mode", "no-cors"]]}),
            ),
            ("hello", json!({"wire": 1, "config": {}, "page": "p", "lock": "tokenward/page/1"})),
            ("restore", json!({"id": 1, "asked": {}})),
            ("signOut", json!([])),
            ("hello", json!({"wire": 1, "config": "{}", "page": "p", "lock": "tokenward/a/b"})),
        ] {
            let error = read(tag, &body).err();
            assert_eq!(error.map(|e| e.error.code), Some(Code::MessageInvalid), "{tag} {body}");
        }
    }

    #[test]
    fn oversized_messages_are_refused_t26() {
        let url = "x".repeat(limits::URL + 1);
        assert!(read("callback", &json!({"id": 1, "url": url})).is_err());
        assert!(read("restore", &json!({"id": 1, "returnTo": url})).is_err());
        let many: Vec<_> = (0..=limits::HEADERS).map(|n| (format!("h{n}"), "v")).collect();
        let fetch =
            json!({"id": 1, "url": "https://a/", "method": "GET", "headers": many, "options": []});
        assert!(read("fetch", &fetch).is_err());
    }

    #[test]
    fn a_way_with_redirects_that_is_none_is_refused_t33() {
        for (mode, is_one) in
            [("follow", true), ("error", true), ("manual", true), ("never", false)]
        {
            let fetch = json!({"id": 1, "url": "https://a/", "method": "GET", "headers": [], "options": [["redirect", mode]]});
            assert_eq!(read("fetch", &fetch).is_ok(), is_one, "{mode}");
        }
    }
}
