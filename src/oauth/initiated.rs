//! A sign-in that somebody else began (OpenID Connect Core, 4): a portal or the provider sends a person
//! to a page of the application, with the wish to have them signed in. Every parameter is hostile input.

use crate::{
    error::{AuthError, Code, Phase},
    oauth::authorize::Asked,
    url::ParsedUrl,
};

/// What the page at `url` was asked for: the sign-in, and where to go afterwards, which is nobody's
/// word yet (`return_to::check`). `issuer_mismatch` where another provider is meant than the one of this
/// configuration, `callback_invalid` where a parameter stands twice.
pub fn read(url: &ParsedUrl, issuer: &str) -> Result<(Asked, Option<String>), AuthError> {
    let (mut iss, mut login_hint, mut target) = (None, None, None);
    for (name, value) in url.parameters() {
        let place = match name.as_str() {
            "iss" => &mut iss,
            "login_hint" => &mut login_hint,
            "target_link_uri" => &mut target,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(refused(Code::CallbackInvalid, "has a parameter twice"));
        }
    }
    if iss.as_deref() != Some(issuer) {
        return Err(refused(Code::IssuerMismatch, "is for another provider (`iss`) than `issuer`"));
    }
    Ok((Asked { login_hint, ..Asked::default() }, target))
}

fn refused(code: Code, problem: &str) -> AuthError {
    let message = ["the sign-in that somebody else began ", problem].concat();
    AuthError::new(code, Phase::SignIn, message)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::{
        oauth::{fixtures::url, return_to},
        url::oracle::Oracle,
    };

    const ISSUER: &str = "https://id.example.com";
    const PAGE: &str = "https://app.example.com";

    fn begun(query: &str) -> Result<(Asked, Option<String>), Code> {
        read(&url(&format!("{PAGE}/login?{query}")), ISSUER).map_err(|error| error.code)
    }

    #[test]
    fn a_known_provider_may_begin_a_sign_in_ar16() {
        let query = "iss=https%3A%2F%2Fid.example.com&login_hint=a%26b&target_link_uri=%2Fdeep&x=1";
        let (asked, target) = begun(query).unwrap();
        assert_eq!(asked, Asked { login_hint: Some("a&b".to_owned()), ..Asked::default() });
        assert_eq!(target.as_deref(), Some("/deep"));
        assert_eq!(begun("iss=https://id.example.com"), Ok((Asked::default(), None)));
    }

    #[test]
    fn an_unknown_one_may_not_ar16() {
        for iss in [
            "",
            "iss=",
            "iss=https://id.example.com/",
            "iss=https://ID.example.com",
            "iss=https://id.example.com:443",
            "iss=http://id.example.com",
            "iss=https://evil.example",
            "ISS=https://id.example.com",
        ] {
            assert_eq!(begun(iss), Err(Code::IssuerMismatch), "{iss}");
        }
        for twice in [
            "iss=https://id.example.com&iss=https://id.example.com",
            "iss=https://id.example.com&login_hint=a&login_hint=a",
            "iss=https://id.example.com&target_link_uri=/a&target_link_uri=//evil.example",
        ] {
            assert_eq!(begun(twice), Err(Code::CallbackInvalid), "{twice}");
        }
    }

    #[test]
    fn it_leads_nowhere_else_ar16_t14() {
        for target in [
            "https%3A%2F%2Fevil.example",
            "%2F%2Fevil.example",
            "%2F%5Cevil.example",
            "javascript%3Aalert(1)",
            "https%3A%2F%2Fapp.example.com%40evil.example%2F",
            "data%3Atext%2Fhtml%2Cx",
        ] {
            let (_, wanted) = begun(&format!("iss={ISSUER}&target_link_uri={target}")).unwrap();
            let checked = return_to::check(&wanted.unwrap(), PAGE, &[], &Oracle);
            assert_eq!(checked.map_err(|error| error.code), Err(Code::ReturnToInvalid), "{target}");
        }
    }
}
