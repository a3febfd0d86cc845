//! The vaults of other tabs: the lock that all of one client share around token requests, the channel
//! on which they tell each other of sign-ins and sign-outs, and the record of those.

use std::cell::RefCell;

use wasm_bindgen_futures::spawn_local;

use super::{
    pump::{Event, Vault},
    sealed, succession,
};
use crate::{
    browser::{
        channel::Channel,
        lock::{self, Held},
        store::{self, Next},
    },
    clock::{Millis, UnixMillis},
    session::{
        inputs::Input,
        tabs::{Chronicle, News, TabsEpoch},
    },
};

/// What this vault holds of what all share.
#[derive(Default)]
pub(crate) struct Tabs {
    /// The lock around token requests, while it is held.
    lock: RefCell<Option<Held>>,
    /// Open while there is a page: one in the back/forward cache could not be kept there otherwise.
    channel: RefCell<Option<Channel>>,
}

/// The name of lock, channel and record.
fn name(vault: Vault) -> String {
    let config = &vault.config;
    ["tokenward/", &config.issuer, "/", &config.client_id].concat()
}

/// Takes the lock, waiting longer than a request of another holder may take.
pub(super) fn take_lock(vault: Vault, jitter: Millis) {
    let timeout = vault.config.network_timeout;
    let wait = lock::Wait::AtMost(timeout + timeout + jitter);
    have_lock(vault, wait);
}

/// Takes the lock from whoever holds it.
pub(super) fn steal_lock(vault: Vault) {
    have_lock(vault, lock::Wait::Steal);
}

fn have_lock(vault: Vault, wait: lock::Wait) {
    spawn_local(async move {
        let held = lock::take(&name(vault), wait).await;
        let input = if held.is_some() { Input::LockTaken } else { Input::LockMissed };
        *vault.tabs.lock.borrow_mut() = held;
        vault.post(Event::Session(input));
    });
}

pub(super) fn release_lock(vault: Vault) {
    let held = vault.tabs.lock.take();
    // Whoever has it next reads what this one sealed.
    let is_done = sealed::order(vault, sealed::Job::Wait);
    spawn_local(async move {
        let _ = is_done.await;
        // And whose cookie is set next keeps it.
        vault.revocations.over().await;
        drop(held);
    });
}

/// Listens to the others from now on, and reads what all remember.
pub(super) fn recall(vault: Vault) {
    if vault.tabs.channel.borrow().is_none() {
        *vault.tabs.channel.borrow_mut() = listen(vault);
    }
    consult(vault, None);
}

/// Remembers this for all, and tells the others.
pub(super) fn tell(vault: Vault, news: News) {
    consult(vault, Some(news));
}

fn consult(vault: Vault, news: Option<News>) {
    spawn_local(async move {
        let mut decide = |record: Option<&str>| match news {
            None => Next::Keep,
            Some(news) => Next::Put(recorded(record).and(news).to_record()),
        };
        let before = store::remember(&name(vault), &mut decide).await;
        // Without storage nothing is remembered, and what is to happen does not depend on it.
        let before = recorded(before.ok().flatten().as_deref());
        let chronicle = news.map_or(before, |news| before.and(news));
        vault.post(Event::Session(match news {
            None => Input::Recalled(chronicle),
            Some(news) => {
                say(vault, chronicle.epoch, news);
                Input::Told(chronicle.epoch)
            }
        }));
    });
}

fn recorded(record: Option<&str>) -> Chronicle {
    record.map(Chronicle::from_record).unwrap_or_default()
}

fn say(vault: Vault, epoch: TabsEpoch, news: News) {
    #[allow(clippy::cast_precision_loss, reason = "a count of what people do")]
    let epoch = epoch.0 as f64;
    let open = vault.tabs.channel.borrow();
    // The page may have left by now: then this is its last word, on a channel of its own.
    let last = if open.is_none() { listen(vault) } else { None };
    if let Some(channel) = open.as_ref().or(last.as_ref()) {
        channel.say(epoch, news.as_str());
        // Whoever has a session can have an older build's place.
        if news == News::SignedIn {
            #[allow(clippy::cast_precision_loss, reason = "exact until the year 287396")]
            channel.say(vault.build.born.0 as f64, &vault.build.word());
        }
    }
}

fn listen(vault: Vault) -> Option<Channel> {
    Channel::open(&name(vault), move |epoch, event| {
        if let Some(news) = News::read(event) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
            let epoch = TabsEpoch(epoch as u64);
            vault.post(Event::Session(Input::Heard { epoch, news }));
        } else {
            #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
            succession::heard(vault, event, UnixMillis(epoch as i64));
        }
    })
}

/// Listens no more: no page is left.
pub(super) fn leave(vault: Vault) {
    drop(vault.tabs.channel.take());
}
