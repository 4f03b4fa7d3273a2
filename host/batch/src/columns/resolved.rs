//! The columns that an inventory fills, built record by record in the order of the table.

use super::chunk::{Column, Values};
use super::column_builders::{CodesBuilder, NumbersBuilder};
use crate::record::{CodedFields, RESOLVED, RecordValue};
use reprieve_model::{COLUMNS, ColumnSource, ColumnType};

/// The resolved columns of a chunk.
#[derive(Debug)]
pub(crate) struct ResolvedBuilder {
    columns: [ResolvedColumn; RESOLVED],
}

#[derive(Debug)]
enum ResolvedColumn {
    /// With one more than the code of each name in the dictionary of the inventory; 0 for a name that did not occur.
    Text(CodesBuilder, Vec<u32>),
    Time(NumbersBuilder<i64>),
    Number(NumbersBuilder<u64>),
    Flag(NumbersBuilder<u8>),
}

/// The resolved columns of the table: their names and types.
fn resolved_columns() -> impl Iterator<Item = (&'static str, ColumnType)> {
    let resolved = COLUMNS.iter().filter(|column| matches!(column.source, ColumnSource::Inventory(_)));
    resolved.map(|column| (column.name, column.values))
}

impl Default for ResolvedBuilder {
    fn default() -> Self {
        let mut types = resolved_columns().map(|(_, values)| values);
        Self { columns: std::array::from_fn(|_| ResolvedColumn::new(types.next().unwrap_or(ColumnType::Text))) }
    }
}

impl ResolvedBuilder {
    /// With room for this many rows.
    pub fn with_capacity(rows: usize) -> Self {
        let mut builder = Self::default();
        for column in &mut builder.columns {
            match column {
                ResolvedColumn::Text(column, _) => column.codes.values.reserve_exact(rows),
                ResolvedColumn::Time(column) => column.reserve(rows),
                ResolvedColumn::Number(column) => column.reserve(rows),
                ResolvedColumn::Flag(column) => column.reserve(rows),
            }
        }
        builder
    }

    /// Adds a row: what the inventory knows of a target, or `None` if the inventory does not have it.
    /// `listed` is the tenant that the list names.
    pub fn push(&mut self, coded: Option<&CodedFields<'_>>, listed: Option<&str>) {
        let values = coded.map(|coded| coded.fields.resolved(listed)).unwrap_or_default();
        let codes = coded.map(CodedFields::resolved_codes).unwrap_or_default();
        for ((column, value), code) in self.columns.iter_mut().zip(values).zip(codes) {
            column.push(value, code);
        }
    }

    /// The code of the kind of the last row, if it is known.
    pub fn kind(&self) -> Option<u32> {
        self.last_code(0)
    }

    /// The code of the tenant of the last row, if it is known.
    pub fn tenant(&self) -> Option<u32> {
        self.last_code(1)
    }

    fn last_code(&self, column: usize) -> Option<u32> {
        match self.columns.get(column) {
            Some(ResolvedColumn::Text(codes, _)) => codes.last(),
            _ => None,
        }
    }

    /// Returns every resolved column, known or not: there was an inventory, and this is its answer.
    pub fn finish(self) -> Vec<Column> {
        self.columns.into_iter().zip(resolved_columns()).map(|(column, (name, _))| column.finish(name)).collect()
    }
}

impl ResolvedColumn {
    fn new(values: ColumnType) -> Self {
        match values {
            ColumnType::Text | ColumnType::Dictionary => Self::Text(CodesBuilder::default(), Vec::new()),
            ColumnType::Time => Self::Time(NumbersBuilder::default()),
            ColumnType::Number => Self::Number(NumbersBuilder::default()),
            ColumnType::Flag => Self::Flag(NumbersBuilder::default()),
        }
    }

