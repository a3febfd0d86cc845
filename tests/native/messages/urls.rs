//! Addresses as the crate `url` reads them, in the place of a browser.

use tokenward::url::{ParseUrl, ParsedUrl};

/// The crate `url`, in the place of a browser's parser.
pub(super) struct Urls;

impl ParseUrl for Urls {
    fn parse(&self, input: &str, base: Option<&str>) -> Option<ParsedUrl> {
        let parsed = match base {
            Some(base) => url::Url::parse(base).ok()?.join(input).ok()?,
            None => url::Url::parse(input).ok()?,
        };
        let prefixed = |sign: &str, text: Option<&str>| {
            text.filter(|text| !text.is_empty())
                .map(|text| [sign, text].concat())
                .unwrap_or_default()
        };
        Some(ParsedUrl {
            href: parsed.as_str().to_owned(),
            origin: parsed.origin().ascii_serialization(),
            protocol: format!("{}:", parsed.scheme()),
            hostname: parsed.host_str().unwrap_or_default().to_owned(),
            pathname: parsed.path().to_owned(),
            search: prefixed("?", parsed.query()),
            hash: prefixed("#", parsed.fragment()),
            has_userinfo: !parsed.username().is_empty() || parsed.password().is_some(),
        })
    }
}
