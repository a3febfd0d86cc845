//! The browser's own URL parser.

use web_sys::Url;

use super::{global, object};
use crate::url::{ParseUrl, ParsedUrl};

/// Parses with `new URL(…)`: the parser that will also fetch.
pub(crate) struct BrowserUrls;

impl ParseUrl for BrowserUrls {
    fn parse(&self, input: &str, base: Option<&str>) -> Option<ParsedUrl> {
        let url = match base {
            Some(base) => Url::new_with_base(input, base),
            None => Url::new(input),
        }
        .ok()?;
        Some(ParsedUrl {
            href: url.href(),
            origin: url.origin(),
            protocol: url.protocol(),
            hostname: url.hostname(),
            pathname: url.pathname(),
            search: url.search(),
            hash: url.hash(),
            has_userinfo: !url.username().is_empty() || !url.password().is_empty(),
        })
    }
}

/// The origin of this very realm.
pub(crate) fn own_origin() -> String {
    let location = object::own_or_inherited(&global(), "location");
    object::own_or_inherited(&location, "origin").as_string().unwrap_or_default()
}

/// The address of this page as it is now; empty where this is no page.
pub(crate) fn page_href() -> String {
    web_sys::window().and_then(|page| page.location().href().ok()).unwrap_or_default()
}
