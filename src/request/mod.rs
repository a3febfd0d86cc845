//! One request: which credential may go where, and how often it is tried. Pure; it knows neither
//! sessions nor `fetch`.
//!
//! - [`target`]: may a credential travel with this request at all?
//! - [`call`]: one request's life and its retry budget, under the one law of the crate.
//! - [`challenge`]: why a resource refused. [`bearer`]: how the credential is written.
//! - [`apikey`], [`keyring`]: how a key is written, and whether there is one.
//! - [`reflection`]: does an answer repeat the credential?
//! - [`httpsig`]: what is signed of a request, in the form of [`structured`].

pub mod apikey;
pub mod bearer;
pub mod call;
pub mod challenge;
pub mod httpsig;
pub mod keyring;
pub mod reflection;
pub mod structured;
pub mod target;
