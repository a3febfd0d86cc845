//! A vault without a browser: what reads a page's messages, and the machines behind, with a provider and an API
//! that are honest. It does what `vault/connection.rs`, `asks.rs` and `requests.rs` do, in their order, and
//! looks at whatever leaves.

use std::{collections::BTreeMap, rc::Rc};

use serde_json::{Value, json};
use tokenward::{
    clock::{Millis, Now, UnixMillis},
    config::{self, Config},
    error::{AuthError, Code},
    oauth::{
        authorize::{self, Asked},
        callback, initiated,
        logout::Ended,
        metadata::Metadata,
        return_to, token,
        transaction::{Mode, Transaction},
    },
    request::{
        call::{self, Call},
        target,
    },
    secret::Secret,
    session::{
        grant::Grant,
        inputs::{Ask, Generation, Input, Output, Ticket, TokenRequest, Wake},
        machine::Session,
        snapshot::Snapshot,
        tabs::Chronicle,
    },
    url::{ParseUrl, ParsedUrl},
    vault::wire::{self, ToVault, Unreadable, WIRE},
};

use super::{tally::Tally, urls::Urls};
use crate::fixtures::{START, grant, metadata};

pub(super) const PAGE: &str = "https://app.example.com/";
pub(super) const ISSUER_ORIGIN: &str = "https://id.example.com";
/// The origins that a credential may go to.
pub(super) const LISTED: [&str; 2] = ["https://api.example.com", "https://files.example.com:8443"];
pub(super) const CONFIG: &str = r#"{"issuer":"https://id.example.com","clientId":"spa","redirectUri":"/callback","scope":["openid","offline_access"],"resources":[{"origin":"https://api.example.com"},{"origin":"https://files.example.com:8443"}]}"#;

/// The application's own port.
const OWN: usize = 0;
/// What every token has in it.
const MARK: &str = "s3cr3t";

struct Request {
    port: usize,
    id: u32,
    url: String,
    call: Call,
}

pub(super) struct Desk {
    name: String,
    config: Config,
    metadata: Metadata,
    session: Session,
    now: Now,
    welcome: Vec<bool>,
    requests: BTreeMap<u64, Request>,
    tickets: u64,
    asks: u64,
    grants: u32,
    chronicle: Chronicle,
    /// Whether a message asks for the end of the session now.
    may_end: bool,
    /// Whether a port that is served anew has an answer to the question of this number.
    answered: Option<(usize, u32, u16)>,
    to_come: Vec<Input>,
    pub(super) tally: Tally,
}

impl Desk {
    /// With the application signed in.
    pub(super) fn open() -> Self {
        let config = Config::check(CONFIG, PAGE, &Urls).unwrap();
        let session = Session::new(7, config.restore).with_audiences(&config.audiences);
        let mut desk = Self {
            name: format!("tokenward/1/build/0/{}", config::fingerprint(CONFIG)),
            config,
            metadata: metadata(),
            session,
            now: START,
            welcome: vec![false; 8],
            requests: BTreeMap::new(),
            tickets: 0,
            asks: 0,
            grants: 0,
            chronicle: Chronicle::default(),
            may_end: false,
            answered: None,
            to_come: Vec::new(),
            tally: Tally::default(),
        };
        desk.hear(OWN, &Self::hello().to_string());
        assert!(desk.welcome[OWN]);
        desk.sign_in();
        desk
    }

    /// The hello of the application's page.
    pub(super) fn hello() -> Value {
        json!({ "type": "hello", "wire": WIRE, "config": CONFIG, "page": PAGE, "lock": "tokenward/page/1" })
    }

    /// The person signs in, in the application's own way.
    fn sign_in(&mut self) {
        let transaction = self.transaction(None, Mode::Redirect);
        let state = transaction.state.clone();
        let ask = self.ask();
        self.tell(Input::SignInAsked { ask, transaction });
        let callback = crate::rig::callback(&state);
        let ask = self.ask();
        self.tell(Input::CallbackArrived { ask, callback });
        assert!(self.is_signed_in(), "{:?}", self.session.snapshot());
    }

