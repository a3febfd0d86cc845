//! The sealed record: what of a session outlives its vault, where the configuration wants that
//! (`persistence`). It is the one refresh token of all vaults of a client, so it is read and written
//! under the lock around token requests, and before each use it says so. It knows no cipher.

use std::rc::Rc;

use super::{
    grant::Grant,
    inputs::Output,
    machine::{Session, Standing},
    snapshot::{RestoredBy, SignedOutReason},
    tabs::News,
    tenure::Tenure,
};
use crate::{
    clock::Now,
    error::{AuthError, Code, Phase},
    json::{self, Json, Members, Writer},
    jwt::claims::Claims,
    secret::Secret,
};

/// The form of a record: its first byte.
const VERSION: u8 = 1;
/// The bytes of the number that each encryption has for itself.
pub const IV: usize = 12;
/// The longest record, in bytes.
const LIMIT: usize = 256 * 1024;

/// A record as it is stored: form, number, ciphertext.
#[must_use]
pub fn enclose(iv: &[u8; IV], ciphertext: &[u8]) -> Vec<u8> {
    [&[VERSION][..], iv, ciphertext].concat()
}

/// Number and ciphertext of a stored record; `None` where it is cut off or of another form.
#[must_use]
pub fn disclose(stored: &[u8]) -> Option<(&[u8; IV], &[u8])> {
    let (version, rest) = stored.split_first()?;
    rest.split_first_chunk().filter(|_| *version == VERSION)
}

/// What a record is bound to, beside its key: one that was put in another's place does not open.
#[must_use]
pub fn bound_to(origin: &str, client: &str, fingerprint: &str, jkt: Option<&str>) -> String {
    [origin, client, fingerprint, jkt.unwrap_or_default()].join("\n")
}

/// A record does not open.
#[derive(Clone, Copy, Debug)]
pub struct Unreadable;

fn unreadable() -> AuthError {
    AuthError::new(
        Code::SealedUnreadable,
        Phase::Refresh,
        "the sealed record does not open (changed, cut off, or its key gone) and was removed: call `signIn()`",
    )
}

/// Another vault has renewed it since it was read: a lock was taken by force.
#[must_use]
pub fn taken() -> AuthError {
    AuthError::transient(Code::RefreshFailed, Phase::Refresh, "another tab has renewed the session")
}

/// The browser does not keep one.
#[must_use]
pub fn unavailable() -> AuthError {
    AuthError::new(
        Code::SealedUnavailable,
        Phase::Vault,
        "the browser keeps no sealed record here (storage denied or full, or no place for a key: try `isolation: \
         \"worker\"`): the session ends with its vault",
    )
}

/// The provider asks for no nonce in proofs.
#[must_use]
pub fn without_nonce() -> AuthError {
    AuthError::new(
        Code::SealedWithoutNonce,
        Phase::SignIn,
        "the provider wants no DPoP nonce, so proofs that a script signs beforehand are good elsewhere",
    )
}

/// What a record says: refresh token, claims and scopes, and whether the token may have been used. Without a
/// refresh token the session is over, for all who have it.
fn write(grant: &Grant, refresh_token: Option<&Secret>, is_lost: bool) -> Secret {
    let mut record = Writer::default();
    record.optional("claims", grant.claims.as_ref().map(|claims| &*claims.text));
    record.texts("scopes", &grant.scopes);
    record.flag("lost", is_lost);
    // To be encrypted at once.
    match refresh_token {
        Some(token) => record.finish_with("refresh_token", token),
        None => Secret::new(record.finish()),
    }
}

fn read(record: &Secret) -> Option<(Rc<Grant>, bool)> {
    // exposed: to be parsed into what it was made of.
    let mut record = json::read(record.expose().as_bytes(), LIMIT).ok()?;
    let claims = match record.text("claims").ok()? {
        Some(text) => Some(Claims::of(text).ok()?),
        None => None,
    };
    let grant = Grant {
        refresh_token: record.take_secret("refresh_token").ok()?.map(Rc::new),
        claims,
        scopes: record.get("scopes")?.as_texts()?.into_iter().map(str::to_owned).collect(),
        // There is no access token yet: none is lent.
        ..Grant::default()
    };
    Some((Rc::new(grant), !matches!(record.get("lost"), Some(Json::Bool(false)))))
}

