//! Discovery documents: what passes is of the issuer that was asked, and names nothing that a credential
//! must not go to (DS2, DS5).
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokenward::{
    oauth::metadata::{self, Metadata},
    url::{ParseUrl, ParsedUrl},
};

const ISSUER: &str = "https://id.example.com";

fuzz_target!(|body: &[u8]| {
    let Ok(metadata) = metadata::read(body, ISSUER, &Urls) else { return };
    assert!(body.len() <= metadata::LIMIT);
    let document: Value = serde_json::from_slice(body).expect("strict JSON");
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(metadata.issuer, ISSUER);
    for endpoint in endpoints(&metadata) {
        let url = url::Url::parse(endpoint).expect("an absolute URL");
        let is_local = matches!(url.host(), Some(url::Host::Ipv4(address)) if address.is_loopback())
            || matches!(url.host(), Some(url::Host::Ipv6(address)) if address.is_loopback())
            || url.domain().is_some_and(|name| name == "localhost" || name.ends_with(".localhost"));
        assert!(url.scheme() == "https" || (url.scheme() == "http" && is_local), "{endpoint}");
        assert!(url.fragment().is_none_or(str::is_empty) && url.username().is_empty());
    }
    if let Some(listed) = document["code_challenge_methods_supported"].as_array() {
        assert!(listed.iter().any(|method| method == "S256"));
    }
});

fn endpoints(metadata: &Metadata) -> impl Iterator<Item = &String> {
    let more = [&metadata.revocation_endpoint, &metadata.end_session_endpoint, &metadata.jwks_uri];
    [&metadata.authorization_endpoint, &metadata.token_endpoint]
        .into_iter()
        .chain(more.into_iter().flatten())
}

/// The crate `url`, where the vault has the browser.
struct Urls;

impl ParseUrl for Urls {
    fn parse(&self, input: &str, _: Option<&str>) -> Option<ParsedUrl> {
        let url = url::Url::parse(input).ok()?;
        let marked = |mark: &str, text: Option<&str>| {
            text.map(|text| [mark, text].concat()).unwrap_or_default()
        };
        Some(ParsedUrl {
            href: url.as_str().to_owned(),
            origin: url.origin().ascii_serialization(),
            protocol: [url.scheme(), ":"].concat(),
            hostname: url.host_str().unwrap_or_default().to_owned(),
            pathname: url.path().to_owned(),
            search: marked("?", url.query()),
            hash: marked("#", url.fragment()),
            has_userinfo: !url.username().is_empty() || url.password().is_some(),
        })
    }
}
