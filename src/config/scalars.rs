//! What single values must be like: URLs, scopes, methods, paths, names of parameters.

use super::reader::Reader;
use crate::url::{ParseUrl, ParsedUrl};

/// Parameters that are the protocol's own, or would put a credential into a URL.
const PROTOCOL: &[&str] = &[
    "access_token",
    "assertion",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "dpop_jkt",
    "grant_type",
    "id_token_hint",
    "nonce",
    "password",
    "redirect_uri",
    "refresh_token",
    "request",
    "request_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "token",
    "username",
];

/// Why a parameter of this name cannot be among `extraParams`; `None` where it can.
#[must_use]
pub fn extra_param_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("has no name")
    } else if PROTOCOL.contains(&name) {
        Some("is the protocol's own and cannot be set")
    } else {
        None
    }
}

/// An absolute URL that credentials may travel to, without fragment and user name.
pub(super) fn secure(from: &Reader<'_>, name: &str, urls: &dyn ParseUrl) -> Option<ParsedUrl> {
    let text = from.text(name)?;
    let Some(url) = urls.parse(text, None).filter(|_| is_plain(text) && has_host(text)) else {
        from.problem(name, "must be an absolute URL, like \"https://id.example.com\"");
        return None;
    };
    if !url.is_secure() {
        from.problem(name, "must be https (http is for this device alone, like localhost)");
    } else if url.has_userinfo {
        from.problem(name, "must not carry a user name");
    } else if text.contains('#') {
        from.problem(name, "must not have a fragment (`#…`)");
    } else {
        return Some(url);
    }
    None
}

/// The issuer, as given (RFC 8414, 2).
pub(super) fn issuer(from: &Reader<'_>, urls: &dyn ParseUrl) -> Option<String> {
    let issuer = from.text("issuer")?;
    secure(from, "issuer", urls)?;
    if issuer.contains('?') {
        from.problem("issuer", "must not have a query (`?…`)");
        return None;
    }
    Some(issuer.to_owned())
}

/// A redirect URI: of the page's origin, and as given where it is absolute.
pub(super) fn redirect_uri(
    from: &Reader<'_>,
    name: &str,
    page: &ParsedUrl,
    urls: &dyn ParseUrl,
) -> Option<String> {
    let text = from.text(name)?;
    let is_absolute = urls.parse(text, None).is_some();
    if !is_plain(text) || !(is_absolute || text.starts_with('/')) {
        from.problem(name, "must be an absolute URL, or a path that begins with \"/\"");
        return None;
    }
    let url = urls.parse(text, Some(&page.href))?;
    if url.origin != page.origin || url.has_userinfo {
        from.problem(name, &["must be of the page's origin, ", &page.origin].concat());
    } else if !url.is_secure() {
        from.problem(name, "must be https (http is for this device alone): serve the page so");
    } else if text.contains('#') {
        from.problem(name, "must not have a fragment (`#…`; RFC 6749, 3.1.2)");
    } else {
        return Some(if is_absolute { text.to_owned() } else { url.href });
    }
    None
}

/// An origin and nothing more, in canonical form.
pub(super) fn origin(from: &Reader<'_>, urls: &dyn ParseUrl) -> Option<String> {
    let url = secure(from, "origin", urls)?;
    // As given: some parsers write it as `%2A`.
    if from.text("origin")?.contains('*') {
        from.problem("origin", "must name one host: list each, there are no patterns");
        None
    } else if url.pathname != "/" || from.text("origin")?.contains('?') {
        from.problem("origin", "must be an origin alone: put paths into `paths`");
        None
    } else {
        Some(url.origin)
    }
}

/// A list that, where it is given, names something.
pub(super) fn some<'a>(from: &Reader<'a>, name: &str) -> Option<Vec<&'a str>> {
    let list = from.texts(name)?;
    if list.is_empty() {
        from.problem(name, "is empty, so nothing could be sent: leave it out to allow all");
    }
    Some(list)
}

