//! A person's whole way, with secrets that have the mark in them: none may be given back as it is.

use base64ct::{Base64UrlUnpadded, Encoding};
use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::Config,
    oauth::{
        authorize::{self, Asked},
        callback, logout, par,
        token::{self, HttpAnswer},
        transaction::Transaction,
    },
    request::{apikey, bearer, keyring, reflection::Reflection},
    secret::Secret,
    session::{
        grant::Grant,
        inputs::{Ask, Epoch, Input, Output, Ticket, TokenFailure, TokenRequest},
        machine::Session,
        outcome,
    },
    url::ParsedUrl,
};

use crate::{
    fixtures::{CLIENT, ISSUER, START, config, metadata},
    looking::{MARK, given_back},
};

#[test]
fn what_is_not_wiped_is_found_st7() {
    assert_eq!(given_back(|| drop(MARK.to_owned())), 1);
    assert_eq!(given_back(|| drop(Secret::from(MARK))), 0);
    let grown = given_back(|| {
        let mut text = String::with_capacity(MARK.len());
        text.push_str(MARK);
        text.push_str("and more than there is room for");
        drop(Secret::new(text));
    });
    assert_eq!(grown, 1, "a text that grew left itself behind");
}

#[test]
fn from_sign_in_to_sign_out_no_secret_is_given_back_as_it_is_st7_t21() {
    let config = config(true);
    let (first, second) = (answer(1), answer(2));
    let found = given_back(|| {
        let mut life = Life::begin(&config);
        let transaction = life.sign_in();
        let request = life.callback(transaction);
        life.answered(&request, first);
        life.call(1);
        let request = life.refresh();
        life.answered(&request, second);
        life.call(2);
        life.sign_out();
    });
    assert_eq!(found, 0);
}

#[test]
fn a_bad_answer_gives_nothing_back_either_st7() {
    let config = config(true);
    let text = String::from_utf8(answer(1)).unwrap();
    let bodies = [
        text.replace("\"token_type\":\"Bearer\",", ""),
        text.replace("Bearer", "mac"),
        text.replace("\"expires_in\":300", "\"expires_in\":300,\"access_token\":1"),
        text[..text.len() - 1].to_owned(),
        text.replace("rt-1", r"rt-1\u00e9\n"),
        format!("[{text}]"),
        text.replace(".eyJ", ".x"),
    ];
    let bodies: &[Vec<u8>] = Vec::leak(bodies.map(String::into_bytes).to_vec());
    for (at, body) in bodies.iter().enumerate() {
        let found = given_back(|| {
            let mut life = Life::begin(&config);
            let transaction = life.sign_in();
            let request = life.callback(transaction);
            life.refused(&request, body.clone());
        });
        assert_eq!(found, 0, "body {at}");
    }
}

