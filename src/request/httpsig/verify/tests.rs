//! Answers, signed as a server does it, and what becomes of them on the way.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    config::credential::{Key, Usage},
    request::httpsig::draft,
    url::{ParseUrl, ParsedUrl, oracle::Oracle},
};

const KEY: &[u8] = &[7; 32];
const NOW: i64 = 1_700_000_000;
const BODY: &str = "{\"paid\":true}";

/// A request as it went out, signed.
struct Request {
    url: ParsedUrl,
    fields: Vec<(String, String)>,
}

impl Request {
    fn message(&self) -> Message<'_> {
        Message { start: Start::Request("POST", &self.url), fields: &self.fields }
    }

    fn signature(&self) -> &str {
        &self.fields.iter().find(|(name, _)| name == SIGNATURE).unwrap().1
    }
}

fn profile(answers: Answers) -> Profile {
    let Usage::Signature(profile) = Key::signature("k", "key-1").usage else { unreachable!() };
    Profile { answers, ..profile }
}

fn hmac(key: &[u8], base: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(base.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn request(nonce: &str) -> Request {
    let url = Oracle.parse("https://pay.example/v1/orders?a=1&b=2", None).unwrap();
    let headers = [("accept".to_owned(), "*/*".to_owned())];
    let drafted = draft(
        &profile(Answers::Signed),
        ("POST", &url, &headers),
        Some(&Sha256::digest("order")),
        UnixMillis(NOW * 1000),
        nonce,
    )
    .unwrap();
    let signature = hmac(KEY, &drafted.base);
    let written = drafted.headers("sig1", &signature).into_iter();
    let fields = written.map(|(name, value)| (name.to_owned(), value)).chain(headers).collect();
    Request { url, fields }
}

/// What a server answers.
#[derive(Clone)]
struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
}

fn content_digest(body: &str) -> String {
    format!("sha-256=:{}:", Base64::encode_string(&Sha256::digest(body)))
}

const COVERED: &[&str] = &["\"@status\"", "\"content-digest\""];
const SAID: &str = ";created=1700000000;keyid=\"key-1\"";

/// An answer with a signature over `covered`, each with the value that the server has for it. It is made by
/// hand, so that nothing of what is tested makes it.
fn signed_over(
    label: &str,
    covered: &[(&str, &str)],
    said: &str,
    key: &[u8],
) -> [(String, String); 2] {
    let names: Vec<_> = covered.iter().map(|(name, _)| *name).collect();
    let parameters = format!("({}){said}", names.join(" "));
    let mut base = String::new();
    for (name, value) in covered {
        base.extend([name, ": ", value, "\n"]);
    }
    base.extend(["\"@signature-params\": ", &parameters]);
    let signature = Base64::encode_string(&hmac(key, &base));
    [
        (INPUT.to_owned(), format!("{label}={parameters}")),
        (SIGNATURE.to_owned(), format!("{label}=:{signature}:")),
    ]
}

fn answer(covered: &[&str], said: &str, key: &[u8]) -> Answer {
    let digest = content_digest(BODY);
    let asked = request("n");
    let asked_digest = content_digest("order");
    let value = |name: &&str| -> String {
        match *name {
            "\"@status\"" => "200",
            "\"content-digest\"" => &digest,
            "\"content-digest\";key=\"sha-256\"" => digest.trim_start_matches("sha-256="),
            "\"content-type\"" => "application/json",
            "\"signature\";req" => asked.signature(),
            "\"signature\";req;key=\"sig1\"" | "\"signature\";key=\"sig1\";req" => {
                asked.signature().trim_start_matches("sig1=")
            }
            "\"@method\";req" => "POST",
            "\"@target-uri\";req" => "https://pay.example/v1/orders?a=1&b=2",
            "\"@authority\";req" => "pay.example",
            "\"@path\";req" => "/v1/orders",
            "\"@query-param\";name=\"b\";req" => "2",
            "\"content-digest\";req" => &asked_digest,
            "\"accept\";req" => "*/*",
            _ => "?",
        }
        .to_owned()
    };
    let values: Vec<_> = covered.iter().map(value).collect();
    let lines: Vec<_> = covered.iter().copied().zip(values.iter().map(String::as_str)).collect();
    let mut fields = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        (CONTENT_DIGEST.to_owned(), digest.clone()),
    ];
    fields.extend(signed_over("sig1", &lines, said, key));
    Answer { status: 200, fields, body: BODY.to_owned() }
}

