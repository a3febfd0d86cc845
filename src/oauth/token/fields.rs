//! The members of a token answer, each read as providers are known to write it. Unknown members are
//! ignored (RFC 6749, 5.1).

use super::TokenAnswer;
use crate::{
    clock::Millis,
    json::{Json, JsonError, Object},
    secret::Secret,
};

/// A life longer than this, in seconds, is no life that anyone meant: ten years.
const LONGEST: u64 = 10 * 365 * 24 * 60 * 60;

/// A good answer (RFC 6749, 5.1). `token_type` is compared without regard to case (7.1).
pub(super) fn read(mut answer: Object) -> Result<TokenAnswer, JsonError> {
    let token_type = answer.required("token_type")?;
    let is_bound = token_type.eq_ignore_ascii_case("dpop");
    if !is_bound && !token_type.eq_ignore_ascii_case("bearer") {
        return Err(JsonError::Unexpected);
    }
    let is_given = |token: &Secret| !token.expose().is_empty(); // exposed: only whether it is empty.
    Ok(TokenAnswer {
        is_bound,
        expires_in: seconds(answer.get("expires_in")),
        // As Keycloak writes it, and as others do.
        refresh_expires_in: seconds(
            answer.get("refresh_expires_in").or(answer.get("refresh_token_expires_in")),
        ),
        scope: scope(answer.get("scope"))?,
        access_token: answer.take_secret("access_token")?.ok_or(JsonError::Unexpected)?,
        refresh_token: answer.take_secret("refresh_token")?.filter(is_given),
        id_token: answer.take_secret("id_token")?.filter(is_given),
    })
}

/// A life like `expires_in`: seconds as a number or in digits; anything else, zero, less, and more than ten years
/// count as not said. Then the token is used until a resource refuses it.
pub(crate) fn seconds(value: Option<&Json>) -> Option<Millis> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let seconds = match value? {
        Json::Number(seconds) => *seconds as u64,
        value => {
            let digits = value.as_text()?;
            // `parse` alone would take a sign.
            digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?
        }
    };
    (1..=LONGEST).contains(&seconds).then(|| Millis::from_secs(seconds))
}

/// `scope`: words between spaces, as the standard says, or a list of them, as some providers do.
fn scope(value: Option<&Json>) -> Result<Option<Vec<String>>, JsonError> {
    let words: Vec<&str> = match value {
        None | Some(Json::Null) => return Ok(None),
        Some(value) => match value.as_text() {
            Some(text) => text.split(' ').filter(|word| !word.is_empty()).collect(),
            None => value.as_texts().ok_or(JsonError::Unexpected)?,
        },
    };
    Ok(Some(words.into_iter().map(str::to_owned).collect()))
}
