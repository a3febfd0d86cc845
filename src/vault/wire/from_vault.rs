//! What the vault says to a page. It knows shapes, not how they cross.

use super::Id;
use crate::{error::AuthError, json::Members};

#[cfg(all(test, not(target_arch = "wasm32")))]
use crate::error::AuthErrorInfo;
#[cfg(all(test, not(target_arch = "wasm32")))]
use ts_rs::TS;

/// A message to a page. With a response travels the port on which its body is asked for.
#[derive(Debug)]
#[cfg_attr(
    all(test, not(target_arch = "wasm32")),
    derive(TS),
    ts(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")
)]
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
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(as = "AuthErrorInfo"))]
        error: AuthError,
    },
    /// The session's state changed.
    State {
        /// As JSON text.
        state: String,
    },
    /// A newer build has taken this vault's place: ask its vault from now on. What is under way here is
    /// finished, then this vault ends.
    Moved {
        /// The newer vault's build, a part of its name.
        build: String,
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
        /// In a window or a hidden frame: the name under which that hands the callback's address over.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
        channel: Option<String>,
    },
    /// The callback was accepted.
    Concluded {
        /// The question.
        id: Id,
        /// Where the application wanted to be: path, query and fragment of its own origin; the whole address
        /// where the vault has another one.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(optional))]
        return_to: Option<String>,
    },
    /// Nobody is signed in any more.
    SignedOut {
        /// The question.
        id: Id,
        /// Where to go so that the provider ends its session too.
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
        /// Whether a second try might have had another answer, and the body could not be sent again.
        unrepeated: bool,
    },
    /// What became of the session.
    Events {
        /// The question.
        id: Id,
        /// A list of `SessionEvent`, the latest last, as JSON text.
        events: String,
    },
    /// The provider's claims, about whom the ID token is for.
    UserInfo {
        /// The question.
        id: Id,
        /// As JSON text.
        claims: String,
    },
    /// The question or the request failed by a decision of the vault.
    Failed {
        /// Which.
        id: Id,
        /// Why.
        #[cfg_attr(all(test, not(target_arch = "wasm32")), ts(as = "AuthErrorInfo"))]
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

impl FromVault {
    /// Tells the message's members, as the page will find them.
    pub fn tell(&self, to: &mut dyn Members) {
        let error = |to: &mut dyn Members, error: &AuthError| {
            to.object("error", &|inner| error.tell(inner));
        };
        let about = |to: &mut dyn Members, tag, id: Id| {
            to.text("type", tag);
            to.number("id", Some(id.into()));
        };
        match self {
            Self::Welcome { wire, build, lock, state } => {
                to.text("type", "welcome");
                to.number("wire", Some((*wire).into()));
                to.text("build", build);
                to.text("lock", lock);
                to.text("state", state);
            }
            Self::Refused { error: reason } => {
                to.text("type", "refused");
                error(to, reason);
            }
            Self::State { state } => {
                to.text("type", "state");
                to.text("state", state);
            }
            Self::Moved { build } => {
                to.text("type", "moved");
                to.text("build", build);
            }
            Self::Ping => to.text("type", "ping"),
            Self::Pong => to.text("type", "pong"),
            Self::Navigate { id, url, channel } => {
                about(to, "navigate", *id);
                to.text("url", url);
                to.optional("channel", channel.as_deref());
            }
            Self::Concluded { id, return_to } => {
                about(to, "concluded", *id);
                to.optional("returnTo", return_to.as_deref());
            }
            Self::SignedOut { id, url } => {
                about(to, "signedOut", *id);
                to.optional("url", url.as_deref());
            }
            Self::Response { id, status, status_text, headers, url, redirected, unrepeated } => {
                about(to, "response", *id);
                to.number("status", Some((*status).into()));
                to.text("statusText", status_text);
                to.pairs("headers", headers);
                to.text("url", url);
                to.flag("redirected", *redirected);
                to.flag("unrepeated", *unrepeated);
            }
            Self::Events { id, events } => {
                about(to, "events", *id);
                to.text("events", events);
            }
            Self::UserInfo { id, claims } => {
                about(to, "userInfo", *id);
                to.text("claims", claims);
            }
            Self::Failed { id, error: reason } => {
                about(to, "failed", *id);
                error(to, reason);
            }
            Self::NetworkFailed { id, message } => {
                about(to, "networkFailed", *id);
                to.text("message", message);
            }
            Self::AccessToken { id, token } => {
                about(to, "accessToken", *id);
                to.text("token", token);
            }
        }
    }
}
