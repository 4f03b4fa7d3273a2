//! Reading inventories: CSV with a header, NDJSON, Parquet or Arrow. A blank field is unknown; where something is known to be
//! absent, the word is `none`.

use super::blocks::each_line_of;
use super::csv::{each_named_record, number, time};
use super::text::{Format, TextFile};
use super::{Folder, Unreadable, columnar, nearest};
use crate::inventory::Record;
use reprieve_model::Timestamp;
use serde::Deserialize;

/// The columns of an inventory; any other has to begin with `x_`.
const COLUMNS: &[&str] = &[
    "id",
    "kind",
    "tenant",
    "environment",
    "state",
    "state_since",
    "created_at",
    "last_used_at",
    "size_bytes",
    "dependents",
    "legal_hold",
    "retain_until",
    "pool",
    "pool_minimum",
    "owner",
    "contact",
];

/// Reads an inventory and hands on each thing with what its pool needs. Gives the file's digest.
pub(crate) fn read(
    folder: &Folder,
    name: &str,
    mut each: impl FnMut(&str, Record, Option<u64>) -> Result<(), String>,
) -> Result<String, Unreadable> {
    let shown = folder.shown(name);
    if let Some(format) = columnar::Format::of(name) {
        return columnar::read_inventory(folder, name, format, |(id, record, minimum)| each(&id, record, minimum));
    }
    let besides = format!("{}; or in .db, .sqlite or .sqlite3", columnar::NAMES);
    let mut reader = TextFile::open(folder, name, "inventories", &besides)?;
    match reader.format {
        Format::Csv => each_named_record(&mut reader, &shown, allow, |fields| {
            let (id, record, pool_minimum) = line(fields)?;
            each(&id, record, pool_minimum)
        })?,
        Format::Ndjson => each_line_of(&mut reader, &shown, |text| {
            let thing: Thing = serde_json::from_str(text).map_err(|error| {
                let message = error.to_string();
                message.split(" at line ").next().unwrap_or(&message).to_owned()
            })?;
            thing.line().and_then(Line::check).and_then(|(id, record, minimum)| each(&id, record, minimum))
        })?,
    }
    reader.finish()
}

/// Whether an inventory may have a column of this name; the error names the nearest.
pub(crate) fn allow(name: &str) -> Result<(), String> {
    if COLUMNS.contains(&name) || name.starts_with("x_") {
        return Ok(());
    }
    Err(match nearest(name, COLUMNS.iter().copied()) {
        Some(known) => format!("an inventory has no column `{name}`; did you mean `{known}`?"),
        None => format!("an inventory has no column `{name}`; columns of your own begin with `x_`"),
    })
}

/// An id, what is known of it, and what its pool needs.
pub(super) type Entry = (String, Record, Option<u64>);

/// One entry from the names and texts of its fields.
pub(crate) fn line<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Entry, String> {
    let mut line = Line::default();
    fields.into_iter().try_for_each(|(name, text)| line.set(name, text))?;
    line.check()
}

/// What one row of either format says.
#[derive(Default)]
pub(super) struct Line {
    id: String,
    record: Record,
    pool_minimum: Option<u64>,
}

impl Line {
    /// Sets a field to what a text says.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let text = text.trim();
        let said = || Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
        let within = |message: String| format!("`{name}`: {message}");
        let record = &mut self.record;
        match name {
            "id" => text.clone_into(&mut self.id),
            "kind" => record.kind = said(),
            "tenant" => record.tenant = said(),
            "environment" => record.environment = said(),
            "state" => record.state = said(),
            "state_since" => record.state_since = time(text).map_err(within)?,
            "created_at" => record.created_at = time(text).map_err(within)?,
            "last_used_at" => record.last_used_at = time(text).map_err(within)?,
            "size_bytes" => record.size_bytes = number(text).map_err(within)?,
            "dependents" => record.dependents = dependents(text),
            "legal_hold" => record.legal_hold = hold(text).map_err(within)?,
            "retain_until" => record.retain_until = retention(text).map_err(within)?,
            "pool" => record.pool = said(),
            "owner" => record.owner = said(),
            "contact" => record.contact = said(),
            "pool_minimum" => self.pool_minimum = number(text).map_err(within)?,
            _ => {}
        }
        Ok(())
    }

    /// Sets a field to a list.
    pub fn set_list(&mut self, name: &str, list: Option<Vec<String>>) -> Result<(), String> {
        match name {
            "dependents" => self.record.dependents = list,
            own if own.starts_with("x_") => {}
            _ => return Err(format!("`{name}`: a list, where one value is wanted")),
        }
        Ok(())
    }

    /// What was set, if there is an id in it.
    pub fn check(self) -> Result<Entry, String> {
        if self.id.is_empty() {
            return Err("the id is empty".to_owned());
        }
        Ok((self.id, self.record, self.pool_minimum))
    }
}

/// Ids with blanks or semicolons between them.
fn dependents(text: &str) -> Option<Vec<String>> {
    match text {
        "" => None,
        "none" => Some(Vec::new()),
        ids => Some(ids.split([';', ' ']).filter(|id| !id.is_empty()).map(str::to_owned).collect()),
    }
}

fn hold(text: &str) -> Result<Option<bool>, String> {
    match text {
        "" => Ok(None),
        "true" | "1" => Ok(Some(true)),
        "false" | "none" | "0" => Ok(Some(false)),
        other => Err(format!("`{other}` is neither `true` nor `false`")),
    }
}

fn retention(text: &str) -> Result<Option<i64>, String> {
    if text == "none" { Ok(Some(0)) } else { time(text) }
}

/// A thing in JSON. Null and absent are unknown; an empty list of dependents is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    id: String,
    kind: Option<String>,
    tenant: Option<String>,
    environment: Option<String>,
    state: Option<String>,
    state_since: Option<Timestamp>,
    created_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    size_bytes: Option<u64>,
    dependents: Option<Vec<String>>,
    legal_hold: Option<bool>,
    retain_until: Option<String>,
    pool: Option<String>,
    pool_minimum: Option<u64>,
    owner: Option<String>,
    contact: Option<String>,
}

impl Thing {
    fn line(self) -> Result<Line, String> {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let seconds = |at: Option<Timestamp>| at.map(Timestamp::seconds);
        let record = Record {
            kind: said(self.kind),
            tenant: said(self.tenant),
            environment: said(self.environment),
            state: said(self.state),
            state_since: seconds(self.state_since),
            created_at: seconds(self.created_at),
            last_used_at: seconds(self.last_used_at),
            size_bytes: self.size_bytes,
            dependents: self.dependents,
            legal_hold: self.legal_hold,
            retain_until: retention(self.retain_until.as_deref().unwrap_or_default())?,
            pool: said(self.pool),
            owner: said(self.owner),
            contact: said(self.contact),
        };
        Ok(Line { id: self.id, record, pool_minimum: self.pool_minimum })
    }
}