impl Answer {
    fn field(&mut self, name: &str) -> &mut String {
        &mut self.fields.iter_mut().find(|(other, _)| other == name).unwrap().1
    }

    fn verified_by(&self, profile: &Profile, request: &Request, now: i64) -> Result<(), String> {
        let answered = (self.status, &*self.fields);
        let now = UnixMillis(now * 1000 + 999);
        let check =
            check(profile, answered, &request.message(), now).map_err(|error| told(&error))?;
        check.content(self.body.as_bytes()).map_err(|error| told(&error))?;
        if hmac(KEY, &check.base) == check.signature { Ok(()) } else { Err(told(&check.forged())) }
    }

    fn verified(&self) -> Result<(), String> {
        self.verified_by(&profile(Answers::Signed), &request("n"), NOW)
    }
}

fn told(error: &AuthError) -> String {
    assert_eq!((error.code, error.retryable), (Code::ResponseSignatureInvalid, false));
    assert!(error.message.starts_with("the answer (status "), "{}", error.message);
    error.message.to_string()
}

#[track_caller]
fn refused(answer: &Answer, why: &str) {
    let message = answer.verified().unwrap_err();
    assert!(message.contains(why), "{message}");
}

#[test]
fn hs1_a_signed_answer_is_good_whatever_else_it_covers() {
    for covered in [
        COVERED,
        &["\"content-digest\"", "\"@status\"", "\"content-type\""],
        &["\"content-digest\";key=\"sha-256\"", "\"@status\""],
        &["\"@status\"", "\"content-digest\"", "\"signature\";req"],
        &["\"@status\"", "\"content-digest\"", "\"signature\";req;key=\"sig1\""],
        &["\"@status\"", "\"content-digest\"", "\"@method\";req", "\"@target-uri\";req"],
        &["\"@authority\";req", "\"@path\";req", "\"@status\"", "\"content-digest\""],
        &["\"@query-param\";name=\"b\";req", "\"@status\"", "\"content-digest\""],
        &["\"content-digest\"", "\"@status\"", "\"content-digest\";req", "\"accept\";req"],
    ] {
        assert_eq!(answer(covered, SAID, KEY).verified(), Ok(()), "{covered:?}");
    }
    for said in [
        ";keyid=\"key-1\";created=1700000000;alg=\"hmac-sha256\"",
        ";created=1700000000;expires=1700000060;keyid=\"key-1\";nonce=\"x\"",
        // What else is said is signed, whatever it means; without a `keyid` the label says whose it is.
        ";created=1700000000;more=?0;d=1.5;t=tok",
    ] {
        assert_eq!(answer(COVERED, said, KEY).verified(), Ok(()), "{said}");
    }
    // What is signed is the one form that a field has, however it is written.
    let mut loose = answer(COVERED, ";created=1700000000;keyid=\"key-1\";d=1.5;e", KEY);
    let field = loose.field(INPUT);
    *field =
        field.replace("1.5;e", "1.500; e=?1").replace("(\"", "(  \"").replace("1.500", "01.500");
    assert_eq!(loose.verified(), Ok(()));
}

#[test]
fn hs2_what_was_changed_on_the_way_is_refused() {
    let good = answer(COVERED, SAID, KEY);
    let changed = |change: &dyn Fn(&mut Answer)| {
        let mut answer = good.clone();
        change(&mut answer);
        answer
    };
    let wrong = "signature is wrong";
    refused(&changed(&|it| it.body = BODY.replace("true", "null")), "Content-Digest");
    refused(&changed(&|it| it.body.clear()), "Content-Digest");
    refused(&changed(&|it| it.status = 201), wrong);
    let swapped = |it: &mut Answer| {
        it.body = "other".to_owned();
        *it.field(CONTENT_DIGEST) = content_digest("other");
    };
    refused(&changed(&swapped), wrong);
    refused(
        &changed(&|it| *it.field(INPUT) = it.field(INPUT).replace("key-1\"", "key-1\";x")),
        wrong,
    );
    refused(
        &changed(&|it| *it.field(INPUT) = it.field(INPUT).replace("000000;", "000001;")),
        wrong,
    );
    refused(&changed(&|it| *it.field(SIGNATURE) = "sig1=:AAAA:".to_owned()), wrong);
    refused(&answer(COVERED, SAID, &[8; 32]), wrong);
    let mut type_covered =
        answer(&["\"@status\"", "\"content-digest\"", "\"content-type\""], SAID, KEY);
    *type_covered.field("content-type") = "text/html".to_owned();
    refused(&type_covered, wrong);
}

