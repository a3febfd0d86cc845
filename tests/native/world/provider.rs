//! A provider that rotates refresh tokens, detects their reuse and then revokes the family, and a
//! resource that believes its access tokens.

use std::collections::HashMap;

use tokenward::{
    config::DEFAULT_AUDIENCE, oauth::token::HttpAnswer, session::inputs::TokenRequest,
};

use crate::fixtures::{CLIENT, ISSUER, START, id_token, text_of};

pub(crate) struct Provider {
    /// How long access tokens live, in milliseconds.
    life: u64,
    /// Whether it takes a token that it has just rotated once more.
    pub(crate) grace_ms: u64,
    /// How long a session lasts at most, if it ends by itself.
    pub(crate) longest_ms: Option<u64>,
    /// Whether it says when a refresh token ends (`refresh_expires_in`).
    pub(crate) tells_end: bool,
    /// Whether the answer to a refresh says that again.
    pub(crate) retells_end: bool,
    /// What becomes of the refresh token when it is used.
    pub(crate) renewal: Renewal,
    /// An audience that it issues no access token for any more.
    pub(crate) denied: Option<(usize, Denial)>,
    /// Whether the answer to a refresh has an ID token.
    pub(crate) identifies: bool,
    /// Whom it knows by its own cookie.
    pub(crate) user_here: Option<u8>,
    pub(crate) refreshes: u32,
    /// Rotated tokens that came again outside a grace period.
    pub(crate) reuses: u32,
    /// Rotated tokens that came again though an answer to an earlier use had reached the vault.
    pub(crate) fouls: u64,
    codes: HashMap<String, u8>,
    families: Vec<Family>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, AccessToken>,
    count: u64,
}

/// The answer for an audience that it issues no access token for (RFC 8707, 2).
const DENIED: &str = r#"{"error":"invalid_target"}"#;

/// When it looks at the audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// Before it looks at the refresh token.
    Early,
    /// When that is used up already.
    Late,
}

/// What becomes of a refresh token that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// Another one takes its place.
    Rotates,
    /// It stays, and the answer says it again.
    Repeats,
    /// It stays, and the answer does not say so (RFC 6749, 6).
    Omits,
}

impl Renewal {
    /// Every kind, to be drawn from; rotation is what single-page applications get most.
    pub(crate) const ALL: [Self; 4] = [Self::Rotates, Self::Rotates, Self::Repeats, Self::Omits];
}

#[derive(Clone, Copy)]
struct RefreshToken {
    family: usize,
    /// Whether an answer to a use of it reached the vault.
    is_answered: bool,
}

/// All that came from one code.
struct Family {
    user: u8,
    ends: u64,
    current: String,
    previous: Option<(String, u64)>,
    is_revoked: bool,
    /// Whether it was revoked because a rotated token came that nobody had had an answer for, or whose
    /// heir was lost.
    is_rotation_lost: bool,
    /// Whether the answer with the current token reached the vault.
    is_delivered: bool,
}

impl Family {
    /// Whether it takes no token of this family any more. Its last second would be no life to tell.
    fn is_over(&self, time: u64) -> bool {
        self.is_revoked || time + 1000 > self.ends
    }

    /// Whether this is the token that was rotated last, and may still come again.
    fn is_graced(&self, token: &str, time: u64, grace_ms: u64) -> bool {
        let is_in_time = |at: u64| time - at < grace_ms;
        self.previous.as_ref().is_some_and(|(previous, at)| previous == token && is_in_time(*at))
    }
}

#[derive(Clone, Copy)]
struct AccessToken {
    family: usize,
    audience: usize,
    expires: u64,
    is_refused: bool,
}

impl Provider {
    pub(crate) fn new(life: u64) -> Self {
        Self {
            life,
            grace_ms: 0,
            longest_ms: None,
            tells_end: false,
            retells_end: true,
            renewal: Renewal::Rotates,
            denied: None,
            identifies: true,
            user_here: None,
            refreshes: 0,
            reuses: 0,
            fouls: 0,
            codes: HashMap::new(),
            families: Vec::new(),
            refresh_tokens: HashMap::new(),
            access_tokens: HashMap::new(),
            count: 0,
        }
    }

