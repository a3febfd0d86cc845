//! The browser's two clocks, and its timers.

use gloo_timers::callback::Timeout;

use super::global;
use crate::clock::{Millis, Now, UnixMillis};

/// The longest sleep: a later timer is set again on waking. `setTimeout` past 2³¹−1 ms fires at once
/// in every engine.
const LONGEST: u64 = 60 * 60 * 1000;

/// This moment by both clocks.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float-to-int casts saturate, and both clocks are far below 2^53"
)]
pub(crate) fn now() -> Now {
    let monotonic = global().performance().map_or(0.0, |performance| performance.now());
    Now { wall: UnixMillis(js_sys::Date::now() as i64), monotonic: Millis(monotonic as u64) }
}

/// Calls `wake` once after `after`, or after an hour if that is earlier; dropping it cancels.
pub(crate) fn wake_in(after: Millis, wake: impl FnOnce() + 'static) -> Timeout {
    Timeout::new(millis(after), wake)
}

/// Waits for `after`, at most an hour.
pub(crate) async fn sleep(after: Millis) {
    gloo_timers::future::TimeoutFuture::new(millis(after)).await;
}

fn millis(after: Millis) -> u32 {
    u32::try_from(after.0.min(LONGEST)).unwrap_or(u32::MAX)
}
