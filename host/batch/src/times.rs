//! Times as people, databases and spreadsheets write them, where they can be read in one way only.
//!
//! | text | read as |
//! |---|---|
//! | RFC 3339: `2030-01-31T12:00:00Z`, with a fraction, with an offset | that time; fractions of a second are dropped |
//! | with a blank for `T`; with `+01`, `+0100`, ` +01:00`, ` UTC` or ` GMT` as the offset | that time |
//! | a date: `2030-01-31` | a second of that day in UTC: see [`end_of_day`] |
//! | `infinity` | for ever in `retain_until`, unknown in other columns |
//! | `-infinity` | unknown |
//! | a number | an error, unless the list says what numbers mean |
//! | without an offset; `31.01.2030`, `01/02/2030` | an error, because it can be read in several ways |

use crate::text::is_unknown;
use reprieve_model::{NumericTimes, Timestamp};

/// 9999-12-31T23:59:59Z, in seconds since 1970: for ever.
const FOREVER: i64 = 253_402_300_799;
/// Seconds of a day but the last one.
const LAST_SECOND: i64 = 86_399;
/// The first number that is plausible as milliseconds since 1970: in 1973. Smaller ones are likely to be seconds.
const MIN_MILLISECONDS: i64 = 100_000_000_000;

/// Whether a date stands for the last second of its day in a column, and not for the first one. The later time is the
/// safer one for `retain_until` (kept for longer), `last_used_at` (used more recently) and `state_since` (soft-deleted for
/// a shorter time). A date in `created_at` stands for the first second: a thing is not used before it was created.
pub(crate) fn end_of_day(column: &str) -> bool {
    matches!(column, "retain_until" | "last_used_at" | "state_since")
}

/// Returns the second that a date stands for in a column. `midnight` is the first second of the day.
pub(crate) fn of_date(column: &str, midnight: i64) -> i64 {
    if end_of_day(column) { midnight.saturating_add(LAST_SECOND) } else { midnight }
}

/// Reads a time of a column in seconds since 1970. A time that stands for an unknown one is unknown.
///
/// # Errors
/// A message with the text and an accepted form.
pub(crate) fn time(column: &str, text: &str, numbers: Option<NumericTimes>) -> Result<Option<i64>, String> {
    match text.trim() {
        text if is_unknown(text) => Ok(None),
        text => moment(column, text, numbers).map(known_time),
    }
}

/// Reads `retain_until` in seconds since 1970: `none` is 0, and a time far ahead means for ever.
///
/// # Errors
/// A message with the text and an accepted form.
pub(crate) fn retain_until(text: &str) -> Result<Option<i64>, String> {
    match text {
        "none" => Ok(Some(0)),
        text if is_unknown(text) => Ok(None),
        text => moment("retain_until", text, None).map(|at| Some(at).filter(|at| *at > 0)),
    }
}

/// Reads a number in a column of times, in seconds since 1970; unknown if it stands for that.
///
/// # Errors
/// A message with both readings, if `numbers` does not say which one it is.
pub(crate) fn numeric_time(number: i64, numbers: Option<NumericTimes>) -> Result<Option<i64>, String> {
    of_number(number, numbers).map(known_time)
}

/// A time in seconds since 1970, unless it stands for an unknown one, such as 0001-01-01.
pub(crate) fn known_time(seconds: i64) -> Option<i64> {
    Timestamp::from_seconds(seconds).known().map(Timestamp::seconds)
}

fn moment(column: &str, text: &str, numbers: Option<NumericTimes>) -> Result<i64, String> {
    match Timestamp::parse(text) {
        Ok(at) => Ok(at.seconds()),
        Err(error) => other_form(column, text, numbers).unwrap_or(Err(error)),
    }
}

