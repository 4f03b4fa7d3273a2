//! Parts of columns: a run of rows, and a single row.

use super::{Chunk, Codes, Column, Row, Strings, Values, bit};
use std::borrow::Cow;
use std::ops::Range;

impl Chunk {
    /// The targets in these rows of the chunk.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        Self {
            first_row: self.first_row + rows.start as u64,
            rows: rows.len() as u32,
            columns: self.columns.iter().map(|column| column.slice(rows.clone())).collect(),
        }
    }

    /// The target in row `i` of the chunk.
    pub(crate) fn target(&self, i: usize) -> Row<'_> {
        let text = |name: &str| self.column(name).and_then(|column| column.text(i)).map(Cow::Borrowed);
        let time =
            |name: &str| match self.column(name).filter(|column| column.is_known(i)).map(|column| &column.values) {
                Some(Values::I64s(values)) => values.get(i).copied(),
                _ => None,
            };
        let extra = self.columns.iter().filter(|column| column.name.starts_with("x_"));
        Row {
            id: text("id"),
            kind: text("kind"),
            tenant: text("tenant"),
            environment: text("environment"),
            state: text("state"),
            created_at: time("created_at"),
            last_used_at: time("last_used_at"),
            size_bytes: match self
                .column("size_bytes")
                .filter(|column| column.is_known(i))
                .map(|column| &column.values)
            {
                Some(Values::U64s(values)) => values.get(i).copied(),
                _ => None,
            },
            extra: extra
                .filter_map(|column| Some((Cow::Borrowed(column.name.as_str()), Cow::Borrowed(column.text(i)?))))
                .collect(),
        }
    }
}

impl Column {
    /// The values in these rows.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        let values = match &self.values {
            Values::Strings(strings) => Values::Strings(strings.slice(rows.clone())),
            Values::Codes(codes) => Values::Codes(Codes {
                dictionary: codes.dictionary.clone(),
                values: part(&codes.values, &rows).to_vec(),
            }),
            Values::U64s(values) => Values::U64s(part(values, &rows).to_vec()),
            Values::I64s(values) => Values::I64s(part(values, &rows).to_vec()),
            Values::Bools(bits) => Values::Bools(part_of_bits(bits, &rows)),
        };
        let validity = self.validity.as_ref().map(|bits| part_of_bits(bits, &rows));
        Self { name: self.name.clone(), values, validity }
    }
}

impl Strings {
    fn slice(&self, rows: Range<usize>) -> Self {
        let mut strings = Self::default();
        rows.for_each(|i| strings.push(self.get(i)));
        strings
    }
}

fn part<'a, T>(values: &'a [T], rows: &Range<usize>) -> &'a [T] {
    values.get(rows.clone()).unwrap_or_default()
}

fn part_of_bits(bits: &[u8], rows: &Range<usize>) -> Vec<u8> {
    let mut part = vec![0; rows.len().div_ceil(8)];
    for (to, from) in rows.clone().enumerate() {
        if let Some(byte) = part.get_mut(to / 8) {
            *byte |= u8::from(bit(bits, from)) << (to % 8);
        }
    }
    part
}
