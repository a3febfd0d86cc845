//! The options, read into a [`Config`].

use super::{
    Config, Endpoints, Logout, Persistence, RefreshCookie, Resource, Restore, TokenType,
    credential::{Key, header_problem},
    keys,
    options::{ENDPOINTS, LOGOUT, OPTIONS, REFRESH_COOKIE, RESOURCE, TIMEOUTS},
    reader::{Problems, Reader},
    scalars,
};
use crate::{
    clock::Millis,
    json::{Json, Object, decimal},
    url::{ParseUrl, ParsedUrl},
};

/// How long the provider may take to answer, where the options do not say.
pub const NETWORK_MS: u32 = 10_000;

/// The configuration in `options`, or every problem with it.
pub(super) fn config(
    options: &Object,
    page: &ParsedUrl,
    urls: &dyn ParseUrl,
) -> Result<Config, Vec<String>> {
    let problems = Problems::default();
    let from = Reader::new(options, OPTIONS, &problems);
    let scope = scalars::scope(&from).unwrap_or_else(|| vec!["openid".to_owned()]);
    let is_openid = scope.iter().any(|scope| scope == "openid");
    let keys = keys::keys(&from, page, urls);
    let resources = resources(&from, &keys, &problems, urls);
    let mut resource = scalars::resource(&from, urls).unwrap_or_default();
    let audiences = audiences(&from, &mut resource, &resources);
    // What is absent or wrong has been noted; the empty texts that stand in for it are not used.
    let config = Config {
        issuer: scalars::issuer(&from, urls).unwrap_or_default(),
        client_id: client_id(&from).unwrap_or_default(),
        redirect_uri: scalars::redirect_uri(&from, "redirectUri", page, urls).unwrap_or_default(),
        silent_redirect_uri: scalars::redirect_uri(&from, "silentRedirectUri", page, urls),
        scope,
        resources,
        keys,
        resource,
        audiences,
        endpoints: from
            .object("endpoints", ENDPOINTS)
            .map(|from| endpoints(&from, is_openid, urls)),
        extra_params: scalars::extra_params(&from).unwrap_or_default(),
        push_authorization_requests: from.boolean("pushAuthorizationRequests").unwrap_or(false),
        token_type: if from.boolean("dpop").unwrap_or(false) {
            TokenType::Dpop
        } else {
            TokenType::Bearer
        },
        logout: logout(&from, urls),
        restore: restore(&from),
        persistence: persistence(&from),
        refresh_cookie: refresh_cookie(&from, is_openid, urls),
        allow_password_grant: allow_password_grant(&from),
        allow_token_export: from.boolean("allowTokenExport").unwrap_or(false),
        network_timeout: network_timeout(&from),
        page_origin: page.origin.clone(),
        app_origins: app_origins(&from, page, urls),
        fingerprint: String::new(),
    };
    problems.settle(config)
}

/// The origins of an application whose vault is at another one.
fn app_origins(from: &Reader<'_>, page: &ParsedUrl, urls: &dyn ParseUrl) -> Vec<String> {
    let Some(origins) = scalars::some(from, "appOrigins") else { return Vec::new() };
    for origin in &origins {
        let url = urls.parse(origin, None).filter(|url| url.is_secure() && url.origin == *origin);
        if origin.contains('*') || url.is_none_or(|url| url.origin == page.origin) {
            from.problem(
                "appOrigins",
                "must be origins of the application, as browsers write them, and not the vault's own",
            );
        }
    }
    origins.into_iter().map(str::to_owned).collect()
}

fn client_id(from: &Reader<'_>) -> Option<String> {
    let id = from.text("clientId")?;
    if id.is_empty() || !id.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        from.problem("clientId", "must be the client's name at the provider, in printable ASCII");
    }
    Some(id.to_owned())
}

fn resources(
    from: &Reader<'_>,
    keys: &[Key],
    problems: &Problems,
    urls: &dyn ParseUrl,
) -> Vec<Resource> {
    let values = from.values("resources").unwrap_or_default();
    let read = |(at, value): (usize, &Json)| {
        let from = Reader::of(
            value,
            ["resources[", &decimal(i64::try_from(at).unwrap_or_default()), "]"].concat(),
            RESOURCE,
            problems,
        );
        let origin = scalars::origin(&from, urls);
        let credential = keys::of(&from, keys);
        if credential.is_some() && from.text("resource").is_some() {
            from.problem("resource", "is for access tokens alone: a key is for whoever knows it");
        }
        Resource {
            paths: scalars::paths(&from, origin.as_deref(), urls),
            methods: scalars::methods(&from),
            resource: scalars::indicator(&from, urls),
            credential,
            origin: origin.unwrap_or_default(),
        }
    };
    values.iter().enumerate().map(read).collect()
}

