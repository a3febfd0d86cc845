//! How an access token is written into a request (RFC 6750, 2.1; RFC 9449, 7.1). Never into a URL or a
//! body, and one that is bound to a key never as a bearer token.

use crate::secret::Secret;

/// The value of `Authorization`, for a token that is bound to a key or is not.
#[must_use]
pub fn authorization(token: &Secret, is_bound: bool) -> Secret {
    let scheme = if is_bound { "DPoP " } else { "Bearer " };
    let token = token.expose(); // exposed: the resource is who the token is for.
    // In one allocation: a growing text would leave unwiped copies.
    let mut value = String::with_capacity(scheme.len() + token.len());
    value.push_str(scheme);
    value.push_str(token);
    Secret::new(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn br1_dp9_the_header_form() {
        assert_eq!(authorization(&Secret::from("abc"), false), Secret::from("Bearer abc"));
        assert_eq!(authorization(&Secret::from("abc"), true), Secret::from("DPoP abc"));
    }
}