    /// Adds a value. `code` is that of a name in the dictionary of the inventory, if it is there.
    #[inline]
    fn push(&mut self, value: Option<RecordValue<'_>>, code: Option<u32>) {
        match (self, value) {
            (Self::Text(column, seen), Some(RecordValue::Text(text))) => match code {
                None => column.push(Some(text)),
                Some(code) => {
                    let code = code as usize;
                    if seen.len() <= code {
                        seen.resize(code + 1, 0);
                    }
                    if seen[code] == 0 {
                        seen[code] = column.code(text) + 1;
                    }
                    column.push_code(Some(seen[code] - 1));
                }
            },
            (Self::Time(column), Some(RecordValue::Time(time))) => column.push(Some(time)),
            (Self::Number(column), Some(RecordValue::Number(number))) => column.push(Some(number)),
            (Self::Flag(column), Some(RecordValue::Flag(flag))) => column.push(Some(flag.into())),
            // A test compares the types of the values with those of the table, so these are unknown values.
            (Self::Text(column, _), _) => column.push(None),
            (Self::Time(column), _) => column.push(None),
            (Self::Number(column), _) => column.push(None),
            (Self::Flag(column), _) => column.push(None),
        }
    }

    fn finish(self, name: &str) -> Column {
        match self {
            Self::Text(column, _) => column.column(name),
            Self::Time(column) => column.column(name, Values::I64s),
            Self::Number(column) => column.column(name, Values::U64s),
            Self::Flag(column) => column.column(name, |flags| Values::Bools(bitmap(&flags))),
        }
    }
}

fn bitmap(flags: &[u8]) -> Vec<u8> {
    let mut bits = vec![0; flags.len().div_ceil(8)];
    for (row, flag) in flags.iter().enumerate() {
        if let Some(byte) = bits.get_mut(row / 8) {
            *byte |= flag << (row % 8);
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Fields;

    #[test]
    fn the_codes_of_a_row_are_those_of_its_kind_and_its_tenant() {
        assert!(resolved_columns().take(2).map(|(name, _)| name).eq(["resolved_kind", "resolved_tenant"]));
        let mut builder = ResolvedBuilder::default();
        for (kind, tenant, codes) in [
            (Some("k"), Some("t"), (Some(0), Some(0))),
            (Some("k"), Some("u"), (Some(0), Some(1))),
            (None, Some("t"), (None, Some(0))),
        ] {
            builder.push(Some(&Fields { kind, tenant, ..Fields::default() }.into()), None);
            assert_eq!((builder.kind(), builder.tenant()), codes);
        }
    }

    #[test]
    fn builds_the_resolved_columns_of_the_table_in_their_order() {
        for record in [None, Some(&CodedFields::default())] {
            let mut builder = ResolvedBuilder::default();
            builder.push(record, None);
            let columns = builder.finish();
            assert!(columns.iter().map(|column| column.name.as_str()).eq(resolved_columns().map(|(name, _)| name)));
            assert!(columns.iter().all(|column| !column.is_known(0)));
        }
    }

    #[test]
    fn the_type_of_every_column_is_that_of_the_table() {
        for (column, (name, values)) in ResolvedBuilder::default().finish().iter().zip(resolved_columns()) {
            let same = match column.values {
                Values::Codes(_) => values == ColumnType::Dictionary,
                Values::I64s(_) => values == ColumnType::Time,
                Values::U64s(_) => values == ColumnType::Number,
                Values::Bools(_) => values == ColumnType::Flag,
                Values::Strings(_) => false,
            };
            assert!(same, "{name}");
        }
    }

    /// The contract lists every column. A policy's author looks there first.
    #[test]
    fn the_contract_names_every_column_of_the_table() {
        let contract = include_str!("../../../../sdk/wit/policy.wit");
        let (_, record) = contract.split_once("    record column {\n").unwrap();
        let (doc, _) = record.split_once("name: string").unwrap();
        for column in COLUMNS {
            assert!(doc.contains(&format!("`{}`", column.name)), "{}", column.name);
        }
        let named = doc.split('`').skip(1).step_by(2).filter(|name| *name != "x_…");
        assert!(named.eq(COLUMNS.map(|column| column.name)));
    }
}
