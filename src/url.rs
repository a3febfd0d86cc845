//! A URL as the browser parsed it, and the door to that parser. This file parses nothing itself: two
//! parsers would be a hole (engines differ from each other and from any library).

/// The parts of a URL in the canonical form of the WHATWG parser that will also fetch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedUrl {
    /// The whole, serialised.
    pub href: String,
    /// Scheme, host and port (`https://api.example.com`), or `null` where opaque.
    pub origin: String,
    /// The scheme with its colon: `https:`.
    pub protocol: String,
    /// The host without a port.
    pub hostname: String,
    /// The path, beginning with `/` for `https:`.
    pub pathname: String,
    /// The query with its `?`, or empty.
    pub search: String,
    /// The fragment with its `#`, or empty.
    pub hash: String,
    /// Whether the URL carries a user name or a password.
    pub has_userinfo: bool,
}

impl ParsedUrl {
    /// The parameters in the query, decoded, in their order (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        let query = self.search.strip_prefix('?').unwrap_or(&self.search);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// Whether credentials may travel there: `https:`, or `http:` to this very device (OAuth 2.1, 1.5).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.protocol == "https:" || (self.protocol == "http:" && is_loopback(&self.hostname))
    }
}

fn is_loopback(hostname: &str) -> bool {
    hostname == "localhost"
        || hostname.ends_with(".localhost")
        || hostname == "[::1]"
        || (hostname.starts_with("127.")
            && hostname.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

/// The parser of URLs: the browser's own in the vault, the crate `url` as an oracle in native tests.
pub trait ParseUrl {
    /// The URL that `input` names, relative to `base` where given; `None` if it names none.
    fn parse(&self, input: &str, base: Option<&str>) -> Option<ParsedUrl>;
}

/// The crate `url`, for native tests alone.
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) mod oracle {
    use super::{ParseUrl, ParsedUrl};

    /// Parses with the crate `url`.
    pub(crate) struct Oracle;

    impl ParseUrl for Oracle {
        fn parse(&self, input: &str, base: Option<&str>) -> Option<ParsedUrl> {
            let parsed = match base {
                Some(base) => ::url::Url::parse(base).ok()?.join(input).ok()?,
                None => ::url::Url::parse(input).ok()?,
            };
            Some(ParsedUrl {
                href: parsed.as_str().to_owned(),
                origin: parsed.origin().ascii_serialization(),
                protocol: format!("{}:", parsed.scheme()),
                hostname: parsed.host_str().unwrap_or_default().to_owned(),
                pathname: parsed.path().to_owned(),
                search: parsed.query().map(|q| format!("?{q}")).unwrap_or_default(),
                hash: parsed.fragment().map(|f| format!("#{f}")).unwrap_or_default(),
                has_userinfo: !parsed.username().is_empty() || parsed.password().is_some(),
            })
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::{ParseUrl, oracle::Oracle};

    #[test]
    fn secure_means_https_or_this_device_ar10() {
        for (url, secure) in [
            ("https://id.example.com/", true),
            ("http://id.example.com/", false),
            ("http://localhost:8100/", true),
            ("http://app.localhost/", true),
            ("http://127.0.0.1:8100/", true),
            ("http://[::1]:8100/", true),
            ("http://127.0.0.1.example.com/", false),
            ("http://localhost.example.com/", false),
            ("ftp://localhost/", false),
        ] {
            let parsed = Oracle.parse(url, None);
            assert_eq!(parsed.map(|url| url.is_secure()), Some(secure), "{url}");
        }
    }
}
