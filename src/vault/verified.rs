//! Answers that must be signed: read whole and verified before a page gets any of them. What they must be is
//! said by `request::httpsig::verify`.

use std::rc::Rc;

use web_sys::{ReadableStream, Response};

use super::{credentials::Held, pump::Vault, requests::Fetch};
use crate::{
    browser::{crypto, fetch, url::BrowserUrls},
    config::credential::{Answers, Profile, Usage},
    request::{
        call,
        httpsig::{Message, Start, verify},
        keyring, target,
    },
    secret::Secret,
    url::ParseUrl,
};

/// What a request was signed with.
pub(super) struct Signed {
    profile: &'static Profile,
    key: Rc<Held>,
    /// The header fields that it had then.
    fields: Vec<(String, String)>,
}

impl Signed {
    /// `None` where its answer need not be signed.
    pub(super) fn of(
        vault: Vault,
        which: usize,
        key: &Rc<Held>,
        caller: &[(String, String)],
        written: &[(&'static str, Secret)],
    ) -> Option<Self> {
        match &vault.config.keys[which].usage {
            Usage::Signature(profile) if profile.answers != Answers::Unsigned => {
                let mut fields = caller.to_vec();
                for (name, value) in written {
                    // exposed: a signature and a digest, which are sent as they are.
                    fields.push(((*name).to_owned(), value.expose().to_owned()));
                }
                Some(Self { profile, key: Rc::clone(key), fields })
            }
            _ => None,
        }
    }
}

/// The body for the page, where there is one: as it comes, or, where the answer must be signed, once it is
/// whole and verified.
pub(super) async fn body(
    vault: Vault,
    fetch: &Fetch,
    response: &Response,
) -> Result<Option<ReadableStream>, call::Input> {
    let Some(signed) = fetch.signed.take() else { return Ok(response.body()) };
    verify(vault, fetch, &signed, response).await
}

async fn verify(
    vault: Vault,
    fetch: &Fetch,
    signed: &Signed,
    response: &Response,
) -> Result<Option<ReadableStream>, call::Input> {
    let refuse = call::Input::Refused;
    let parts = &fetch.parts;
    let url = BrowserUrls.parse(&parts.url, None).ok_or_else(|| refuse(target::not_sendable()))?;
    let fields = &signed.fields;
    let request = Message { start: Start::Request(&parts.method, &url), fields };
    let answer = (response.status(), &*fetch::headers(response));
    let check = verify::check(signed.profile, answer, &request, vault.server_now());
    let check = check.map_err(refuse)?;
    let whole = fetch::read_body(response, verify::LONGEST).await?;
    let whole = whole.ok_or_else(|| refuse(check.too_long()))?;
    check.content(&whole).map_err(refuse)?;
    let Held::Signing(key) = &*signed.key else { return Err(refuse(keyring::unfit())) };
    let outcome = crypto::is_hmac(key, &check.base, &check.signature).await;
    if outcome.map_err(|_| refuse(keyring::unfit()))? {
        Ok(response.body().and_then(|_| fetch::stream(&whole)))
    } else {
        Err(refuse(check.forged()))
    }
}
