//! Messages by chance: of the protocol's shapes, with what fits, what does not, and bytes changed at last.

use serde_json::{Value, json};

use super::desk::{CONFIG, Desk, ISSUER_ORIGIN, LISTED, PAGE};
use crate::world::Dice;

/// Every message and its fields, in the protocol's order.
const SHAPES: &[(&str, &[&str])] = &[
    ("hello", &["wire", "config", "page", "lock"]),
    ("signIn", &["id", "returnTo", "asked", "mode"]),
    ("callback", &["id", "url"]),
    ("wayBack", &["id", "url"]),
    ("password", &["id", "username"]),
    ("restore", &["id", "returnTo"]),
    ("setKey", &["id", "name"]),
    ("fetch", &["id", "url", "method", "headers", "options"]),
    ("abort", &["id"]),
    ("signOut", &["id", "local", "returnTo"]),
    ("afterSignOut", &["id", "url"]),
    ("frontChannelLogout", &["id", "url"]),
    ("signInInitiated", &["id", "url"]),
    ("userInfo", &["id"]),
    ("exportAccessToken", &["id", "resource"]),
    ("events", &["id", "after"]),
    ("woke", &[]),
    ("online", &[]),
    ("offline", &[]),
    ("ping", &[]),
    ("pong", &[]),
    ("close", &[]),
];

/// How often a message that would sign out is let pass: else nobody is signed in for most of the time.
const SIGN_OUTS: u64 = 40;

pub(super) fn types() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|(tag, _)| *tag)
}

pub(super) struct Forge {
    dice: Dice,
    hello: Value,
}

impl Forge {
    pub(super) fn new(dice: Dice) -> Self {
        Self { dice, hello: Desk::hello() }
    }

    /// A message, and the port that it comes by. Port 0 is the application's own.
    pub(super) fn message(&mut self) -> (usize, String) {
        // Some ports have not said hello.
        let port = 1 + usize::try_from(self.dice.below(6)).unwrap();
        let mut message = loop {
            let tag = match self.dice.below(12) {
                // Ports are closed, and nothing is heard of one that has not said hello.
                0 | 1 => "hello",
                2..5 => "fetch",
                _ => SHAPES[self.below(SHAPES.len())].0,
            };
            if tag != "signOut" || self.dice.once_in(SIGN_OUTS) {
                break self.whole(tag);
            }
        };
        if self.dice.once_in(5) {
            self.spoil(&mut message);
        }
        let mut text = message.to_string();
        if self.dice.once_in(8) {
            text = self.mutated(&text);
        }
        if self.dice.once_in(2000) {
            text = text.replace("http", &"http".repeat(100_000));
        }
        (port, text)
    }

    /// A message of that type with all of its fields, each as it may be.
    pub(super) fn whole(&mut self, tag: &str) -> Value {
        let fields = SHAPES.iter().find(|(other, _)| *other == tag).map_or(&[][..], |it| it.1);
        if tag == "hello" && !self.dice.once_in(4) {
            return self.hello.clone();
        }
        let mut message = json!({ "type": tag });
        for field in fields {
            message[*field] = self.fitting(field);
        }
        message
    }

    fn fitting(&mut self, field: &str) -> Value {
        match field {
            // Few numbers, so that one is used again, and belongs to what another port asked.
            "id" => json!(self.dice.below(40)),
            "wire" => json!(self.dice.below(3)),
            "after" => json!(self.dice.below(200)),
            "local" => json!(self.dice.once_in(2)),
            "config" => self.config(),
            "lock" => self.one(&["tokenward/page/x", "tokenward/page/", "tokenward/page/../a"]),
            "page" => self.one(&[PAGE, "https://evil.example/", "https://app.example.com:444/"]),
            "url" | "returnTo" => json!(self.url()),
            "method" => self.one(&["GET", "POST", "TRACE", "get\r\nX: y", "", "QUERY"]),
            "mode" => self.one(&["redirect", "popup", "silent"]),
            "name" => self.one(&["apiKey:k", "signature:k", "__proto__", ""]),
            "username" => self.one(&["alice", "", "a&password=b"]),
            "resource" => self.one(&["urn:1", "https://evil.example", ""]),
            "headers" => self.headers(),
            "options" => self.options(),
            "asked" => self.asked(),
            other => unreachable!("no value for `{other}`"),
        }
    }

    fn config(&mut self) -> Value {
        let evil = "https://evil.example";
        let wider = CONFIG.replace(LISTED[0], evil);
        let exporting = CONFIG.replacen('{', "{\"allowTokenExport\":true,", 1);
        let other = CONFIG.replace(ISSUER_ORIGIN, evil);
        self.one(&[CONFIG, &wider, &exporting, &other, &format!("{CONFIG} "), "{}", ""])
    }

