//! What an ID token says of the tokens beside it: `at_hash` and `c_hash` (OpenID Connect Core, 3.1.3.6
//! and 3.3.2.11). It computes no digest.

use base64ct::{Base64UrlUnpadded, Encoding};

/// Whether `claimed` is the left half of this digest, in base64url.
#[must_use]
pub fn is_left_half(claimed: &str, digest: &[u8]) -> bool {
    let half = digest.get(..digest.len() / 2).unwrap_or_default();
    !half.is_empty() && Base64UrlUnpadded::encode_string(half) == claimed
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256, Sha512};

    use super::is_left_half;

    #[test]
    fn the_standards_own_hashes_id12_tk11() {
        // OpenID Connect Core, A.3 and A.4.
        let access_token = Sha256::digest("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        assert!(is_left_half("77QmUPtjPfzWtF2AnpK9RQ", &access_token));
        let code = Sha256::digest("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk");
        assert!(is_left_half("LDktKdoQak3Pk0cnXxCltA", &code));
        for wrong in
            ["", "77QmUPtjPfzWtF2AnpK9RQ==", "77QmUPtjPfzWtF2AnpK9RR", "77qmuptjpfzwtf2anpk9rq"]
        {
            assert!(!is_left_half(wrong, &access_token), "{wrong}");
        }
        let other = Sha512::digest("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        assert!(!is_left_half("77QmUPtjPfzWtF2AnpK9RQ", &other), "the hash of another algorithm");
        assert!(!is_left_half("", &[]));
    }
}
