//! Whether a secret is ever given back to the allocator as it is: by a type that does not wipe itself, by a
//! vector that grew, by a copy that nobody thought of. The vault's own allocator would zero it; these tests
//! have one that looks instead.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

#[path = "../../../tests/native/fixtures.rs"]
#[allow(dead_code, reason = "for other tests, too")]
mod fixtures;
mod looking;
mod walk;
