//! What a sign-in gave: tokens, claims, scopes, and until when. Here an answer's tokens become a
//! grant, or are refused, by what they say; that an ID token is its issuer's own is proven afterwards.

use core::fmt;
use std::rc::Rc;

use crate::{
    clock::{Deadline, Millis, Now, ServerOffset, UnixMillis},
    config::Config,
    error::{AuthError, Code, Phase},
    jwt::{
        claims::Claims,
        id_token::{self, Expected},
    },
    oauth::{revocation::Revocable, token::TokenAnswer, transaction::Transaction},
    secret::Secret,
};

/// How far the clocks of provider and device may differ once the offset is taken out, in seconds.
const LEEWAY_SECS: u32 = 60;
/// How wrong a device's clock may be, where only the ID token itself tells the provider's time.
const ABSURD_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// Providers tell lives in whole seconds.
const ROUNDING: Millis = Millis::from_secs(1);
/// A life below this is no life: the provider does not say sensibly when the token expires.
const SHORTEST_LIFE: Millis = Millis::from_secs(1);

/// The tokens of one user, with what is known of them.
#[derive(Clone, Default)]
pub struct Grant {
    /// The access token; opaque.
    pub access_token: Rc<Secret>,
    /// The refresh token, where one was granted.
    pub refresh_token: Option<Rc<Secret>>,
    /// Whether a backend has it instead, behind a cookie.
    pub has_cookie: bool,
    /// The latest ID token, where there is one.
    pub id_token: Option<Rc<Secret>>,
    /// Its claims; those of the sign-in where a refresh brought none. `None` for plain OAuth.
    pub claims: Option<Claims>,
    /// The granted scopes, never wider than at the sign-in.
    pub scopes: Vec<String>,
    /// When the access token expires; `None` where the provider does not say.
    pub expiry: Option<Deadline>,
    /// How long it lives in all; known whenever `expiry` is.
    pub lifetime: Option<Millis>,
    /// When the refresh token ends, where the provider says that. It ends no session: it has it renewed
    /// in time, and explains the provider's refusal afterwards.
    pub refresh_end: Option<Box<RefreshEnd>>,
    /// The provider's clock, as last seen.
    pub offset: ServerOffset,
}

/// When a refresh token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshEnd {
    /// The moment.
    pub at: Deadline,
    /// How long the token lives in all; absent where the latest renewal did not move the end, so that
    /// another in good time would not either.
    pub life: Option<Millis>,
}

impl RefreshEnd {
    /// Whether it is later than another by more than a provider's rounding.
    fn is_later(&self, other: &Self) -> bool {
        other.at.is_before(&self.at.earlier(ROUNDING))
    }

    /// Whether it was told so recently that another renewal could not be seen to move it.
    fn is_new(&self, now: Now) -> bool {
        self.life.is_some_and(|life| life.less(self.at.remaining(now)) <= ROUNDING + ROUNDING)
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant(redacted)")
    }
}

impl Grant {
    /// The grant of a code exchange, its ID token checked (OpenID Connect Core, 3.1.3.7). `date` is
    /// the answer's `Date`, where it is visible. Where it is not, or the ID token's own `iat` agrees with
    /// the device, that tells the provider's time: a device whose clock is wrong by a day can sign in,
    /// and so can one behind a proxy whose `Date` is.
    pub(super) fn from_code(
        answer: TokenAnswer,
        transaction: &Transaction,
        config: &Config,
        now: Now,
        date: Option<UnixMillis>,
    ) -> Result<Self, AuthError> {
        let expected = Expected {
            issuer: &transaction.metadata.issuer,
            nonce: transaction.nonce.as_deref(),
            max_age: transaction.max_age.map(|seconds| Millis::from_secs(seconds.into())),
            acr_values: transaction.acr_values.as_deref(),
            ..expected(config)
        };
        Self::begun(answer, expected, config, now, date)
    }

    /// The grant of a password, or of whomever a backend's cookie stands for, by the same rules; its ID token
    /// answers no authorization request, so it has no nonce to repeat.
    pub fn unasked(
        answer: TokenAnswer,
        config: &Config,
        now: Now,
        date: Option<UnixMillis>,
    ) -> Result<Self, AuthError> {
        Self::begun(answer, expected(config), config, now, date)
    }