#[test]
fn keys_and_passwords_are_not_given_back_as_they_are_st7() {
    let config = Config { allow_password_grant: true, ..config(true) };
    let body: &[u8] = String::leak(format!(r#"{{"key":"{MARK}"}}"#)).as_bytes();
    let found = given_back(|| {
        let key = keyring::read(200, body).unwrap();
        drop(apikey::value("Key ", &key).unwrap());
        drop(token::password_body(&config, &Secret::from(MARK), &key));
        drop(bearer::authorization(&key, true));
        drop(Reflection::new(Some(key), Some("application/json")));
    });
    assert_eq!(found, 0);
}

/// One person's session, with what a vault does around it.
struct Life<'a> {
    config: &'a Config,
    session: Session,
    now: Now,
    epoch: Epoch,
}

impl<'a> Life<'a> {
    fn begin(config: &'a Config) -> Self {
        let session = Session::new(7, config.restore);
        let mut life = Self { config, session, now: START, epoch: Epoch(0) };
        life.tell(Input::PageArrived);
        life.tell(Input::FlagRead(None));
        life
    }

    /// Tells the session; gives the one order among its orders that is a request or a navigation.
    fn tell(&mut self, input: Input) -> Vec<Output> {
        self.session.handle(self.now, input);
        std::iter::from_fn(|| self.session.poll()).collect()
    }

    /// To the provider: the transaction goes into the store, and comes out of it.
    fn sign_in(&mut self) -> Transaction {
        let mut transaction = Transaction::begin(&entropy(), None, true, START.wall, metadata());
        assert!(transaction.verifier.expose().contains(MARK));
        let parameters =
            authorize::parameters(self.config, &mut transaction, &Asked::default()).unwrap();
        drop((authorize::url(&transaction, &parameters), par::body(&parameters)));
        let orders = self.tell(Input::SignInAsked { ask: Ask(1), transaction });
        let sent = orders.into_iter().find_map(|order| match order {
            Output::Navigate { transaction, .. } => Some(transaction),
            _ => None,
        });
        let record = sent.unwrap().to_record();
        let mut transaction = Transaction::from_record(&record).unwrap();
        transaction.nonce = Some("nonce".into());
        transaction
    }

    /// Back from it in a vault that does not remember.
    fn callback(&mut self, transaction: Transaction) -> TokenRequest {
        self.session = Session::new(8, self.config.restore);
        self.tell(Input::PageArrived);
        self.tell(Input::FlagRead(None));
        // The address is the page's, which has it anyway, and lives on here.
        let url = Box::leak(Box::new(callback_url(&transaction.state)));
        let callback = callback::read(url).unwrap();
        callback::check_issuer(&callback, &metadata()).unwrap();
        self.tell(Input::CallbackArrived { ask: Ask(2), callback });
        self.tell(Input::Found { ask: Ask(2), transaction: Some(transaction) });
        self.sent()
    }

    /// The token request that is sent, once the lock is held.
    fn sent(&mut self) -> TokenRequest {
        let orders = self.tell(Input::LockTaken);
        let sent = orders.into_iter().find_map(|order| match order {
            Output::Send { epoch, request } => Some((epoch, request)),
            _ => None,
        });
        let (epoch, request) = sent.unwrap();
        self.epoch = epoch;
        drop(match &request {
            TokenRequest::Code { code, transaction } => {
                token::code_body(self.config, code, transaction)
            }
            TokenRequest::Refresh { refresh_token, audience, .. } => {
                token::refresh_body(self.config, refresh_token.as_deref(), *audience)
            }
            TokenRequest::Password { .. } => unreachable!(),
        });
        request
    }

    fn judge(&self, request: &TokenRequest, body: Vec<u8>) -> Result<Grant, TokenFailure> {
        let unproven = outcome::judge(request, Ok(http(body)), self.config, self.now)?;
        drop(unproven.verification(&metadata()));
        unproven.settle(Ok(()))
    }

    fn answered(&mut self, request: &TokenRequest, body: Vec<u8>) {
        let outcome = Ok(self.judge(request, body).unwrap());
        self.end(outcome);
    }

    fn refused(&mut self, request: &TokenRequest, body: Vec<u8>) {
        let outcome = self.judge(request, body);
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<Grant, TokenFailure>) {
        let epoch = self.epoch;
        for order in self.tell(Input::TokenAnswered { epoch, outcome }) {
            if let Output::Revoke(token) = order {
                drop(token.body(self.config));
            }
        }
    }

    /// One call of an API with the token of that number.
    fn call(&mut self, number: u32) {
        let orders = self.tell(Input::LeaseWanted(Ticket(1), 0));
        let lease = orders.into_iter().find_map(|order| match order {
            Output::Lend { lease, .. } => Some(lease),
            _ => None,
        });
        let lease = lease.unwrap();
        assert!(lease.token.expose().starts_with(&format!("at-{number}")));
        let mut looking =
            Reflection::new(Some(Secret::clone(&lease.token)), Some("application/json"));
        drop(bearer::authorization(&lease.token, false));
        let token = lease.token.expose();
        let (some, more) = token.split_at(token.len() / 2);
        drop(looking.look(some.as_bytes()));
        drop(looking.look(more.as_bytes()));
    }

    fn refresh(&mut self) -> TokenRequest {
        self.now.wall = UnixMillis(self.now.wall.0 + 400_000);
        self.now.monotonic = self.now.monotonic + Millis(400_000);
        self.tell(Input::LeaseWanted(Ticket(2), 0));
        self.sent()
    }

    fn sign_out(&mut self) {
        let orders = self.tell(Input::SignOutAsked(Ask(3)));
        for order in orders {
            let Output::EndSession { token: Some(token), id_token, .. } = order else { continue };
            drop(token.body(self.config));
            drop(logout::end_session_url(self.config, &metadata(), id_token.as_deref(), None));
        }
    }
}

/// Of which the verifier gets the mark.
fn entropy() -> [u8; 96] {
    let mut all = [7; 96];
    Base64UrlUnpadded::decode(MARK, &mut all[64..64 + MARK.len() / 4 * 3]).unwrap();
    all
}

fn callback_url(state: &str) -> ParsedUrl {
    let text = |text: &str| text.to_owned();
    ParsedUrl {
        href: text("https://app.example.com/callback"),
        origin: text("https://app.example.com"),
        protocol: text("https:"),
        hostname: text("app.example.com"),
        pathname: text("/callback"),
        search: ["?code=", MARK, "&state=", state, "&iss=", ISSUER].concat(),
        hash: String::new(),
        has_userinfo: false,
    }
}

/// The token answer of that number. Its ID token has the mark in its signature, which alone is secret.
fn answer(number: u32) -> Vec<u8> {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let issued = START.wall.0 / 1000 + i64::from(number - 1) * 400;
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"alice","aud":"{CLIENT}","iat":{issued},"exp":{},"nonce":"nonce"}}"#,
        issued + 3600
    );
    let header = encode(r#"{"alg":"RS256","kid":"1"}"#);
    let text = format!(
        r#"{{"token_type":"Bearer","access_token":"at-{number}-{MARK}","refresh_token":"rt-{number}\u002d{MARK}","expires_in":300,"id_token":"{header}.{}.{MARK}"}}"#,
        encode(&claims)
    );
    text.into_bytes()
}

fn http(body: Vec<u8>) -> HttpAnswer {
    HttpAnswer {
        status: 200,
        content_type: Some("application/json".into()),
        retry_after: None,
        date: None,
        dpop_nonce: None,
        body,
    }
}