    /// The application is signed in, unless a message said otherwise, and its call is answered.
    pub(super) fn assert_served(&mut self, number: u64) {
        self.hear(OWN, r#"{"type":"online"}"#);
        assert!(self.is_signed_in(), "after {number} messages: {:?}", self.session.snapshot());
        let id = 1_000_000;
        let call = json!({
            "type": "fetch", "id": id, "url": "https://api.example.com/own", "method": "GET",
            "headers": [], "options": [],
        });
        self.answered = None;
        self.hear(OWN, &call.to_string());
        assert_eq!(self.answered, Some((OWN, id, 200)), "after {number} messages");
    }

    fn is_signed_in(&self) -> bool {
        matches!(self.session.snapshot(), Snapshot::SignedIn { .. })
    }

    /// A port has a message.
    pub(super) fn hear(&mut self, port: usize, text: &str) {
        self.pass(20);
        match (ToVault::read(text), self.welcome[port]) {
            (Ok(ToVault::Hello(hello)), false) => self.greet(port, &hello),
            (Ok(message), true) => self.obey(port, message),
            (Ok(_), false) => self.tally.before_hello += 1,
            (Err(Unreadable { error, .. }), _) => {
                self.tally.unreadable += 1;
                assert_eq!(error.code, Code::MessageInvalid);
                look(&error);
            }
        }
        // Once in a while a lot of time passes, so that the token is renewed.
        if self.tickets.is_multiple_of(97) {
            self.pass(200_000);
        }
    }

    fn greet(&mut self, port: usize, hello: &wire::Hello) {
        match hello.check(&self.name, "https://app.example.com", &Urls) {
            Ok(()) => {
                assert_eq!(hello.config, CONFIG, "another configuration was let in");
                self.welcome[port] = true;
                self.tally.welcome += 1;
                self.tell(Input::PageArrived);
            }
            Err(error) => {
                look(&error);
                self.tally.hellos_refused += 1;
            }
        }
    }

    fn obey(&mut self, port: usize, message: ToVault) {
        match message {
            ToVault::Hello(_) => self.refuse(None),
            ToVault::SignIn(wire::SignIn { return_to, asked, mode, .. }) => {
                let (mode, asked) = (mode.unwrap_or_default(), asked.unwrap_or_default());
                self.prepare(mode, asked, return_to.as_deref());
            }
            ToVault::SignInInitiated(at) => {
                let read = parse(&at.url).map(|url| initiated::read(&url, &self.config.issuer));
                match read {
                    Some(Ok((asked, to))) => self.prepare(Mode::Redirect, asked, to.as_deref()),
                    refused => self.refuse(refused.and_then(Result::err)),
                }
            }
            ToVault::Callback(at) => {
                let ask = self.ask();
                let read = parse(&at.url).map(|url| callback::read(&url));
                match read {
                    Some(Ok(callback)) => self.tell(Input::CallbackArrived { ask, callback }),
                    refused => self.refuse(refused.and_then(Result::err)),
                }
            }
            ToVault::FrontChannelLogout(at) => {
                let ask = self.ask();
                match parse(&at.url).map(|url| Ended::read(&url)) {
                    Some(Ok(ended)) => self.tell(Input::LogoutTold { ask, ended }),
                    refused => self.refuse(refused.and_then(Result::err)),
                }
            }
            ToVault::Password(_) => self.refuse(token::admit_password(&self.config).err()),
            ToVault::Restore(restore) => {
                let (ask, can_leave) = (self.ask(), restore.return_to.is_some());
                let can_frame = restore.frame == Some(true);
                self.tell(Input::RestoreAsked { ask, can_leave, can_frame });
            }
            ToVault::SignOut(_) => {
                let ask = self.ask();
                self.tally.sign_outs += 1;
                self.may_end = true;
                self.tell(Input::SignOutAsked(ask));
                self.may_end = false;
                self.sign_in();
            }
            ToVault::Fetch(fetch) => self.fetch(port, fetch),
            ToVault::Abort(asked) => {
                self.drop_calls(|request| (request.port, request.id) == (port, asked.id));
            }
            ToVault::ExportAccessToken(export) => {
                let admitted = target::admit_export(&self.config, export.resource.as_deref());
                self.refuse(Some(admitted.expect_err("the configuration exports nothing")));
            }
            ToVault::Events(_) => {
                let events = self.session.journal().to_json(0);
                assert!(!events.contains(MARK), "a token in an event: {events}");
            }
            ToVault::Woke(_) => self.tell(Input::Woke(Wake::Page)),
            ToVault::Online(_) => self.tell(Input::WentOnline),
            ToVault::Offline(_) => self.tell(Input::WentOffline),
            ToVault::Close(_) => {
                self.drop_calls(|request| request.port == port);
                // The application's own page is still there: this is never the last one. Another takes its
                // number.
                self.welcome[port] = false;
            }
            // They reach the provider or the store, and neither the session nor a request's target.
            ToVault::UserInfo(_)
            | ToVault::SetKey(_)
            | ToVault::WayBack(_)
            | ToVault::AfterSignOut(_)
            | ToVault::Ping(_)
            | ToVault::Pong(_) => {}
        }
    }

    fn prepare(&mut self, mode: Mode, asked: Asked, to: Option<&str>) {
        let asked = match asked.in_mode(mode, &self.config) {
            Ok(asked) => asked,
            Err(error) => return self.refuse(Some(error)),
        };
        let page = &self.config.page_origin;
        let to = match to
            .map(|to| return_to::check(to, page, &self.config.app_origins, &Urls))
            .transpose()
        {
            Ok(to) => to,
            Err(error) => return self.refuse(Some(error)),
        };
        if let Some(to) = &to {
            let to = parse(to).or_else(|| Urls.parse(to, Some(PAGE))).unwrap();
            assert_eq!(to.origin, *page, "back to another origin");
        }
        let mut transaction = self.transaction(to, mode);
        match authorize::parameters(&self.config, &mut transaction, &asked) {
            Ok(parameters) => {
                let url = authorize::url(&transaction, &parameters);
                assert_eq!(parse(&url).unwrap().origin, ISSUER_ORIGIN, "a page was sent elsewhere");
                let backs = parameters.iter().filter(|(name, _)| name == "redirect_uri");
                assert_eq!(
                    backs.map(|(_, to)| to.as_str()).collect::<Vec<_>>(),
                    ["https://app.example.com/callback"]
                );
                let ask = self.ask();
                self.tell(Input::SignInAsked { ask, transaction });
            }
            Err(error) => self.refuse(Some(error)),
        }
    }

    fn transaction(&mut self, return_to: Option<String>, mode: Mode) -> Transaction {
        self.asks += 1;
        let mut entropy = [0; 96];
        for (at, byte) in self.asks.to_le_bytes().iter().enumerate() {
            (entropy[at], entropy[64 + at]) = (*byte, *byte);
        }
        let begun =
            Transaction::begin(&entropy, return_to, true, self.now.wall, self.metadata.clone());
        begun.in_mode(mode)
    }

    fn fetch(&mut self, port: usize, fetch: wire::Fetch) {
        let wire::Fetch { id, url, method, headers, .. } = fetch;
        let Some(parsed) = parse(&url) else { return self.refuse(None) };
        let admitted =
            target::admit(&parsed, &method, &headers, &self.config, Some(&self.metadata));
        let passage = match admitted {
            Ok(passage) => passage,
            Err(error) => return self.refuse(Some(error)),
        };
        assert_eq!((passage.audience, passage.key), (0, None));
        self.tickets += 1;
        let request = Request { port, id, url, call: Call::new(None) };
        self.requests.insert(self.tickets, request);
        self.drain_call(self.tickets);
        self.settle();
    }

    fn drop_calls(&mut self, belongs: impl Fn(&Request) -> bool) {
        let gone: Vec<u64> = self
            .requests
            .iter()
            .filter(|(_, request)| belongs(request))
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in gone {
            self.tell(Input::TicketDropped(Ticket(ticket)));
            self.tell_call(ticket, call::Input::Aborted);
        }
    }

    fn tell_call(&mut self, ticket: u64, input: call::Input) {
        if let Some(request) = self.requests.get_mut(&ticket) {
            request.call.handle(input);
            self.drain_call(ticket);
        }
    }

    fn drain_call(&mut self, ticket: u64) {
        while let Some(request) = self.requests.get_mut(&ticket) {
            let Some(output) = request.call.poll() else { return };
            match output {
                call::Output::Want => self.to_come.push(Input::LeaseWanted(Ticket(ticket), 0)),
                call::Output::WantNewer(generation) => self.to_come.push(Input::LeaseRefused {
                    ticket: Ticket(ticket),
                    audience: 0,
                    generation: Generation(generation),
                }),
                call::Output::Send => {
                    // Judged by another crate than what admitted it, and by the list alone.
                    let origin = url::Url::parse(&request.url).unwrap().origin();
                    let origin = origin.ascii_serialization();
                    assert!(LISTED.contains(&origin.as_str()), "sent to {origin}");
                    self.tally.sent += 1;
                    // Now and then the API refuses the token, but never the application's.
                    let is_refused = request.port != OWN && self.tally.sent.is_multiple_of(50);
                    let status = if is_refused { 401 } else { 200 };
                    self.answered = Some((request.port, request.id, status));
                    request.call.handle(call::Input::Answered {
                        status,
                        challenge: None,
                        nonce: None,
                    });
                }
                call::Output::Reply
                | call::Output::ReplyUnrepeated
                | call::Output::FailNetwork(_)
                | call::Output::Cancel => drop(self.requests.remove(&ticket)),
                call::Output::Fail(error) => {
                    look(&error);
                    self.requests.remove(&ticket);
                }
            }
        }
    }

    /// Time passes, and whatever waits for it comes to pass.
    fn pass(&mut self, ms: u64) {
        self.now.wall = UnixMillis(self.now.wall.0 + i64::try_from(ms).unwrap());
        self.now.monotonic = self.now.monotonic + Millis(ms);
        if self.session.wake_at().is_some_and(|wake| wake.is_due(self.now)) {
            self.tell(Input::Woke(Wake::Timer));
        }
    }

    fn tell(&mut self, input: Input) {
        self.to_come.push(input);
        self.settle();
    }

    fn settle(&mut self) {
        while !self.to_come.is_empty() {
            let input = self.to_come.remove(0);
            let was_signed_in = self.is_signed_in();
            self.session.handle(self.now, input);
            let has_ended = was_signed_in && !self.is_signed_in();
            assert!(!has_ended || self.may_end, "the session ended: {:?}", self.session.snapshot());
            while let Some(output) = self.session.poll() {
                self.perform(output);
            }
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::ReadFlag => self.to_come.push(Input::FlagRead(None)),
            Output::Prepare(mode) => {
                let transaction = self.transaction(None, mode);
                self.to_come.push(Input::RestorePrepared(Ok(transaction)));
            }
            Output::TakeLock { .. } | Output::StealLock => self.to_come.push(Input::LockTaken),
            Output::Send { epoch, request } => {
                if let TokenRequest::Code { transaction, .. } = &request {
                    let to = parse(&transaction.metadata.token_endpoint).unwrap();
                    assert_eq!(to.origin, ISSUER_ORIGIN, "a code was sent elsewhere");
                }
                self.tally.refreshes += u64::from(matches!(request, TokenRequest::Refresh { .. }));
                let outcome = Ok(self.granted());
                self.to_come.push(Input::TokenAnswered { epoch, outcome });
            }
            // The store has none of what a page made up.
            Output::Find { ask, .. } => {
                self.to_come.push(Input::Found { ask, transaction: None });
            }
            Output::Navigate { transaction, .. } => {
                let to = parse(&transaction.metadata.authorization_endpoint).unwrap();
                assert_eq!(to.origin, ISSUER_ORIGIN, "a page was sent elsewhere");
                self.tally.sign_ins += 1;
            }
            Output::Lend { ticket, lease } => {
                self.tell_call(ticket.0, call::Input::Leased(lease.generation.0));
            }
            Output::Refuse { ticket, error } => {
                self.tell_call(ticket.0, call::Input::Refused(error));
            }
            Output::Publish(snapshot) => {
                let text = snapshot.to_json();
                assert!(!text.contains(MARK), "a token in the state: {text}");
            }
            Output::Conclude { outcome: Err(error), .. } => self.refuse(Some(error)),
            Output::Recall => self.to_come.push(Input::Recalled(self.chronicle)),
            Output::Tell(news) => {
                self.chronicle = self.chronicle.and(news);
                self.to_come.push(Input::Told(self.chronicle.epoch));
            }
            Output::EndSession { .. } => assert!(self.may_end, "a sign-out that nobody asked for"),
            Output::Unseal | Output::Seal { .. } => unreachable!("nothing is sealed here"),
            Output::ReleaseLock
            | Output::Forget { .. }
            | Output::Keep(_)
            | Output::Conclude { .. }
            | Output::Bounced { .. }
            | Output::DropKey
            | Output::Revoke(_) => {}
        }
    }

    fn granted(&mut self) -> Grant {
        self.grants += 1;
        let token = |kind: &str| Rc::new(Secret::new(format!("{kind}-{MARK}-{}", self.grants)));
        Grant {
            access_token: token("at"),
            refresh_token: Some(token("rt")),
            ..grant(self.grants, 3600, self.now)
        }
    }

    fn ask(&mut self) -> Ask {
        self.asks += 1;
        Ask(self.asks)
    }

    /// Answers with an error.
    fn refuse(&mut self, error: Option<AuthError>) {
        self.tally.refused += 1;
        if let Some(error) = error {
            look(&error);
        }
    }
}

fn parse(url: &str) -> Option<ParsedUrl> {
    Urls.parse(url, None)
}

/// No error has anything of a token.
fn look(error: &AuthError) {
    assert!(!format!("{error:?} {error}").contains(MARK), "a token in an error: {error:?}");
}
