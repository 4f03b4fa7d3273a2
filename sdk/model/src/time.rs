//! Times and durations, as the documents write them.
//!
//! Each has one canonical form, `2022-04-05T07:38:00Z` and `P5DT12H`. The documents are written in it, and policies see
//! no other, so this module reads it without a dependency. The host also accepts the other forms of RFC 3339 and
//! ISO 8601, through jiff, which the feature `host` enables.

mod canonical;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A time in whole seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with an offset; fractions of a second are
/// dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 9999-01-01T00:00:00Z, in seconds since 1970.
const YEAR_9999: i64 = 253_370_764_800;

impl Timestamp {
    /// Creates a timestamp from seconds since 1970-01-01T00:00:00Z.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, for example `2022-04-05T07:38:00Z`.
    ///
    /// # Errors
    /// A message that names the text and the expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        canonical::timestamp(text)
            .or_else(|| lenient::timestamp(text))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not an RFC 3339 time; write it like `2022-04-05T07:38:00Z`"))
    }

    /// This time, unless it stands for an unknown one: programs write 0001-01-01, 1970-01-01 or 9999-12-31 where they
    /// have no time. None: it is at or before 1970-01-01T00:00:00Z, or in the year 9999 or later.
    pub const fn known(self) -> Option<Self> {
        if self.0 > 0 && self.0 < YEAR_9999 { Some(self) } else { None }
    }

    /// Seconds from `earlier` to `self`; negative if `self` is earlier.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This time plus a number of seconds.
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = canonical::date(self.0.div_euclid(86_400));
        let second = self.0.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3_600, second % 3_600 / 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(Self::parse, "an RFC 3339 time like `2022-04-05T07:38:00Z`"))
    }
}

/// A duration in whole seconds. Written as ISO 8601, for example `P5D` or `PT12H`. A day is 24 hours; months and years
/// are rejected because they have no fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// Creates a duration from seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Whole seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Reads ISO 8601.
    ///
    /// # Errors
    /// A message that names the text and the expected form.
    pub fn parse(text: &str) -> Result<Self, String> {
        canonical::duration(text).or_else(|| lenient::duration(text)).map(Self).ok_or_else(|| {
            format!("`{text}` is not an ISO 8601 duration in weeks or shorter units; write it like `P5D` or `PT12H`")
        })
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / 86_400, self.0 % 86_400);
        let (hours, minutes, seconds) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
        f.write_str("P")?;
        if days > 0 || rest == 0 {
            write!(f, "{days}D")?;
        }
        if rest > 0 {
            f.write_str("T")?;
        }
        for (count, unit) in [(hours, 'H'), (minutes, 'M'), (seconds, 'S')] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(Self::parse, "an ISO 8601 duration like `P5D`"))
    }
}

/// All forms that the standards allow.
#[cfg(feature = "host")]
mod lenient {
    use jiff::fmt::temporal::{DateTimeParser, SpanParser};

    pub fn timestamp(text: &str) -> Option<i64> {
        Some(DateTimeParser::new().parse_timestamp(text).ok()?.as_second())
    }

    pub fn duration(text: &str) -> Option<u64> {
        let span = SpanParser::new().parse_span(text).ok()?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return None;
        }
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let seconds =
            (days * 24 + i64::from(span.get_hours())) * 3_600 + span.get_minutes() * 60 + span.get_seconds();
        u64::try_from(seconds).ok()
    }
}

/// No other form: the host writes everything in its canonical form.
#[cfg(not(feature = "host"))]
mod lenient {
    pub fn timestamp(_: &str) -> Option<i64> {
        None
    }

    pub fn duration(_: &str) -> Option<u64> {
        None
    }
}

/// Passes a string to a parser without copying it.
struct Text<T>(fn(&str) -> Result<T, String>, &'static str);

impl<T> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

#[cfg(feature = "host")]
mod schema {
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use std::borrow::Cow;

    impl JsonSchema for super::Timestamp {
        fn schema_name() -> Cow<'static, str> {
            "Timestamp".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": "string",
                "format": "date-time",
                "description": "A time in RFC 3339 with an offset. Fractions of a second are dropped.",
                "examples": ["2022-04-05T07:38:00Z"],
            })
        }
    }

    impl JsonSchema for super::Duration {
        fn schema_name() -> Cow<'static, str> {
            "Duration".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": "string",
                "format": "duration",
                "description": "A duration in ISO 8601. A day is 24 hours; months and years are rejected.",
                "examples": ["P5D", "PT12H"],
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_in_rfc_3339_with_an_offset() {
        let at = Timestamp::parse("2022-04-05T07:38:00Z").unwrap();
        assert_eq!(at.seconds(), 1_649_144_280);
        assert_eq!(at.to_string(), "2022-04-05T07:38:00Z");
        for wrong in [
            "",
            "now",
            "2022-04-05",
            "2022-04-05T07:38:00",
            "1649144280",
            "2022-02-29T00:00:00Z",
            "2022-13-01T00:00:00Z",
            "2022-04-05T24:00:00Z",
            "2022-04-05T07:60:00Z",
        ] {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_that_stand_for_none_are_unknown() {
        for none in ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse(none).unwrap().known(), None, "{none}");
        }
        for some in ["1970-01-01T00:00:01Z", "2026-03-02T12:00:00Z", "9998-12-31T23:59:59Z"] {
            let at = Timestamp::parse(some).unwrap();
            assert_eq!(at.known(), Some(at), "{some}");
        }
    }

    #[test]
    fn reads_durations_in_iso_8601_without_months() {
        for (text, seconds) in
            [("P5D", 432_000), ("PT12H", 43_200), ("PT0S", 0), ("P1DT1S", 86_401), ("PT90M", 5_400)]
        {
            assert_eq!(Duration::parse(text).unwrap().seconds(), seconds, "{text}");
        }
        assert_eq!(Duration::from_seconds(93_784).to_string(), "P1DT2H3M4S");
        for wrong in ["", "P", "PT", "P1DT", "5d 3x", "P1M", "P1Y", "-P1D", "PT1H1H", "P99999999999999999999D"] {
            assert!(Duration::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(feature = "host")]
    #[test]
    fn host_reads_other_forms_of_the_standards() {
        let at = Timestamp::parse("2022-04-05T07:38:00Z").unwrap();
        assert_eq!(Timestamp::parse("2022-04-05T09:38:00.9+02:00"), Ok(at));
        assert_eq!(Duration::parse("P1W").unwrap().seconds(), 604_800);
    }

    #[cfg(feature = "host")]
    #[test]
    fn canonical_form_reads_like_the_standard() {
        for seconds in (-62_000_000_000_i64..250_000_000_000).step_by(86_400 * 97 + 12_345) {
            let text = Timestamp::from_seconds(seconds).to_string();
            assert_eq!(
                (canonical::timestamp(&text), lenient::timestamp(&text)),
                (Some(seconds), Some(seconds)),
                "{text}"
            );
        }
    }
}
