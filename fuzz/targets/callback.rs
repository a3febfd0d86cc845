//! The query of a callback: a whole answer with a state of its own, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenward::{oauth::callback, url::ParsedUrl};

fuzz_target!(|query: &str| {
    let url = ParsedUrl {
        href: format!("https://app.example.com/callback?{query}"),
        origin: "https://app.example.com".to_owned(),
        protocol: "https:".to_owned(),
        hostname: "app.example.com".to_owned(),
        pathname: "/callback".to_owned(),
        search: format!("?{query}"),
        hash: String::new(),
        has_userinfo: false,
    };
    let redirect_uri = ParsedUrl { search: String::new(), ..url.clone() };
    if let Ok(callback) = callback::read(&url) {
        assert!(!callback.state.is_empty());
        if let Ok(code) = callback.outcome {
            // exposed: to see that there is one.
            assert!(!code.expose().is_empty());
        }
        assert!(callback::is_arrival(&url, &redirect_uri), "what can be read is recognised");
    }
});