    /// Addresses that are allowed, that are nearly, and that are not.
    fn url(&mut self) -> String {
        let base = if self.dice.once_in(3) { LISTED[self.below(LISTED.len())] } else { "" };
        let rest = [
            "/me",
            "/v1/../../admin",
            "//evil.example/",
            "/\\evil.example",
            "@evil.example/",
            ".evil.example/",
            ":443/",
            ":444/x",
            "/%2e%2e/",
            "/?code=x&state=y",
            "#",
            "\t/x",
            "/callback?code=c0de&state=",
            "?iss=https%3A%2F%2Fid.example.com&sid=s",
            "/\u{0}",
        ];
        let whole = [
            "https://evil.example/",
            "http://api.example.com/",
            "https://api.example.com./",
            "https://app.example.com/callback?code=a&state=s",
            "https://id.example.com/token",
            "https://app.example.com/?iss=https%3A%2F%2Fid.example.com&sid=s1",
            "https://app.example.com/?iss=https%3A%2F%2Fevil.example&target_link_uri=https%3A%2F%2Fevil.example",
            "https://app.example.com/?iss=https%3A%2F%2Fid.example.com&login_hint=x",
            "data:,x",
            "javascript:alert(1)",
            "blob:https://api.example.com/x",
            "",
            "/",
            "https://",
            "https://user:pw@api.example.com/",
            "HTTPS://API.EXAMPLE.COM/",
            "https:api.example.com",
            "https://app.example.com/logged-out?state=x",
            "ws://api.example.com/",
            "https://[::1]/",
            "https://xn--pi-3ja.example.com/",
            "https://api。example。com/",
            "file:///etc/passwd",
        ];
        if base.is_empty() {
            whole[self.below(whole.len())].to_owned()
        } else {
            [base, rest[self.below(rest.len())]].concat()
        }
    }

    fn headers(&mut self) -> Value {
        match self.dice.below(6) {
            0 => json!([["Authorization", "Bearer x"]]),
            1 => json!([[" dpop\t", "x"], ["X-Api-Key", "y"]]),
            2 => json!([["a", "b\r\nc: d"], ["", ""]]),
            3 => json!(vec![["x", "y"]; 300]),
            _ => json!([]),
        }
    }

    fn options(&mut self) -> Value {
        match self.dice.below(5) {
            0 => json!([["redirect", "follow"], ["cache", "force-cache"]]),
            1 => json!([["keepalive", "true"], ["credentials", "include"]]),
            2 => json!([["mode", "no-cors"]]),
            _ => json!([]),
        }
    }

    fn asked(&mut self) -> Value {
        match self.dice.below(6) {
            0 => json!({ "prompt": "none", "loginHint": "x" }),
            1 => json!({ "extraParams": { "redirect_uri": "https://evil.example/" } }),
            2 => json!({ "extraParams": { "audience": "x" }, "maxAge": "0" }),
            3 => json!({ "claims": "{\"id_token\":{}}", "acrValues": "a b" }),
            4 => json!({ "maxAge": "-1" }),
            _ => json!({}),
        }
    }

    /// Takes a field away, has one be what it is not, or adds one.
    fn spoil(&mut self, message: &mut Value) {
        let wrong = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(""),
            json!([]),
            json!({}),
            json!([[["x"]]]),
            json!("__proto__"),
            json!("x".repeat(20_000)),
        ];
        let wrong = wrong[self.below(wrong.len())].clone();
        let Value::Object(members) = message else { return };
        let names: Vec<String> = members.keys().cloned().collect();
        let name = names[self.below(names.len())].clone();
        match self.dice.below(4) {
            0 => drop(members.remove(&name)),
            1 => drop(members.insert("more".to_owned(), wrong)),
            2 => drop(members.insert("__proto__".to_owned(), wrong)),
            _ => drop(members.insert(name, wrong)),
        }
    }

    /// Takes letters away, doubles them, or puts others there.
    fn mutated(&mut self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        for _ in 0..=self.dice.below(4) {
            let at = self.below(letters.len() + 1);
            let end = (at + self.below(8)).min(letters.len());
            match self.dice.below(4) {
                0 => drop(letters.drain(at..end)),
                1 => {
                    let part = letters[at..end].to_vec();
                    letters.splice(at..at, part);
                }
                2 => letters.insert(at, ['"', '\\', '{', ',', '\u{0}', '\u{202e}'][self.below(6)]),
                _ => letters.truncate(at),
            }
        }
        letters.into_iter().collect()
    }

    fn one(&mut self, all: &[&str]) -> Value {
        json!(all[self.below(all.len())])
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.dice.below(count as u64)).unwrap()
    }
}
