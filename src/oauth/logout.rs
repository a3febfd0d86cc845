//! Signing out at the provider: revocation (RFC 7009) and the end-session URL (RP-Initiated Logout).

use crate::{
    config::Config,
    oauth::{authorize, metadata::Metadata, token},
    secret::Secret,
};

/// The form that revokes a token. Without `token_type_hint`, which is optional: what is revoked is
/// the refresh token where there is one, and a server that does not find it there looks further
/// (RFC 7009, 2.1).
#[must_use]
pub fn revoke_body(config: &Config, token: &Secret) -> Secret {
    // exposed: the provider is who issued it.
    token::form(&[("token", token.expose()), ("client_id", &config.client_id)])
}

/// Where the page goes so that the provider ends its session too; `None` where the provider has no
/// such place or the configuration does not want it.
///
/// It passes through the page, so it never carries a token: `client_id` stands in for
/// `id_token_hint` (RP-Initiated Logout, 2).
#[must_use]
pub fn end_session_url(config: &Config, metadata: &Metadata) -> Option<String> {
    let endpoint = metadata.end_session_endpoint.as_ref().filter(|_| config.logout.end_session)?;
    let mut url = authorize::with_query(endpoint);
    url.append_pair("client_id", &config.client_id);
    if let Some(back) = &config.logout.post_logout_redirect_uri {
        url.append_pair("post_logout_redirect_uri", back);
    }
    Some(url.finish())
}
