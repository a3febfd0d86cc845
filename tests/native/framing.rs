//! A session whose vault is gone, with `restore: "frame"`: one page asks the provider in a hidden frame, and
//! leaves for it only where that comes to nothing.

use tokenward::{
    config::Restore,
    oauth::{
        callback::{Callback, OauthError},
        transaction::{Mode, Transaction},
    },
    secret::Secret,
    session::inputs::{Ask, Input, Reach},
};

use crate::{
    fixtures::{START, failure, grant, transaction},
    rig::{Rig, callback, grant_is_over},
    world::{Frame, World},
};

/// A page shows a hidden frame.
fn shown() -> Rig {
    let mut rig = Rig::begun(Restore::Frame);
    rig.flag_read(None);
    assert_eq!(rig.ask_restore_in_frame(1), ["Prepare silent"]);
    assert_eq!(rig.frame_prepared("f"), ["Navigate 1 f"]);
    rig
}

fn refusal(error: &str) -> Callback {
    Callback { outcome: Err(OauthError::new(error, None)), ..callback("f") }
}

fn bring(rig: &mut Rig, callback: Callback) -> Vec<String> {
    rig.tell(Input::CallbackArrived { ask: Ask(9), callback })
}

/// The page takes its frame away, and asks for what comes next.
fn give_up(rig: &mut Rig) -> Vec<String> {
    let mut orders = rig.tell(Input::FrameFailed);
    orders.extend(rig.ask_restore(2));
    orders
}

#[test]
fn a_frame_restores_and_the_page_stays() {
    let mut rig = shown();
    rig.want(1);
    assert_eq!(rig.callback(9, "f"), ["Publish signingIn", "TakeLock"], "nothing was stored");
    let signed_in = [
        "Publish signedIn framed",
        "ReleaseLock",
        "Tell signedIn",
        "Conclude 9 /back set",
        "Lend 1 at-1",
    ];
    assert_eq!(rig.exchange(Ok(grant(1, 300, START))), signed_in);
}

#[test]
fn the_sealed_record_comes_first_then_the_frame_then_the_redirect() {
    let mut rig = Rig::begun_sealed(Restore::Frame);
    assert!(rig.ask_restore_in_frame(1).is_empty());
    assert_eq!(rig.flag_read(None), ["TakeLock"]);
    assert_eq!(rig.unsealed(Ok(None)), ["ReadFlag", "ReleaseLock"]);
    assert_eq!(rig.flag_read(None), ["Prepare silent"]);
    rig.frame_prepared("f");
    bring(&mut rig, refusal("login_required"));
    assert_eq!(give_up(&mut rig), ["Prepare"]);
    assert_eq!(rig.prepared("r"), ["Navigate 2 r"]);
}

#[test]
fn a_record_whose_token_is_refused_leads_to_the_frame() {
    let mut first = Rig::new_sealed();
    first.ask_sign_in("s");
    first.callback(1, "s");
    first.tell(Input::LockTaken);
    let now = first.now;
    first.session.handle(
        now,
        Input::TokenAnswered {
            epoch: tokenward::session::inputs::Epoch(0),
            outcome: Ok(grant(1, 300, START)),
        },
    );
    let record = std::iter::from_fn(|| first.session.poll()).find_map(|output| match output {
        tokenward::session::inputs::Output::Seal { record, .. } => record,
        _ => None,
    });
    let mut rig = Rig::begun_sealed(Restore::Frame);
    rig.ask_restore_in_frame(1);
    rig.flag_read(None);
    // exposed: a test's own record.
    let record = record.map(|record| Secret::from(record.expose()));
    assert!(rig.unsealed(Ok(record)).iter().any(|order| order == "Send rt-1"));
    let orders = rig.answer(Err(grant_is_over()));
    assert!(orders.contains(&"ReadFlag".into()), "{orders:?}");
    assert_eq!(rig.flag_read(None), ["Prepare silent"]);
}

#[test]
fn what_the_provider_says_in_a_frame_is_not_final_but_what_it_says_to_a_page_is() {
    for error in ["login_required", "interaction_required", "consent_required", "invalid_request"] {
        let mut rig = shown();
        let orders = bring(&mut rig, refusal(error));
        assert_eq!(orders, ["Conclude 9 oauth_error"], "the flag stays, and the page asks again");
        assert_eq!(rig.status(), "restoring");
        assert_eq!(give_up(&mut rig), ["Prepare"], "not in a frame again");
        assert_eq!(rig.prepared("r"), ["Navigate 2 r"]);
        let refused = Callback { state: "r".into(), ..refusal(error) };
        bring(&mut rig, refused);
        let mut found = transaction("r", START.wall);
        found.is_restore = true;
        let orders = rig.tell(Input::Found { ask: Ask(9), transaction: Some(found) });
        let ended = ["Publish signedOut vault_gone oauth_error", "Conclude 9 /back clear"];
        assert_eq!(orders, ended);
        rig.advance(3600);
        assert_eq!(rig.tell(Input::PageArrived), ["Recall"], "and no third attempt");
    }
}

