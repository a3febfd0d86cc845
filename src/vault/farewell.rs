//! The sign-out whose page is at the provider, as the store has it: one of a client at a time.

use super::pump::Vault;
use crate::{
    browser::{
        random,
        store::{self, Next},
        time,
    },
    oauth::logout::Farewell,
    url::ParsedUrl,
};

/// Remembers a sign-out until its page is back; gives its `state`. Where that cannot be kept there is
/// none, and nothing comes back of it but the page.
pub(super) async fn begin(vault: Vault, return_to: Option<String>) -> Option<String> {
    let farewell = Farewell::begin(&random::bytes()?, return_to, time::now().wall);
    let record = farewell.to_record();
    store::remember(&name(vault), &mut |_| Next::Put(record.clone())).await.ok()?;
    Some(farewell.state)
}

/// Where the application wanted to be, if the page at `url` is back from the sign-out that is
/// remembered. A way back that answers another one leaves it as it is.
pub(super) async fn answered(vault: Vault, url: &ParsedUrl) -> Option<String> {
    let now = time::now().wall;
    let is_answer = |record: &str| {
        Farewell::from_record(record).filter(|farewell| farewell.is_answered_by(url, now))
    };
    let mut decide = |record: Option<&str>| match record.and_then(is_answer) {
        Some(_) => Next::Remove,
        None => Next::Keep,
    };
    let record = store::remember(&name(vault), &mut decide).await;
    is_answer(&record.ok()??)?.into_return_to()
}

fn name(vault: Vault) -> String {
    ["farewell ", &vault.config.client_at_issuer()].concat()
}
