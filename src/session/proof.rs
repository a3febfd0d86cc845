//! A grant whose ID token is still to be proven its issuer's own. Nothing unproven gets past this file.

use core::fmt;
use std::rc::Rc;

use super::{
    grant::Grant,
    inputs::{Reach, TokenFailure},
};
use crate::{
    error::Phase,
    jwt::verification::{Doubt, Verification},
    oauth::metadata::Metadata,
    secret::Secret,
};

/// A grant of which no claim is to be believed yet.
pub struct Unproven {
    grant: Grant,
    /// What it renews; `None` where it is of a code.
    old: Option<Rc<Grant>>,
    /// The code that it is of.
    code: Option<Rc<Secret>>,
}

impl fmt::Debug for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unproven(redacted)")
    }
}

impl Unproven {
    /// The grant of a code.
    pub(super) fn from_code(grant: Grant, code: &Secret) -> Self {
        Self { grant, old: None, code: Some(Rc::new(code.clone())) }
    }

    /// The grant that answers no authorization request.
    pub(super) fn unasked(grant: Grant) -> Self {
        Self { grant, old: None, code: None }
    }

    /// A grant that renews another.
    pub(super) fn renewed(grant: Grant, old: Rc<Grant>) -> Self {
        Self { grant, old: Some(old), code: None }
    }

    /// What is to be verified; `None` where there is nothing, or nothing new.
    #[must_use]
    pub fn verification(&self, metadata: &Metadata) -> Option<Verification> {
        let token = self.grant.id_token.as_ref()?;
        let known = self.old.as_ref().and_then(|old| old.id_token.as_ref());
        if known.is_some_and(|known| Rc::ptr_eq(known, token)) {
            return None;
        }
        let access_token = Rc::clone(&self.grant.access_token);
        let algorithms = metadata.id_token_algorithms;
        Some(Verification::new(Rc::clone(token), algorithms, access_token, self.code.clone()))
    }

    /// The grant, now that the verification ended.
    ///
    /// A token that is not what it says makes the answer as bad as one for another user. One that cannot
    /// be verified now ends no sign-in well, but no session either: it goes on with the claims that were
    /// verified last, and with the new tokens, since the old ones may be gone.
    pub fn settle(self, verdict: Result<(), Doubt>) -> Result<Grant, TokenFailure> {
        let (is_wrong, mut error) = match (verdict, &self.old) {
            (Ok(()), _) => return Ok(self.grant),
            (Err(Doubt::Unproven(_)), Some(old)) => {
                let (id_token, claims) = (old.id_token.clone(), old.claims.clone());
                return Ok(Grant { id_token, claims, ..self.grant });
            }
            (Err(Doubt::Unproven(error)), None) => (false, error),
            (Err(Doubt::Wrong(error)), _) => (true, error),
        };
        error.phase = if self.old.is_some() { Phase::Refresh } else { Phase::Callback };
        Err(TokenFailure {
            error,
            reach: Reach::Answered,
            is_final: is_wrong,
            retry_after: None,
            issued: Some(self.grant.revocable()),
        })
    }
}
