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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_preferred_form() {
        for (text, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Sat, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            assert_eq!(http_date(text), Some(UnixMillis(seconds * 1000)), "{text}");
        }
    }

    #[test]
    fn reads_nothing_else() {
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun. 06 Nov 1994 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 2100 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 23:60:00 GMT",
            "Sun, 06 Nov 1994 23:59:61 GMT",
            "Sun, 06 Nov 1994 23:59:+1 GMT",
            "Sun, 06 Nov 1994 23:59:59:59 GMT",
            "Sun,  06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_cb3(text in "(Sun, )?\\PC{0,40}") {
            let _ = http_date(&text);
        }

        #[test]
        fn days_follow_each_other(day in 1_i64..28, month in 0_usize..12, year in 1_i64..9999) {
            let text = |day| format!("Sun, {day:02} {} {year:04} 00:00:00 GMT", MONTHS[month]);
            let (first, second) = (http_date(&text(day)).unwrap(), http_date(&text(day + 1)).unwrap());
            prop_assert_eq!(second.0 - first.0, 86_400_000);
        }
    }
}
