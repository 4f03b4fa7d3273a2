//! How a row of an inventory is read into a record, from text columns or JSON.

use super::Record;
use crate::error::without_position;
use crate::text::{
    MAX_VALUE_BYTES, control_character, describe_control, is_unknown, name_flaw, number, time, too_long,
};
use reprieve_model::{COLUMNS, ColumnSource, OWN_COLUMN_PREFIX, Timestamp, did_you_mean};
use serde::Deserialize;

/// The maximum length of the ids of a thing's dependents in bytes, of all together.
const MAX_DEPENDENTS_BYTES: usize = 1 << 20;

/// Columns of an inventory that no target column is resolved to.
const OTHER_COLUMNS: [&str; 5] = ["id", "pool", "pool_minimum", "owner", "contact"];

/// The columns of an inventory: those of the table of target columns that it resolves, and its other ones.
fn columns() -> impl Iterator<Item = &'static str> {
    let resolved = COLUMNS.iter().filter_map(|column| match column.source {
        ColumnSource::Inventory(name) => Some(name),
        ColumnSource::List => None,
    });
    OTHER_COLUMNS.into_iter().chain(resolved)
}

/// Checks that an inventory may have a column of this name; the error suggests the closest name.
pub(crate) fn check_inventory_column(name: &str) -> Result<(), String> {
    if columns().any(|known| known == name) || name.starts_with(OWN_COLUMN_PREFIX) {
        return Ok(());
    }
    Err(match did_you_mean(name, columns()) {
        Some(known) => format!("an inventory has no column `{name}`; did you mean `{known}`?"),
        None => format!("an inventory has no column `{name}`; columns of your own begin with `x_`"),
    })
}

impl Record {
    /// Checks that no value is longer than a value may be.
    fn check_lengths(&self, id: &str) -> Result<(), String> {
        let Self { kind, tenant, environment, state, pool, owner, contact, .. } = self;
        let texts = [
            ("id", Some(id)),
            ("kind", kind.as_deref()),
            ("tenant", tenant.as_deref()),
            ("environment", environment.as_deref()),
            ("state", state.as_deref()),
            ("pool", pool.as_deref()),
            ("owner", owner.as_deref()),
            ("contact", contact.as_deref()),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text?.len())));
        let ids = self.dependents.iter().flatten().map(|id| ("dependents", id.len()));
        if let Some((name, bytes)) = texts.chain(ids.clone()).find(|(_, bytes)| *bytes > MAX_VALUE_BYTES) {
            return Err(too_long(name, bytes));
        }
        let bytes: usize = ids.map(|(_, bytes)| bytes).sum();
        if bytes > MAX_DEPENDENTS_BYTES {
            return Err(format!("`dependents` has {bytes} bytes, at most {MAX_DEPENDENTS_BYTES} are allowed"));
        }
        Ok(())
    }
}

/// One row of an inventory. A blank field and a word for nothing are unknown. In `dependents`, `legal_hold` and
/// `retain_until`, `none` means that the value is known to be absent.
#[derive(Debug)]
pub(crate) struct InventoryRow {
    pub id: String,
    pub record: Record,
    /// The number of members that its pool requires.
    pub pool_minimum: Option<u64>,
}

impl InventoryRow {
    /// Reads a row from the names and texts of its fields.
    pub fn from_texts<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut row = InventoryRowBuilder::default();
        fields.into_iter().try_for_each(|(name, text)| row.set(name, text))?;
        row.finish()
    }

    /// Reads a row from a line of NDJSON.
    pub fn from_json(line: &str) -> Result<Self, String> {
        let row: JsonRow = serde_json::from_str(line).map_err(|error| without_position(&error))?;
        row.into_builder()?.finish()
    }
}

/// Bytes of memory that a row takes besides its texts: the record, and its place in a hash table, which may be half empty.
const ROW_BYTES: usize = size_of::<Record>() + 3 * size_of::<(String, Box<Record>)>();
/// Bytes of memory that a text takes in addition to its length.
const TEXT_BYTES: usize = 32;

