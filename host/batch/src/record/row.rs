//! How a row of an inventory is read into a record, from text columns or JSON.

use super::column::InventoryColumn as C;
use super::{Fields, InventoryColumn, Record, Sharers, Texts};
use crate::text::{
    MAX_VALUE_BYTES, control_character, describe_control, flag, is_unknown, name_flaw, number, too_long,
};
use crate::times::{known_time, retain_until, time};
use std::borrow::Cow;

/// The maximum length of the ids of a thing's dependents in bytes, of all together, and of the names of its tenants.
const MAX_LIST_BYTES: usize = 1 << 20;

/// One row of an inventory. A blank field and a word for nothing are unknown. In `dependents`, `legal_hold` and
/// `retain_until`, `none` means that the value is known to be absent.
#[derive(Debug, Default)]
pub(crate) struct InventoryRow<'a> {
    pub id: Cow<'a, str>,
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) tenant: Option<Cow<'a, str>>,
    pub(super) tenants: Option<Sharers>,
    pub(super) environment: Option<Cow<'a, str>>,
    pub(super) state: Option<Cow<'a, str>>,
    pub(super) state_since: Option<i64>,
    pub(super) created_at: Option<i64>,
    pub(super) last_used_at: Option<i64>,
    pub(super) size_bytes: Option<u64>,
    pub(super) dependents: Option<Vec<String>>,
    pub(super) legal_hold: Option<bool>,
    pub(super) retain_until: Option<i64>,
    pub(super) pool: Option<Cow<'a, str>>,
    pub(super) owner: Option<Cow<'a, str>>,
    pub(super) contact: Option<Cow<'a, str>>,
    /// The number of members that its pool requires.
    pub pool_minimum: Option<u64>,
}

/// Bytes of memory that a record takes besides its texts, with its place in a hash table.
const RECORD_BYTES: usize = 2 * size_of::<Record>();
/// Bytes of memory that a text takes in addition to its length.
const TEXT_BYTES: usize = 32;

