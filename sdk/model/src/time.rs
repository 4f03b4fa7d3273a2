//! Points in time and spans of it, as the documents write them.

use jiff::fmt::temporal::{DateTimeParser, SpanParser};
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A point in time: whole seconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with an offset; a fraction of a
/// second is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A timestamp from seconds since 1970-01-01T00:00:00Z.
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
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        match DateTimeParser::new().parse_timestamp(text) {
            Ok(at) => Ok(Self(at.as_second())),
            Err(_) => Err(format!("`{text}` is not an RFC 3339 time; write it like `2022-04-05T07:38:00Z`")),
        }
    }

    /// Seconds from `earlier` to `self`; negative where `self` comes first.
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
        match jiff::Timestamp::from_second(self.0) {
            Ok(at) => {
                let at = Offset::UTC.to_datetime(at);
                write!(f, "{:04}-{:02}-{:02}", at.year(), at.month(), at.day())?;
                write!(f, "T{:02}:{:02}:{:02}Z", at.hour(), at.minute(), at.second())
            }
            Err(_) => write!(f, "{} seconds since 1970", self.0),
        }
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

/// A span of time in whole seconds. Written as ISO 8601, for example `P5D` or `PT12H`; a day is 24 hours, and months
/// and years are refused because they have no fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// A duration of that many seconds.
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
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an ISO 8601 duration; write it like `P5D` or `PT12H`");
        let span = SpanParser::new().parse_span(text).map_err(|_| wrong())?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(format!("`{text}` counts months or years, which have no fixed length; write it in days"));
        }
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let seconds =
            (days * 24 + i64::from(span.get_hours())) * 3_600 + span.get_minutes() * 60 + span.get_seconds();
        u64::try_from(seconds).map(Self).map_err(|_| format!("`{text}` is negative"))
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

/// Reads a string through a parser, without a copy.
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

#[cfg(feature = "schema")]
mod schema {
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use std::borrow::Cow;

    impl JsonSchema for super::Timestamp {
        fn schema_name() -> Cow<'static, str> {
            "Timestamp".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "format": "date-time", "examples": ["2022-04-05T07:38:00Z"] })
        }
    }

    impl JsonSchema for super::Duration {
        fn schema_name() -> Cow<'static, str> {
            "Duration".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "format": "duration", "examples": ["P5D", "PT12H"] })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_an_offset() {
        let at = Timestamp::parse("2022-04-05T07:38:00Z").unwrap();
        assert_eq!(at.seconds(), 1_649_144_280);
        assert_eq!(at.to_string(), "2022-04-05T07:38:00Z");
        assert_eq!(Timestamp::parse("2022-04-05T09:38:00.9+02:00"), Ok(at));
        for wrong in ["", "now", "2022-04-05", "2022-04-05T07:38:00", "1649144280"] {
            assert!(Timestamp::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_iso_8601_without_months() {
        for (text, seconds, shown) in
            [("P5D", 432_000, "P5D"), ("PT12H", 43_200, "PT12H"), ("P1W", 604_800, "P7D"), ("PT0S", 0, "P0D")]
        {
            let length = Duration::parse(text).unwrap();
            assert_eq!((length.seconds(), length.to_string().as_str()), (seconds, shown));
        }
        for wrong in ["", "5d 3x", "P1M", "P1Y", "-P1D"] {
            assert!(Duration::parse(wrong).is_err(), "{wrong}");
        }
    }
}