/// Path prefixes, in the form in which the browser fetches them.
pub(super) fn paths(
    from: &Reader<'_>,
    origin: Option<&str>,
    urls: &dyn ParseUrl,
) -> Option<Vec<String>> {
    let paths = some(from, "paths")?;
    for path in &paths {
        let url = origin.map(|origin| urls.parse(&[origin, path].concat(), None));
        let is_canonical = url.is_none_or(|url| url.is_some_and(|url| url.pathname == *path));
        if !path.starts_with('/') || !is_canonical || has_tricks(path) {
            from.problem(
                "paths",
                "must be plain paths like \"/v1/orders\": no dot segments, encoded slashes, queries",
            );
        }
    }
    Some(paths.into_iter().map(str::to_owned).collect())
}

/// Methods that `fetch` sends, written as they are sent.
pub(super) fn methods(from: &Reader<'_>) -> Option<Vec<String>> {
    let methods = some(from, "methods")?;
    for method in &methods {
        let is_token = !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        if !is_token || matches!(*method, "CONNECT" | "TRACE" | "TRACK") {
            from.problem("methods", "must be methods that `fetch` sends, in capitals: \"GET\"");
        }
    }
    Some(methods.into_iter().map(str::to_owned).collect())
}

/// Scopes (RFC 6749, 3.3).
pub(super) fn scope(from: &Reader<'_>) -> Option<Vec<String>> {
    let scopes = from.texts("scope")?;
    let is_scope = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    if scopes.iter().any(|scope| scope.is_empty() || !scope.bytes().all(is_scope)) {
        from.problem("scope", "must be single scopes: [\"openid\", \"profile\"]");
    }
    let is_again = |(at, scope): (usize, &&str)| scopes.iter().take(at).any(|other| other == scope);
    if scopes.iter().enumerate().any(is_again) {
        from.problem("scope", "names one scope twice");
    }
    Some(scopes.into_iter().map(str::to_owned).collect())
}

/// Resource indicators: absolute URIs without a fragment, as the provider writes them (RFC 8707, 2).
pub(super) fn resource(from: &Reader<'_>, urls: &dyn ParseUrl) -> Option<Vec<String>> {
    let resources = from.texts("resource")?;
    check_indicators(from, &resources, urls);
    Some(resources.into_iter().map(str::to_owned).collect())
}

/// The same for one resource.
pub(super) fn indicator(from: &Reader<'_>, urls: &dyn ParseUrl) -> Option<String> {
    let uri = from.text("resource")?;
    check_indicators(from, &[uri], urls);
    Some(uri.to_owned())
}

fn check_indicators(from: &Reader<'_>, resources: &[&str], urls: &dyn ParseUrl) {
    let is_one =
        |uri: &&str| is_plain(uri) && !uri.contains('#') && urls.parse(uri, None).is_some();
    if !resources.iter().all(is_one) {
        from.problem("resource", "must be absolute URIs without a fragment (`#…`; RFC 8707, 2)");
    }
}

/// Further parameters of the authorization request.
pub(super) fn extra_params(from: &Reader<'_>) -> Option<Vec<(String, String)>> {
    let params = from.record("extraParams")?;
    for (name, _) in &params {
        if let Some(problem) = extra_param_problem(name) {
            from.problem(&["extraParams.", &crate::error::inert(name, 64)].concat(), problem);
        }
    }
    Some(params.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
}

/// Whether a URL is written with its host where everybody looks for it: parsers take `https:host` and
/// `https:///host` too.
fn has_host(text: &str) -> bool {
    let rest = text.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//"));
    rest.is_some_and(|rest| !rest.starts_with('/'))
}

/// Whether a path hides a separator or a dot in an encoding, has an empty segment, or goes on.
fn has_tricks(path: &str) -> bool {
    let is_hidden =
        |three: &[u8]| [b"%2e", b"%2f", b"%5c"].iter().any(|odd| three.eq_ignore_ascii_case(*odd));
    path.contains(['?', '#'])
        || path.as_bytes().windows(2).any(|two| two == b"//")
        || path.as_bytes().windows(3).any(is_hidden)
}

/// Whether a URL is written without what a parser drops or turns: white space, control characters,
/// backslashes.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '\\')
}
