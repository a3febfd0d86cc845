//! Proofs by the standard's own vectors, and what comes of nonces and clocks.

use std::{collections::HashSet, fs};

use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    clock::{Millis, UnixMillis},
    oauth::fixtures::url,
};

const VECTORS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/rfc9449/vectors.json");
const NOW: Now = Now { wall: UnixMillis(1_562_262_616_900), monotonic: Millis(1) };
const ORIGIN: &str = "https://id.example.com";

fn vectors() -> Vec<Value> {
    let Ok(text) = fs::read_to_string(VECTORS) else {
        println!("skipped: no {VECTORS}");
        return Vec::new();
    };
    serde_json::from_str(&text).unwrap()
}

fn decoded(part: &str) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(part).unwrap()
}

fn json(part: &str) -> Value {
    serde_json::from_slice(&decoded(part)).unwrap()
}

fn key() -> PublicKey {
    let mut point = [7; 65];
    point[0] = 4;
    PublicKey::from_point(&point).unwrap()
}

fn answer(status: u16, body: &str, date: Option<&str>) -> HttpAnswer {
    HttpAnswer {
        status,
        content_type: Some("application/json".to_owned()),
        retry_after: None,
        date: date.map(str::to_owned),
        dpop_nonce: None,
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn dp1_dp3_dp4_dp10_what_the_standards_proofs_say() {
    for vector in vectors().iter().filter(|vector| vector.get("jwt").is_some()) {
        let (header, payload) = (&vector["header"], &vector["payload"]);
        let coordinate = |name: &str| decoded(header["jwk"][name].as_str().unwrap());
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let key = PublicKey::from_point(&point).unwrap();
        assert_eq!(key.thumbprint(), vector["jkt"], "RFC 7638");

        let token = Secret::from("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
        let target = url(&[payload["htu"].as_str().unwrap(), "?a=b#c"].concat());
        let proven = Proven {
            server: Server::Resource,
            method: payload["htm"].as_str().unwrap(),
            url: &target,
            access_token: payload.get("ath").map(|_| &token),
        };
        let wall = UnixMillis(payload["iat"].as_i64().unwrap() * 1000 + 999);
        let now = Now { wall, ..NOW };
        let ours = Proofs::default().signing_input(&proven, None, &key, &[9; 16], now);
        let (ours_header, ours_payload) = ours.split_once('.').unwrap();
        assert_eq!(json(ours_header), *header);
        let mut said = json(ours_payload);
        said["jti"] = payload["jti"].clone();
        assert_eq!(said, *payload);

        // A proof is what was signed and the signature: the standard's own, put together by us.
        let theirs = vector["jwt"].as_str().unwrap();
        let (input, signature) = theirs.rsplit_once('.').unwrap();
        assert_eq!(compact(input, &decoded(signature)), theirs);
        let verifying = VerifyingKey::from_sec1_bytes(&point).unwrap();
        let signature = Signature::from_slice(&decoded(signature)).unwrap();
        verifying.verify(input.as_bytes(), &signature).unwrap();
    }
}

#[test]
fn dp1_a_key_is_an_uncompressed_point_and_nothing_private() {
    let mut point = [1; 65];
    assert_eq!(PublicKey::from_point(&point), None, "not uncompressed");
    point[0] = 4;
    for wrong in [&point[..64], &[point.as_slice(), &[0]].concat(), &[4], &[]] {
        assert_eq!(PublicKey::from_point(wrong), None);
    }
    let jwk: Value = serde_json::from_str(&PublicKey::from_point(&point).unwrap().jwk()).unwrap();
    let members: Vec<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["crv", "kty", "x", "y"]);
}

#[test]
fn dp2_each_entropy_is_another_jti_of_128_bits() {
    let target = url("https://api.example.com/");
    let proven =
        Proven { server: Server::Resource, method: "GET", url: &target, access_token: None };
    let jti = |entropy: &[u8; 16]| {
        let input = Proofs::default().signing_input(&proven, None, &key(), entropy, NOW);
        json(input.split_once('.').unwrap().1)["jti"].as_str().unwrap().to_owned()
    };
    let distinct: HashSet<_> = (0..2000_u128).map(|at| jti(&at.to_be_bytes())).collect();
    assert_eq!(distinct.len(), 2000);
    assert!(distinct.iter().all(|jti| decoded(jti).len() == 16));
}

#[test]
fn dp3_the_url_is_without_query_and_fragment() {
    for (from, htu) in [
        ("https://api.example.com", "https://api.example.com/"),
        ("https://API.example.com:443/a/../b?x=1#y", "https://api.example.com/b"),
        ("https://api.example.com:8443/%7Ea/?", "https://api.example.com:8443/%7Ea/"),
    ] {
        let target = url(from);
        let proven =
            Proven { server: Server::Resource, method: "PATCH", url: &target, access_token: None };
        let input = Proofs::default().signing_input(&proven, Some("n"), &key(), &[0; 16], NOW);
        let said = json(input.split_once('.').unwrap().1);
        assert_eq!([&said["htu"], &said["htm"], &said["nonce"]], [htu, "PATCH", "n"]);
        assert_eq!(said["iat"], 1_562_262_616_i64);
        assert_eq!(said.get("ath"), None);
    }
}

#[test]
fn dp5_dp6_the_latest_nonce_of_each_server_and_role() {
    let mut proofs = Proofs::default();
    assert_eq!(proofs.nonce(Server::Provider, ORIGIN), None);
    let told = |proofs: &mut Proofs, server, origin, nonce, sent| {
        proofs.heard(server, origin, Some(nonce), sent)
    };
    assert_eq!(told(&mut proofs, Server::Provider, ORIGIN, "as-1", None), Told::New);
    assert_eq!(told(&mut proofs, Server::Resource, ORIGIN, "rs-1", None), Told::New);
    assert_eq!(told(&mut proofs, Server::Resource, "https://b.example", "b", None), Told::New);
    assert_eq!(told(&mut proofs, Server::Provider, ORIGIN, "as-2", Some("as-1")), Told::New);
    assert_eq!(told(&mut proofs, Server::Provider, ORIGIN, "as-2", Some("as-2")), Told::Same);
    // Another call's answer had it first; this proof had none.
    assert_eq!(told(&mut proofs, Server::Provider, ORIGIN, "as-2", None), Told::New);
    assert_eq!(proofs.nonce(Server::Provider, ORIGIN).unwrap(), "as-2");
    assert_eq!(proofs.nonce(Server::Resource, ORIGIN).unwrap(), "rs-1");
    assert_eq!(proofs.heard(Server::Provider, ORIGIN, None, None), Told::Nothing);
    assert_eq!(proofs.nonce(Server::Provider, ORIGIN).unwrap(), "as-2", "none takes none away");
}

#[test]
fn dp5_nonces_of_many_servers_are_bounded() {
    let mut proofs = Proofs::default();
    for at in 0..1000 {
        proofs.heard(Server::Resource, &format!("https://{at}.example"), Some("n"), None);
    }
    assert_eq!(proofs.nonces.len(), MOST_SERVERS);
    assert!(proofs.nonce(Server::Resource, "https://999.example").is_some());
}

#[test]
fn dp8_more_than_one_nonce_and_what_is_none_are_refused() {
    let mut proofs = Proofs::default();
    proofs.heard(Server::Provider, ORIGIN, Some("kept"), None);
    let long = "n".repeat(NONCE_LIMIT + 1);
    for odd in ["one, two", "", "a\"b", "a\\b", "a b", "\u{e9}", &long] {
        assert_eq!(proofs.heard(Server::Provider, ORIGIN, Some(odd), None), Told::Nothing);
        assert_eq!(proofs.nonce(Server::Provider, ORIGIN).unwrap(), "kept", "{odd}");
    }
}

fn telling(nonce: Option<&str>, mut answer: HttpAnswer) -> HttpAnswer {
    answer.dpop_nonce = nonce.map(str::to_owned);
    answer
}

#[test]
fn dp7_dp13_one_more_attempt_and_only_for_a_nonce_that_is_new() {
    let challenge = |nonce| telling(nonce, answer(400, r#"{"error":"use_dpop_nonce"}"#, None));
    let mut proofs = Proofs::default();
    let first = proofs.attempt(ORIGIN);
    assert_eq!(first.nonce, None);
    let second = proofs.again(&first, ORIGIN, &challenge(Some("n1")), NOW).unwrap();
    assert_eq!(second.nonce.as_deref(), Some("n1"));
    assert_eq!(proofs.again(&second, ORIGIN, &challenge(Some("n2")), NOW), None, "no third");
    // What that told is for the next request, which does not ask for more when it is refused so.
    let next = proofs.attempt(ORIGIN);
    assert_eq!(next.nonce.as_deref(), Some("n2"));
    assert_eq!(proofs.again(&next, ORIGIN, &challenge(Some("n2")), NOW), None, "the same again");
    for unreadable in [None, Some("one, two")] {
        assert_eq!(proofs.again(&next, ORIGIN, &challenge(unreadable), NOW), None);
        let refusal = token::refusal(&challenge(unreadable), Phase::Refresh, NOW.wall).unwrap();
        assert_eq!(refusal.error.code, Code::DpopNonceUnreadable);
        assert_eq!((refusal.is_final, refusal.error.phase), (false, Phase::Refresh));
    }
    for other in [
        answer(200, r#"{"access_token":"a"}"#, None),
        answer(400, r#"{"error":"invalid_grant"}"#, None),
        answer(503, "", None),
    ] {
        assert_eq!(proofs.again(&next, ORIGIN, &telling(Some("n3"), other), NOW), None);
        assert_eq!(proofs.attempt(ORIGIN).nonce.as_deref(), Some("n3"), "adopted all the same");
        proofs.heard(Server::Provider, ORIGIN, Some("n2"), None);
    }
}

#[test]
fn dp11_a_refused_proof_is_dated_by_the_providers_clock_once() {
    let body = r#"{"error":"invalid_dpop_proof"}"#;
    for (date, at) in [
        ("Thu, 04 Jul 2019 20:50:16 GMT", 1_562_273_416),
        ("Thu, 04 Jul 2019 18:50:16 GMT", 1_562_266_216),
    ] {
        let mut proofs = Proofs::default();
        let refused = answer(400, body, Some(date));
        let first = proofs.attempt(ORIGIN);
        assert!(proofs.again(&first, ORIGIN, &refused, NOW).is_some());
        let target = url("https://id.example.com/token");
        let proven =
            Proven { server: Server::Provider, method: "POST", url: &target, access_token: None };
        let input = proofs.signing_input(&proven, None, &key(), &[0; 16], NOW);
        assert_eq!(json(input.split_once('.').unwrap().1)["iat"], at);
        assert_eq!(proofs.again(&first, ORIGIN, &refused, NOW), None, "no news");
    }
    let mut proofs = Proofs::default();
    let first = proofs.attempt(ORIGIN);
    assert_eq!(proofs.again(&first, ORIGIN, &answer(400, body, None), NOW), None);
    let told = telling(Some("n"), answer(400, body, None));
    assert_eq!(proofs.again(&first, ORIGIN, &told, NOW).unwrap().nonce.as_deref(), Some("n"));
}

#[test]
fn dp11_five_seconds_are_no_news_of_the_providers_clock() {
    let now = Now { wall: UnixMillis(1_562_262_616_000), ..NOW };
    let body = r#"{"error":"invalid_dpop_proof"}"#;
    for (date, is_news) in
        [("Thu, 04 Jul 2019 17:50:21 GMT", false), ("Thu, 04 Jul 2019 17:50:22 GMT", true)]
    {
        let mut proofs = Proofs::default();
        let first = proofs.attempt(ORIGIN);
        let again = proofs.again(&first, ORIGIN, &answer(400, body, Some(date)), now);
        assert_eq!(again.is_some(), is_news, "{date}");
    }
}

proptest! {
    #[test]
    fn dp8_only_the_standards_characters_are_a_nonce(text in ".{0,12}") {
        let is_nonce = !text.is_empty()
            && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\');
        let told = Proofs::default().heard(Server::Provider, ORIGIN, Some(&text), None);
        prop_assert_eq!(told == Told::New, is_nonce);
    }
}
