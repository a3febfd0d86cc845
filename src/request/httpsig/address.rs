//! The form of a URL in which every client sends it: what is signed must be what arrives.

/// The URL with percent-encodings as RFC 3986, 6.2.2 normalises them: unreserved characters as they are,
/// hexadecimal digits in capitals. `URL` leaves both as they were written; `WebKitGTK` sends the normal form
/// all the same, and a server that signs what it received would come to another signature.
#[must_use]
pub fn normal(url: &str) -> String {
    let mut normal = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let digits = after.get(..2).filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(digits) = digits else {
            normal.push('%');
            rest = after;
            continue;
        };
        let character = u8::from_str_radix(digits, 16).ok().map(char::from);
        let character = character.filter(|one| is_unreserved(*one));
        if let Some(character) = character {
            normal.push(character);
        } else {
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
        }
        rest = &after[2..];
    }
    normal.push_str(rest);
    normal
}

/// RFC 3986, 2.3.
fn is_unreserved(character: char) -> bool {
    character.is_ascii_alphanumeric() || ['-', '.', '_', '~'].contains(&character)
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn what_needs_no_encoding_has_none_and_digits_are_capitals_hs5() {
        for (written, sent) in [
            ("https://a.example/%7Eb?x=%41%2f%e4&y=%2B", "https://a.example/~b?x=A%2F%E4&y=%2B"),
            ("https://a.example/a%2Eb/%5f%2d?%30", "https://a.example/a.b/_-?0"),
            ("https://a.example/%25%37%45", "https://a.example/%257E"),
            ("https://a.example/%?%4&%zz%", "https://a.example/%?%4&%zz%"),
            ("https://a.example/%\u{e4}%7", "https://a.example/%\u{e4}%7"),
        ] {
            assert_eq!(normal(written), sent);
        }
    }
}
