//! Hostile addresses against the policy: a list that the tests in browsers share, those of WPT, and as many
//! as one likes that chance makes (`chance`). The crate `url` says where each leads, and this file what is
//! allowed there, by parts and not by the origin as a text.

mod chance;

use std::collections::BTreeSet;

use ::url::Url;
use serde_json::{Value, json};

use super::admit;
use crate::{
    config::Config,
    url::{ParseUrl, oracle::Oracle},
};

const PAGE: &str = "https://app.example.com/page/";
const OTHER: &str = "evil.test:8443";
const SHARED: &str = include_str!("../../../tests/wire/hostile-urls.json");
const WPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/wpt-url/urltestdata.json");

/// Where a credential may go.
struct Place {
    scheme: &'static str,
    host: &'static str,
    port: u16,
    /// Whether there only below `/in`, with an API key.
    is_keyed: bool,
}

const fn place(scheme: &'static str, host: &'static str, port: u16, is_keyed: bool) -> Place {
    Place { scheme, host, port, is_keyed }
}

const PLACES: &[Place] = &[
    place("https", "api.example.com", 443, false),
    place("https", "keys.example.com", 8443, true),
    place("http", "localhost", 8102, false),
    place("http", "127.0.0.1", 8103, true),
    place("https", "[2001:db8::1]", 443, true),
    // Some of WPT's own.
    place("https", "example.com", 443, false),
    place("https", "localhost", 3000, true),
    place("https", "x", 443, false),
];

impl Place {
    fn origin(&self) -> String {
        let port = if self.port == 443 { String::new() } else { format!(":{}", self.port) };
        format!("{}://{}{port}", self.scheme, self.host)
    }
}

fn config() -> Config {
    let resource = |place: &Place| {
        let origin = place.origin();
        if place.is_keyed {
            json!({ "origin": origin, "paths": ["/in"], "credential": "apiKey:k" })
        } else {
            json!({ "origin": origin })
        }
    };
    let options = json!({
        "issuer": "https://id.example.com", "clientId": "spa", "redirectUri": "/callback",
        "apiKeys": { "k": {} },
        "resources": PLACES.iter().map(resource).collect::<Vec<_>>(),
    });
    Config::check(&options.to_string(), PAGE, &Oracle).unwrap()
}

/// What became of addresses.
#[derive(Debug, Default)]
struct Tally {
    allowed: usize,
    refused: usize,
    no_address: usize,
}

impl Tally {
    /// Has the policy judge an address, and panics where it is wrong.
    fn count(&mut self, config: &Config, input: &str, base: &str) {
        let parsed = Oracle.parse(input, Some(base));
        let oracle = Url::parse(base).ok().and_then(|base| base.join(input).ok());
        assert_eq!(parsed.is_some(), oracle.is_some(), "{input:?}");
        let (Some(parsed), Some(url)) = (parsed, oracle) else {
            self.no_address += 1;
            return;
        };
        let place = PLACES.iter().find(|place| {
            url.scheme() == place.scheme
                && url.host_str() == Some(place.host)
                && url.port_or_known_default() == Some(place.port)
        });
        let is_bare = url.username().is_empty() && url.password().is_none();
        let place = place.filter(|_| is_bare);
        match (admit(&parsed, "GET", &[], config, None), place) {
            (Ok(passage), Some(place)) => {
                assert_eq!(passage.key.is_some(), place.is_keyed, "{input:?}");
                assert!(!place.is_keyed || stays_within(url.path()), "{input:?}");
                // What is fetched is the canonical address, which a second look reads the same.
                let again = Url::parse(&parsed.href).unwrap();
                assert_eq!(again, url, "{input:?}");
                self.allowed += 1;
            }
            (Ok(_), None) => panic!("a credential would go to {url} for {input:?}"),
            (Err(error), place) => {
                let is_wrong =
                    place.is_some_and(|it| !it.is_keyed || is_plainly_within(url.path()));
                assert!(!is_wrong, "{input:?} is refused: {}", error.message);
                self.refused += 1;
            }
        }
    }

    fn print(&self, matrix: &str) {
        let Self { allowed, refused, no_address } = self;
        let counts = json!([
            ["URLs", allowed + refused + no_address],
            ["allowed", allowed],
            ["refused", refused],
            ["no address", no_address],
            ["credentials outside", 0],
        ]);
        println!("figure: {}", json!({ "matrix": matrix, "counts": counts }));
    }
}

