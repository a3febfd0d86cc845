//! Which ids the tests in a source name: in a Rust test's own name (`…_cb3_cb12`), in a list at the
//! end of a text in a JavaScript test (`… (cb3, cb12)`), or in the comment directly above either.

use regex_lite::Regex;

/// A test that names an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) file: String,
    pub(super) test: String,
}

/// The ids that tests in `source` name, each with the test. `groups` are the letters that ids begin with.
pub(super) fn find(file: &str, source: &str, groups: &[&str]) -> Vec<(String, Named)> {
    let is_a = |endings: &[&str]| endings.iter().any(|ending| file.ends_with(ending));
    let found = if is_a(&[".rs"]) {
        in_rust(file, source)
    // What tests of two files share, by name.
    } else if is_a(&[".test.mjs", ".soak.mjs", "tests/attacks/attacks.mjs"]) {
        in_javascript(source)
    } else {
        Vec::new()
    };
    let mut named: Vec<(String, Named)> = Vec::new();
    for (text, test) in found {
        for id in ids(&text, groups) {
            let entry = (id, Named { file: file.to_owned(), test: test.clone() });
            if !named.contains(&entry) {
                named.push(entry);
            }
        }
    }
    named
}

/// The words in `text` that are letters of a group and one or two digits, in capital letters.
fn ids(text: &str, groups: &[&str]) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let id = |word: &str| {
        let word = word.to_ascii_uppercase();
        let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
        let is_id = (1..=2).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && groups.contains(&&word[..word.len() - digits.len()]);
        is_id.then_some(word)
    };
    words.filter_map(id).collect()
}

/// Texts that may hold ids, each with its test.
type Texts = Vec<(String, String)>;

fn in_rust(file: &str, source: &str) -> Texts {
    let mut texts = Texts::new();
    let (mut comment, mut is_test) = (String::new(), false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("//!") && file.starts_with("fuzz/targets/") {
            // A fuzz target is one test, with the file's head for a comment.
            texts.push((line.to_owned(), "the fuzz target".to_owned()));
        } else if line.starts_with("//") {
            comment.push_str(line);
            comment.push(' ');
        } else if line.starts_with("#[") {
            is_test |= ["#[test]", "#[wasm_bindgen_test]"].contains(&line);
        } else {
            if let Some(name) = is_test.then(|| function(line)).flatten() {
                texts.push(([&comment, name].concat(), name.to_owned()));
            }
            // An attribute may be as long as several lines.
            if function(line).is_some() || !is_test {
                (comment, is_test) = (String::new(), false);
            }
        }
    }
    texts
}

/// The name of the function that begins in `line`.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    line.strip_prefix("fn ")?.split(end).next()
}

/// A list of ids is one whatever it stands behind: tests in a table have theirs apart from their names.
fn in_javascript(source: &str) -> Texts {
    let list = Regex::new(r"\((?:[a-z]{1,2}[0-9]{1,2}(?:, )?)+\)[\x22'`]");
    let quoted = Regex::new(r#""([^"\\]+)"|'([^'\\]+)'|`([^`\\]+)`"#);
    let (Ok(list), Ok(quoted)) = (list, quoted) else { return Texts::new() };
    let mut texts = Texts::new();
    let (mut before, mut comment) = ("", String::new());
    for line in source.lines().map(str::trim) {
        let start = ["test(", "it(", "await test("].iter().any(|start| line.starts_with(start));
        for found in list.find_iter(line) {
            let near = [before, " ", &line[..found.end()]].concat();
            // The last text that is more than the list itself.
            let text = |found: regex_lite::Captures<'_>| {
                (1..=3).find_map(|group| found.get(group)).map(|text| text.as_str().to_owned())
            };
            let names = quoted.captures_iter(&near).filter_map(text);
            let name = names.filter(|name| !name.starts_with('(')).last();
            texts.push((found.as_str().to_owned(), name.unwrap_or_else(|| line.to_owned())));
        }
        if start && !comment.is_empty() {
            texts.push((comment.clone(), line.to_owned()));
        }
        if line.starts_with("//") {
            comment.push_str(line);
        } else {
            comment.clear();
        }
        before = line;
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: &[&str] = &["AR", "CB", "HS", "T"];

    fn found(file: &str, source: &str) -> Vec<String> {
        let found = find(file, source, GROUPS);
        found.into_iter().map(|(id, Named { test, .. })| [&id, ": ", &test].concat()).collect()
    }

    #[test]
    fn a_rust_test_names_ids_in_its_name() {
        let source = "#[test]\nfn cb3_any_text_t31() {}\nfn helper_cb4() {}\n\
                      #[test]\n#[cfg(x)]\n    fn reads_rs256_hs256_and_t() {}\n";
        assert_eq!(found("src/a.rs", source), ["CB3: cb3_any_text_t31", "T31: cb3_any_text_t31"]);
    }

    #[test]
    fn a_comment_directly_above_counts() {
        let source = "// AR1, AR2\n#[test]\nfn a() {}\n// AR3\n\n#[test]\nfn b() {}\n";
        assert_eq!(found("src/a.rs", source), ["AR1: a", "AR2: a"]);
        let source = "// Covers (ar1).\ntest(\"a\", f);\n// ar2\nconst x = 1;\ntest(\"b\", f);";
        assert_eq!(found("a.test.mjs", source), ["AR1: test(\"a\", f);"]);
    }

    #[test]
    fn the_head_of_a_fuzz_target_counts() {
        let source = "//! Anything at all (CB3).\n#![no_main]\n// AR1\nfn a() {}\n";
        assert_eq!(found("fuzz/targets/a.rs", source), ["CB3: the fuzz target"]);
        assert_eq!(found("src/a.rs", source), Vec::<String>::new());
    }

    #[test]
    fn a_javascript_test_names_ids_in_a_list() {
        let source = "test(\"it's two of them (cb3, cb4)\", f);\n// not (cb5)\nfoo(cb6);\n\
                      [\n  `the-module`,\n  \"(ar1)\",\n];\n[`other`, \"(ar2)\", \"code\"],\n";
        let names = ["CB3: it's two of them (cb3, cb4)", "CB4: it's two of them (cb3, cb4)"];
        let rows = ["AR1: the-module", "AR2: other"];
        assert_eq!(found("a.test.mjs", source), [names, rows].concat());
        assert_eq!(found("a.mjs", source), Vec::<String>::new());
    }
}
