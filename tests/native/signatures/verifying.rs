//! The whole way of an ID token: the provider's keys, its signature, what came beside it, and what
//! becomes of a sign-in and of a session.

use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::DEFAULT_AUDIENCE,
    error::{AuthError, Code, Phase},
    jwt::{
        algorithm::{Algorithm, Algorithms, Hash},
        jwks::KeySet,
        keys::{self, Keys, Wanted},
        verification::{Doubt, Step, Unsupported, Verification},
    },
    oauth::{metadata::Metadata, token::HttpAnswer},
    secret::Secret,
    session::{
        grant::Grant,
        inputs::{Reach, TokenFailure, TokenRequest},
        outcome::judge,
        proof::Unproven,
    },
};

use super::{
    oracle,
    signer::{jwk, sign},
};
use crate::fixtures::{CLIENT, ISSUER, START, config, grant, metadata, text_of, transaction};

/// A provider that publishes keys, and what a client knows of them.
struct Provider {
    published: Result<Value, &'static str>,
    keys: Keys,
    fetches: u32,
    now: Now,
    /// Whether the browser has no such algorithm.
    is_unsupported: bool,
}

impl Provider {
    fn with(keys: Value) -> Self {
        let (published, now) = (Ok(keys), START);
        Self { published, keys: Keys::default(), fetches: 0, now, is_unsupported: false }
    }

    fn publishing(algorithm: Algorithm) -> Self {
        Self::with(json!([named(algorithm, "1")]))
    }

    fn pass(&mut self, seconds: u64) {
        let ms = seconds * 1000;
        self.now.monotonic = self.now.monotonic + Millis(ms);
        self.now.wall = UnixMillis(self.now.wall.0 + i64::try_from(ms).unwrap());
    }

    /// As the vault does it.
    fn verify(&mut self, mut verification: Verification) -> Result<(), Doubt> {
        let mut step = Step::Keys(None);
        for _ in 0..10 {
            step = match step {
                Step::Keys(beyond) => {
                    let (keys, is_new) = self.wanted(beyond.as_ref());
                    verification.keys(keys, is_new)
                }
                Step::Check(_) if self.is_unsupported => verification.checked(Err(Unsupported)),
                Step::Check(check) => verification.checked(oracle::verify(&check)),
                Step::Digest(hash, of) => verification.digested(&digest(hash, of.expose())),
                Step::Done(verdict) => return verdict,
            }
        }
        panic!("a verification without an end")
    }

    fn wanted(&mut self, beyond: Option<&Rc<KeySet>>) -> (Result<Rc<KeySet>, AuthError>, bool) {
        let uri = "https://id.example.com/jwks";
        match self.keys.wanted(self.now, uri, beyond) {
            Wanted::Keys(keys) => (Ok(keys), false),
            Wanted::None(error) => (Err(error), false),
            Wanted::Wait => panic!("nobody else fetches"),
            Wanted::Fetch => {
                self.fetches += 1;
                let outcome = match &self.published {
                    Ok(keys) => KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
                        .map_err(keys::unreadable),
                    Err(why) => Err(keys::unavailable(why)),
                };
                self.keys.fetched(self.now, uri, outcome);
                (self.keys.answer(self.now, beyond), true)
            }
        }
    }

    fn token(&mut self, token: &str) -> Result<(), Doubt> {
        let allowed = Algorithms::of_issuer(&["RS256", "ES256", "EdDSA"]);
        let access_token = Rc::new(Secret::from("at"));
        self.verify(Verification::new(Rc::new(Secret::from(token)), allowed, access_token, None))
    }

    /// What an answer with this ID token comes to.
    fn judged(&mut self, request: &TokenRequest, id_token: &str) -> Result<Grant, TokenFailure> {
        let unproven = judge(request, Ok(answer(id_token)), &config(true), self.now).unwrap();
        self.settled(unproven)
    }

    fn settled(&mut self, unproven: Unproven) -> Result<Grant, TokenFailure> {
        let verification = unproven.verification(&any_algorithm());
        let verdict = verification.map_or(Ok(()), |verification| self.verify(verification));
        unproven.settle(verdict)
    }
}

fn any_algorithm() -> Metadata {
    let id_token_algorithms = Algorithms::of_issuer(&Algorithm::ALL.map(Algorithm::as_str));
    Metadata { id_token_algorithms, ..metadata() }
}

fn named(algorithm: Algorithm, kid: &str) -> Value {
    let mut key = jwk(algorithm);
    key["kid"] = kid.into();
    key
}

fn digest(hash: Hash, text: &str) -> Vec<u8> {
    match hash {
        Hash::Sha256 => Sha256::digest(text).to_vec(),
        Hash::Sha384 => Sha384::digest(text).to_vec(),
        Hash::Sha512 => Sha512::digest(text).to_vec(),
    }
}

