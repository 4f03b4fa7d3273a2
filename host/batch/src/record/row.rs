//! How a row of an inventory is read into a record, from text columns or JSON.

use super::{Record, Sharers};
use crate::near::looks_like;
use crate::text::{
    MAX_VALUE_BYTES, control_character, describe_control, flag, is_unknown, name_flaw, number, too_long,
};
use crate::times::{retain_until, time};
use reprieve_model::{COLUMNS, ColumnSource, OWN_COLUMN_PREFIX};

/// The maximum length of the ids of a thing's dependents in bytes, of all together, and of the names of its tenants.
const MAX_LIST_BYTES: usize = 1 << 20;

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

/// Whether an inventory has a column of this name, which is read.
pub(crate) fn has_column(name: &str) -> bool {
    columns().any(|known| known == name)
}

/// Whether a column of an inventory is read. Others are left alone, but not one whose name looks like that of a column.
///
/// # Errors
/// The column that was probably meant.
pub(crate) fn is_inventory_column(name: &str) -> Result<bool, String> {
    if has_column(name) || name.starts_with(OWN_COLUMN_PREFIX) {
        return Ok(has_column(name));
    }
    match looks_like(name, columns()) {
        Some(known) => Err(format!("an inventory has no column `{name}`; did you mean `{known}`?")),
        None => Ok(false),
    }
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
        let names = self.tenants.iter().flat_map(|sharers| &sharers.names).map(|name| ("tenants", name.len()));
        let lists = ids.chain(names);
        if let Some((name, bytes)) = texts.chain(lists.clone()).find(|(_, bytes)| *bytes > MAX_VALUE_BYTES) {
            return Err(too_long(name, bytes));
        }
        for name in ["dependents", "tenants"] {
            let bytes: usize = lists.clone().filter(|(of, _)| *of == name).map(|(_, bytes)| bytes).sum();
            if bytes > MAX_LIST_BYTES {
                return Err(format!("`{name}` has {bytes} bytes, at most {MAX_LIST_BYTES} are allowed"));
            }
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
}

/// Bytes of memory that a row takes besides its texts: the record, and its place in a hash table, which may be half empty.
const ROW_BYTES: usize = size_of::<Record>() + 3 * size_of::<(String, Box<Record>)>();
/// Bytes of memory that a text takes in addition to its length.
const TEXT_BYTES: usize = 32;

impl InventoryRow {
    /// Estimates the bytes that it takes in an inventory in memory. A kind, a tenant and a pool are also counted by name.
    pub fn memory(&self) -> u64 {
        let Record { kind, tenant, tenants, environment, state, pool, owner, contact, dependents, .. } = &self.record;
        let text = |text: &Option<String>| text.as_ref().map_or(0, |text| text.len() + TEXT_BYTES);
        let named = 2 * (text(kind) + text(tenant) + text(pool));
        let others: usize = [environment, state, owner, contact].into_iter().map(text).sum();
        let item = |text: &String| text.len() + size_of::<String>() + TEXT_BYTES;
        let dependents: usize = dependents.iter().flatten().map(item).sum();
        let sharers: usize = tenants.iter().flat_map(|sharers| &sharers.names).map(|name| 2 * item(name)).sum();
        (ROW_BYTES + self.id.len() + TEXT_BYTES + named + others + dependents + sharers) as u64
    }
}

/// What is wrong with a list of ids of which one is unknown.
const NULL_ITEM: &str = "an item of the list is null";

/// A row while its fields are being read.
#[derive(Default)]
pub(crate) struct InventoryRowBuilder {
    pub(super) id: String,
    pub(super) record: Record,
    pub(super) pool_minimum: Option<u64>,
}

impl InventoryRowBuilder {
    /// Sets a field from text.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        if name != "id"
            && !name.starts_with(OWN_COLUMN_PREFIX)
            && has_column(name)
            && let Some(c) = control_character(text)
        {
            return Err(format!("`{name}`: {}", describe_control(c)));
        }
        let text = text.trim();
        let in_column = |message: String| format!("`{name}`: {message}");
        let record = &mut self.record;
        match name {
            "id" => text.clone_into(&mut self.id),
            "state_since" => record.state_since = time(name, text, None).map_err(in_column)?,
            "created_at" => record.created_at = time(name, text, None).map_err(in_column)?,
            "last_used_at" => record.last_used_at = time(name, text, None).map_err(in_column)?,
            "size_bytes" => record.size_bytes = number(text).map_err(in_column)?,
            "dependents" => record.dependents = dependents(text).map_err(in_column)?,
            "tenants" => record.tenants = Sharers::of_text(text).map_err(in_column)?,
            "legal_hold" => record.legal_hold = flag(text).map_err(in_column)?,
            "retain_until" => record.retain_until = retain_until(text).map_err(in_column)?,
            "pool_minimum" => self.pool_minimum = number(text).map_err(in_column)?,
            _ => {
                let known = Some(text).filter(|text| !is_unknown(text)).map(str::to_owned);
                self.set_name(name, known);
            }
        }
        Ok(())
    }

    /// Sets a name: of a kind, a tenant, a pool or an owner. A column without a name is left alone.
    pub(super) fn set_name(&mut self, column: &str, name: Option<String>) {
        let Record { kind, tenant, environment, state, pool, owner, contact, .. } = &mut self.record;
        match column {
            "kind" => *kind = name,
            "tenant" => *tenant = name,
            "environment" => *environment = name,
            "state" => *state = name,
            "pool" => *pool = name,
            "owner" => *owner = name,
            "contact" => *contact = name,
            _ => {}
        }
    }

    /// Sets a field from a list.
    pub fn set_list(&mut self, name: &str, list: Option<Vec<Option<String>>>) -> Result<(), String> {
        match name {
            "dependents" => {
                let ids = list.map(|ids| ids.into_iter().collect::<Option<Vec<String>>>().ok_or(NULL_ITEM));
                self.record.dependents = ids.transpose().map_err(|error| format!("`{name}`: {error}"))?;
            }
            "tenants" => self.record.tenants = list.and_then(Sharers::of_names),
            other if !has_column(other) => {}
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
        let Record { owner, contact, tenants, .. } = &self.record;
        let texts = [("tenant", tenant), ("owner", owner), ("contact", contact)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        let sharers = tenants.iter().flat_map(|sharers| &sharers.names).map(|name| ("tenants", name.as_str()));
        for (name, text) in texts.chain(sharers) {
            if let Some(c) = control_character(text) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{InventoryReader, RESOLVED, RecordValue};
    use reprieve_model::ColumnType;

    fn from_json(json: &str) -> InventoryRow {
        InventoryReader::default().read(json).unwrap().unwrap()
    }

    /// A value of a resolved column, as text and as JSON.
    fn example(values: ColumnType, name: &str) -> (&'static str, &'static str) {
        match values {
            _ if name == "dependents" => ("b", r#"["b"]"#),
            _ if name == "tenants" => ("7", "7"),
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
            let in_json = from_json(&format!(r#"{{"id": "a", "{name}": {json}}}"#));
            assert_eq!(row.record, in_json.record, "{name}");
            for (other, value) in row.record.resolved(None).into_iter().enumerate() {
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
                let in_json = from_json(&format!(r#"{{"id": "a", "{name}": "{none}"}}"#));
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
            assert_eq!(from_json(&in_json).record, Record::default(), "{word}");
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
