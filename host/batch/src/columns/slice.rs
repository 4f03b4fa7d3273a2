//! Parts of columns: a run of rows, and a single row.

use super::builder::{OwnValue, Row};
use super::chunk::{Chunk, Codes, Column, Strings, Values, bit};
use super::fields::{Field, Slot};
use std::borrow::Cow;
use std::ops::Range;

impl Chunk {
    /// Returns the targets in these rows of the chunk.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        Self {
            first_row: self.first_row + rows.start as u64,
            rows: rows.len() as u32,
            columns: self.columns.iter().map(|column| column.slice(rows.clone())).collect(),
        }
    }

    /// Returns the target in row `i` of the chunk.
    pub(crate) fn row(&self, i: usize) -> Row<'_> {
        let mut row = Row::default();
        for column in self.columns.iter().filter(|column| column.is_known(i)) {
            let text = || column.text(i).map(Cow::Borrowed);
            let Some(field) = Field::of(&column.name) else { continue };
            match (field.slot, &column.values) {
                (Slot::Id, _) => row.id = text(),
                (Slot::Text(slot), _) => row.texts[slot] = text(),
                (Slot::Time(slot), Values::I64s(values)) => row.times[slot] = values.get(i).copied(),
                (Slot::Number(slot), Values::U64s(values)) => row.numbers[slot] = values.get(i).copied(),
                (Slot::Own, _) => {
                    row.own.extend(text().map(|text| OwnValue { name: Cow::Borrowed(&column.name), text }));
                }
                (Slot::Time(_) | Slot::Number(_), _) => {}
            }
        }
        row
    }
}

impl Column {
    /// Returns the values in these rows.
    pub fn slice(&self, rows: Range<usize>) -> Self {
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
        rows.for_each(|i| strings.push(self.bytes(i)));
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
