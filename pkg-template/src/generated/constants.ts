// Made from the Rust sources: UPDATE_GENERATED=1 cargo test --lib generated
/** The version of the wire protocol. */
export const WIRE = 1;
/** What the `state` of a sign-in in a window of its own begins with. */
export const WINDOW_STATE = "w.";
/** How long a sign-in may take, in milliseconds. */
export const LIFETIME_MS = 600000;
/** How long the provider may take to answer, where the options do not say. */
export const NETWORK_MS = 10000;
/** The largest body that is kept for a second try, in bytes. */
export const REPLAYABLE = 1048576;
