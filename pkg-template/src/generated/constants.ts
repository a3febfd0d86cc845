// Made from the Rust sources: UPDATE_GENERATED=1 cargo test --lib generated
/** The version of the wire protocol. */
export const WIRE = 1;