    /// A user proves who they are: a code.
    pub(crate) fn authorize(&mut self, user: u8) -> String {
        let code = self.name("code");
        self.codes.insert(code.clone(), user);
        self.user_here = Some(user);
        code
    }

    /// The token endpoint.
    pub(crate) fn answer(&mut self, request: &TokenRequest, time: u64) -> HttpAnswer {
        let denial = self.denied.filter(|(denied, _)| *denied == audience(request));
        if let Some((_, Denial::Early)) = denial {
            return answer(400, DENIED);
        }
        let granted = match request {
            TokenRequest::Password { .. } => unreachable!("nobody gives a password here"),
            TokenRequest::Code { code, .. } => self.exchange(code.expose(), time),
            TokenRequest::Refresh { refresh_token, .. } => {
                self.refreshes += 1;
                self.refresh(text_of(refresh_token.as_deref()), time)
            }
        };
        match granted {
            Some(_) if denial.is_some() => answer(400, DENIED),
            Some(family) => self.grant(family, request, time),
            None => answer(400, r#"{"error":"invalid_grant"}"#),
        }
    }

    /// The network brings a token request again, of which the client knows nothing; the answer reaches
    /// nobody.
    pub(crate) fn answer_copy(&mut self, request: &TokenRequest, time: u64) {
        drop(self.answer(request, time));
    }

    /// A request leaves a vault: by now it is known whether an earlier use of its token was answered. What
    /// else is under way then, of a vault that is gone or had its lock taken, nobody can know.
    pub(crate) fn left(&mut self, request: &TokenRequest, time: u64) {
        let TokenRequest::Refresh { refresh_token, .. } = request else { return };
        let token = text_of(refresh_token.as_deref());
        let RefreshToken { family, is_answered } = self.refresh_tokens[token];
        let family = &self.families[family];
        let is_used = family.current != token && !family.is_over(time);
        self.fouls += u64::from(is_used && is_answered);
    }

    /// This answer to `request` arrived.
    pub(crate) fn delivered(&mut self, request: &TokenRequest, body: &[u8]) {
        if let TokenRequest::Refresh { refresh_token, .. } = request
            && let Some(token) = self.refresh_tokens.get_mut(text_of(refresh_token.as_deref()))
            && body.starts_with(b"{\"access_token\"")
        {
            token.is_answered = true;
        }
        let body = String::from_utf8_lossy(body);
        for family in self.families.iter_mut().filter(|family| !family.is_delivered) {
            family.is_delivered = body.contains(&format!("\"{}\"", family.current));
        }
    }

    /// The revocation endpoint: a refresh token takes its family with it.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(token) = self.refresh_tokens.get(token) {
            self.families[token.family].is_revoked = true;
        }
    }

    /// An administrator ends every session.
    pub(crate) fn revoke_all(&mut self) {
        self.user_here = None;
        for family in &mut self.families {
            family.is_revoked = true;
        }
    }

    /// The resource no longer takes any token of today, though none has expired.
    pub(crate) fn refuse_current_access_tokens(&mut self) {
        for token in self.access_tokens.values_mut() {
            token.is_refused = true;
        }
    }

    /// Whether the resource takes this access token.
    pub(crate) fn accepts(&self, token: &str, time: u64) -> bool {
        let token = self.access_tokens[token];
        !token.is_refused && time < token.expires
    }

    /// The number of the audience that this access token is for.
    pub(crate) fn audience(&self, token: &str) -> usize {
        self.access_tokens[token].audience
    }

    pub(crate) fn expires(&self, token: &str) -> u64 {
        self.access_tokens[token].expires
    }

    pub(crate) fn user(&self, token: &str) -> u8 {
        self.families[self.access_tokens[token].family].user
    }

    /// Whether it still honours the session of this refresh token.
    pub(crate) fn honours(&self, refresh_token: &str, time: u64) -> bool {
        let family = &self.families[self.refresh_tokens[refresh_token].family];
        let is_taken =
            family.current == refresh_token || family.is_graced(refresh_token, time, self.grace_ms);
        !family.is_over(time) && is_taken
    }

    /// Whether the session of this refresh token ended because an answer with a rotated token never
    /// came, and no grace covered that.
    pub(crate) fn lost_rotation(&self, refresh_token: &str) -> bool {
        self.families[self.refresh_tokens[refresh_token].family].is_rotation_lost
    }

    fn exchange(&mut self, code: &str, time: u64) -> Option<usize> {
        let user = self.codes.remove(code)?;
        self.families.push(Family {
            user,
            ends: self.longest_ms.map_or(u64::MAX, |longest| time + longest),
            current: String::new(),
            previous: None,
            is_revoked: false,
            is_rotation_lost: false,
            is_delivered: true,
        });
        let family = self.families.len() - 1;
        self.rotate(family, time);
        Some(family)
    }

    fn refresh(&mut self, token: &str, time: u64) -> Option<usize> {
        let index = self.refresh_tokens[token].family;
        let family = &mut self.families[index];
        if family.is_over(time) {
            if !family.is_revoked {
                // The user's session with the provider began no later.
                self.user_here = None;
            }
            return None;
        }
        if family.current != token && !family.is_graced(token, time, self.grace_ms) {
            family.is_revoked = true;
            family.is_rotation_lost = !family.is_delivered;
            self.reuses += 1;
            return None;
        }
        if self.renewal == Renewal::Rotates {
            self.rotate(index, time);
        }
        Some(index)
    }

    fn rotate(&mut self, index: usize, time: u64) {
        let name = self.name("rt");
        let family = &mut self.families[index];
        let old = std::mem::replace(&mut family.current, name.clone());
        family.previous = Some((old, time));
        family.is_delivered = false;
        self.refresh_tokens.insert(name, RefreshToken { family: index, is_answered: false });
    }

    fn grant(&mut self, family: usize, request: &TokenRequest, time: u64) -> HttpAnswer {
        let is_refresh = matches!(request, TokenRequest::Refresh { .. });
        let access = self.name("at");
        let Family { user, current, ends, .. } = &self.families[family];
        // It says when all ends, or it does not: then a token outlives its session.
        let left = ends - time;
        let life = if self.tells_end { self.life.min(left) / 1000 * 1000 } else { self.life };
        let tells_end = self.tells_end && (self.retells_end || !is_refresh);
        let end = if tells_end && *ends < u64::MAX {
            format!(r#","refresh_expires_in":{}"#, left / 1000)
        } else {
            String::new()
        };
        let seconds = (START.wall.0 + i64::try_from(time).unwrap()) / 1000;
        let claims = format!(
            r#"{{"iss":"{ISSUER}","aud":"{CLIENT}","sub":"user-{user}","nonce":"nonce","iat":{seconds},"exp":{}}}"#,
            seconds + 300
        );
        let refresh_token = if is_refresh && self.renewal == Renewal::Omits {
            String::new()
        } else {
            format!(r#","refresh_token":"{current}""#)
        };
        let identity = if is_refresh && !self.identifies {
            String::new()
        } else {
            format!(r#","id_token":"{}""#, id_token(&claims).expose())
        };
        let body = format!(
            r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{}{refresh_token}{end}{identity}}}"#,
            life / 1000,
        );
        let token = AccessToken {
            family,
            audience: audience(request),
            expires: time + life,
            is_refused: false,
        };
        self.access_tokens.insert(access, token);
        answer(200, &body)
    }

    fn name(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}-{}", self.count)
    }
}

/// The number of the audience that an access token is asked for.
pub(crate) fn audience(request: &TokenRequest) -> usize {
    match request {
        TokenRequest::Refresh { audience, .. } => *audience,
        TokenRequest::Code { .. } | TokenRequest::Password { .. } => DEFAULT_AUDIENCE,
    }
}

/// What a provider says that wants this nonce.
pub(crate) fn challenge(nonce: u8) -> HttpAnswer {
    let mut answer = answer(400, r#"{"error":"use_dpop_nonce"}"#);
    answer.dpop_nonce = Some(format!("nonce-{nonce}"));
    answer
}

/// An answer without a `Date` that the browser shows: the ID token alone tells the time.
pub(crate) fn answer(status: u16, body: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        content_type: Some("application/json".into()),
        retry_after: None,
        date: None,
        dpop_nonce: None,
        body: body.as_bytes().to_vec(),
    }
}