/// Reads a form that is not RFC 3339; `None` if it is not one of those that people write.
fn other_form(column: &str, text: &str, numbers: Option<NumericTimes>) -> Option<Result<i64, String>> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.to_ascii_lowercase().as_str() {
        "infinity" | "+infinity" => return Some(Ok(FOREVER)),
        "-infinity" => return Some(Ok(0)),
        _ if is_number(text.strip_prefix('-').unwrap_or(text)) => {
            let number = text.parse().map_err(|_| format!("`{text}` is not within the years 0000 to 9999"));
            return Some(number.and_then(|number| of_number(number, numbers)));
        }
        _ => {}
    }
    let day_first = text.split([' ', 'T']).next().unwrap_or_default();
    if ['.', '/'].iter().any(|mark| day_first.split(*mark).count() == 3 && day_first.split(*mark).all(is_number)) {
        let message = "can be read in several ways; write it like `2030-01-31` or `2030-01-31T12:00:00Z`";
        return Some(Err(format!("`{text}` {message}")));
    }
    let (date, rest) = text.split_at_checked(10)?;
    if rest.is_empty() {
        let midnight = Timestamp::parse(&format!("{date}T00:00:00Z")).ok()?;
        return Some(Ok(of_date(column, midnight.seconds())));
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let clock_length = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','));
    let (clock, zone) = rest.split_at(clock_length.unwrap_or(rest.len()));
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.replace(',', ".") };
    let at = |zone: &str| Timestamp::parse(&format!("{date}T{clock}{zone}")).ok().map(Timestamp::seconds);
    let zone = zone.trim_start();
    if zone.is_empty() {
        at("Z")?;
        return Some(Err(format!("`{text}` has no time zone; add one: `{text}Z` or `{text}+01:00`")));
    }
    at(&offset(zone)?).map(Ok)
}

/// Returns an offset as RFC 3339 writes it.
fn offset(zone: &str) -> Option<String> {
    if ["z", "utc", "gmt"].iter().any(|utc| zone.eq_ignore_ascii_case(utc)) {
        return Some("Z".to_owned());
    }
    let digits = zone.strip_prefix(['+', '-'])?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        _ => digits.split_once(':')?,
    };
    let sign = zone.get(..1)?;
    (hours.len() == 2 && minutes.len() == 2).then(|| format!("{sign}{hours}:{minutes}"))
}

