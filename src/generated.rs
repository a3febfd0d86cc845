//! The TypeScript that is made from the types here: wire messages, state, error codes, options. A
//! test, so that it fails when a file has drifted; `UPDATE_GENERATED=1 cargo test --lib generated`
//! writes the files.

use std::{fmt::Write as _, fs, path::PathBuf};

use ts_rs::{Config, TS};

use crate::{
    config::{NETWORK_MS, OPTIONS},
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
    compare("types.ts", &types());
    compare("constants.ts", &constants());
    compare("options.ts", &options());
}

fn compare(file: &str, expected: &str) {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "pkg-template", "src", "generated", file].iter().collect();
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
    for option in OPTIONS {
        let mark = if option.required { "!" } else { "" };
        writeln!(text, "  {}: \"{}{mark}\",", option.name, option.kind.as_str()).unwrap();
    }
    text.push_str("};\n");
    text
}