    fn begun(
        answer: TokenAnswer,
        expected: Expected<'_>,
        config: &Config,
        now: Now,
        date: Option<UnixMillis>,
    ) -> Result<Self, AuthError> {
        let id_token = answer.id_token.filter(|_| config.is_openid());
        if id_token.is_none() && config.is_openid() {
            return Err(no_id_token());
        }
        let mut offset = date.map(|date| ServerOffset::seen(date, now)).unwrap_or_default();
        let claims = match &id_token {
            Some(token) => {
                let issued = offset_by_issue(token, now);
                // A `Date` that contradicts both the token and the device is some proxy's.
                if date.is_none() || issued.is_some_and(ServerOffset::is_small) {
                    // Of a token that tells no time, or an absurd one, the check has more to say.
                    offset = issued.unwrap_or_default();
                }
                let server_now = offset.server_time(now);
                Some(id_token::check(token, &Expected { server_now, ..expected })?)
            }
            None => None,
        };
        let (expiry, lifetime) = life(answer.expires_in, now);
        // What a backend sends of its refresh token all the same is no use here.
        let has_cookie = config.refresh_cookie.is_some();
        Ok(Self {
            access_token: Rc::new(answer.access_token),
            refresh_token: answer.refresh_token.map(Rc::new).filter(|_| !has_cookie),
            has_cookie,
            id_token: id_token.map(Rc::new),
            claims,
            scopes: answer.scope.unwrap_or_else(|| config.scope.clone()),
            expiry,
            lifetime,
            refresh_end: end(answer.refresh_expires_in, now),
            offset,
        })
    }

    /// The grant after a refresh. An answer without a refresh token keeps the old one (RFC 6749, 6),
    /// one without an ID token the claims; an ID token must be of the same issuer, user and audience
    /// (OpenID Connect Core, 12.2).
    pub(super) fn renewed(
        &self,
        answer: TokenAnswer,
        config: &Config,
        now: Now,
        date: Option<UnixMillis>,
    ) -> Result<Self, AuthError> {
        let seen = date.map(|date| ServerOffset::seen(date, now));
        let (mut id_token, mut claims, mut offset) =
            (self.id_token.clone(), self.claims.clone(), seen.unwrap_or(self.offset));
        // Some providers send the first one again: it was proven then, and its `at_hash` is of another
        // access token.
        let is_other = |token: &Secret| self.id_token.as_deref() != Some(token);
        if let (Some(token), Some(old)) = (answer.id_token.filter(is_other), &self.claims) {
            claims = Some(same_user(&token, old, config, self.has_cookie)?);
            offset = seen.or_else(|| offset_by_issue(&token, now)).unwrap_or(offset);
            id_token = Some(Rc::new(token));
        }
        let (expiry, lifetime) = life(answer.expires_in, now);
        // The old refresh token keeps its end, where nothing else is said of it.
        let kept = self.refresh_end.as_ref().filter(|_| answer.refresh_token.is_none());
        let refresh_end = match (end(answer.refresh_expires_in, now), &self.refresh_end) {
            (Some(mut told), Some(known)) if !told.is_later(known) => {
                // One that was told a moment ago, with another audience's token, had no time to move.
                let is_new = config.audiences.len() > 1 && known.is_new(now);
                told.life = told.life.filter(|_| is_new);
                Some(told)
            }
            (Some(told), _) => Some(told),
            (None, _) => kept.map(|end| Box::new(RefreshEnd { life: None, ..**end })),
        };
        let scopes = match answer.scope {
            Some(scopes) => scopes.into_iter().filter(|s| self.scopes.contains(s)).collect(),
            None => self.scopes.clone(),
        };
        Ok(Self {
            access_token: Rc::new(answer.access_token),
            refresh_token: answer
                .refresh_token
                .map(Rc::new)
                .filter(|_| !self.has_cookie)
                .or_else(|| self.refresh_token.clone()),
            has_cookie: self.has_cookie,
            id_token,
            claims,
            scopes,
            expiry,
            lifetime,
            refresh_end,
            offset,
        })
    }

