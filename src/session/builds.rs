//! Vaults of different builds, while a new deployment takes the place of an old one: which of them goes on. It
//! must not know what is under way in either.

use crate::{clock::UnixMillis, json::decimal};

/// What stands before a build where vaults of all tabs hear of it.
const WORD: &str = "vault ";

/// The longest name of a build.
const LONGEST: usize = 64;

/// A vault's build, and since when the vault is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Its name: a part of the vault's own.
    pub name: String,
    /// The version of the protocol that its pages speak.
    pub wire: u32,
    /// When the vault began.
    pub born: UnixMillis,
}

impl Build {
    /// The word by which the others know it: `vault 1 0123456789abcdef`. The moment goes beside it.
    #[must_use]
    pub fn word(&self) -> String {
        [WORD, &decimal(self.wire.into()), " ", &self.name].concat()
    }

    /// The build that goes on in this one's place, by the word of another vault and the moment beside it: one
    /// that is younger, of another build, and of the same protocol, so that this one's pages can speak to it.
    /// Where they cannot, both go on, each with its own.
    #[must_use]
    pub fn successor(&self, word: &str, born: UnixMillis) -> Option<String> {
        let (wire, name) = word.strip_prefix(WORD)?.split_once(' ')?;
        let is_name = (1..=LONGEST).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_newer = wire == decimal(self.wire.into()) && born > self.born && name != self.name;
        (is_name && is_newer).then(|| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(name: &str, wire: u32, born: i64) -> Build {
        Build { name: name.to_owned(), wire, born: UnixMillis(born) }
    }

    #[test]
    fn the_younger_of_two_builds_goes_on() {
        let (old, new) = (build("a1", 1, 10), build("b2", 1, 20));
        assert_eq!(old.successor(&new.word(), new.born), Some("b2".to_owned()));
        assert_eq!(new.successor(&old.word(), old.born), None);
        assert_eq!(old.successor(&old.word(), UnixMillis(30)), None, "of the same build");
        assert_eq!(old.successor(&new.word(), old.born), None, "of the same moment");
    }

    #[test]
    fn nobody_makes_room_for_pages_of_another_protocol() {
        let old = build("a1", 1, 10);
        for wire in [0, 2, 11] {
            assert_eq!(old.successor(&build("b2", wire, 20).word(), UnixMillis(20)), None);
        }
    }

    #[test]
    fn what_is_no_such_word_is_not_heard_t33() {
        let old = build("a1", 1, 10);
        let long = "x".repeat(LONGEST + 1);
        for name in ["", "a/b", "a b", "../x", "é", &long] {
            assert_eq!(old.successor(&["vault 1 ", name].concat(), UnixMillis(20)), None, "{name}");
        }
        for word in ["signedIn", "vault", "vault 1", "vault  1 b2", "vault +1 b2", "Vault 1 b2"] {
            assert_eq!(old.successor(word, UnixMillis(20)), None, "{word}");
        }
    }
}