#[test]
fn hs3_what_must_be_covered_is_covered() {
    refused(&answer(&["\"content-digest\""], SAID, KEY), "`@status`");
    refused(&answer(&[], SAID, KEY), "`@status`");
    refused(&answer(&["\"@status\""], SAID, KEY), "`Content-Digest`");
    refused(&answer(&["\"@status\"", "\"content-digest\";req"], SAID, KEY), "`Content-Digest`");
    let mut other = answer(COVERED, SAID, KEY);
    *other.field(CONTENT_DIGEST) = "sha-512=:AAAA:".to_owned();
    refused(&other, "`sha-256`");
    *other.field(CONTENT_DIGEST) = "sha-256=AAAA".to_owned();
    refused(&other, "`sha-256`");
    *other.field(CONTENT_DIGEST) = "sha-256=:AAAA".to_owned();
    refused(&other, "RFC 9651");
    *other.field(CONTENT_DIGEST) = "sha-512=:AAAA:".to_owned();
    other.body.clear();
    refused(&other, "`sha-256`");
    // Of two digests the one that counts must be covered.
    let digest = format!("sha-512=:AAAA:, {}", content_digest(BODY));
    let of_other = [("\"@status\"", "200"), ("\"content-digest\";key=\"sha-512\"", ":AAAA:")];
    let mut two = answer(COVERED, SAID, KEY);
    for (name, value) in signed_over("sig1", &of_other, SAID, KEY) {
        *two.field(&name) = value;
    }
    *two.field(CONTENT_DIGEST) = digest.clone();
    refused(&two, "`Content-Digest`");
    two.body.clear();
    refused(&two, "`Content-Digest`");
    two.body = BODY.to_owned();
    let of_both = [("\"@status\"", "200"), ("\"content-digest\"", &*digest)];
    for (name, value) in signed_over("sig1", &of_both, SAID, KEY) {
        *two.field(&name) = value;
    }
    assert_eq!(two.verified(), Ok(()));
    let mut empty = answer(&["\"@status\""], SAID, KEY);
    empty.body.clear();
    assert_eq!(empty.verified(), Ok(()), "nothing to be digested");
}

#[test]
fn hs3_what_is_not_known_or_not_there_is_refused() {
    for unknown in [
        "\"content-type\";sf",
        "\"content-type\";bs",
        "\"content-type\";tr",
        "\"content-type\";req=?0",
        "\"content-type\";key=tok",
        "\"content-type\";name=\"a\"",
        "\"@method\";req;key=\"a\"",
        "\"@status\";x",
        "\"Content-Type\"",
        "content-type",
    ] {
        refused(&answer(&["\"@status\"", "\"content-digest\"", unknown], SAID, KEY), "known here");
    }
    for missing in [
        "\"x-hidden\"",
        "\"@method\"",
        "\"@path\"",
        "\"@status\";req",
        "\"x-none\";req",
        "\"@query-param\";req",
        "\"@query-param\";name=\"c\";req",
        "\"content-digest\";key=\"sha-512\"",
        "\"content-type\";key=\"a\"",
        "\"@signature-params\"",
    ] {
        let answer = answer(&["\"@status\"", "\"content-digest\"", missing], SAID, KEY);
        refused(&answer, "Access-Control-Expose-Headers");
    }
    for twice in [
        &["\"@status\"", "\"content-digest\"", "\"@status\""][..],
        &[
            "\"@status\"",
            "\"content-digest\"",
            "\"signature\";req;key=\"sig1\"",
            "\"signature\";key=\"sig1\";req",
        ],
    ] {
        refused(&answer(twice, SAID, KEY), "named twice");
    }
}

