//! What differs from one installation to the next, in `settings.json` beside the page; and the vault's
//! place, chosen by the page's own query.

use js_sys::Reflect;
use tokenward::{
    client::{Options, Place},
    config::Resource,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, UrlSearchParams};

/// Where provider and API are, and where the vault runs.
pub struct Settings {
    issuer: String,
    client_id: String,
    /// The API's origin.
    pub api: String,
    /// Where the vault runs.
    pub place: Place,
    /// This page's address, with the place in it.
    page: String,
}

/// Reads them.
pub async fn load() -> Result<Settings, String> {
    let window = web_sys::window().ok_or("no page here")?;
    let failed = |_| "`settings.json` could not be read".to_owned();
    let answer = JsFuture::from(window.fetch_with_str("settings.json")).await.map_err(failed)?;
    let answer: Response = answer.unchecked_into();
    let json = JsFuture::from(answer.json().map_err(failed)?).await.map_err(failed)?;
    let text = |name: &str| {
        let value = Reflect::get(&json, &JsValue::from_str(name)).ok();
        value.and_then(|value| value.as_string()).ok_or(format!("`settings.json` lacks `{name}`"))
    };
    let location = window.location();
    let query = location.search().unwrap_or_default();
    let query = UrlSearchParams::new_with_str(&query).map_err(failed)?;
    let (word, place) = match query.get("place").as_deref() {
        Some("page") => ("page", Place::Page),
        Some("worker") => ("worker", Place::worker("/tokenward/vault.js")),
        _ => ("shared", Place::shared("/tokenward/vault.js")),
    };
    Ok(Settings {
        issuer: text("issuer")?,
        client_id: text("clientId")?,
        api: text("api")?,
        place,
        page: location.pathname().unwrap_or_default() + "?place=" + word,
    })
}

impl Settings {
    /// The same as options.
    pub fn options(&self) -> Options {
        let mut options = Options::new(&self.issuer, &self.client_id, &self.page);
        options.scope = ["openid", "profile", "offline_access"].map(str::to_owned).to_vec();
        options.resources.push(Resource::at(&self.api));
        options.logout.post_logout_redirect_uri = Some(self.page.clone());
        options
    }
}