/// Whether a server that decodes the path once or twice, cuts parameters off its segments, takes
/// backslashes for slashes and resolves dots is still below `/in`.
fn stays_within(path: &str) -> bool {
    let once = decoded(path.as_bytes());
    let twice = decoded(&once);
    [path.as_bytes(), &once, &twice].into_iter().all(|path| {
        let mut segments: Vec<&[u8]> = Vec::new();
        for segment in path.split(|byte| b"/\\".contains(byte)).skip(1) {
            match segment.split(|byte| *byte == b';').next().unwrap_or_default() {
                b"." => {}
                b".." => drop(segments.pop()),
                _ => segments.push(segment),
            }
        }
        segments.first() == Some(&&b"in"[..])
    })
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut decoded = Vec::new();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|two| core::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        let byte = byte.filter(|_| *first == b'%');
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

/// Whether nobody could read the path in any other way.
fn is_plainly_within(path: &str) -> bool {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_~".contains(&byte));
    is_plain && (path == "/in" || path.starts_with("/in/"))
}

/// The letter as wide as those of Chinese.
fn wide(letter: char) -> char {
    let moved = char::from_u32(u32::from(letter) + 0xfee0);
    moved.filter(|_| letter.is_ascii_graphic()).unwrap_or(letter)
}

/// The shared list for one place, as `tests/wire/hostile-urls.mjs` makes it.
fn hostile(place: &Place) -> BTreeSet<String> {
    let each_letter = |change: fn(usize, char) -> String| {
        place.host.chars().enumerate().map(|(at, letter)| change(at, letter)).collect::<String>()
    };
    let mixed = |at: usize, letter: char| match at % 2 {
        0 => letter.to_ascii_uppercase().to_string(),
        _ => letter.to_string(),
    };
    let words = [
        ("{origin}", place.origin()),
        ("{scheme}", place.scheme.to_owned()),
        ("{SCHEME}", place.scheme.to_uppercase()),
        ("{host}", place.host.to_owned()),
        ("{HOST}", place.host.to_uppercase()),
        ("{Host}", each_letter(mixed)),
        ("{wide}", each_letter(|_, letter| wide(letter).to_string())),
        ("{percent}", each_letter(|_, letter| format!("%{:x}", u32::from(letter)))),
        ("{port}", place.port.to_string()),
        ("{wideport}", place.port.to_string().chars().map(wide).collect()),
        ("{other}", OTHER.to_owned()),
    ];
    let list: Value = serde_json::from_str(SHARED).unwrap();
    let texts = |group: &Value, name: &str| -> Option<Vec<String>> {
        let all = group.get(name)?.as_array()?;
        Some(all.iter().map(|text| text.as_str().unwrap().to_owned()).collect())
    };
    let mut urls = BTreeSet::new();
    for group in list["groups"].as_array().unwrap() {
        for one in texts(group, "each").unwrap_or_else(|| vec![String::new()]) {
            for url in texts(group, "urls").unwrap() {
                let url = url.replace("{each}", &one);
                urls.insert(words.iter().fold(url, |url, (word, is)| url.replace(word, is)));
            }
        }
    }
    urls
}

#[test]
fn t6_t7_t8_hostile_addresses() {
    let config = config();
    let mut tally = Tally::default();
    for place in PLACES {
        let urls = hostile(place);
        assert!(urls.len() >= 400, "{}", urls.len());
        for url in &urls {
            tally.count(&config, url, PAGE);
        }
    }
    assert!(tally.allowed > 100, "{tally:?}");
    tally.print("hostile URLs, natively");
}

#[test]
fn t6_t7_t8_the_addresses_of_wpt() {
    let Ok(text) = std::fs::read_to_string(WPT) else {
        println!("skipped: no vectors at {WPT}");
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    let config = config();
    let mut tally = Tally::default();
    for vector in vectors.iter().filter(|one| one.is_object()) {
        let input = vector["input"].as_str().unwrap();
        let base = vector["base"].as_str().unwrap_or(PAGE);
        let before = tally.allowed;
        tally.count(&config, input, base);
        // WPT's own word on where it leads; a relative address has another base here.
        let is_absolute = vector["base"].is_null() && vector["relativeTo"].is_null();
        if let Some(origin) = vector["origin"].as_str().filter(|_| is_absolute) {
            let is_listed = PLACES.iter().any(|place| place.origin() == origin);
            assert!(is_listed || tally.allowed == before, "{vector}");
        }
    }
    assert_eq!(tally.allowed + tally.refused + tally.no_address, 891);
    assert!(tally.allowed > 0, "{tally:?}");
    tally.print("WPT URLs, natively");
}