impl InventoryRow {
    /// Estimates the bytes that it takes in an inventory in memory. A kind, a tenant and a pool are also counted by name.
    pub fn memory(&self) -> u64 {
        let Record { kind, tenant, environment, state, pool, owner, contact, dependents, .. } = &self.record;
        let text = |text: &Option<String>| text.as_ref().map_or(0, |text| text.len() + TEXT_BYTES);
        let named = 2 * (text(kind) + text(tenant) + text(pool));
        let others: usize = [environment, state, owner, contact].into_iter().map(text).sum();
        let dependents: usize =
            dependents.iter().flatten().map(|id| id.len() + size_of::<String>() + TEXT_BYTES).sum();
        (ROW_BYTES + self.id.len() + TEXT_BYTES + named + others + dependents) as u64
    }
}

/// A row while its fields are being read.
#[derive(Default)]
pub(crate) struct InventoryRowBuilder {
    id: String,
    record: Record,
    pool_minimum: Option<u64>,
}

impl InventoryRowBuilder {
    /// Sets a field from text.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        if name != "id"
            && !name.starts_with(OWN_COLUMN_PREFIX)
            && let Some(c) = control_character(text)
        {
            return Err(format!("`{name}`: {}", describe_control(c)));
        }
        let text = text.trim();
        let known = || Some(text).filter(|text| !is_unknown(text)).map(str::to_owned);
        let in_column = |message: String| format!("`{name}`: {message}");
        let record = &mut self.record;
        match name {
            "id" => text.clone_into(&mut self.id),
            "kind" => record.kind = known(),
            "tenant" => record.tenant = known(),
            "environment" => record.environment = known(),
            "state" => record.state = known(),
            "state_since" => record.state_since = time(text).map_err(in_column)?,
            "created_at" => record.created_at = time(text).map_err(in_column)?,
            "last_used_at" => record.last_used_at = time(text).map_err(in_column)?,
            "size_bytes" => record.size_bytes = number(text).map_err(in_column)?,
            "dependents" => record.dependents = dependents(text).map_err(in_column)?,
            "legal_hold" => record.legal_hold = flag(text).map_err(in_column)?,
            "retain_until" => record.retain_until = time_or_none(text).map_err(in_column)?,
            "pool" => record.pool = known(),
            "owner" => record.owner = known(),
            "contact" => record.contact = known(),
            "pool_minimum" => self.pool_minimum = number(text).map_err(in_column)?,
            _ => {}
        }
        Ok(())
    }

    /// Sets a field from a list.
    pub fn set_list(&mut self, name: &str, list: Option<Vec<String>>) -> Result<(), String> {
        match name {
            "dependents" => self.record.dependents = list,
            own if own.starts_with(OWN_COLUMN_PREFIX) => {}
            _ => return Err(format!("`{name}`: expected one value, found a list")),
        }
        Ok(())
    }

    /// Returns the row, which must have an id.
    pub fn finish(self) -> Result<InventoryRow, String> {
        if self.id.is_empty() {
            return Err("the id is empty".to_owned());
        }
        let Record { kind, tenant, environment, state, pool, .. } = &self.record;
        for (name, text) in [("kind", kind), ("environment", environment), ("state", state), ("pool", pool)] {
            if let Some(flaw) = text.as_deref().and_then(name_flaw) {
                return Err(format!("`{name}`: {flaw}"));
            }
        }
        let Record { owner, contact, .. } = &self.record;
        for (name, text) in [("tenant", tenant), ("owner", owner), ("contact", contact)] {
            if let Some(c) = text.as_deref().and_then(control_character) {
                return Err(format!("`{name}`: {}", describe_control(c)));
            }
        }
        self.record.check_lengths(&self.id)?;
        Ok(InventoryRow { id: self.id, record: self.record, pool_minimum: self.pool_minimum })
    }
}