/// Every audience. Where resources name theirs, that of the default token has a name too: without one,
/// providers issue a token for any of those that were asked for.
fn audiences(from: &Reader<'_>, default: &mut Vec<String>, resources: &[Resource]) -> Vec<String> {
    let named: Vec<_> = resources.iter().filter_map(|one| one.resource.as_ref()).collect();
    if let (true, Some(first)) = (default.is_empty(), named.first()) {
        let tokens = resources.iter().filter(|one| one.credential.is_none()).count();
        if named.len() < tokens {
            from.problem("resource", "is missing: some of `resources` say whom their token is for");
        }
        default.push((*first).clone());
    }
    let mut all = vec![if let [one] = &**default { one.clone() } else { String::new() }];
    for name in named {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

fn endpoints(from: &Reader<'_>, is_openid: bool, urls: &dyn ParseUrl) -> Endpoints {
    let optional = |name| scalars::secure(from, name, urls).map(|url| url.href);
    if is_openid && from.text("jwks").is_none() {
        from.problem(
            "jwks",
            "is missing: with the scope `openid`, ID tokens are verified by those keys",
        );
    }
    let algorithms = "idTokenSigningAlgValuesSupported";
    let names = from.texts(algorithms);
    if names.as_ref().is_some_and(Vec::is_empty) {
        from.problem(
            algorithms,
            "is empty, so no ID token could be believed: leave it out for RS256",
        );
    }
    Endpoints {
        authorization: optional("authorization").unwrap_or_default(),
        token: optional("token").unwrap_or_default(),
        revocation: optional("revocation"),
        end_session: optional("endSession"),
        jwks: optional("jwks"),
        userinfo: optional("userinfo"),
        pushed_authorization_request: optional("pushedAuthorizationRequest"),
        id_token_signing_alg_values_supported: names
            .map(|names| names.into_iter().map(str::to_owned).collect()),
    }
}

fn logout(from: &Reader<'_>, urls: &dyn ParseUrl) -> Logout {
    let from = from.object("logout", LOGOUT);
    let from = from.as_ref();
    Logout {
        post_logout_redirect_uri: from.and_then(|from| {
            let name = "postLogoutRedirectUri";
            // As given, since providers compare it byte by byte.
            scalars::secure(from, name, urls).and(from.text(name)).map(str::to_owned)
        }),
        end_session: from.and_then(|from| from.boolean("endSession")).unwrap_or(true),
        id_token_hint: from.is_some_and(|from| {
            let hint = from.text("idTokenHint");
            if hint.is_some_and(|hint| hint != "expose") {
                from.problem(
                    "idTokenHint",
                    "must be \"expose\": the ID token passes through the page",
                );
            }
            hint.is_some()
        }),
    }
}

fn restore(from: &Reader<'_>) -> Restore {
    match from.text("restore") {
        None | Some("redirect") => Restore::Redirect,
        Some("none") => Restore::None,
        Some("frame") => {
            if from.text("silentRedirectUri").is_none() {
                from.problem(
                    "restore",
                    "is \"frame\" without `silentRedirectUri`, a page for hidden frames",
                );
            }
            if from.texts("appOrigins").is_some() {
                from.problem(
                    "restore",
                    "is \"frame\" with `appOrigins`, where no page hears such a frame",
                );
            }
            Restore::Frame
        }
        Some(_) => {
            from.problem("restore", "must be \"frame\", \"redirect\" or \"none\"");
            Restore::None
        }
    }
}

fn persistence(from: &Reader<'_>) -> Persistence {
    match from.text("persistence") {
        None | Some("memory") => Persistence::Memory,
        Some("sealed") => {
            if from.boolean("dpop") != Some(true) {
                from.problem(
                    "persistence",
                    "is \"sealed\" without `dpop: true`: a script of this origin that opens the record once \
                     could use its refresh token anywhere; \"sealed-unbound\" takes that risk",
                );
            }
            Persistence::Sealed
        }
        Some("sealed-unbound") => Persistence::SealedUnbound,
        Some(_) => {
            from.problem("persistence", "must be \"memory\", \"sealed\" or \"sealed-unbound\"");
            Persistence::Memory
        }
    }
}

/// The header by which a backend knows the vault, where the options do not say.
const COOKIE_HEADER: &str = "X-Tokenward";

fn refresh_cookie(
    from: &Reader<'_>,
    is_openid: bool,
    urls: &dyn ParseUrl,
) -> Option<RefreshCookie> {
    let cookie = from.object("refreshCookie", REFRESH_COOKIE)?;
    if !matches!(from.text("persistence"), None | Some("memory")) {
        from.problem(
            "persistence",
            "is for a refresh token of the vault's: with `refreshCookie` it has none, so leave one of both out",
        );
    }
    if !is_openid {
        from.problem(
            "refreshCookie",
            "needs the scope `openid`: an ID token says whose its tokens are",
        );
    }
    let header = cookie.text("header").unwrap_or(COOKIE_HEADER);
    let lower = header.to_ascii_lowercase();
    // Those of the fetch standard that need no leave of the other side, and what is a credential's.
    let says_nothing =
        matches!(&*lower, "accept" | "accept-language" | "content-language" | "authorization");
    let problem = header_problem(header).or(says_nothing
        .then_some("must be one that no other site may send: a name of your own, like \"X-CSRF\""));
    if let Some(problem) = problem {
        cookie.problem("header", problem);
    }
    let url = |name| scalars::secure(&cookie, name, urls).map(|url| url.href).unwrap_or_default();
    Some(RefreshCookie {
        token: url("token"),
        revocation: url("revocation"),
        header: header.to_owned(),
    })
}

fn allow_password_grant(from: &Reader<'_>) -> bool {
    let word = from.text("allowPasswordGrant");
    if word.is_some_and(|word| word != "deprecated") {
        from.problem("allowPasswordGrant", "must be \"deprecated\" (RFC 9700, 2.4)");
    }
    word.is_some()
}

fn network_timeout(from: &Reader<'_>) -> Millis {
    let from = from.object("timeouts", TIMEOUTS);
    let given = from.as_ref().and_then(|from| {
        let given = from.number("networkMs")?;
        if !(1000..=120_000).contains(&given) {
            from.problem("networkMs", "must be from 1000 to 120000 milliseconds");
        }
        Some(given)
    });
    Millis(given.unwrap_or(NETWORK_MS).into())
}