    /// That of whomever a backend's cookie stands for, of whom nothing is known yet.
    pub(super) fn of_cookie() -> Self {
        Self { has_cookie: true, ..Self::default() }
    }

    /// Whether nothing is known of it yet.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        // exposed: to see whether there is one.
        self.access_token.expose().is_empty() && self.has_cookie
    }

    /// Whether another access token can be had.
    pub(super) fn is_renewable(&self) -> bool {
        self.refresh_token.is_some() || self.has_cookie
    }

    /// What to revoke when it is over: the refresh token, which takes its access tokens with it
    /// (RFC 7009, 2.1), or else the access token.
    #[must_use]
    pub fn revocable(&self) -> Revocable {
        match &self.refresh_token {
            Some(token) => Revocable::refresh_token(token),
            None => Revocable::access_token(&self.access_token),
        }
    }

    /// Whether both are known to be of one user; `None` where either says nothing of its user.
    #[must_use]
    pub fn is_same_user(&self, other: &Self) -> Option<bool> {
        let (ours, theirs) = (self.claims.as_ref()?, other.claims.as_ref()?);
        Some(ours.issuer == theirs.issuer && ours.subject == theirs.subject)
    }

    /// The same grant, whose tokens were on their way for up to `age`: the provider counts their life
    /// from when it made them. After a sleep in mid-exchange they may have none left.
    #[must_use]
    pub(super) fn aged(self, age: Millis) -> Self {
        let refresh_end =
            self.refresh_end.map(|end| Box::new(RefreshEnd { at: end.at.earlier(age), ..*end }));
        Self { expiry: self.expiry.map(|expiry| expiry.earlier(age)), refresh_end, ..self }
    }
}

/// Expiry and life of an access token.
fn life(expires_in: Option<Millis>, now: Now) -> (Option<Deadline>, Option<Millis>) {
    let life = expires_in.filter(|life| *life >= SHORTEST_LIFE);
    (life.map(|life| now.after(life)), life)
}

fn end(expires_in: Option<Millis>, now: Now) -> Option<Box<RefreshEnd>> {
    expires_in.map(|life| Box::new(RefreshEnd { at: now.after(life), life: Some(life) }))
}

/// What every ID token of this client says.
fn expected(config: &Config) -> Expected<'_> {
    Expected {
        issuer: &config.issuer,
        client_id: &config.client_id,
        nonce: None,
        server_now: UnixMillis(0),
        leeway_secs: LEEWAY_SECS,
        max_age: None,
        acr_values: None,
    }
}

/// The provider's clock as a token shows it that has just been issued; `None` where the token says
/// no time, or an absurd one.
fn offset_by_issue(token: &Secret, now: Now) -> Option<ServerOffset> {
    let offset = ServerOffset::seen(id_token::issued_at(token)?, now);
    (offset.0.saturating_abs() <= ABSURD_MS).then_some(offset)
}

/// The claims of a refresh's ID token, if it is of the same user (OpenID Connect Core, 12.2). Its
/// times are judged against its own `iat` alone: a clock that was set since the sign-in, or a
/// provider that sends the old ID token once more, is no reason to end a session.
/// Behind a cookie the login may be a newer one of another tab.
fn same_user(
    token: &Secret,
    old: &Claims,
    config: &Config,
    has_cookie: bool,
) -> Result<Claims, AuthError> {
    let expected = Expected {
        issuer: &old.issuer,
        server_now: id_token::issued_at(token).unwrap_or(old.issued),
        ..expected(config)
    };
    let claims = id_token::check(token, &expected)?;
    let is_same_login =
        has_cookie || claims.authenticated.is_none() || claims.authenticated == old.authenticated;
    if claims.subject == old.subject && (is_same_login || old.authenticated.is_none()) {
        return Ok(claims);
    }
    Err(AuthError::new(
        Code::IdTokenInvalid,
        Phase::Refresh,
        "the ID token of a refresh is of another user or another login than the session's (`sub`, \
         `auth_time`): sign in again",
    ))
}

fn no_id_token() -> AuthError {
    AuthError::new(
        Code::IdTokenInvalid,
        Phase::Callback,
        "the provider sent no ID token though `openid` was asked for: allow that scope for this \
         client",
    )
}
