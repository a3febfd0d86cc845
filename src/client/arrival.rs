//! The way back from the provider: the address is read and cleaned once, whoever asks, however often.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    rc::Rc,
};

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{
    link::{Link, message},
    told::Told,
};
use crate::{
    browser::{
        object, time,
        url::{self, BrowserUrls},
    },
    clock::Millis,
    error::AuthError,
    oauth::callback,
    url::{ParseUrl, ParsedUrl},
};

/// What came back to this page, for all clients of one configuration.
#[derive(Default)]
pub(super) struct Arrival {
    /// The last one.
    callback: RefCell<Option<Rc<Callback>>>,
    return_to: RefCell<Option<String>>,
    error: RefCell<Option<AuthError>>,
}

/// One way back.
struct Callback {
    url: String,
    is_asked: Cell<bool>,
    is_refused: Cell<bool>,
    verdict: Told<()>,
}

thread_local! {
    /// By the configuration's text: two clients of one page must not fight over one callback.
    static ARRIVALS: RefCell<Vec<(String, Rc<Arrival>)>> = const { RefCell::new(Vec::new()) };
}

impl Arrival {
    /// The way back for this configuration.
    pub(super) fn of(config: &str) -> Rc<Self> {
        ARRIVALS.with_borrow_mut(|all| {
            if let Some((_, arrival)) = all.iter().find(|(other, _)| other == config) {
                return Rc::clone(arrival);
            }
            let arrival = Rc::default();
            all.push((config.to_owned(), Rc::clone(&arrival)));
            arrival
        })
    }

    /// Takes a callback's URL out of the address bar.
    pub(super) fn take(&self, redirect_uri: &ParsedUrl) {
        let Some(window) = web_sys::window() else { return };
        let href = url::page_href();
        let here = BrowserUrls.parse(&href, None);
        if !here.is_some_and(|here| callback::is_arrival(&here, redirect_uri)) {
            return;
        }
        self.accept(href);
        if let Ok(history) = window.history() {
            let state = history.state().unwrap_or(JsValue::NULL);
            // The address is of this origin, so the browser takes it.
            let _ = history.replace_state_with_url(&state, "", Some(&redirect_uri.href));
        }
    }

    /// The same twice is once; one that was refused may be tried again.
    fn accept(&self, url: String) {
        let mut callback = self.callback.borrow_mut();
        if callback.as_ref().is_none_or(|last| last.url != url || last.is_refused.get()) {
            let (is_asked, is_refused) = (Cell::new(false), Cell::new(false));
            let verdict = Told::default();
            *callback = Some(Rc::new(Callback { url, is_asked, is_refused, verdict }));
        }
    }

    /// Brings it to the vault before anything else is asked; comes to an end when there is nothing, or
    /// it was judged. The state and `error()` tell of a failure.
    pub(super) fn settle(self: &Rc<Self>, link: &Rc<Link>) -> impl Future<Output = ()> + use<> {
        let callback = self.callback.borrow().clone();
        if let Some(callback) = &callback
            && !callback.is_asked.replace(true)
        {
            self.judge(link, Rc::clone(callback));
        }
        async move {
            if let Some(callback) = callback {
                callback.verdict.wait().await;
            }
        }
    }

    fn judge(self: &Rc<Self>, link: &Rc<Link>, callback: Rc<Callback>) {
        let question = message("callback");
        object::set(&question, "url", &JsValue::from_str(&callback.url));
        let (arrival, call) = (Rc::clone(self), link.ask(&question, None));
        spawn_local(async move {
            match call.answer().await {
                Ok(concluded) => {
                    let wanted = object::own(&concluded, "returnTo").as_string();
                    *arrival.return_to.borrow_mut() = wanted;
                    *arrival.error.borrow_mut() = None;
                }
                Err(error) => {
                    *arrival.error.borrow_mut() = Some(error);
                    callback.is_refused.set(true);
                }
            }
            callback.verdict.tell(());
        });
    }

    /// Where the application wanted to be: to everyone who asks in one turn, then no more.
    pub(super) fn return_to(self: &Rc<Self>) -> Option<String> {
        let wanted = self.return_to.borrow().clone();
        if wanted.is_some() {
            let arrival = Rc::clone(self);
            spawn_local(async move {
                time::sleep(Millis(0)).await;
                *arrival.return_to.borrow_mut() = None;
            });
        }
        wanted
    }

    /// Why the last callback failed.
    pub(super) fn error(&self) -> Option<AuthError> {
        self.error.borrow().clone()
    }
}