#[test]
fn hs7_what_is_no_signature_is_refused() {
    let good = answer(COVERED, SAID, KEY);
    for hidden in [INPUT, SIGNATURE, CONTENT_DIGEST] {
        let mut answer = good.clone();
        answer.fields.retain(|(name, _)| name != hidden);
        refused(&answer, "Signature, Signature-Input, Content-Digest");
    }
    for (field, value, why) in [
        (SIGNATURE, "sig1=AAAA", "beside it"),
        (SIGNATURE, "sig2=:AAAA:", "beside it"),
        (SIGNATURE, "sig1=(:AAAA:)", "beside it"),
        (SIGNATURE, "sig1=:AAAA", "RFC 9651"),
        (INPUT, "sig1=(", "RFC 9651"),
        (INPUT, "sig1", "keyid"),
        (INPUT, "sig1=\"@status\";keyid=\"key-1\"", "keyid"),
        (INPUT, "sig1=(\"@status\");keyid=\"key-2\"", "keyid"),
        (INPUT, "sig1=(\"@status\");keyid=key-1", "keyid"),
        (INPUT, "sig2=(\"@status\")", "keyid"),
    ] {
        let mut answer = good.clone();
        *answer.field(field) = value.to_owned();
        refused(&answer, why);
    }
    let mut long = good.clone();
    long.field(INPUT).extend([", x=\"", &"a".repeat(FIELD), "\""]);
    refused(&long, "RFC 9651");
}

#[test]
fn hs8_a_signature_is_of_this_time() {
    let good = answer(COVERED, SAID, KEY);
    let at = |answer: &Answer, now: i64| {
        answer.verified_by(&profile(Answers::Signed), &request("n"), now)
    };
    for now in [NOW - 360, NOW, NOW + 360] {
        assert_eq!(at(&good, now), Ok(()));
    }
    for now in [NOW - 361, NOW + 361] {
        assert!(at(&good, now).unwrap_err().contains("not of this time"));
    }
    let short = answer(COVERED, ";created=1700000000;expires=1700000001;keyid=\"key-1\"", KEY);
    assert_eq!(at(&short, NOW + 61), Ok(()));
    assert!(at(&short, NOW + 62).is_err());
    for (said, why) in [
        (";keyid=\"key-1\"", "`created`"),
        (";created=@1700000000;keyid=\"key-1\"", "`created`"),
        (";created=1700000000;expires=\"soon\";keyid=\"key-1\"", "`expires`"),
        (";created=999999999999999;keyid=\"key-1\"", "not of this time"),
        (";created=-999999999999999;keyid=\"key-1\"", "not of this time"),
    ] {
        refused(&answer(COVERED, said, KEY), why);
    }
}

#[test]
fn hs9_the_algorithm_and_the_key_are_ours() {
    for alg in ["alg=\"hmac-sha512\"", "alg=\"ed25519\"", "alg=hmac-sha256", "alg"] {
        refused(&answer(COVERED, &format!("{SAID};{alg}"), KEY), "hmac-sha256");
    }
    let tagged = answer(COVERED, &format!("{SAID};tag=\"shop\""), KEY);
    refused(&tagged, "keyid");
    let shop = Profile { tag: Some("shop".to_owned()), ..profile(Answers::Signed) };
    assert_eq!(tagged.verified_by(&shop, &request("n"), NOW), Ok(()));
    assert_eq!(answer(COVERED, SAID, KEY).verified_by(&shop, &request("n"), NOW), Ok(()));
}

