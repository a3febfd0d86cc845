//! The dates of HTTP header fields.

use crate::clock::UnixMillis;

const MONTHS: &[&str] =
    &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The moment in an IMF-fixdate (`Sun, 06 Nov 1994 08:49:37 GMT`; RFC 9110, 5.6.7). The day of the
/// week is not checked, and the two obsolete forms are not read.
#[must_use]
pub fn http_date(text: &str) -> Option<UnixMillis> {
    let mut parts = text.split(' ');
    let mut next = || parts.next();
    let weekday = next()?;
    if weekday.len() != 4 || !weekday.ends_with(',') {
        return None;
    }
    let day = number(next()?, 2)?;
    let month = next()?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let year = number(next()?, 4)?;
    let mut time = next()?.split(':');
    let (hour, minute) = (number(time.next()?, 2)?, number(time.next()?, 2)?);
    let second = number(time.next()?, 2)?;
    let is_end = time.next().is_none() && next() == Some("GMT") && next().is_none();
    let month = i64::try_from(month).ok()?;
    let is_time = hour < 24 && minute < 60 && second <= 60;
    if !is_end || !is_time || !(1..=days_of(month, year)).contains(&day) {
        return None;
    }
    let days = days_before(year, month) + day - 1;
    Some(UnixMillis((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000))
}

fn number(digits: &str, length: usize) -> Option<i64> {
    let is_number = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(month: i64, year: i64) -> i64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// The days from 1 January 1970 to the first of `month` (January is 0).
fn days_before(year: i64, month: i64) -> i64 {
    let past = year - 1;
    let whole_years = 365 * past + past / 4 - past / 100 + past / 400 - 719_162;
    whole_years + (0..month).map(|month| days_of(month, year)).sum::<i64>()
}
