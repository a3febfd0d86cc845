//! The provider's claims, fetched for a page: a request of the vault's own, whose answer goes no further
//! than here.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::Response;

use super::{
    asks::fail,
    keys,
    port::Asker,
    provider,
    pump::Vault,
    requests::{self, Purpose},
    wire,
};
use crate::{
    browser::fetch,
    error::AuthError,
    jwt::{
        verification::{Doubt, Verification},
        verify,
    },
    oauth::{discovery::Need, userinfo},
    request::target::Passage,
    session::inputs::Lease,
};

/// A page wants the provider's claims.
pub(super) fn ask(vault: Vault, asker: Asker) {
    spawn_local(async move {
        let metadata = provider::metadata(vault, Need::Known).await;
        let url = match metadata.as_deref().map_err(Clone::clone).and_then(userinfo::endpoint) {
            Ok(url) => url.clone(),
            Err(error) => return fail(vault, asker, error),
        };
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let options = [("credentials", "omit"), ("referrerPolicy", "no-referrer")];
        let parts = wire::Fetch {
            id: asker.id,
            url,
            method: "GET".to_owned(),
            headers: vec![pair(("accept", "application/json, application/jwt"))],
            options: options.map(pair).to_vec(),
        };
        requests::begin(vault, Purpose::UserInfo, asker, parts, None, Passage::TO_PROVIDER);
    });
}

/// The claims of the provider's answer to what was lent.
pub(super) async fn claims(
    vault: Vault,
    response: &Response,
    lease: Option<&Lease>,
) -> Result<String, AuthError> {
    let body = fetch::read_body(response, userinfo::LIMIT).await;
    // One past the limit is read as an empty one, which is none of any kind.
    let body = body.map_err(|_| userinfo::unreachable())?.unwrap_or_default();
    let content_type = fetch::header(response, "content-type");
    let answer = userinfo::Answer {
        status: response.status(),
        content_type: content_type.as_deref(),
        body: &body,
    };
    let subject = vault.subject();
    let expected = userinfo::Expected {
        subject: subject.as_deref(),
        token: lease.map(|lease| &*lease.token),
        issuer: &vault.config.issuer,
        client_id: &vault.config.client_id,
    };
    let Some(jwt) = userinfo::signed(answer).map(Rc::new) else {
        return userinfo::read(answer, expected);
    };
    let metadata = provider::metadata(vault, Need::Known).await?;
    let verification = Verification::alone(Rc::clone(&jwt), metadata.id_token_algorithms);
    if let Err(Doubt::Wrong(why) | Doubt::Unproven(why)) =
        keys::verify(vault, &metadata, verification).await
    {
        return Err(userinfo::unproven(why));
    }
    // exposed: to be split into its parts.
    let payload = verify::payload(jwt.expose()).unwrap_or_default();
    userinfo::read_signed(&payload, expected)
}
