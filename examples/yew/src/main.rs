//! A Yew app that signs people in, says who they are, and calls an API in their name.

mod app;
mod settings;

use app::App;
use tokenward::client::Client;
use wasm_bindgen_futures::spawn_local;

fn main() {
    spawn_local(async {
        match open().await {
            Ok(props) => {
                yew::Renderer::<App>::with_props(props).render();
            }
            Err(problem) => {
                yew::Renderer::<app::Broken>::with_props(app::Problem { problem }).render();
            }
        }
    });
}

async fn open() -> Result<app::Props, String> {
    let settings = settings::load().await?;
    let client = Client::open(&settings.options(), &settings.place).map_err(|e| e.to_string())?;
    Ok(app::Props { client, api: settings.api })
}
