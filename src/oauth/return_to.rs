//! Where an application may be sent after a sign-in: an address of its own origin and nothing else,
//! so that no link to it becomes an open redirect (RFC 9700, 4.11.1).

use crate::{
    error::{AuthError, Code, Phase},
    url::ParseUrl,
};

/// The longest address that is kept, in bytes.
const LIMIT: usize = 8 * 1024;

/// Path, query and fragment of the address that `return_to` names, which must be of `page_origin`.
///
/// What is returned is the parser's canonical form: it begins with one `/`, so that it stays on its
/// origin however it is used.
pub fn check(return_to: &str, page_origin: &str, urls: &dyn ParseUrl) -> Result<String, AuthError> {
    let target = urls.parse(return_to, Some(page_origin)).filter(|_| return_to.len() <= LIMIT);
    let own = target.filter(|url| {
        // By scheme too: a `blob:` URL has the origin of its maker.
        (url.protocol == "https:" || url.protocol == "http:")
            && url.origin == page_origin
            && !url.has_userinfo
            && url.pathname.starts_with('/')
            // `//host` and its likes name another host when they are used as an address.
            && !url.pathname.starts_with("//")
            && !url.pathname.contains('\\')
    });
    match own {
        Some(url) => Ok(format!("{}{}{}", url.pathname, url.search, url.hash)),
        None => Err(AuthError::new(
            Code::ReturnToInvalid,
            Phase::SignIn,
            "`returnTo` must be an address of this origin: use a path like \"/orders?page=2\"",
        )),
    }
}
