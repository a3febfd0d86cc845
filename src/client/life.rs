//! What the browser tells a page about its life, for a vault that is told nothing.

use wasm_bindgen::JsCast;
use web_sys::Event;

use crate::browser::{
    event::{self, Listening},
    object,
};

/// What happened to the page.
#[derive(Clone, Copy)]
pub(super) enum News {
    /// The page is active, or the network changed; the message that tells the vault.
    Told(&'static str),
    /// The page goes into the back/forward cache: its port would not survive.
    Hidden,
    /// It came back from there.
    Shown,
}

/// Calls `hear` with the page's news, until the listeners are dropped.
pub(super) fn follow(hear: impl Fn(News) + Clone + 'static) -> Vec<Listening> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    let Some(document) = window.document() else { return Vec::new() };
    let tell = |word| {
        let hear = hear.clone();
        move |_: Event| hear(News::Told(word))
    };
    let kept = |news| {
        let hear = hear.clone();
        move |event: Event| {
            if object::own_or_inherited(&event, "persisted").is_truthy() {
                hear(news);
            }
        }
    };
    let (on_focus, own) = (hear.clone(), window.clone());
    let (on_change, page) = (hear.clone(), document.clone());
    vec![
        event::on(&window, "online", tell("online")),
        event::on(&window, "offline", tell("offline")),
        event::on(&window, "focus", move |event| {
            // A field that gets the focus is no news.
            if event.target().as_ref() == Some(own.unchecked_ref()) {
                on_focus(News::Told("woke"));
            }
        }),
        event::on(&document, "resume", tell("woke")),
        event::on(&document, "visibilitychange", move |_| {
            if !page.hidden() {
                on_change(News::Told("woke"));
            }
        }),
        event::on(&window, "pagehide", kept(News::Hidden)),
        event::on(&window, "pageshow", kept(News::Shown)),
    ]
}