#[test]
fn hs9_of_several_signatures_ours_counts() {
    let digest = content_digest(BODY);
    let lines = [("\"@status\"", "200"), ("\"content-digest\"", &*digest)];
    let ours = |label, key: &[u8]| signed_over(label, &lines, SAID, key);
    let theirs = signed_over("proxy", &lines, ";created=1;keyid=\"proxy\"", &[9; 32]);
    let both = |first: &[(String, String); 2], second: &[(String, String); 2]| {
        let mut answer = answer(COVERED, SAID, KEY);
        for at in 0..2 {
            *answer.field(&first[at].0) = format!("{}, {}", first[at].1, second[at].1);
        }
        answer
    };
    assert_eq!(both(&theirs, &ours("mine", KEY)).verified(), Ok(()), "by its `keyid`");
    assert_eq!(both(&ours("mine", KEY), &theirs).verified(), Ok(()));
    assert_eq!(
        both(&ours("other", &[9; 32]), &ours("sig1", KEY)).verified(),
        Ok(()),
        "by its label"
    );
    assert_eq!(both(&ours("sig1", KEY), &ours("other", &[9; 32])).verified(), Ok(()));
    refused(&both(&theirs, &ours("sig1", &[9; 32])), "signature is wrong");
    let mut two_lines = answer(COVERED, SAID, KEY);
    two_lines.fields.extend(theirs);
    assert_eq!(two_lines.verified(), Ok(()), "as two fields");
}

#[test]
fn hs8_an_answer_to_another_request_is_no_answer_to_this_one() {
    let bound = profile(Answers::Bound);
    let covered = ["\"@status\"", "\"content-digest\"", "\"signature\";req;key=\"sig1\""];
    for last in [covered[2], "\"signature\";req"] {
        let answer = answer(&[covered[0], covered[1], last], SAID, KEY);
        assert_eq!(answer.verified_by(&bound, &request("n"), NOW), Ok(()));
        let replayed = answer.verified_by(&bound, &request("m"), NOW).unwrap_err();
        assert!(replayed.contains("signature is wrong"), "{replayed}");
        let replayed = answer.verified_by(&profile(Answers::Signed), &request("m"), NOW);
        assert!(replayed.is_err(), "also where it need not be bound");
    }
    for unbound in [COVERED, &["\"@status\"", "\"content-digest\"", "\"@method\";req"]] {
        let answer = answer(unbound, SAID, KEY);
        assert_eq!(answer.verified_by(&profile(Answers::Signed), &request("m"), NOW), Ok(()));
        let message = answer.verified_by(&bound, &request("n"), NOW).unwrap_err();
        assert!(message.contains("`\"signature\";req`"), "{message}");
    }
    // The answer's own field of that name is not the request's.
    let own =
        answer(&["\"@status\"", "\"content-digest\"", "\"signature\";key=\"sig1\""], SAID, KEY);
    assert!(own.verified_by(&bound, &request("n"), NOW).unwrap_err().contains("req"));
}

#[test]
fn hs9_a_requests_own_signature_signs_no_answer() {
    let request = request("n");
    let mut mirrored = answer(COVERED, SAID, KEY);
    for field in [INPUT, SIGNATURE] {
        let (_, value) = request.fields.iter().find(|(name, _)| name == field).unwrap();
        *mirrored.field(field) = value.clone();
    }
    refused(&mirrored, "`@status`");
}

#[test]
fn what_is_too_long_says_so() {
    let answer = answer(COVERED, SAID, KEY);
    let request = request("n");
    let now = UnixMillis(NOW * 1000);
    let fields = (answer.status, &*answer.fields);
    let check = check(&profile(Answers::Signed), fields, &request.message(), now).unwrap();
    assert!(told(&check.too_long()).contains("4 MiB"));
}

proptest! {
    #[test]
    fn hs2_no_single_change_of_a_signed_answer_passes(
        field in 0_usize..4, at: prop::sample::Index, to in b' '..=b'~',
    ) {
        let covered = ["\"@status\"", "\"content-digest\"", "\"content-type\"", "\"signature\";req"];
        let good = answer(&covered, SAID, KEY);
        let mut changed = good.clone();
        let text = if field == 3 { &mut changed.body } else {
            changed.field([CONTENT_DIGEST, INPUT, SIGNATURE][field])
        };
        let index = at.index(text.len());
        text.replace_range(index..=index, &char::from(to).to_string());
        let same_fields = |a: &Answer, b: &Answer| {
            // Two texts may mean one thing.
            let read = |it: &Answer| it.fields.iter().map(|(name, value)| {
                (name.clone(), parse::dictionary(value))
            }).collect::<Vec<_>>();
            read(a) == read(b)
        };
        let is_same = changed.body == good.body && same_fields(&changed, &good)
            && changed.fields[1] == good.fields[1];
        prop_assert_eq!(changed.verified().is_ok(), is_same);
    }
}
