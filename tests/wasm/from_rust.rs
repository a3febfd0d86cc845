//! What the README shows under "From Rust", compiled and run. A native test compares the two.

use tokenward::error::{AuthError, Code};
use wasm_bindgen_test::wasm_bindgen_test;

#[allow(clippy::print_stdout, reason = "an example")]
async fn shown() -> Result<(), Box<dyn std::error::Error>> {
    use tokenward::{
        client::{Client, Options, Place, SignIn, State},
        config::Resource,
    };

    let mut options = Options::new("https://id.example.com", "spa", "/callback");
    options.resources.push(Resource::at("https://api.example.com"));
    let auth = Client::open(&options, &Place::shared("/tokenward/vault.js"))?;

    auth.ready().await?; // handles the callback too
    if let State::SignedIn { .. } = auth.state() {
        let answer = auth.get("https://api.example.com/me").await?;
        println!("{:?} {}", auth.state().claim("sub"), answer.status());
    } else {
        auth.sign_in(SignIn::default()).await?;
    }
    let _listening = auth.subscribe(|state| println!("{state:?}"));
    Ok(())
}

#[wasm_bindgen_test]
async fn the_readmes_example_gets_as_far_as_the_vaults_script() {
    let error = shown().await.expect_err("no script is there");
    let error = error.downcast::<AuthError>().expect("tokenward says so");
    assert_eq!(error.code, Code::VaultUnavailable);
}
