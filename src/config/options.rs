//! The table of options: their names and shapes, from which the page's own first check is made.

/// What kind of JavaScript value an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// An array of strings.
    Strings,
    /// An object with members of its own.
    Object,
    /// An array of objects.
    Array,
    /// An object whose members are strings.
    Record,
}

impl Kind {
    /// The kind's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::Strings => "strings",
            Self::Object => "object",
            Self::Array => "array",
            Self::Record => "record",
        }
    }

    /// The kind in a sentence: "must be …".
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Boolean => "`true` or `false`",
            Self::Number => "a whole number",
            Self::Strings => "an array of strings",
            Self::Object => "an object",
            Self::Array => "an array of objects",
            Self::Record => "an object of strings",
        }
    }
}

/// One option of `createClient`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    /// Its name in JavaScript.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it defines the session, so that it is sent to the vault and is part of the
    /// fingerprint; the others concern the page alone.
    pub pinned: bool,
    /// Whether `createClient` takes it; else it stands in the file of `npx tokenward init --config` alone.
    pub in_page: bool,
}

const fn pinned(name: &'static str, kind: Kind) -> OptionSpec {
    OptionSpec { name, kind, required: false, pinned: true, in_page: true }
}

const fn required(name: &'static str, kind: Kind) -> OptionSpec {
    OptionSpec { name, kind, required: true, pinned: true, in_page: true }
}

const fn of_page(name: &'static str, kind: Kind) -> OptionSpec {
    OptionSpec { name, kind, required: false, pinned: false, in_page: true }
}

const fn of_file(name: &'static str, kind: Kind) -> OptionSpec {
    OptionSpec { name, kind, required: false, pinned: true, in_page: false }
}

/// Every option.
pub const OPTIONS: &[OptionSpec] = &[
    required("issuer", Kind::String),
    required("clientId", Kind::String),
    required("redirectUri", Kind::String),
    pinned("silentRedirectUri", Kind::String),
    pinned("scope", Kind::Strings),
    required("resources", Kind::Array),
    pinned("resource", Kind::Strings),
    pinned("apiKeys", Kind::Object),
    pinned("signatures", Kind::Object),
    pinned("endpoints", Kind::Object),
    pinned("extraParams", Kind::Record),
    pinned("pushAuthorizationRequests", Kind::Boolean),
    pinned("dpop", Kind::Boolean),
    pinned("logout", Kind::Object),
    pinned("restore", Kind::String),
    pinned("persistence", Kind::String),
    pinned("refreshCookie", Kind::Object),
    pinned("allowTokenExport", Kind::Boolean),
    pinned("allowPasswordGrant", Kind::String),
    pinned("timeouts", Kind::Object),
    of_file("appOrigins", Kind::Strings),
    of_page("isolation", Kind::String),
    of_page("vaultUrl", Kind::String),
    of_page("serviceWorker", Kind::String),
    of_page("callback", Kind::String),
];

/// The members of a resource.
pub(super) const RESOURCE: &[OptionSpec] = &[
    required("origin", Kind::String),
    pinned("paths", Kind::Strings),
    pinned("methods", Kind::Strings),
    pinned("credential", Kind::String),
    pinned("resource", Kind::String),
];

/// The members of one of `apiKeys`.
pub(super) const API_KEY: &[OptionSpec] = &[
    pinned("header", Kind::String),
    pinned("prefix", Kind::String),
    pinned("endpoint", Kind::String),
];

/// The members of one of `signatures`.
pub(super) const SIGNATURE: &[OptionSpec] = &[
    required("keyId", Kind::String),
    pinned("components", Kind::Strings),
    pinned("tag", Kind::String),
    pinned("expiresInS", Kind::Number),
    pinned("label", Kind::String),
    pinned("responses", Kind::String),
    pinned("endpoint", Kind::String),
];

/// The members of `endpoints`.
pub(super) const ENDPOINTS: &[OptionSpec] = &[
    required("authorization", Kind::String),
    required("token", Kind::String),
    pinned("revocation", Kind::String),
    pinned("endSession", Kind::String),
    pinned("jwks", Kind::String),
    pinned("userinfo", Kind::String),
    pinned("pushedAuthorizationRequest", Kind::String),
    pinned("idTokenSigningAlgValuesSupported", Kind::Strings),
];

/// The members of `refreshCookie`.
pub(super) const REFRESH_COOKIE: &[OptionSpec] = &[
    required("token", Kind::String),
    required("revocation", Kind::String),
    pinned("header", Kind::String),
];

/// The members of `logout`.
pub(super) const LOGOUT: &[OptionSpec] = &[
    pinned("postLogoutRedirectUri", Kind::String),
    pinned("endSession", Kind::Boolean),
    pinned("idTokenHint", Kind::String),
];

/// The members of `timeouts`.
pub(super) const TIMEOUTS: &[OptionSpec] = &[pinned("networkMs", Kind::Number)];

/// What has members of its own, by the option's name, for whoever writes the tables down elsewhere.
#[cfg(all(test, not(target_arch = "wasm32")))]
pub(crate) const MEMBERS: &[(&str, &[OptionSpec])] = &[
    ("resources", RESOURCE),
    ("apiKeys", API_KEY),
    ("signatures", SIGNATURE),
    ("endpoints", ENDPOINTS),
    ("refreshCookie", REFRESH_COOKIE),
    ("logout", LOGOUT),
    ("timeouts", TIMEOUTS),
];

/// The name among `known` that `wrong` was probably meant to be: one with the same first three letters,
/// as in the page's own check. Case and separators are the usual mistakes: `client_id`, `redirectURI`.
pub(super) fn meant(wrong: &str, known: &[OptionSpec]) -> Option<&'static str> {
    let wrong = first_letters(wrong)?;
    let mut known = known.iter().filter(|option| option.pinned && option.in_page);
    known.find(|option| first_letters(option.name) == Some(wrong)).map(|option| option.name)
}

fn first_letters(name: &str) -> Option<[u8; 3]> {
    let mut letters = name.bytes().filter(u8::is_ascii_alphabetic).map(|b| b.to_ascii_lowercase());
    Some([letters.next()?, letters.next()?, letters.next()?])
}
