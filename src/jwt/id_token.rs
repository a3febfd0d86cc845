//! What makes a token an ID token for this client, now (OpenID Connect Core, 3.1.3.7).

use chrono::{DateTime, TimeDelta};
use jwt_compact::TimeOptions;

use super::{
    claims::Claims,
    compact::{self, Compact},
};
use crate::{
    clock::{Millis, UnixMillis},
    error::{AuthError, Code, Phase},
    json,
    secret::Secret,
};

/// The largest leeway between clocks, in seconds, whatever a caller asks for.
const LEEWAY_LIMIT: u32 = 300;

/// How far from now a token may say that it was issued: a day. Past that a clock is absurd.
const ISSUED_LIMIT_MS: i64 = 24 * 60 * 60 * 1000;

/// What an ID token is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider that was asked.
    pub issuer: &'a str,
    /// This client.
    pub client_id: &'a str,
    /// The nonce of the sign-in; `None` on a refresh, whose token repeats none.
    pub nonce: Option<&'a str>,
    /// The provider's time, as far as it is known.
    pub server_now: UnixMillis,
    /// How far clocks may differ, in seconds; at most five minutes.
    pub leeway_secs: u32,
    /// How long ago the person may have proved who they are, where the sign-in asked for that.
    pub max_age: Option<Millis>,
    /// The ways of proving it of which one was asked for, between spaces.
    pub acr_values: Option<&'a str>,
}

/// The claims of an ID token, once they are for this client and for now; `id_token_invalid` otherwise.
/// The phase is that of the sign-in; a refresh changes it.
///
/// They are not to be believed before the token was verified, too ([`super::verification`]).
pub fn check(token: &Secret, expected: &Expected<'_>) -> Result<Claims, AuthError> {
    read(token).and_then(|claims| judge(&claims, expected).map(|()| claims)).map_err(invalid)
}

/// That an ID token is refused, and why.
pub(super) fn invalid(problem: &'static str) -> AuthError {
    AuthError::new(Code::IdTokenInvalid, Phase::Callback, ["the ID token ", problem].concat())
}

/// When the token says that it was issued: a hint of the provider's clock, for a token that has just
/// come. It says nothing about whether the token is any good.
#[must_use]
pub fn issued_at(token: &Secret) -> Option<UnixMillis> {
    read(token).ok().map(|claims| claims.issued)
}

fn read(token: &Secret) -> Result<Claims, &'static str> {
    // exposed: to be parsed; only its claims are kept.
    let compact = compact::read(token.expose())?;
    is_of_kind(&compact)?;
    Claims::read(&compact)
}

fn is_of_kind(compact: &Compact) -> Result<(), &'static str> {
    let alg = compact.header.required("alg").unwrap_or_default();
    if alg.get(..2).is_some_and(|family| family.eq_ignore_ascii_case("HS")) {
        return Err(
            "is signed with a shared secret, which a browser cannot have: set the client's \
                    signing algorithm at the provider to RS256 or ES256",
        );
    }
    // RFC 8725, 3.11: a token of another kind (`at+jwt`, `logout+jwt`) is no ID token.
    match compact.header.text("typ") {
        Ok(None) => Ok(()),
        Ok(Some(typ))
            if ["JWT", "application/jwt"].iter().any(|it| typ.eq_ignore_ascii_case(it)) =>
        {
            Ok(())
        }
        _ => Err("is of another kind (`typ`)"),
    }
}

fn judge(claims: &Claims, expected: &Expected<'_>) -> Result<(), &'static str> {
    if claims.issuer != expected.issuer {
        return Err("is from another issuer (`iss`)");
    }
    if claims.audience.is_empty() || claims.audience.iter().any(|name| name != expected.client_id) {
        return Err("is not for this client alone (`aud`)");
    }
    if claims.authorized_party.as_ref().is_some_and(|party| party != expected.client_id) {
        return Err("was issued to another client (`azp`)");
    }
    if claims.subject.is_empty() || claims.subject.len() > 255 || !claims.subject.is_ascii() {
        return Err("does not name a person as the standard says (`sub`)");
    }
    if expected.nonce.is_some_and(|nonce| claims.nonce.as_deref() != Some(nonce)) {
        return Err("answers another sign-in (`nonce`)");
    }
    judge_times(claims, expected)?;
    judge_login(claims, expected)
}

/// How, and how long ago, the person proved who they are; only where that was asked for (OpenID Connect
/// Core, 3.1.3.7, points 12 and 13).
fn judge_login(claims: &Claims, expected: &Expected<'_>) -> Result<(), &'static str> {
    if let Some(max_age) = expected.max_age {
        let Some(authenticated) = claims.authenticated else {
            return Err(
                "does not say when the person signed in, which was asked for (`auth_time`)",
            );
        };
        let leeway = Millis::from_secs(expected.leeway_secs.min(LEEWAY_LIMIT).into());
        let age = expected.server_now.0.saturating_sub(authenticated.0);
        if u64::try_from(age).unwrap_or(0) > (max_age + leeway).0 {
            return Err("is of a sign-in longer ago than was asked for (`auth_time`)");
        }
    }
    if let Some(acr_values) = expected.acr_values {
        let payload = json::read(claims.text.as_bytes(), claims.text.len()).ok();
        let acr = payload.as_ref().and_then(|payload| payload.text("acr").ok().flatten());
        if !acr_values.split(' ').any(|value| acr == Some(value)) {
            return Err("is of a sign-in of another kind than was asked for (`acr`)");
        }
    }
    Ok(())
}

/// The times, by the rules of `jwt-compact`.
fn judge_times(claims: &Claims, expected: &Expected<'_>) -> Result<(), &'static str> {
    if claims.expires <= claims.issued {
        return Err("expires before it was issued (`exp`, `iat`)");
    }
    let now = expected.server_now.0;
    if claims.issued.0.saturating_sub(now).saturating_abs() > ISSUED_LIMIT_MS {
        return Err("was issued at an absurd time (`iat`): check this device's clock");
    }
    let mut times = jwt_compact::Claims::empty();
    times.expiration = DateTime::from_timestamp_millis(claims.expires.0);
    times.not_before = claims.not_before.and_then(|time| DateTime::from_timestamp_millis(time.0));
    let leeway = TimeDelta::seconds(i64::from(expected.leeway_secs.min(LEEWAY_LIMIT)));
    let at = |now| {
        let now = DateTime::from_timestamp_millis(now).unwrap_or_default();
        TimeOptions::new(leeway, move || now)
    };
    // A millisecond on, since it counts the last moment of `exp` as valid; RFC 7519, 4.1.4, does not.
    if times.validate_expiration(&at(now.saturating_add(1))).is_err() {
        return Err("has expired (`exp`): check this device's clock");
    }
    if claims.not_before.is_some() && times.validate_maturity(&at(now)).is_err() {
        return Err("is not valid yet (`nbf`): check this device's clock");
    }
    Ok(())
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests;