fn of_number(number: i64, numbers: Option<NumericTimes>) -> Result<i64, String> {
    let shown = |seconds: i64| (0..=FOREVER).contains(&seconds).then(|| Timestamp::from_seconds(seconds).to_string());
    match numbers {
        Some(NumericTimes::UnixSeconds) if (0..=FOREVER).contains(&number) => Ok(number),
        Some(NumericTimes::UnixSeconds) => {
            Err(format!("`{number}` is not within the years 1970 to 9999 in seconds; are these milliseconds?"))
        }
        Some(NumericTimes::UnixMilliseconds) if number == 0 => Ok(0),
        Some(NumericTimes::UnixMilliseconds) if number >= MIN_MILLISECONDS && number / 1_000 <= FOREVER => {
            Ok(number / 1_000)
        }
        Some(NumericTimes::UnixMilliseconds) => {
            Err(format!("`{number}` is not within the years 1973 to 9999 in milliseconds; are these seconds?"))
        }
        None => {
            let seconds = shown(number).map(|at| format!("{at} in seconds since 1970 (`unix-seconds`)"));
            let milliseconds = shown(number / 1_000).map(|at| format!("{at} in milliseconds (`unix-milliseconds`)"));
            let readings: Vec<String> = seconds.into_iter().chain(milliseconds).collect();
            let readings = if readings.is_empty() { "no time".to_owned() } else { readings.join(" or ") };
            Err(format!(
                "`{number}` may be {readings}; write it like `2030-01-31T12:00:00Z`, or set `times` of the list"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_896_091_200; // 2030-01-31T12:00:00Z

    fn read(text: &str) -> Result<Option<i64>, String> {
        time("created_at", text, None)
    }

    #[test]
    fn reads_what_can_be_read_in_one_way_only() {
        for text in [
            "2030-01-31T12:00:00Z",
            "2030-01-31t12:00:00z",
            "2030-01-31 12:00:00+00",
            "2030-01-31 12:00:00.123456+00",
            "2030-01-31 12:00:00,5 UTC",
            "2030-01-31 12:00 GMT",
            "2030-01-31T13:00:00+01",
            "2030-01-31 13:00:00+0100",
            "2030-01-31 13:00:00 +01:00",
            "2030-01-31 06:30:00-05:30",
            " 2030-01-31 12:00:00 utc ",
        ] {
            assert_eq!(read(text), Ok(Some(NOON)), "{text}");
        }
        for unknown in ["", "NULL", "-infinity", "infinity", "0001-01-01", "1970-01-01", "9999-12-31"] {
            assert_eq!(read(unknown), Ok(None), "{unknown}");
        }
    }

    #[test]
    fn a_date_is_the_safer_second_of_its_day() {
        let midnight = NOON - 43_200;
        for (column, expected) in [
            ("created_at", midnight),
            ("state_since", midnight + 86_399),
            ("last_used_at", midnight + 86_399),
            ("retain_until", midnight + 86_399),
        ] {
            assert_eq!(time(column, "2030-01-31", None), Ok(Some(expected)), "{column}");
        }
        assert_eq!(retain_until("2030-01-31"), Ok(Some(midnight + 86_399)));
        assert_eq!(retain_until("Infinity"), Ok(Some(FOREVER)));
        assert_eq!((retain_until("-infinity"), retain_until("none")), (Ok(None), Ok(Some(0))));
    }

    #[test]
    fn an_ambiguous_time_is_an_error_with_an_accepted_form() {
        for (text, part) in [
            ("2030-01-31 12:00:00", "has no time zone; add one: `2030-01-31 12:00:00Z`"),
            ("2030-01-31T12:00", "has no time zone"),
            ("31.12.2029", "can be read in several ways; write it like `2030-01-31`"),
            ("14.08.2026 03:15", "can be read in several ways"),
            ("01/02/2030", "can be read in several ways"),
            ("4/7/2021 9:13", "can be read in several ways"),
            ("1893456000", "2030-01-01T00:00:00Z in seconds since 1970 (`unix-seconds`) or 1970-01-22T21:57:36Z in"),
            ("1893456000000", "may be 2030-01-01T00:00:00Z in milliseconds (`unix-milliseconds`)"),
            ("99999999999999999999", "is not within the years"),
            ("2030-02-30", "write it like"),
            ("2030-01-31 25:00:00Z", "write it like"),
            ("2030-01-31 12:00:00 CEST", "write it like"),
            ("2030-01-31 12:00:00+1", "write it like"),
            ("2030-01-31x12:00:00Z", "write it like"),
            ("nearly", "write it like"),
            ("zwölf Uhr am Tag", "write it like"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn numbers_are_read_as_the_list_says() {
        let read = |number, numbers| numeric_time(number, Some(numbers));
        assert_eq!(read(1_896_091_200, NumericTimes::UnixSeconds), Ok(Some(NOON)));
        assert_eq!(read(1_896_091_200_999, NumericTimes::UnixMilliseconds), Ok(Some(NOON)));
        assert_eq!(time("created_at", "1896091200", Some(NumericTimes::UnixSeconds)), Ok(Some(NOON)));
        for numbers in [NumericTimes::UnixSeconds, NumericTimes::UnixMilliseconds] {
            assert_eq!(read(0, numbers), Ok(None));
            assert!(read(-1, numbers).is_err() && read(i64::MAX, numbers).is_err());
            assert_eq!(time("created_at", "2030-01-31 12:00:00Z", Some(numbers)), Ok(Some(NOON)));
        }
        assert!(read(1_896_091_200_999, NumericTimes::UnixSeconds).is_err());
        assert!(read(1_896_091_200, NumericTimes::UnixMilliseconds).is_err());
    }
}