/// Reads ids separated by semicolons. An id may contain blanks.
fn dependents(text: &str) -> Result<Option<Vec<String>>, String> {
    match text {
        "none" => Ok(Some(Vec::new())),
        text if is_unknown(text) => Ok(None),
        ids => {
            let ids: Vec<String> = ids.split(';').map(|id| id.trim().to_owned()).collect();
            if ids.iter().any(String::is_empty) {
                return Err(format!("expected `none`, or ids separated by `;`, found `{text}`"));
            }
            Ok(Some(ids))
        }
    }
}

fn flag(text: &str) -> Result<Option<bool>, String> {
    match text {
        "true" | "1" => Ok(Some(true)),
        "false" | "none" | "0" => Ok(Some(false)),
        text if is_unknown(text) => Ok(None),
        other => Err(format!("expected `true` or `false`, found `{other}`")),
    }
}

fn time_or_none(text: &str) -> Result<Option<i64>, String> {
    match text {
        "none" => Ok(Some(0)),
        text if is_unknown(text) => Ok(None),
        // A time far ahead means "always" here, so only those before 1970 stand for an unknown one.
        text => Timestamp::parse(text).map(|at| Some(at.seconds()).filter(|at| *at > 0)),
    }
}

/// A row in JSON. Null and absent are unknown; an empty list of dependents is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRow {
    id: String,
    kind: Option<String>,
    tenant: Option<String>,
    environment: Option<String>,
    state: Option<String>,
    state_since: Option<String>,
    created_at: Option<String>,
    last_used_at: Option<String>,
    size_bytes: Option<u64>,
    dependents: Option<Vec<String>>,
    legal_hold: Option<bool>,
    retain_until: Option<String>,
    pool: Option<String>,
    pool_minimum: Option<u64>,
    owner: Option<String>,
    contact: Option<String>,
}