fn answer(id_token: &str) -> HttpAnswer {
    let body = json!({
        "access_token": "at-new", "refresh_token": "rt-new", "token_type": "Bearer", "expires_in": 300,
        "id_token": id_token,
    });
    let (content_type, body) = (Some("application/json".into()), body.to_string().into_bytes());
    HttpAnswer { status: 200, content_type, retry_after: None, date: None, dpop_nonce: None, body }
}

fn claims(more: &Value) -> Value {
    let issued = START.wall.0 / 1000;
    let mut claims = json!({
        "iss": ISSUER, "aud": CLIENT, "sub": "alice", "nonce": "nonce", "iat": issued, "exp": issued + 600,
    });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn signed(algorithm: Algorithm, kid: &str, more: &Value) -> String {
    let header = json!({ "alg": algorithm.as_str(), "kid": kid });
    sign(algorithm, &header, &claims(more).to_string())
}

/// The same claims, changed after they were signed.
fn tampered(token: &str) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let claims = claims(&json!({ "role": "admin" })).to_string();
    format!("{header}.{}.{signature}", Base64UrlUnpadded::encode_string(claims.as_bytes()))
}

fn code() -> TokenRequest {
    let transaction = Box::new(transaction("s", START.wall));
    TokenRequest::Code { code: Secret::from("the-code"), transaction }
}

fn refresh(old: Grant) -> TokenRequest {
    let refresh_token = old.refresh_token.clone();
    TokenRequest::Refresh { grant: Rc::new(old), refresh_token, audience: DEFAULT_AUDIENCE }
}

fn is_wrong(verdict: &Result<(), Doubt>, words: &str) -> bool {
    matches!(verdict, Err(Doubt::Wrong(error)) if error.message.contains(words))
}

#[test]
fn good_tokens_of_every_algorithm_are_believed_id4() {
    for algorithm in Algorithm::ALL.into_iter().filter(|one| !one.as_str().starts_with("HS")) {
        let mut provider = Provider::publishing(algorithm);
        let granted = provider.judged(&code(), &signed(algorithm, "1", &json!({}))).unwrap();
        assert!(granted.claims.unwrap().text.contains("alice"));
        assert_eq!(provider.fetches, 1);
    }
}

#[test]
fn a_sign_in_with_a_wrong_signature_fails_and_what_was_issued_is_revoked_id4_t24() {
    let mut provider = Provider::publishing(Algorithm::Rs256);
    let token = tampered(&signed(Algorithm::Rs256, "1", &json!({})));
    let failure = provider.judged(&code(), &token).unwrap_err();
    assert_eq!((failure.error.code, failure.error.phase), (Code::IdTokenInvalid, Phase::Callback));
    assert!(failure.error.message.contains("signature"), "{}", failure.error.message);
    assert_eq!((failure.is_final, failure.reach), (true, Reach::Answered));
    assert_eq!(text_of(failure.issued.unwrap().token()), "rt-new");
    assert_eq!(provider.fetches, 1, "its key is named: no other would do");
}

#[test]
fn a_sign_in_without_keys_fails_for_now_and_what_was_issued_is_revoked() {
    let mut provider = Provider::publishing(Algorithm::Rs256);
    let token = signed(Algorithm::Rs256, "1", &json!({}));
    for published in [Err("no connection"), Ok(json!([{ "kty": "oct", "k": "AAAA" }]))] {
        provider.published = published;
        let failure = provider.judged(&code(), &token).unwrap_err();
        assert_eq!(
            (failure.error.code, failure.error.phase),
            (Code::KeysUnavailable, Phase::Callback)
        );
        assert!(failure.error.retryable && !failure.is_final);
        assert_eq!(text_of(failure.issued.unwrap().token()), "rt-new");
    }
    provider.published = Ok(json!([named(Algorithm::Rs256, "1")]));
    assert!(provider.judged(&code(), &token).is_ok(), "nothing of it stays");
}

#[test]
fn a_browser_without_the_algorithm_says_so() {
    let mut provider = Provider::publishing(Algorithm::Ed25519);
    provider.is_unsupported = true;
    let token = signed(Algorithm::Ed25519, "1", &json!({}));
    let failure = provider.judged(&code(), &token).unwrap_err();
    assert_eq!(failure.error.code, Code::AlgorithmUnsupported);
    assert!(provider.judged(&refresh(grant(1, 300, START)), &token).is_ok());
}

