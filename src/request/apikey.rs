//! API keys: what can be one, and how it is written into a request. Never into a URL or a body.

use crate::{
    error::{AuthError, Code, Phase},
    secret::Secret,
};

/// The longest key, in bytes; also of one that signs.
pub const LONGEST: usize = 4096;

/// The value of the key's header field, for a key that can stand in one.
pub fn value(prefix: &str, key: &Secret) -> Result<Secret, AuthError> {
    // exposed: the resource is who the key is for.
    let key = key.expose();
    if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|byte| matches!(byte, b'!'..=b'~'))
    {
        let problem = "an API key must be visible ASCII without spaces, of at most 4096 characters";
        return Err(AuthError::new(Code::KeyInvalid, Phase::Fetch, problem));
    }
    // In one allocation: a growing text would leave unwiped copies.
    let mut value = String::with_capacity(prefix.len() + key.len());
    value.push_str(prefix);
    value.push_str(key);
    Ok(Secret::new(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ak1_the_header_form() {
        assert_eq!(value("", &Secret::from("abc")), Ok(Secret::from("abc")));
        assert_eq!(value("Key ", &Secret::from("a=/+:~")), Ok(Secret::from("Key a=/+:~")));
        for bad in ["", " a", "a b", "a\n", "a\r\nx: y", "\u{e9}", "\0"] {
            let error = value("", &Secret::from(bad)).unwrap_err();
            assert_eq!(error.code, Code::KeyInvalid, "{bad:?}");
        }
        let longest = "x".repeat(LONGEST);
        assert!(value("", &Secret::from(&*longest)).is_ok());
        assert!(value("", &Secret::new(longest + "x")).is_err());
    }
}
