//! The algorithms that tokens may be signed with, and which of them are allowed (RFC 7518, 3.1;
//! RFC 8037; RFC 9864). It knows names and parameters, and computes nothing.

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// `EdDSA` on Ed25519, by either of its names.
    Ed25519,
    /// HMAC with SHA-256: never for what the key set of an issuer is to verify.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

/// What kind of key an algorithm takes (`kty`; RFC 7518, 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// `RSA`.
    Rsa,
    /// `EC`.
    Ec,
    /// `OKP`.
    Okp,
    /// `oct`: a secret that both sides share.
    Oct,
}

impl KeyType {
    /// Its `kty`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ec => "EC",
            Self::Okp => "OKP",
            Self::Oct => "oct",
        }
    }
}

/// A hash function, named as WebCrypto names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// How many bytes it gives.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 13] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ed25519,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
    ];

    /// The algorithm of that `alg`, by its exact name.
    #[must_use]
    pub fn read(alg: &str) -> Option<Self> {
        let alg = if alg == "EdDSA" { "Ed25519" } else { alg };
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == alg)
    }

    /// The `alg` that it goes by; the fully specified one for Ed25519.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ed25519 => "Ed25519",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// Its name in WebCrypto.
    #[must_use]
    pub const fn webcrypto(self) -> &'static str {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 => "RSASSA-PKCS1-v1_5",
            Self::Ps256 | Self::Ps384 | Self::Ps512 => "RSA-PSS",
            Self::Es256 | Self::Es384 | Self::Es512 => "ECDSA",
            Self::Ed25519 => "Ed25519",
            Self::Hs256 | Self::Hs384 | Self::Hs512 => "HMAC",
        }
    }

    /// The hash within it: also that of `at_hash` and `c_hash` (OpenID Connect Core, 3.1.3.6), which for
    /// Ed25519 is the one that the curve itself uses.
    #[must_use]
    pub const fn hash(self) -> Hash {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::Hs256 => Hash::Sha256,
            Self::Rs384 | Self::Ps384 | Self::Es384 | Self::Hs384 => Hash::Sha384,
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::Ed25519 | Self::Hs512 => Hash::Sha512,
        }
    }

    /// What kind of key it takes.
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                KeyType::Rsa
            }
            Self::Es256 | Self::Es384 | Self::Es512 => KeyType::Ec,
            Self::Ed25519 => KeyType::Okp,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => KeyType::Oct,
        }
    }
}

/// Which algorithms are allowed: what the configuration or the metadata say, never what a token says
/// (RFC 8725, 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Default for Algorithms {
    /// RS256, which every provider has (OpenID Connect Discovery, 3).
    fn default() -> Self {
        Self::of(&[Algorithm::Rs256])
    }
}

impl Algorithms {
    /// These.
    #[must_use]
    pub fn of(algorithms: &[Algorithm]) -> Self {
        Self(algorithms.iter().fold(0, |all, one| all | bit(*one)))
    }

    /// Those that an issuer's ID tokens may be signed with, by the names that it lists
    /// (`id_token_signing_alg_values_supported`). Unknown ones are left out, and so are `none` and those
    /// with a shared secret, whatever the provider offers: a public client has none.
    #[must_use]
    pub fn of_issuer(names: &[&str]) -> Self {
        let mut all = Self(0);
        for name in names {
            match Algorithm::read(name) {
                Some(one) if one.key_type() != KeyType::Oct => all.0 |= bit(one),
                _ => {}
            }
        }
        all
    }

    /// Whether this one is allowed.
    #[must_use]
    pub fn allow(self, algorithm: Algorithm) -> bool {
        self.0 & bit(algorithm) != 0
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As a number, for a record.
    #[must_use]
    pub const fn to_bits(self) -> u16 {
        self.0
    }

    /// Those of such a number.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

const fn bit(algorithm: Algorithm) -> u16 {
    1 << algorithm as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_read_back_jw3_jw15() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::read(algorithm.as_str()), Some(algorithm));
        }
        assert_eq!(Algorithm::read("EdDSA"), Some(Algorithm::Ed25519));
        for wrong in ["", "none", "rs256", "RS256 ", "RS1", "ES256K", "ES521", "Ed448", "eddsa"] {
            assert_eq!(Algorithm::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn webcrypto_knows_them_by_family_and_digest() {
        let named: Vec<_> =
            Algorithm::ALL.map(|one| [one.webcrypto(), one.hash().as_str()].join(" ")).into();
        assert_eq!(
            named,
            [
                "RSASSA-PKCS1-v1_5 SHA-256",
                "RSASSA-PKCS1-v1_5 SHA-384",
                "RSASSA-PKCS1-v1_5 SHA-512",
                "RSA-PSS SHA-256",
                "RSA-PSS SHA-384",
                "RSA-PSS SHA-512",
                "ECDSA SHA-256",
                "ECDSA SHA-384",
                "ECDSA SHA-512",
                "Ed25519 SHA-512",
                "HMAC SHA-256",
                "HMAC SHA-384",
                "HMAC SHA-512",
            ]
        );
    }

    #[test]
    fn what_an_issuer_lists_never_allows_secrets_jw2_jw5_ds10() {
        let listed = Algorithms::of_issuer(&["none", "HS256", "ES256", "EdDSA", "RSA1_5", "HS512"]);
        let allowed: Vec<_> = Algorithm::ALL.into_iter().filter(|one| listed.allow(*one)).collect();
        assert_eq!(allowed, [Algorithm::Es256, Algorithm::Ed25519]);
        assert_eq!(Algorithms::from_bits(listed.to_bits()), listed);
        assert!(Algorithms::of_issuer(&["none", "HS256"]).is_empty());
        assert!(Algorithms::default().allow(Algorithm::Rs256));
        assert!(!Algorithms::default().allow(Algorithm::Rs384));
    }
}
