//! The README's example in Rust is the one that the wasm tests compile.

/// Lines without their indentation, which differs.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_readme_shows_what_is_compiled() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```rust\n").expect("an example in Rust");
    let (shown, _) = rest.split_once("```").expect("its end");
    let (shown, compiled) = (lines(shown), lines(include_str!("../wasm/from_rust.rs")));
    assert!(shown.len() > 10);
    assert!(compiled.windows(shown.len()).any(|part| part == shown), "the two differ");
}
