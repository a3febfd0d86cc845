//! Whom access tokens are for: the default one's audience, and those of resources that want a token of
//! their own (RFC 8707). It must not know how tokens are asked for.

use super::{Resource, reader::Reader, scalars};
use crate::url::ParseUrl;

/// Whom an access token is for, and what it is good for there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// The resource indicator: an absolute URI, by the provider's names (RFC 8707, 2).
    pub resource: String,
    /// Its scopes, some of those that are asked for (RFC 6749, 6); whatever the provider gives where absent.
    pub scope: Option<Vec<String>>,
}

/// The audience of a resource, where it names one. `granted` are the scopes that are asked for.
pub(super) fn read(
    from: &Reader<'_>,
    granted: &[String],
    urls: &dyn ParseUrl,
) -> Option<Audience> {
    let resource = from.text("resource");
    if resource.is_some_and(|uri| !scalars::is_indicator(uri, urls)) {
        from.problem("resource", scalars::NOT_AN_INDICATOR);
    }
    let scope = scalars::scope(from);
    if scope.iter().flatten().any(|one| !granted.contains(one)) {
        from.problem("scope", "must be of those in the top-level `scope`");
    }
    if scope.is_some() && resource.is_none() {
        from.problem("scope", "needs `resource`: it is for an access token of its own");
    }
    Some(Audience { resource: resource?.to_owned(), scope })
}

/// Whom the default token is for, and the further audiences.
///
/// Where resources name audiences, the default one must have a name too: without one, providers issue a
/// token for any of those that were asked for.
pub(super) fn sort(
    from: &Reader<'_>,
    mut default: Vec<String>,
    resources: &[Resource],
) -> (Vec<String>, Vec<Audience>) {
    let named = || resources.iter().filter_map(|resource| resource.audience.as_ref());
    if let Some(first) = named().next().filter(|_| default.is_empty()) {
        if resources.iter().any(|resource| resource.audience.is_none()) {
            from.problem(
                "resource",
                "is missing: say whom the access token is for that goes to the `resources` without one",
            );
        }
        default.push(first.resource.clone());
    }
    let mut further: Vec<Audience> = Vec::new();
    for audience in named() {
        let is_default = audience.scope.is_none() && default == [audience.resource.as_str()];
        if !is_default && !further.contains(audience) {
            further.push(audience.clone());
        }
    }
    (default, further)
}