impl InventoryRow<'_> {
    /// What is known of the thing.
    pub fn fields(&self) -> Fields<'_> {
        Fields {
            kind: self.kind.as_deref(),
            tenant: self.tenant.as_deref(),
            tenants: self.tenants.as_ref().map(Sharers::borrowed),
            environment: self.environment.as_deref(),
            state: self.state.as_deref(),
            state_since: self.state_since,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            size_bytes: self.size_bytes,
            dependents: self.dependents.as_deref().map(Texts::Owned),
            legal_hold: self.legal_hold,
            retain_until: self.retain_until,
            pool: self.pool.as_deref(),
            owner: self.owner.as_deref(),
            contact: self.contact.as_deref(),
        }
    }

    /// Estimates the bytes that it takes in memory as a record.
    pub fn memory(&self) -> u64 {
        let Fields { kind, tenant, tenants, environment, state, pool, owner, contact, dependents, .. } =
            self.fields();
        let texts = [kind, tenant, environment, state, pool, owner, contact].into_iter().flatten();
        let items = dependents.into_iter().chain(tenants.map(|of| of.names)).flat_map(Texts::iter);
        let lengths = texts.chain(items).chain([self.id.as_ref()]).map(|text| text.len() + TEXT_BYTES);
        (RECORD_BYTES + lengths.sum::<usize>()) as u64
    }

    /// Checks that no value is longer than a value may be.
    fn check_lengths(&self) -> Result<(), String> {
        let Self { id, kind, tenant, environment, state, pool, owner, contact, .. } = self;
        let texts = [
            ("id", Some(id)),
            ("kind", kind.as_ref()),
            ("tenant", tenant.as_ref()),
            ("environment", environment.as_ref()),
            ("state", state.as_ref()),
            ("pool", pool.as_ref()),
            ("owner", owner.as_ref()),
            ("contact", contact.as_ref()),
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

/// What is wrong with a list of ids of which one is unknown.
const NULL_ITEM: &str = "an item of the list is null";

/// A row while its fields are being read.
#[derive(Default)]
pub(crate) struct InventoryRowBuilder<'a> {
    pub(super) row: InventoryRow<'a>,
}

/// A time of a column, unless it stands for an unknown one.
#[inline]
pub(crate) fn settle_time(column: InventoryColumn, at: Option<i64>) -> Option<i64> {
    if column == C::RetainUntil { at.filter(|at| *at > 0) } else { at.and_then(known_time) }
}

/// Removes blanks from both ends.
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

impl<'a> InventoryRowBuilder<'a> {
    /// Sets a field from text.
    pub fn set(&mut self, column: InventoryColumn, text: Cow<'a, str>) -> Result<(), String> {
        if column != C::Id
            && let Some(c) = control_character(&text)
        {
            return Err(format!("`{}`: {}", column.name(), describe_control(c)));
        }
        let text = trimmed(text);
        self.set_trimmed(column, text).map_err(|message| format!("`{}`: {message}", column.name()))
    }

    fn set_trimmed(&mut self, column: InventoryColumn, text: Cow<'a, str>) -> Result<(), String> {
        let row = &mut self.row;
        match column {
            C::Id => row.id = text,
            C::StateSince | C::CreatedAt | C::LastUsedAt => {
                self.set_time(column, time(column.name(), &text, None)?);
            }
            C::SizeBytes => row.size_bytes = number(&text)?,
            C::Dependents => row.dependents = dependents(&text)?,
            C::Tenants => row.tenants = Sharers::of_text(&text)?,
            C::LegalHold => row.legal_hold = flag(&text)?,
            C::RetainUntil => row.retain_until = retain_until(&text)?,
            C::PoolMinimum => row.pool_minimum = number(&text)?,
            C::Kind | C::Tenant | C::Environment | C::State | C::Pool | C::Owner | C::Contact => {
                self.set_name(column, Some(text).filter(|text| !is_unknown(text)));
            }
        }
        Ok(())
    }

    /// Sets a time in seconds since 1970, unless it stands for an unknown one.
    pub fn set_time(&mut self, column: InventoryColumn, at: Option<i64>) {
        let (row, at) = (&mut self.row, settle_time(column, at));
        match column {
            C::StateSince => row.state_since = at,
            C::CreatedAt => row.created_at = at,
            C::LastUsedAt => row.last_used_at = at,
            C::RetainUntil => row.retain_until = at,
            _ => {}
        }
    }

    /// Sets a number.
    pub fn set_number(&mut self, column: InventoryColumn, number: Option<u64>) {
        match column {
            C::SizeBytes => self.row.size_bytes = number,
            C::PoolMinimum => self.row.pool_minimum = number,
            _ => {}
        }
    }

    /// Sets a name: of a kind, a tenant, a pool or an owner. Other columns are left alone.
    pub(super) fn set_name(&mut self, column: InventoryColumn, name: Option<Cow<'a, str>>) {
        let InventoryRow { kind, tenant, environment, state, pool, owner, contact, .. } = &mut self.row;
        match column {
            C::Kind => *kind = name,
            C::Tenant => *tenant = name,
            C::Environment => *environment = name,
            C::State => *state = name,
            C::Pool => *pool = name,
            C::Owner => *owner = name,
            C::Contact => *contact = name,
            _ => {}
        }
    }

    /// Sets a field from a list.
    pub fn set_list(&mut self, column: InventoryColumn, list: Option<Vec<Option<String>>>) -> Result<(), String> {
        let name = column.name();
        match column {
            C::Dependents => {
                let ids = list.map(|ids| ids.into_iter().collect::<Option<Vec<String>>>().ok_or(NULL_ITEM));
                self.row.dependents = ids.transpose().map_err(|error| format!("`{name}`: {error}"))?;
            }
            C::Tenants => self.row.tenants = list.and_then(Sharers::of_names),
            _ => return Err(format!("`{name}`: expected one value, found a list")),
        }
        Ok(())
    }

    /// Begins another row.
    pub fn clear(&mut self) {
        self.row = InventoryRow::default();
    }

    /// Returns the row, which must have an id.
    pub fn finish(self) -> Result<InventoryRow<'a>, String> {
        self.checked()?;
        Ok(self.row)
    }

    /// The row, which must have an id. [`clear`](Self::clear) begins another one without moving it.
    pub fn checked(&self) -> Result<&InventoryRow<'a>, String> {
        let row = &self.row;
        if row.id.is_empty() {
            return Err("the id is empty".to_owned());
        }
        let InventoryRow { kind, tenant, environment, state, pool, owner, contact, tenants, .. } = row;
        for (name, text) in [("kind", kind), ("environment", environment), ("state", state), ("pool", pool)] {
            if let Some(flaw) = text.as_deref().and_then(name_flaw) {
                return Err(format!("`{name}`: {flaw}"));
            }
        }
        let texts = [("tenant", tenant), ("owner", owner), ("contact", contact)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        let sharers = tenants.iter().flat_map(|sharers| &sharers.names).map(|name| ("tenants", name.as_str()));
        for (name, text) in texts.chain(sharers) {
            if let Some(c) = control_character(text) {
                return Err(format!("`{name}`: {}", describe_control(c)));
            }
        }
        row.check_lengths()?;
        Ok(row)
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
    use crate::record::column::INVENTORY_COLUMNS;
    use crate::record::{InventoryReader, RESOLVED, RecordValue};
    use reprieve_model::{COLUMNS, ColumnSource, ColumnType};

    /// A row with its record.
    struct Read {
        record: Record,
        pool_minimum: Option<u64>,
    }

    fn read(row: &InventoryRow<'_>) -> Read {
        Read { record: row.fields().to_record(), pool_minimum: row.pool_minimum }
    }

    fn from_json(json: &str) -> Read {
        read(&InventoryReader::default().read(json).unwrap().unwrap())
    }

    fn from_texts(fields: &[(&str, &'static str)]) -> Result<Read, String> {
        let mut row = InventoryRowBuilder::default();
        for (name, text) in fields {
            row.set(InventoryColumn::of(name).unwrap(), Cow::Borrowed(text))?;
        }
        row.finish().map(|row| read(&row))
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
        assert_eq!(INVENTORY_COLUMNS.len(), RESOLVED + 5);
        for (place, (name, values)) in resolved.enumerate() {
            let (text, json) = example(values, name);
            let row = from_texts(&[("id", "a"), (name, text)]).unwrap();
            let in_json = from_json(&format!(r#"{{"id": "a", "{name}": {json}}}"#));
            assert_eq!(row.record, in_json.record, "{name}");
            for (other, value) in row.record.fields().resolved(None).into_iter().enumerate() {
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
        let read = |text: &'static str| from_texts(&[("id", "a"), ("dependents", text)]);
        let dependents = |text: &'static str| read(text).unwrap().record.dependents;
        assert_eq!(dependents(" "), None);
        assert_eq!(dependents("none"), Some(vec![]));
        assert_eq!(dependents("b c; d"), Some(vec!["b c".to_owned(), "d".to_owned()]));
        for text in [";", "; ;", "b;", ";b", "b;;c"] {
            let error = read(text).map(|_| ()).unwrap_err();
            assert!(error.starts_with("`dependents`: expected `none`, or ids separated by `;`"), "{error}");
        }
    }

    #[test]
    fn times_that_stand_for_none_are_unknown() {
        for none in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            for name in ["state_since", "created_at", "last_used_at"] {
                let row = from_texts(&[("id", "a"), (name, none)]).unwrap();
                let in_json = from_json(&format!(r#"{{"id": "a", "{name}": "{none}"}}"#));
                assert_eq!((&row.record, &in_json.record), (&Record::default(), &Record::default()), "{name} {none}");
            }
        }
        let retained =
            |until: &'static str| from_texts(&[("id", "a"), ("retain_until", until)]).unwrap().record.retain_until;
        assert_eq!(
            (retained("none"), retained("0001-01-01T00:00:00Z"), retained("1970-01-01T00:00:00Z")),
            (Some(0), None, None)
        );
        assert!(retained("9999-12-31T23:59:59Z").is_some(), "to be kept for ever");
    }

    #[test]
    fn words_for_nothing_are_unknown_in_every_column() {
        for word in ["NULL", "\\N", "None", "n/a", "-", "(null)", "undefined"] {
            for (name, _) in INVENTORY_COLUMNS.into_iter().filter(|(name, _)| *name != "id") {
                let row = from_texts(&[("id", "a"), (name, word)]).unwrap();
                assert!(row.record == Record::default() && row.pool_minimum.is_none(), "{name} {word}");
            }
            let in_json = format!(r#"{{"id": "a", "kind": {word:?}, "tenant": {word:?}, "created_at": {word:?}}}"#);
            assert_eq!(from_json(&in_json).record, Record::default(), "{word}");
        }
        let none = |name: &str| from_texts(&[("id", "a"), (name, "none")]).unwrap().record;
        assert_eq!(none("dependents").dependents, Some(Vec::new()));
        assert_eq!((none("legal_hold").legal_hold, none("retain_until").retain_until), (Some(false), Some(0)));
        assert_eq!(none("tenant").tenant, None);
    }

    #[test]
    fn every_other_column_is_read() {
        for (name, _) in INVENTORY_COLUMNS[1..5].iter().copied() {
            let row = from_texts(&[("id", "a"), (name, "7")]).unwrap();
            assert!(row.record != Record::default() || row.pool_minimum.is_some(), "{name}");
        }
    }
}
