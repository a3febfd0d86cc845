//! Where an application may be sent after a sign-in: an address of its own origin and nothing else,
//! so that no link to it becomes an open redirect (RFC 9700, 4.11.1). Where the vault has an origin of its own,
//! the application's is one of those that the vault's configuration lists.

use crate::{
    error::{AuthError, Code, Phase},
    url::ParseUrl,
};

/// The longest address that is kept, in bytes.
const LIMIT: usize = 8 * 1024;

/// Path, query and fragment of the address that `return_to` names, which must be of `page_origin`; where
/// there are `app_origins`, the whole address, which must be of one of those.
///
/// What is returned is the parser's canonical form: it begins with one `/`, or with a listed origin, so that it
/// stays on its origin however it is used.
pub fn check(
    return_to: &str,
    page_origin: &str,
    app_origins: &[String],
    urls: &dyn ParseUrl,
) -> Result<String, AuthError> {
    let base = app_origins.first().map_or(page_origin, String::as_str);
    let target = urls.parse(return_to, Some(base)).filter(|_| return_to.len() <= LIMIT);
    let own = target.filter(|url| {
        // By scheme too: a `blob:` URL has the origin of its maker.
        (url.protocol == "https:" || url.protocol == "http:")
            && (url.origin == base || app_origins.contains(&url.origin))
            && !url.has_userinfo
            && url.pathname.starts_with('/')
            // `//host` and its likes name another host when they are used as an address.
            && !url.pathname.starts_with("//")
            && !url.pathname.contains('\\')
    });
    match own {
        Some(url) => {
            let path = url.pathname + &url.search + &url.hash;
            Ok(if app_origins.is_empty() { path } else { url.origin + &path })
        }
        None => Err(AuthError::new(
            Code::ReturnToInvalid,
            Phase::SignIn,
            "`returnTo` must be an address of this application's origin: use a path like \"/orders?page=2\"",
        )),
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::url::oracle::Oracle;

    const PAGE: &str = "https://app.example.com";

    fn checked(return_to: &str) -> Result<String, Code> {
        check(return_to, PAGE, &[], &Oracle).map_err(|error| error.code)
    }

    /// The same where the vault is at an origin of its own.
    fn framed(return_to: &str) -> Result<String, Code> {
        let app_origins = [PAGE.to_owned(), "https://beta.example.com:8443".to_owned()];
        let vault = "https://vault.example.com";
        check(return_to, vault, &app_origins, &Oracle).map_err(|error| error.code)
    }

    #[test]
    fn a_vault_of_its_own_origin_sends_people_to_listed_origins_alone_cb9() {
        for (wanted, address) in [
            ("/orders?page=2#row", "https://app.example.com/orders?page=2#row"),
            ("https://app.example.com/a/../b", "https://app.example.com/b"),
            ("https://beta.example.com:8443", "https://beta.example.com:8443/"),
        ] {
            assert_eq!(framed(wanted).as_deref(), Ok(address), "{wanted}");
            assert_eq!(framed(address).as_deref(), Ok(address), "checked again");
        }
        for hostile in [
            "https://vault.example.com/tokenward/callback.html",
            "https://beta.example.com/",
            "http://app.example.com/",
            "https://evil.example/",
            "//evil.example",
            "https://app.example.com@evil.example/",
            "https://app.example.com.evil.example/",
            "blob:https://app.example.com/4f7b",
            "javascript:alert(1)",
            "/.//evil.example",
        ] {
            assert_eq!(framed(hostile), Err(Code::ReturnToInvalid), "{hostile}");
        }
    }

    #[test]
    fn own_addresses_come_back_as_paths_cb9() {
        for (wanted, path) in [
            ("/", "/"),
            ("", "/"),
            ("/orders?page=2#row", "/orders?page=2#row"),
            ("orders", "/orders"),
            ("?a=b", "/?a=b"),
            ("#here", "/#here"),
            ("https://app.example.com/a/../b", "/b"),
            ("HTTPS://APP.example.com:443/x", "/x"),
            ("/redirect?to=https://evil.example", "/redirect?to=https://evil.example"),
            ("/%2f%2fevil.example", "/%2f%2fevil.example"),
            ("https:/evil.example", "/evil.example"),
            ("https:evil.example/x", "/evil.example/x"),
        ] {
            assert_eq!(checked(wanted).as_deref(), Ok(path), "{wanted}");
        }
    }

    #[test]
    fn hostile_addresses_are_refused_cb9_t14() {
        for hostile in [
            "https://evil.example/",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            r"\\evil.example",
            r"/\evil.example",
            r"\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "http:evil.example",
            r"https:\\evil.example",
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://user@app.example.com/",
            "https://user:word@app.example.com/",
            "https://app.example.com./",
            "https://sub.app.example.com/",
            "//app.example.com:80/",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "blob:https://app.example.com/4f7b",
            "filesystem:https://app.example.com/temporary/x",
            "about:blank",
            "file:///etc/passwd",
            "mailto:a@app.example.com",
            "/.//evil.example",
            "/..//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "https://app.example.com//evil.example",
            "https://app.example.com/.//evil.example",
            "https://[::1/",
            "https://\u{ff41}pp.evil.example/",
        ] {
            assert_eq!(checked(hostile), Err(Code::ReturnToInvalid), "{hostile:?}");
        }
        assert_eq!(checked(&"a".repeat(LIMIT + 1)), Err(Code::ReturnToInvalid));
        assert!(checked(&"a".repeat(8 * 1024)).is_ok());
    }

    #[test]
    fn a_device_of_its_own_may_serve_without_tls() {
        let local = check("/orders", "http://localhost:8080", &[], &Oracle);
        assert_eq!(local.as_deref(), Ok("/orders"));
    }

    proptest! {
        /// However it is used as an address, what was let through stays on the origin.
        #[test]
        fn stays_on_the_origin_cb9(return_to in r"[/\\.:@%a-f2?#\t\n ]{0,20}") {
            if let Ok(path) = checked(&return_to) {
                prop_assert!(path.starts_with('/') && !path.starts_with("//"));
                for base in [PAGE, "https://app.example.com/deep/page?x"] {
                    let url = Oracle.parse(&path, Some(base)).unwrap();
                    prop_assert_eq!(url.origin, PAGE);
                }
            }
            if let Ok(address) = framed(&return_to) {
                prop_assert_eq!(Oracle.parse(&address, None).unwrap().origin, PAGE);
            }
        }
    }
}
