//! The end that a person wants: a sign-out here, or one that the provider tells of. It is done here
//! first, whatever the provider says to it.

use super::{
    inputs::{Ask, Mark, Output},
    machine::Session,
    tabs::News,
};
use crate::oauth::logout::{self, Ended};

impl Session {
    /// A page asked to sign out.
    pub(super) fn sign_out_asked(&mut self, ask: Ask) {
        let grant = self.tenure().map(|tenure| &tenure.grant);
        let token = grant.map(|grant| grant.revocable());
        let id_token = grant.and_then(|grant| grant.id_token.clone());
        self.sign_out_here();
        self.outputs.push_back(Output::Tell(News::SignedOut));
        self.outputs.push_back(Output::EndSession { ask, token, id_token });
    }

    /// The provider told a page that a session of its own ended. Anybody may say so: only whoever knows
    /// which session it was is believed.
    pub(super) fn logout_told(&mut self, ask: Ask, ended: &Ended) {
        let claims = self.tenure().and_then(|tenure| tenure.grant.claims.as_ref());
        if claims.is_some_and(|claims| ended.is_about(&claims.issuer, &claims.text)) {
            return self.sign_out_asked(ask);
        }
        let outcome = Err(logout::of_another_session());
        self.outputs.push_back(Output::Conclude { ask, outcome, mark: Mark::Keep });
    }

    /// Whom the ID token was for.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        Some(&self.tenure()?.grant.claims.as_ref()?.subject)
    }
}
