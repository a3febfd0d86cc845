//! The README's example in Rust is the one that the wasm tests compile; and what the package's says of keys.

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

#[test]
fn ak2_the_readme_says_that_a_key_in_a_browser_is_public() {
    let readme = include_str!("../../pkg-template/README.md");
    let (_, section) = readme.split_once("## API keys and signatures").expect("its section");
    let section = section.split("\n## ").next().unwrap_or_default();
    for word in ["public", "issued to one person", "short-lived", "never one that your application"]
    {
        assert!(section.contains(word), "{word}");
    }
}