impl Session {
    /// The same, whose refresh token outlives its vault under a seal.
    #[must_use]
    pub fn sealed(mut self, is_sealed: bool) -> Self {
        self.is_sealed = is_sealed;
        self.restore.has_record = is_sealed;
        self
    }

    /// The record was read, under the lock.
    pub(super) fn unsealed(&mut self, now: Now, outcome: Result<Option<Secret>, Unreadable>) {
        let record = match outcome {
            Ok(None) if self.is_unsealing() => return self.restore_otherwise(),
            Ok(None) => return,
            Ok(Some(record)) => read(&record),
            Err(Unreadable) => None,
        };
        let Some((grant, is_lost)) = record else { return self.record_is_strange(now) };
        let is_over = grant.refresh_token.is_none();
        if self.is_unsealing() && is_over {
            self.restore_otherwise();
        } else if self.is_unsealing() {
            let generation = self.next_generation();
            let (count, by) = (self.audiences.len(), RestoredBy::Sealed);
            let mut tenure = Tenure::restored(grant, by, count, generation, now);
            tenure.is_lost = is_lost;
            self.standing = Standing::SignedIn(Box::new(tenure));
            if !self.is_online {
                self.provider_heard();
            }
        } else if let Standing::SignedIn(tenure) = &mut self.standing {
            // The vault of another tab may have renewed it, or another user have signed in there.
            if grant.is_same_user(&tenure.grant) == Some(false) {
                self.end(SignedOutReason::SignedInElsewhere, None);
            } else if is_over {
                self.end(SignedOutReason::SessionEnded, None);
                self.restore_later(now);
            } else {
                tenure.adopt(grant, is_lost);
            }
        }
    }

    /// What does not open is removed; a living session goes on without it.
    fn record_is_strange(&mut self, now: Now) {
        if self.is_unsealing() {
            self.restore.has_record = false;
            self.give_up(now, SignedOutReason::SealedUnreadable, Some(unreadable()));
            self.restore_later(now);
        }
        self.warned(now, unreadable());
        self.unseal_no_more();
    }

    /// Seals what the session has now; `is_new` where it has just begun. Before the refresh token is used,
    /// the record says that it may be lost.
    pub(super) fn seal(&mut self, is_new: bool, is_lost: bool) {
        let Some(tenure) = self.tenure().filter(|_| self.is_sealed) else { return };
        let token = tenure.grant.refresh_token.as_deref();
        let record = token.map(|_| write(&tenure.grant, token, is_lost));
        if record.is_some() || is_new {
            self.order(Output::Seal { record, is_new });
        }
    }

    /// The provider takes the refresh token no more: whoever else has one of that session need not ask.
    pub(super) fn seal_the_end(&mut self) {
        let Some(tenure) = self.tenure().filter(|_| self.is_sealed) else { return };
        let record = Some(write(&tenure.grant, None, true));
        self.order(Output::Seal { record, is_new: false });
    }

    /// Removes the record, if it is the one that was seen last.
    pub(super) fn unseal_no_more(&mut self) {
        if self.is_sealed {
            self.order(Output::Seal { record: None, is_new: false });
        }
    }

    /// Before the lock is let go: whoever has it next reads the record.
    fn order(&mut self, output: Output) {
        let release = self.outputs.iter().rposition(|o| matches!(o, Output::ReleaseLock));
        self.outputs.insert(release.unwrap_or(self.outputs.len()), output);
    }

    /// The provider was heard of whoever comes from a record, or cannot be: that is shown.
    pub(super) fn provider_heard(&mut self) {
        if let Standing::SignedIn(tenure) = &mut self.standing
            && core::mem::take(&mut tenure.is_unheard)
        {
            self.stop_restoring();
            self.outputs.push_back(Output::Tell(News::SignedIn));
        }
    }
}
