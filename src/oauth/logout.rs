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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::oauth::fixtures::{config, metadata, parameters};

    #[test]
    fn revocation_names_token_and_client_rv1() {
        let form = revoke_body(&config(), &Secret::from("a+b/c=&d"));
        assert_eq!(form.expose(), "token=a%2Bb%2Fc%3D%26d&client_id=spa");
    }

    #[test]
    fn the_end_session_url_carries_no_token_lo1() {
        let mut metadata = metadata();
        let mut config = config();
        assert_eq!(end_session_url(&config, &metadata), None, "the provider has no such place");
        metadata.end_session_endpoint = Some("https://id.example.com/end?x=1".to_owned());
        let url = end_session_url(&config, &metadata).unwrap();
        assert_eq!(url, "https://id.example.com/end?x=1&client_id=spa");
        config.logout.post_logout_redirect_uri = Some("https://app.example.com/bye".to_owned());
        let url = end_session_url(&config, &metadata).unwrap();
        let back =
            ("post_logout_redirect_uri".to_owned(), "https://app.example.com/bye".to_owned());
        assert_eq!(parameters(&url).last(), Some(&back));
        config.logout.end_session = false;
        assert_eq!(end_session_url(&config, &metadata), None);
    }
}
