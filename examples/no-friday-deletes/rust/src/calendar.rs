//! The calendar: which days are closed, and the offsets of a time zone from UTC.

use reprieve_sdk::model::Timestamp;
use reprieve_sdk::serde::{Deserialize, de::DeserializeOwned};
use reprieve_sdk::serde_json::{self, Map, Value};
use std::collections::BTreeMap;

pub const DAY: i64 = 86_400;

const WEEKDAYS: [&str; 7] = ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];

/// The format of the file.
#[derive(Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
struct File {
    zone: String,
    offsets: Vec<FileOffset>,
    until: String,
    closed_weekdays: Vec<String>,
    closed_days: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(crate = "reprieve_sdk::serde")]
struct FileOffset {
    from: String,
    utc: String,
}

pub struct Calendar {
    pub zone: String,
    offsets: Vec<(Timestamp, i64)>,
    until: Timestamp,
    closed_weekdays: Vec<String>,
    closed_days: BTreeMap<String, String>,
}

/// A day of the calendar, counted from 1970-01-01, which was a Thursday.
#[derive(Clone, Copy)]
pub struct Day(i64);

impl Day {
    pub fn after(self, days: i64) -> Self {
        Self(self.0 + days)
    }

    pub fn weekday(self) -> &'static str {
        WEEKDAYS[self.0.rem_euclid(7) as usize]
    }

    /// The date, for example `2026-03-06`.
    pub fn date(self) -> String {
        Timestamp::from_seconds(self.0 * DAY).to_string().chars().take(10).collect()
    }
}

impl Calendar {
    /// Reads a calendar. The error names what is wrong with the file.
    pub fn read(bytes: Option<&[u8]>) -> Result<Self, String> {
        let bytes = bytes.ok_or(
            "the reference data \"calendar\" is missing; add to the policy: data = { calendar = \"calendar.json\" }",
        )?;
        Self::parse(str::from_utf8(bytes).unwrap_or_default()).map_err(|wrong| format!("calendar: {wrong}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut object: Map<String, Value> = serde_json::from_str(text).map_err(|_| "not a JSON object".to_owned())?;
        let file = File {
            zone: field(&mut object, "zone")?,
            offsets: field(&mut object, "offsets")?,
            until: field(&mut object, "until")?,
            closed_weekdays: field(&mut object, "closed_weekdays")?,
            closed_days: field(&mut object, "closed_days")?,
        };
        let from: Vec<Timestamp> = file.offsets.iter().map(|offset| time(&offset.from)).collect::<Result<_, _>>()?;
        let until = time(&file.until)?;
        let utc: Vec<i64> =
            file.offsets.iter().map(|offset| offset_seconds(&offset.utc)).collect::<Result<_, _>>()?;
        let offsets: Vec<(Timestamp, i64)> = from.into_iter().zip(utc).collect();
        let last = offsets.last().ok_or("offsets must not be empty")?.0;
        if !offsets.is_sorted_by(|a, b| a.0 < b.0) {
            return Err("offsets are not in ascending order".to_owned());
        }
        if until <= last {
            return Err("until must be later than the last offset".to_owned());
        }
        if let Some(name) = file.closed_weekdays.iter().find(|name| !WEEKDAYS.contains(&name.as_str())) {
            return Err(format!("\"{name}\" is not a weekday"));
        }
        if let Some(date) = file.closed_days.keys().find(|date| !is_date(date)) {
            return Err(format!("\"{date}\" is not a date like 2026-12-24"));
        }
        let File { zone, closed_weekdays, closed_days, .. } = file;
        Ok(Self { zone, offsets, until, closed_weekdays, closed_days })
    }

    /// The local day at a time. None: the calendar does not cover that time.
    pub fn day(&self, at: Timestamp) -> Option<Day> {
        let (_, offset) = self.offsets.iter().rev().find(|(from, _)| *from <= at)?;
        (at < self.until).then(|| Day((at.seconds() + offset).div_euclid(DAY)))
    }

    /// Why a day is closed: the reason, or an empty text for a closed weekday. None: it is open.
    pub fn closed(&self, day: Day) -> Option<&str> {
        let by_weekday = self.closed_weekdays.iter().any(|name| name == day.weekday()).then_some("");
        self.closed_days.get(&day.date()).map(String::as_str).or(by_weekday)
    }
}

fn field<T: DeserializeOwned>(object: &mut Map<String, Value>, name: &str) -> Result<T, String> {
    let value = object.remove(name).and_then(|value| serde_json::from_value(value).ok());
    value.ok_or_else(|| format!("\"{name}\" is missing or has the wrong type"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    let is_utc = text.len() == 20 && text.ends_with('Z');
    let parsed = Timestamp::parse(text).ok().filter(|_| is_utc);
    parsed.ok_or_else(|| format!("\"{text}\" is not a time like 2026-03-29T01:00:00Z"))
}

/// The seconds of an offset like `+01:00`.
fn offset_seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("\"{text}\" is not an offset like +01:00");
    let (sign, digits) = match text.as_bytes() {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(wrong()),
    };
    let [a @ b'0'..=b'9', b @ b'0'..=b'9', b':', c @ b'0'..=b'5', d @ b'0'..=b'9'] = digits else {
        return Err(wrong());
    };
    let number = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let (hours, minutes) = (number(*a, *b), number(*c, *d));
    if hours < 24 { Ok(sign * (hours * 3600 + minutes * 60)) } else { Err(wrong()) }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Timestamp::parse(&format!("{text}T00:00:00Z")).is_ok()
}