#[test]
fn a_frame_out_of_which_nothing_comes_is_followed_by_the_redirect() {
    // The page's own limit, or its end, with another page that waits.
    let mut given_up = shown();
    assert_eq!(give_up(&mut given_up), ["Prepare"]);
    let mut gone = shown();
    assert!(gone.ask_restore_in_frame(3).is_empty(), "one page does it");
    assert_eq!(gone.tell(Input::FrameFailed), ["Prepare"]);
    assert_eq!(gone.prepared("r"), ["Navigate 3 r"]);
    // A page that never says so.
    let mut hung = shown();
    hung.ask_restore_in_frame(3);
    hung.advance(19);
    assert!(hung.woke().is_empty());
    hung.advance(1);
    assert_eq!(hung.woke(), ["Prepare"]);
    let mut alone = shown();
    alone.advance(20);
    assert_eq!(alone.woke(), ["Publish signedOut vault_gone timeout"]);
    // Late is not never.
    alone.callback(9, "f");
    alone.exchange(Ok(grant(1, 300, START)));
    assert_eq!(alone.status(), "signedIn framed");
}

#[test]
fn what_may_pass_sends_no_page_away() {
    let mut refused = shown();
    bring(&mut refused, refusal("temporarily_unavailable"));
    let mut lost = shown();
    lost.callback(9, "f");
    lost.exchange(Err(failure(Reach::Lost)));
    for (mut rig, why) in [
        (refused, "signedOut vault_gone oauth_error"),
        (lost, "signedOut vault_gone provider_unreachable"),
    ] {
        assert_eq!(rig.status(), why);
        assert_eq!(give_up(&mut rig), ["Conclude 2 -"]);
        rig.advance(29);
        assert_eq!(rig.tell(Input::PageArrived), ["Recall"]);
        rig.advance(1);
        rig.tell(Input::PageArrived);
        rig.flag_read(None);
        assert_eq!(rig.ask_restore_in_frame(4), ["Prepare silent"], "from the beginning");
    }
}

#[test]
fn a_refused_code_is_followed_by_the_redirect() {
    let mut rig = shown();
    rig.callback(9, "f");
    let orders = rig.exchange(Err(grant_is_over()));
    assert_eq!(orders, ["Publish restoring", "ReleaseLock", "Conclude 9 oauth_error"]);
    assert_eq!(give_up(&mut rig), ["Prepare"]);
    // Also where its page went while the code was exchanged, and another one waits.
    let mut rig = shown();
    rig.ask_restore_in_frame(3);
    rig.callback(9, "f");
    rig.tell(Input::LockTaken);
    assert!(rig.tell(Input::FrameFailed).is_empty(), "it may do all the same");
    let orders = rig.answer(Err(grant_is_over()));
    assert!(orders.contains(&"Prepare".into()), "{orders:?}");
}

#[test]
fn within_the_guards_time_there_is_one_frame_and_then_one_trip() {
    // Its page was reloaded, and the vault with it.
    let mut gone = Rig::begun(Restore::Frame);
    gone.frame_flag_read(1, false);
    assert_eq!(gone.ask_restore_in_frame(1), ["Prepare"], "no second frame");
    // Another tab's vault has one shown.
    let mut other = Rig::begun(Restore::Frame);
    other.ask_restore_in_frame(1);
    assert!(other.frame_flag_read(1, true).is_empty());
    other.advance(1);
    assert_eq!(other.woke(), ["ReadFlag"]);
    assert_eq!(other.flag_read(None), ["Prepare silent"], "that one was restored: in its turn");
    // A lock that somebody keeps is believed for as long as a trip takes.
    let mut held = Rig::begun(Restore::Frame);
    held.ask_restore_in_frame(1);
    assert_eq!(held.frame_flag_read(20, true), ["Prepare"]);
    // After a trip without a way back there is neither.
    let mut away = Rig::begun(Restore::Frame);
    away.ask_restore_in_frame(1);
    let orders = away.flag_read(Some(25));
    assert_eq!(orders, ["Publish signedOut vault_gone timeout", "Conclude 1 -"]);
    // Long ago.
    let mut late = Rig::begun(Restore::Frame);
    late.frame_flag_read(30, false);
    assert_eq!(late.ask_restore_in_frame(1), ["Prepare silent"]);
}

