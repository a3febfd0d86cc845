//! How a bearer token is written into a request (RFC 6750, 2.1). Never into a URL or a body.

use crate::secret::Secret;

/// The value of `Authorization`.
#[must_use]
pub fn authorization(token: &Secret) -> Secret {
    let token = token.expose(); // exposed: the resource is who the token is for.
    // In one allocation: a growing text would leave unwiped copies.
    let mut value = String::with_capacity("Bearer ".len() + token.len());
    value.push_str("Bearer ");
    value.push_str(token);
    Secret::new(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn br1_the_header_form() {
        assert_eq!(authorization(&Secret::from("abc")), Secret::from("Bearer abc"));
    }
}