#[test]
fn a_refresh_with_a_wrong_signature_is_none_rf11() {
    let mut provider = Provider::publishing(Algorithm::Es256);
    let token = tampered(&signed(Algorithm::Es256, "1", &json!({})));
    let failure = provider.judged(&refresh(grant(1, 300, START)), &token).unwrap_err();
    assert_eq!((failure.error.code, failure.error.phase), (Code::IdTokenInvalid, Phase::Refresh));
    assert!(failure.is_final);
    assert_eq!(text_of(failure.issued.unwrap().token()), "rt-new");
}

#[test]
fn a_refresh_without_keys_keeps_the_session_and_the_claims_verified_last() {
    let old = grant(1, 300, START);
    let known = old.claims.clone().unwrap().text;
    let token = signed(Algorithm::Es256, "1", &json!({ "role": "admin" }));
    let mut provider = Provider::publishing(Algorithm::Es256);
    for published in [Err("no connection"), Ok(json!([]))] {
        provider.published = published;
        let renewed = provider.judged(&refresh(old.clone()), &token).unwrap();
        assert_eq!(*renewed.access_token, Secret::from("at-new"));
        assert_eq!(renewed.refresh_token.as_deref(), Some(&Secret::from("rt-new")));
        assert_eq!(renewed.claims.unwrap().text, known, "never the unverified ones");
        assert!(renewed.id_token.is_none());
        provider.pass(61);
    }
    provider.published = Ok(json!([named(Algorithm::Es256, "1")]));
    let renewed = provider.judged(&refresh(old), &token).unwrap();
    assert!(renewed.claims.unwrap().text.contains("admin"));
    assert!(renewed.id_token.is_some());
}

#[test]
fn the_first_id_token_sent_again_is_not_verified_again() {
    let mut provider = Provider::publishing(Algorithm::Es256);
    let of_another = json!({ "at_hash": "77QmUPtjPfzWtF2AnpK9RQ" });
    let token = signed(Algorithm::Es256, "1", &of_another);
    let old = Grant { id_token: Some(Rc::new(Secret::from(&*token))), ..grant(1, 300, START) };
    let renewed = provider.judged(&refresh(old), &token).unwrap();
    assert_eq!(*renewed.access_token, Secret::from("at-new"));
    assert_eq!((renewed.claims.unwrap().subject.as_str(), provider.fetches), ("alice", 0));
}

#[test]
fn keys_are_rotated_just_before_signing_jw7() {
    let mut provider = Provider::with(json!([named(Algorithm::Rs256, "old")]));
    assert_eq!(provider.token(&signed(Algorithm::Rs256, "old", &json!({}))), Ok(()));
    provider.published = Ok(json!([named(Algorithm::Es256, "new")]));
    assert_eq!(provider.token(&signed(Algorithm::Es256, "new", &json!({}))), Ok(()));
    assert_eq!(provider.fetches, 2);
    let verdict = provider.token(&signed(Algorithm::Rs256, "old", &json!({})));
    assert!(matches!(verdict, Err(Doubt::Unproven(_))), "its key is no longer published");
}

#[test]
fn a_thousand_bogus_kids_are_one_fetch_a_minute_jw7_t28() {
    let mut provider = Provider::publishing(Algorithm::Es256);
    let bogus = |n: u32| signed(Algorithm::Es256, &format!("bogus-{n}"), &json!({}));
    assert!(matches!(provider.token(&bogus(0)), Err(Doubt::Unproven(_))));
    assert_eq!(provider.fetches, 1, "what was fetched for it is not fetched once more");
    for n in 0..1000 {
        assert!(matches!(provider.token(&bogus(n)), Err(Doubt::Unproven(_))));
    }
    assert_eq!(provider.fetches, 2);
    assert_eq!(provider.token(&signed(Algorithm::Es256, "1", &json!({}))), Ok(()));
    provider.pass(60);
    provider.published = Ok(json!([named(Algorithm::Es256, "2")]));
    assert_eq!(provider.token(&signed(Algorithm::Es256, "2", &json!({}))), Ok(()));
    assert_eq!(provider.fetches, 3);
}

#[test]
fn without_names_one_key_does_and_may_be_replaced_jw6() {
    let nameless = |algorithm: Algorithm| {
        sign(algorithm, &json!({ "alg": algorithm.as_str() }), &claims(&json!({})).to_string())
    };
    let mut provider = Provider::with(json!([jwk(Algorithm::Es256)]));
    assert_eq!(provider.token(&nameless(Algorithm::Es256)), Ok(()));
    // Another key of the same kind: its signatures are wrong by the old one.
    let mut other = jwk(Algorithm::Es256);
    // RFC 7515, A.3.
    other["x"] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".into();
    other["y"] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0".into();
    let mut provider = Provider::with(json!([other]));
    assert!(is_wrong(&provider.token(&nameless(Algorithm::Es256)), "signature"));
    assert_eq!(provider.fetches, 1);
    provider.published = Ok(json!([jwk(Algorithm::Es256)]));
    assert_eq!(provider.token(&nameless(Algorithm::Es256)), Ok(()));
    assert_eq!(provider.fetches, 2);
    let mut several = Provider::with(json!([jwk(Algorithm::Es256), jwk(Algorithm::Es256)]));
    assert!(is_wrong(&several.token(&nameless(Algorithm::Es256)), "`kid`"));
}

