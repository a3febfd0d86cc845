//! The names by which module and glue know each other, made as short in the glue as wasm-opt made them
//! in the module.

use anyhow::{Context, Result, ensure};
use regex_lite::{Captures, Regex};
use serde::Deserialize;
use std::collections::HashMap;

/// What wasm-opt prints of the names it shortened.
#[derive(Deserialize)]
struct Renamed {
    /// The module, the name, the short name.
    imports: Vec<(String, String, String)>,
    /// The name, the short name.
    exports: Vec<(String, String)>,
}

/// wasm-bindgen's word for the module that its imports come from, and wasm-opt's.
const MODULE: (&str, &str) = ("\"./glue_bg.js\":", "a:");

/// The glue with the names that wasm-opt gave.
pub(super) fn shorten(glue: &str, renamed: &str) -> Result<String> {
    let renamed: Renamed = serde_json::from_str(renamed).context("wasm-opt's list of names")?;
    let imports: HashMap<_, _> =
        renamed.imports.iter().map(|(_, name, short)| (name.as_str(), short)).collect();
    let exports: HashMap<_, _> =
        renamed.exports.iter().map(|(name, short)| (name.as_str(), short)).collect();

    let (mut seen, mut unknown) = (0, Vec::new());
    let import = Regex::new(r"(?m)^(\s+)(__wb\w+):")?;
    let glue = import.replace_all(glue, |found: &Captures<'_>| match imports.get(&found[2]) {
        Some(short) => {
            seen += 1;
            format!("{}{short}:", &found[1])
        }
        // The module lost its last use; nobody asks for it.
        None => found[0].to_owned(),
    });
    ensure!(seen == imports.len(), "the glue has {seen} of {} imports", imports.len());

    let export = Regex::new(r"\bwasm\.(\w+)")?;
    let glue = export.replace_all(&glue, |found: &Captures<'_>| {
        let short = exports.get(&found[1]);
        unknown.extend(short.is_none().then(|| found[1].to_owned()));
        format!("wasm.{}", short.map_or(&found[1], |short| short.as_str()))
    });
    ensure!(unknown.is_empty(), "the module does not export {}", unknown.join(", "));
    ensure!(glue.contains(MODULE.0), "the glue imports from another module than {}", MODULE.0);
    Ok(glue.replace(MODULE.0, MODULE.1))
}

#[cfg(test)]
mod tests {
    use super::shorten;

    const GLUE: &str = "const import0 = {\n    __wbg_abort_f8d1: function(arg0) {\n        \
                        wasm.__wbindgen_malloc();\n    },\n};\nreturn { \"./glue_bg.js\": import0 };\n";

    #[test]
    fn both_sides_have_one_name() {
        let renamed = r#"{
            "imports": [["./glue_bg.js", "__wbg_abort_f8d1", "$a"]],
            "exports": [["__wbindgen_malloc", "b"]]
        }"#;
        let glue = shorten(GLUE, renamed).unwrap();
        assert_eq!(
            glue,
            "const import0 = {\n    $a: function(arg0) {\n        wasm.b();\n    },\n};\n\
             return { a: import0 };\n"
        );
    }

    #[test]
    fn a_name_that_only_one_side_has_is_an_error() {
        let lost = r#"{ "imports": [["m", "__wbg_other_1", "a"]], "exports": [["__wbindgen_malloc", "b"]] }"#;
        assert!(shorten(GLUE, lost).is_err());
        let lost = r#"{ "imports": [["m", "__wbg_abort_f8d1", "a"]], "exports": [] }"#;
        assert!(shorten(GLUE, lost).is_err());
    }
}