impl JsonRow {
    fn into_builder(self) -> Result<InventoryRowBuilder, String> {
        let known = |text: Option<String>| text.filter(|text| !is_unknown(text));
        let seconds = |name: &str, text: Option<String>| {
            time(text.as_deref().unwrap_or_default()).map_err(|message| format!("`{name}`: {message}"))
        };
        let record = Record {
            kind: known(self.kind),
            tenant: known(self.tenant),
            environment: known(self.environment),
            state: known(self.state),
            state_since: seconds("state_since", self.state_since)?,
            created_at: seconds("created_at", self.created_at)?,
            last_used_at: seconds("last_used_at", self.last_used_at)?,
            size_bytes: self.size_bytes,
            dependents: self.dependents,
            legal_hold: self.legal_hold,
            retain_until: time_or_none(self.retain_until.as_deref().unwrap_or_default())?,
            pool: known(self.pool),
            owner: known(self.owner),
            contact: known(self.contact),
        };
        Ok(InventoryRowBuilder { id: self.id, record, pool_minimum: self.pool_minimum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{RESOLVED, RecordValue};
    use reprieve_model::ColumnType;

    /// A value of a resolved column, as text and as JSON.
    fn example(values: ColumnType, name: &str) -> (&'static str, &'static str) {
        match values {
            _ if name == "dependents" => ("b", r#"["b"]"#),
            ColumnType::Text | ColumnType::Dictionary => ("x", r#""x""#),
            ColumnType::Time => ("2030-01-01T00:00:00Z", r#""2030-01-01T00:00:00Z""#),
            ColumnType::Number => ("7", "7"),
            ColumnType::Flag => ("true", "true"),
        }
    }

    #[test]
    fn every_resolved_column_of_the_table_is_read_and_resolved_in_its_place() {
        let resolved = COLUMNS.iter().filter_map(|column| match column.source {
            ColumnSource::Inventory(name) => Some((name, column.values)),
            ColumnSource::List => None,
        });
        assert_eq!(resolved.clone().count(), RESOLVED);
        for (place, (name, values)) in resolved.enumerate() {
            let (text, json) = example(values, name);
            let row = InventoryRow::from_texts([("id", "a"), (name, text)]).unwrap();
            let in_json = InventoryRow::from_json(&format!(r#"{{"id": "a", "{name}": {json}}}"#)).unwrap();
            assert_eq!(row.record, in_json.record, "{name}");
            for (other, value) in row.record.resolved().into_iter().enumerate() {
                let same_type = match value {
                    None => other != place,
                    Some(RecordValue::Text(_)) => values == ColumnType::Dictionary,
                    Some(RecordValue::Time(_)) => values == ColumnType::Time,
                    Some(RecordValue::Number(_)) => values == ColumnType::Number,
                    Some(RecordValue::Flag(_)) => values == ColumnType::Flag,
                };
                assert!(same_type && value.is_some() == (other == place), "{name}");
            }
        }
    }

    #[test]
    fn reads_dependents_that_are_separated_by_semicolons() {
        let read = |text| InventoryRow::from_texts([("id", "a"), ("dependents", text)]);
        let dependents = |text| read(text).unwrap().record.dependents;
        assert_eq!(dependents(" "), None);
        assert_eq!(dependents("none"), Some(vec![]));
        assert_eq!(dependents("b c; d"), Some(vec!["b c".to_owned(), "d".to_owned()]));
        for text in [";", "; ;", "b;", ";b", "b;;c"] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with("`dependents`: expected `none`, or ids separated by `;`"), "{error}");
        }
    }

    #[test]
    fn times_that_stand_for_none_are_unknown() {
        for none in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            for name in ["state_since", "created_at", "last_used_at"] {
                let row = InventoryRow::from_texts([("id", "a"), (name, none)]).unwrap();
                let in_json = InventoryRow::from_json(&format!(r#"{{"id": "a", "{name}": "{none}"}}"#)).unwrap();
                assert_eq!((&row.record, &in_json.record), (&Record::default(), &Record::default()), "{name} {none}");
            }
        }
        let retained =
            |until| InventoryRow::from_texts([("id", "a"), ("retain_until", until)]).unwrap().record.retain_until;
        assert_eq!(
            (retained("none"), retained("0001-01-01T00:00:00Z"), retained("1970-01-01T00:00:00Z")),
            (Some(0), None, None)
        );
        assert!(retained("9999-12-31T23:59:59Z").is_some(), "to be kept for ever");
    }

    #[test]
    fn words_for_nothing_are_unknown_in_every_column() {
        for word in ["NULL", "\\N", "None", "n/a", "-", "(null)", "undefined"] {
            for name in columns().filter(|name| *name != "id") {
                let row = InventoryRow::from_texts([("id", "a"), (name, word)]).unwrap();
                assert!(row.record == Record::default() && row.pool_minimum.is_none(), "{name} {word}");
            }
            let in_json = format!(r#"{{"id": "a", "kind": {word:?}, "tenant": {word:?}, "created_at": {word:?}}}"#);
            assert_eq!(InventoryRow::from_json(&in_json).unwrap().record, Record::default(), "{word}");
        }
        let none = |name| InventoryRow::from_texts([("id", "a"), (name, "none")]).unwrap().record;
        assert_eq!(none("dependents").dependents, Some(Vec::new()));
        assert_eq!((none("legal_hold").legal_hold, none("retain_until").retain_until), (Some(false), Some(0)));
        assert_eq!(none("tenant").tenant, None);
    }

    #[test]
    fn every_other_column_is_read() {
        for name in OTHER_COLUMNS.into_iter().filter(|name| *name != "id") {
            let row = InventoryRow::from_texts([("id", "a"), (name, "7")]).unwrap();
            assert!(row.record != Record::default() || row.pool_minimum.is_some(), "{name}");
        }
    }
}