#[test]
fn whoever_has_no_frames_leaves_and_whoever_can_do_neither_waits_for_nobody() {
    let mut rig = Rig::begun(Restore::Frame);
    rig.flag_read(None);
    assert_eq!(rig.ask_restore(1), ["Prepare"]);
    let mut rig = Rig::begun(Restore::Frame);
    rig.flag_read(None);
    let ask = |ask, can_frame| Input::RestoreAsked { ask: Ask(ask), can_leave: false, can_frame };
    assert_eq!(rig.tell(ask(1, true)), ["Prepare silent"], "its callback is brought by hand");
    rig.frame_prepared("f");
    bring(&mut rig, refusal("login_required"));
    rig.tell(Input::FrameFailed);
    assert_eq!(rig.tell(ask(2, false)), ["Publish signedOut vault_gone", "Conclude 2 -"]);
    // Without the option a page may offer what it likes.
    let mut rig = Rig::flagged(None);
    assert_eq!(rig.ask_restore_in_frame(1), ["Prepare"]);
}

#[test]
fn signing_out_and_in_win_over_a_frame() {
    let mut rig = shown();
    rig.tell(Input::SignOutAsked(Ask(5)));
    let orders = bring(&mut rig, callback("f"));
    assert_eq!(orders, ["Conclude 9 /back"]);
    assert_eq!(rig.status(), "signedOut signed_out");
    assert_eq!(give_up(&mut rig), ["Conclude 2 -"]);
    let mut rig = shown();
    rig.ask_sign_in("s");
    rig.callback(7, "s");
    rig.exchange(Ok(grant(1, 300, START)));
    bring(&mut rig, callback("f"));
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn ds9_offline_no_frame_is_shown() {
    let mut rig = Rig::begun(Restore::Frame);
    rig.tell(Input::WentOffline);
    rig.flag_read(None);
    let orders = rig.ask_restore_in_frame(1);
    assert_eq!(orders, ["Publish signedOut vault_gone offline", "Conclude 1 -"]);
}

#[test]
fn a_sign_in_beside_the_page_is_no_restore() {
    let mut rig = Rig::begun(Restore::Frame);
    rig.flag_read(None);
    let asked = Transaction { mode: Mode::Silent, ..transaction("s", START.wall) };
    rig.tell(Input::SignInAsked { ask: Ask(3), transaction: asked });
    rig.callback(4, "s");
    rig.exchange(Ok(grant(1, 300, START)));
    assert_eq!(rig.status(), "signedIn");
}

#[test]
fn the_world_reloads_by_frame_and_no_page_leaves() {
    for tabs in [1, 3] {
        let mut world = World::framed(21, 300, tabs, 0);
        world.sign_in(0, 1);
        for reload in 1..=20 {
            for tab in 0..tabs {
                world.reload(tab, 2);
            }
            world.call(0);
            // One after the other, where each has a vault.
            world.run_for(10_000);
            assert!((0..tabs).all(|tab| world.is_signed_in(tab)), "{reload}");
            let shown = reload * u32::try_from(tabs).unwrap();
            assert_eq!((world.reload.frames, world.reload.trips), (shown, 0));
        }
        assert_eq!(world.tally().flaws(), 0);
    }
}

#[test]
fn the_world_reloads_where_frames_come_to_nothing() {
    for (frame, wait) in [(Frame::Withheld, 4000), (Frame::Silent, 14_000)] {
        let mut world = World::framed(22, 300, 1, 0);
        world.sign_in(0, 1);
        world.reload.frame = frame;
        for reload in 1..=10 {
            world.reload(0, 2);
            world.run_for(wait);
            assert!(world.is_signed_in(0), "{reload}");
            assert_eq!((world.reload.frames, world.reload.trips), (reload, reload));
        }
        // Where the provider knows nobody either, both are asked once and no more.
        world.provider.revoke_all();
        for _ in 0..5 {
            world.reload(0, 1);
            world.run_for(60_000);
            assert!(!world.is_signed_in(0));
            assert_eq!((world.reload.frames, world.reload.trips), (11, 11));
        }
    }
}

#[test]
fn a_page_that_is_reloaded_again_and_again_shows_one_frame_and_leaves_once() {
    let mut world = World::framed(23, 300, 1, 0);
    world.sign_in(0, 1);
    for _ in 0..5 {
        // Before anything comes out of the frame.
        world.reload(0, 1);
        world.run_for(300);
    }
    world.run_for(5000);
    assert!(world.is_signed_in(0));
    assert_eq!((world.reload.frames, world.reload.trips), (1, 1));
}
