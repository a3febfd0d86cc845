//! The TypeScript that is made from the types here: wire messages, state, error codes, options. A
//! test, so that it fails when a file has drifted; `UPDATE_GENERATED=1 cargo test --lib generated`
//! writes the files.

use std::{fmt::Write as _, fs, path::PathBuf};

use ts_rs::{Config, TS};

use crate::{
    config::{MEMBERS, NETWORK_MS, OPTIONS, OptionSpec},
    error::{AuthErrorInfo, Code, Phase},
    oauth::{
        authorize::Asked,
        transaction::{self, Mode},
    },
    request::call,
    session::{
        journal::{Event, EventType},
        snapshot::{RestoredBy, SignedOutReason, Snapshot},
    },
    vault::wire::{self, FromVault, ToVault},
};

const HEADER: &str =
    "// Made from the Rust sources: UPDATE_GENERATED=1 cargo test --lib generated\n";

#[test]
fn typescript_has_not_drifted() {
    compare("src/generated/types.ts", &types());
    compare("src/generated/constants.ts", &constants());
    compare("src/generated/options.ts", &options());
    compare("bin/options.js", &options_of_file());
}

fn compare(file: &str, expected: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "pkg-template", file].iter().collect();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{file} has drifted: run UPDATE_GENERATED=1 cargo test --lib generated"
    );
}

fn types() -> String {
    let mut text = HEADER.to_owned();
    let config = Config::new();
    macro_rules! declare {
        ($($ty:ty),+ $(,)?) => {
            $(
                if let Some(docs) = <$ty as TS>::docs() {
                    text.push_str(&docs);
                }
                writeln!(text, "export {}\n", <$ty as TS>::decl(&config)).unwrap();
            )+
        };
    }
    declare!(
        Code,
        Phase,
        AuthErrorInfo,
        SignedOutReason,
        RestoredBy,
        Snapshot,
        EventType,
        Event,
        Asked,
        Mode,
        wire::Hello,
        wire::SignIn,
        wire::At,
        wire::Password,
        wire::SetKey,
        wire::Restore,
        wire::Fetch,
        wire::SignOut,
        wire::Export,
        wire::Events,
        wire::Numbered,
        wire::Empty,
        ToVault,
        FromVault,
    );
    text
}

fn constants() -> String {
    let constants = [
        ("The version of the wire protocol.", "WIRE", wire::WIRE.to_string()),
        (
            "What the `state` of a sign-in in a window of its own begins with.",
            "WINDOW_STATE",
            format!("\"{}\"", transaction::WINDOW_STATE),
        ),
        (
            "How long a sign-in may take, in milliseconds.",
            "LIFETIME_MS",
            transaction::LIFETIME_MS.to_string(),
        ),
        (
            "How long the provider may take to answer, where the options do not say.",
            "NETWORK_MS",
            NETWORK_MS.to_string(),
        ),
        (
            "The largest body that is kept for a second try, in bytes.",
            "REPLAYABLE",
            call::REPLAYABLE.to_string(),
        ),
    ];
    let mut text = HEADER.to_owned();
    for (doc, name, value) in constants {
        writeln!(text, "/** {doc} */\nexport const {name} = {value};").unwrap();
    }
    text
}

fn options() -> String {
    let mut text = HEADER.to_owned();
    text.push_str("/** Every option: its kind, `!` behind it where it is required. */\n");
    text.push_str("export const OPTIONS: Readonly<Record<string, string>> = {\n");
    for option in OPTIONS.iter().filter(|option| option.in_page) {
        let mark = if option.required { "!" } else { "" };
        writeln!(text, "  {}: \"{}{mark}\",", option.name, option.kind.as_str()).unwrap();
    }
    text.push_str("};\n");
    text
}

/// The options of the file that `npx tokenward init --config` reads, for its first look at them.
fn options_of_file() -> String {
    let mut text = HEADER.to_owned();
    text.push_str(
        "/** Every option that a configuration may have, as in src/generated/options.ts. */\n",
    );
    text.push_str("export const OPTIONS = {\n");
    list(&mut text, OPTIONS, "  ");
    text.push_str("};\n/** The members of options that have some. */\nexport const MEMBERS = {\n");
    for (name, members) in MEMBERS {
        writeln!(text, "  {name}: {{").unwrap();
        list(&mut text, members, "    ");
        text.push_str("  },\n");
    }
    text.push_str("};\n/** What `createClient` takes besides. */\nexport const OF_PAGE = [");
    let of_page = OPTIONS.iter().filter(|option| !option.pinned);
    text.push_str(&of_page.map(|o| format!("\"{}\"", o.name)).collect::<Vec<_>>().join(", "));
    text.push_str("];\n");
    text
}

fn list(text: &mut String, options: &[OptionSpec], indent: &str) {
    for option in options.iter().filter(|option| option.pinned) {
        let mark = if option.required { "!" } else { "" };
        writeln!(text, "{indent}{}: \"{}{mark}\",", option.name, option.kind.as_str()).unwrap();
    }
}
