//! The page: who is signed in, a call to the API, and out again.

use tokenward::client::{Client, SignIn, State};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

/// What the app is made with.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct Props {
    /// The session.
    pub client: Client,
    /// The API's origin.
    pub api: String,
}

/// Why there is no app.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct Problem {
    /// In words.
    pub problem: String,
}

/// The app, in whatever state the session is.
#[component]
pub fn App(props: &Props) -> Html {
    let state = use_session(&props.client);
    let said = use_state(String::new);

    let client = &props.client;
    let sign_in = act(client, &said, async |client| {
        client.sign_in(SignIn::default()).await.map(|()| String::new()).map_err(|e| e.to_string())
    });
    let sign_out = act(client, &said, async |client| {
        client.sign_out().await.map(|()| String::new()).map_err(|e| e.to_string())
    });
    let url = format!("{}/me", props.api);
    let call = act(client, &said, async move |client| call(&client, &url).await);

    let page = match &*state {
        State::Restoring | State::SigningIn => html! { <p>{ "One moment …" }</p> },
        State::SignedOut { error, .. } => html! {
            <>
                <p>{ "Nobody is signed in." }</p>
                if let Some(error) = error { <p role="alert">{ error.to_string() }</p> }
                <button id="sign-in" onclick={sign_in}>{ "Sign in" }</button>
            </>
        },
        State::SignedIn { scopes, .. } => html! {
            <>
                <p>{ "Signed in as " }<strong id="name">{ state.claim("name") }</strong></p>
                <p id="scopes">{ scopes.join(" ") }</p>
                <button id="call" onclick={call}>{ "Call the API" }</button>
                <button id="sign-out" onclick={sign_out}>{ "Sign out" }</button>
            </>
        },
    };
    html! {
        <main data-status={status(&state)}>
            <h1>{ "tokenward in Yew" }</h1>
            { page }
            <output id="said">{ &*said }</output>
        </main>
    }
}

/// What is shown instead where the settings are wrong.
#[component]
pub fn Broken(props: &Problem) -> Html {
    html! { <p role="alert">{ &props.problem }</p> }
}

/// The session's state, rendered anew whenever it changes.
#[hook]
fn use_session(client: &Client) -> UseStateHandle<State> {
    let state = use_state(|| client.state());
    let setter = state.setter();
    use_effect_with(client.clone(), move |client| {
        let subscription = client.subscribe(move |state| setter.set(state.clone()));
        move || drop(subscription)
    });
    state
}

/// A click that does something with the client, and says how it went.
fn act(
    client: &Client,
    said: &UseStateHandle<String>,
    work: impl AsyncFn(Client) -> Result<String, String> + Clone + 'static,
) -> Callback<MouseEvent> {
    let (client, said) = (client.clone(), said.setter());
    Callback::from(move |_| {
        let (client, said, work) = (client.clone(), said.clone(), work.clone());
        spawn_local(async move {
            said.set(work(client).await.unwrap_or_else(|problem| problem));
        });
    })
}

async fn call(client: &Client, url: &str) -> Result<String, String> {
    let answer = client.get(url).await.map_err(|error| error.to_string())?;
    let unread = |_| "the answer broke off".to_owned();
    let text = JsFuture::from(answer.text().map_err(unread)?).await.map_err(unread)?;
    Ok(format!("{} {} {}", answer.status(), answer.url(), text.as_string().unwrap_or_default()))
}

fn status(state: &State) -> &'static str {
    match state {
        State::Restoring => "restoring",
        State::SigningIn => "signing-in",
        State::SignedOut { .. } => "signed-out",
        State::SignedIn { .. } => "signed-in",
    }
}
