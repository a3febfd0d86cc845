//! One try at a request for an API: its credential is written into it, and it is sent. Whether another one
//! follows is said by `request::call`.

use std::rc::Rc;

use web_sys::Response;

use super::{
    credentials, proofs,
    pump::Vault,
    requests::{Fetch, Purpose},
    verified::Signed,
};
use crate::{
    browser::{
        fetch::{self, Failure, Outgoing},
        url::BrowserUrls,
    },
    error::AuthError,
    oauth::dpop::{self, Proven, Server, Told},
    request::{bearer, call, target},
    secret::Secret,
    url::ParseUrl,
};

/// The header fields that make up a request's credential.
#[derive(Default)]
struct Credential {
    fields: Vec<(&'static str, Secret)>,
    proven: Option<Nonce>,
}

/// The nonce of a proof, and whose it is.
struct Nonce {
    origin: String,
    sent: Option<String>,
}

/// Sends the request once, with the credential it was lent or given; gives what the answer told of a nonce,
/// where that is bound to a key.
pub(super) async fn attempt(
    vault: Vault,
    fetch: &Fetch,
) -> Result<(Response, Option<Told>), call::Input> {
    let credential = credential(vault, fetch).await.map_err(call::Input::Refused)?;
    let parts = &fetch.parts;
    let asked = |wanted: &str| {
        let option = parts.options.iter().find(|(name, _)| name == wanted);
        option.map(|(_, value)| value.as_str())
    };
    let mut options = vec![
        // A cached answer for one user would be served to the next.
        ("cache", asked("cache").unwrap_or("no-store")),
        ("redirect", fetch.passage.redirect(asked("redirect"))),
    ];
    for name in ["credentials", "integrity", "keepalive", "referrerPolicy"] {
        options.extend(asked(name).map(|value| (name, value)));
    }
    let signal = match fetch.purpose {
        Purpose::Page => fetch.abort.signal(),
        Purpose::UserInfo => fetch::timeout(vault.config.network_timeout),
    };
    let outgoing = Outgoing {
        url: &parts.url,
        method: &parts.method,
        headers: &parts.headers,
        credentials: &credential.fields,
        body: fetch.body.as_ref(),
        options: &options,
        signal: &signal,
    };
    let response = outgoing.send().await?;
    let told = credential.proven.map(|Nonce { origin, sent }| {
        let told = fetch::header(&response, "dpop-nonce");
        let mut proofs = vault.possession.proofs.borrow_mut();
        proofs.heard(Server::Resource, &origin, told.as_deref(), sent.as_deref())
    });
    Ok((response, told))
}

async fn credential(vault: Vault, fetch: &Fetch) -> Result<Credential, AuthError> {
    let mut credential = Credential::default();
    let key = fetch.key.borrow().clone();
    if let (Some(key), Some(which)) = (key, fetch.passage.key) {
        let (parts, body) = (&fetch.parts, fetch.body.as_ref());
        credential.fields = credentials::write(vault, which, &key, parts, body).await?;
        *fetch.signed.borrow_mut() =
            Signed::of(vault, which, &key, &parts.headers, &credential.fields);
    }
    let token = fetch.lease.borrow().as_ref().map(|lease| Rc::clone(&lease.token));
    if let Some(token) = token {
        let is_bound = vault.config.is_bound();
        credential.fields.push(("authorization", bearer::authorization(&token, is_bound)));
        if is_bound {
            let (proof, nonce) = prove(vault, fetch, &token).await?;
            credential.fields.push((dpop::FIELD, proof));
            credential.proven = Some(nonce);
        }
    }
    Ok(credential)
}

/// A proof for this request and this token, with the nonce that its server wanted last.
async fn prove(vault: Vault, fetch: &Fetch, token: &Secret) -> Result<(Secret, Nonce), AuthError> {
    let key = proofs::key(vault).await?.ok_or_else(dpop::key_unavailable)?;
    let url = BrowserUrls.parse(&fetch.parts.url, None).ok_or_else(target::not_sendable)?;
    let (server, method) = (Server::Resource, fetch.parts.method.as_str());
    let proven = Proven { server, method, url: &url, access_token: Some(token) };
    let sent = vault.possession.proofs.borrow().nonce(server, &url.origin);
    let proof = proofs::sign(vault, &key, &proven, sent.as_deref()).await?;
    Ok((proof, Nonce { origin: url.origin, sent }))
}

impl From<Failure> for call::Input {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Aborted => Self::Aborted,
            Failure::NotSent => Self::Refused(target::not_sendable()),
            Failure::TimedOut => Self::NetworkFailed(String::new()),
            Failure::Network(message) => Self::NetworkFailed(message),
        }
    }
}