#[test]
fn a_token_never_brings_about_more_than_its_issuers_keys_jw1_jw2() {
    let mut provider = Provider::publishing(Algorithm::Rs256);
    for header in [
        json!({ "alg": "ES256", "kid": "1", "jwk": jwk(Algorithm::Es256) }),
        json!({ "alg": "ES256", "kid": "1", "jku": "https://evil.example/jwks" }),
        json!({ "alg": "HS256", "kid": "1" }),
        json!({ "alg": "RS512", "kid": "1" }),
        json!({ "alg": "none" }),
    ] {
        let text = sign(Algorithm::Es256, &header, &claims(&json!({})).to_string());
        assert!(is_wrong(&provider.token(&text), "the ID token "), "{header}");
    }
    assert_eq!(provider.fetches, 1);
}

#[test]
fn a_key_set_of_another_issuer_does_not_verify_jb3() {
    let mut provider = Provider::with(json!([named(Algorithm::Es256, "theirs")]));
    let verdict = provider.token(&signed(Algorithm::Rs256, "ours", &json!({})));
    assert!(matches!(verdict, Err(Doubt::Unproven(_))));
}

#[test]
fn hashes_bind_what_came_beside_it_id12_tk11() {
    let half = |hash: Hash, text: &str| {
        let digest = digest(hash, text);
        Base64UrlUnpadded::encode_string(&digest[..digest.len() / 2])
    };
    for algorithm in [Algorithm::Rs256, Algorithm::Es384, Algorithm::Ps512, Algorithm::Ed25519] {
        let (at, code_hash) =
            (half(algorithm.hash(), "at-new"), half(algorithm.hash(), "the-code"));
        let judged = |more: &Value| {
            let mut provider = Provider::publishing(algorithm);
            provider.judged(&code(), &signed(algorithm, "1", more))
        };
        assert!(judged(&json!({ "at_hash": at, "c_hash": code_hash })).is_ok(), "{algorithm:?}");
        assert!(judged(&json!({ "at_hash": null })).is_ok());
        assert!(
            judged(&json!({ "at_hash": at })).is_ok()
                && judged(&json!({ "c_hash": code_hash })).is_ok()
        );
        for wrong in [
            json!({ "at_hash": code_hash, "c_hash": code_hash }),
            json!({ "at_hash": at, "c_hash": at }),
            json!({ "at_hash": "" }),
            json!({ "at_hash": 1 }),
            json!({ "c_hash": format!("{code_hash}=") }),
            json!({ "at_hash": half(Hash::Sha256, "another-at") }),
        ] {
            let failure = judged(&wrong).unwrap_err();
            assert_eq!(failure.error.code, Code::IdTokenInvalid, "{wrong}");
            assert!(failure.error.message.contains("at_hash"), "{}", failure.error.message);
        }
    }
    let mut provider = Provider::publishing(Algorithm::Es256);
    let renewing = refresh(grant(1, 300, START));
    let good = signed(Algorithm::Es256, "1", &json!({ "at_hash": half(Hash::Sha256, "at-new") }));
    assert!(provider.judged(&renewing, &good).is_ok());
    let wrong = signed(Algorithm::Es256, "1", &json!({ "at_hash": half(Hash::Sha256, "at-1") }));
    assert!(provider.judged(&renewing, &wrong).unwrap_err().is_final, "rf11");
}

#[test]
fn claims_that_fail_are_revoked_too_rf11() {
    let stranger = signed(Algorithm::Es256, "1", &json!({ "sub": "mallory" }));
    let request = refresh(grant(1, 300, START));
    let failure = judge(&request, Ok(answer(&stranger)), &config(true), START).unwrap_err();
    assert_eq!(text_of(failure.issued.unwrap().token()), "rt-new");
}

#[test]
fn no_error_says_anything_of_a_token_st9() {
    let mut provider = Provider::publishing(Algorithm::Es256);
    for kid in ["hunter2", "1"] {
        let text = tampered(&signed(Algorithm::Es256, kid, &json!({ "name": "hunter2" })));
        let verdict = format!("{:?}", provider.token(&text).unwrap_err());
        assert!(!verdict.contains("hunter2") && !verdict.contains("eyJ"), "{verdict}");
    }
}
