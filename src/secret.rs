//! `Secret`: text that is wiped when dropped and shows nothing of itself. It must not know what kind
//! of credential it holds.

use core::fmt;

use zeroize::Zeroizing;

/// A credential, or a part of one: an access, refresh or ID token, a code, a PKCE verifier.
///
/// There is no `Display` and no `Serialize`; `Debug` prints `Secret(redacted)`. The bytes are zeroed
/// on drop. Equality is for tests of identity within the crate and takes time that depends on the
/// length alone.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; no copy stays behind.
    #[must_use]
    pub fn new(text: String) -> Self {
        // A `String` may own more than it shows. Shrinking would move the text and leave a copy of it
        // unwiped, so the spare capacity is kept: zeroize wipes the whole allocation.
        Self(Zeroizing::new(text))
    }

    /// The text itself. Each call has a reason beside it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
    }
}

impl Eq for Secret {}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

/// How much of the stack is overwritten, in bytes: several times what any call of the vault takes.
const STACK: usize = 32 * 1024;

/// Overwrites what calls that are over have left on the stack, below the caller: pieces of text that were
/// hashed, random bytes that a verifier was made of.
#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "it is the stack that is meant")]
pub fn wipe_stack() {
    core::hint::black_box(&mut [0_u8; STACK]);
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_nothing_st9() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "Secret(redacted)");
        assert_eq!(
            format!("{:#?}", Some(Secret::from("hunter2"))),
            "Some(\n    Secret(redacted),\n)"
        );
    }

    #[test]
    fn equal_by_content() {
        assert_eq!(Secret::from("a"), Secret::from("a"));
        assert_ne!(Secret::from("a"), Secret::from("b"));
        assert_ne!(Secret::from("a"), Secret::from("ab"));
    }
}
