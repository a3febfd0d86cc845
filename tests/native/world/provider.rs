//! A provider that rotates refresh tokens, detects their reuse and then revokes the family, and a
//! resource that believes its access tokens.

use std::collections::HashMap;

use tokenward::{oauth::token::HttpAnswer, session::inputs::TokenRequest};

use crate::fixtures::{CLIENT, ISSUER, START, id_token};

pub(crate) struct Provider {
    /// How long access tokens live, in milliseconds.
    life: u64,
    /// Whether it takes a token that it has just rotated once more.
    pub(crate) grace_ms: u64,
    /// How long a session lasts at most, if it ends by itself.
    pub(crate) longest_ms: Option<u64>,
    /// Whether it says when a refresh token ends (`refresh_expires_in`).
    pub(crate) tells_end: bool,
    /// Whom it knows by its own cookie.
    pub(crate) user_here: Option<u8>,
    pub(crate) refreshes: u32,
    /// Rotated tokens that came again outside a grace period.
    pub(crate) reuses: u32,
    /// Rotated tokens that came again though their heir had reached the vault.
    pub(crate) fouls: u64,
    codes: HashMap<String, u8>,
    families: Vec<Family>,
    refresh_tokens: HashMap<String, usize>,
    access_tokens: HashMap<String, AccessToken>,
    count: u64,
}

/// All that came from one code.
struct Family {
    user: u8,
    ends: u64,
    current: String,
    previous: Option<(String, u64)>,
    is_revoked: bool,
    /// Whether the answer with the current token reached the vault.
    is_delivered: bool,
}

impl Family {
    /// Whether it takes no token of this family any more. Its last second would be no life to tell.
    fn is_over(&self, time: u64) -> bool {
        self.is_revoked || time + 1000 > self.ends
    }
}

#[derive(Clone, Copy)]
struct AccessToken {
    family: usize,
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
        let granted = match request {
            TokenRequest::Code { code, .. } => self.exchange(code.expose(), time),
            TokenRequest::Refresh { refresh_token, .. } => {
                self.refreshes += 1;
                self.refresh(refresh_token.expose(), time)
            }
        };
        match granted {
            Some(family) => self.grant(family, time),
            None => answer(400, r#"{"error":"invalid_grant"}"#),
        }
    }

    /// The answer with this family's current token arrived.
    pub(crate) fn delivered(&mut self, body: &[u8]) {
        let body = String::from_utf8_lossy(body);
        for family in self.families.iter_mut().filter(|family| !family.is_delivered) {
            family.is_delivered = body.contains(&format!("\"{}\"", family.current));
        }
    }

    /// The revocation endpoint: a refresh token takes its family with it.
    pub(crate) fn revoke(&mut self, token: &str) {
        if let Some(index) = self.refresh_tokens.get(token) {
            self.families[*index].is_revoked = true;
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

    pub(crate) fn expires(&self, token: &str) -> u64 {
        self.access_tokens[token].expires
    }

    pub(crate) fn user(&self, token: &str) -> u8 {
        self.families[self.access_tokens[token].family].user
    }

    /// Whether it still honours the session of this refresh token.
    pub(crate) fn honours(&self, refresh_token: &str, time: u64) -> bool {
        let family = &self.families[self.refresh_tokens[refresh_token]];
        !family.is_over(time) && family.current == refresh_token
    }

    fn exchange(&mut self, code: &str, time: u64) -> Option<usize> {
        let user = self.codes.remove(code)?;
        self.families.push(Family {
            user,
            ends: self.longest_ms.map_or(u64::MAX, |longest| time + longest),
            current: String::new(),
            previous: None,
            is_revoked: false,
            is_delivered: true,
        });
        let family = self.families.len() - 1;
        self.rotate(family, time);
        Some(family)
    }

    fn refresh(&mut self, token: &str, time: u64) -> Option<usize> {
        let index = self.refresh_tokens[token];
        let family = &mut self.families[index];
        if family.is_over(time) {
            if !family.is_revoked {
                // The user's session with the provider began no later.
                self.user_here = None;
            }
            return None;
        }
        if family.current != token {
            self.fouls += u64::from(family.is_delivered);
            let grace = self.grace_ms;
            let is_graced = family
                .previous
                .as_ref()
                .is_some_and(|(previous, at)| previous == token && time - at < grace);
            if !is_graced {
                family.is_revoked = true;
                self.reuses += 1;
                return None;
            }
        }
        self.rotate(index, time);
        Some(index)
    }

    fn rotate(&mut self, index: usize, time: u64) {
        let name = self.name("rt");
        let family = &mut self.families[index];
        let old = std::mem::replace(&mut family.current, name.clone());
        family.previous = Some((old, time));
        family.is_delivered = false;
        self.refresh_tokens.insert(name, index);
    }

    fn grant(&mut self, family: usize, time: u64) -> HttpAnswer {
        let access = self.name("at");
        let Family { user, current, ends, .. } = &self.families[family];
        // It says when all ends, or it does not: then a token outlives its session.
        let left = ends - time;
        let life = if self.tells_end { self.life.min(left) / 1000 * 1000 } else { self.life };
        let end = if self.tells_end && *ends < u64::MAX {
            format!(r#","refresh_expires_in":{}"#, left / 1000)
        } else {
            String::new()
        };
        let seconds = (START.wall.0 + i64::try_from(time).unwrap()) / 1000;
        let claims = format!(
            r#"{{"iss":"{ISSUER}","aud":"{CLIENT}","sub":"user-{user}","nonce":"nonce","iat":{seconds},"exp":{}}}"#,
            seconds + 300
        );
        let body = format!(
            r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{},"refresh_token":"{current}"{end},"id_token":"{}"}}"#,
            life / 1000,
            id_token(&claims).expose()
        );
        let token = AccessToken { family, expires: time + life, is_refused: false };
        self.access_tokens.insert(access, token);
        answer(200, &body)
    }

    fn name(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}-{}", self.count)
    }
}

/// An answer without a `Date` that the browser shows: the ID token alone tells the time.
pub(crate) fn answer(status: u16, body: &str) -> HttpAnswer {
    HttpAnswer {
        status,
        content_type: Some("application/json".into()),
        retry_after: None,
        date: None,
        body: body.as_bytes().to_vec(),
    }
}
