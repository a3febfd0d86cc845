//! Vaults of different builds, while a new deployment takes the place of an old one: which of them goes on. It
//! must not know what is under way in either.

use crate::{clock::UnixMillis, json::decimal};

/// What stands before a build where vaults of all tabs hear of it.
const WORD: &str = "vault ";

/// The longest name of a build.
const LONGEST: usize = 64;

/// How the names begin that applications in Rust have for their vaults (`client::place::BUILD`): after the crate's
/// version, since they have not seen the vault's script.
const CRATE: &str = "crate-";

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
    /// The build of the vault `vault`, whose script is of the build `script`. It is what the pages named that
    /// started it, in the third part of the vault's name: by that its successors' pages find it.
    #[must_use]
    pub fn of_vault(vault: &str, script: &str, wire: u32, born: UnixMillis) -> Self {
        let name = vault.split('/').nth(2).unwrap_or(script).to_owned();
        Self { name, wire, born }
    }

    /// The word by which the others know it: `vault 1 0123456789abcdef`. The moment goes beside it.
    #[must_use]
    pub fn word(&self) -> String {
        [WORD, &decimal(self.wire.into()), " ", &self.name].concat()
    }

    /// The build that goes on in this one's place, by the word of another vault and the moment beside it: one
    /// that is younger, of another build, and of the same protocol, so that this one's pages can speak to it.
    /// Where they cannot, both go on, each with its own; so do those of pages in Rust and of pages that import
    /// the package, which have different names for one vault.
    #[must_use]
    pub fn successor(&self, word: &str, born: UnixMillis) -> Option<String> {
        let (wire, name) = word.strip_prefix(WORD)?.split_once(' ')?;
        let is_name = (1..=LONGEST).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.+".contains(&byte));
        let is_newer = wire == decimal(self.wire.into()) && born > self.born && name != self.name;
        let is_kin = name.starts_with(CRATE) == self.name.starts_with(CRATE);
        (is_name && is_newer && is_kin).then(|| name.to_owned())
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
    fn pages_in_rust_and_of_the_package_have_successors_of_their_own() {
        let (old, new) = (build("crate-0.1.0", 1, 10), build("crate-0.2.0-rc.1+x", 1, 20));
        assert_eq!(old.successor(&new.word(), new.born), Some(new.name.clone()));
        let package = build("b2", 1, 30);
        assert_eq!(new.successor(&package.word(), package.born), None);
        assert_eq!(build("a1", 1, 10).successor(&new.word(), new.born), None);
    }

    #[test]
    fn a_vault_is_of_the_build_that_its_pages_named() {
        let of = |vault| Build::of_vault(vault, "script", 1, UnixMillis(10)).name;
        assert_eq!(of("tokenward/1/crate-0.1.0/0/abc"), "crate-0.1.0");
        assert_eq!(of("probe/abc"), "script");
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
