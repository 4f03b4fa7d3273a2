//! Building chunks row by row.

use super::chunk::{CHUNK_ROWS, Chunk, Column, MAX_CHUNK_BYTES, Values};
use super::column_builders::{CodesBuilder, NumbersBuilder, StringsBuilder};
use super::fields::{Field, LIST_COLUMNS, NUMBERS, Slot, TEXTS, TIMES};
use std::borrow::Cow;

/// The values of one target before they are added to columns. `None` is unknown. The index of a value is its
/// [`Slot`].
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    pub id: Option<Cow<'a, str>>,
    pub texts: [Option<Cow<'a, str>>; TEXTS],
    pub times: [Option<i64>; TIMES],
    pub numbers: [Option<u64>; NUMBERS],
    /// The list's own columns.
    pub own: Vec<OwnValue<'a>>,
}

/// A value in one of a list's own columns.
#[derive(Debug)]
pub(crate) struct OwnValue<'a> {
    /// The name of the column, with `x_`.
    pub name: Cow<'a, str>,
    pub text: Cow<'a, str>,
}

/// A chunk while rows are added to it. Its first row is 0.
#[derive(Debug, Default)]
pub(crate) struct ChunkBuilder {
    rows: usize,
    /// Bytes of text that were added in all columns together, and of the offsets of the list's own columns.
    bytes: usize,
    ids: StringsBuilder,
    texts: [CodesBuilder; TEXTS],
    times: [NumbersBuilder<i64>; TIMES],
    numbers: [NumbersBuilder<u64>; NUMBERS],
    own: Vec<OwnColumn>,
}

#[derive(Debug)]
struct OwnColumn {
    name: String,
    texts: StringsBuilder,
}

impl ChunkBuilder {
    pub fn push(&mut self, row: &Row<'_>) {
        let texts = row.texts.iter().chain([&row.id]);
        self.bytes += texts.flatten().map(|text| text.len()).sum::<usize>();
        self.ids.push(row.id.as_deref());
        for (column, text) in self.texts.iter_mut().zip(&row.texts) {
            column.put(self.rows, text.as_deref());
        }
        for (column, time) in self.times.iter_mut().zip(row.times) {
            column.put(self.rows, time);
        }
        for (column, number) in self.numbers.iter_mut().zip(row.numbers) {
            column.put(self.rows, number);
        }
        if !row.own.is_empty() || !self.own.is_empty() {
            self.push_own(&row.own);
        }
        self.rows += 1;
    }

    fn push_own(&mut self, own: &[OwnValue<'_>]) {
        self.bytes += own.iter().map(|value| value.text.len()).sum::<usize>();
        let before = self.own.len();
        for value in own {
            if !self.own.iter().any(|known| known.name == value.name) {
                let mut texts = StringsBuilder::default();
                (0..self.rows).for_each(|_| texts.push(None));
                self.own.push(OwnColumn { name: value.name.clone().into_owned(), texts });
            }
        }
        self.bytes += size_of::<u32>() * (self.own.len() + self.rows * (self.own.len() - before));
        for column in &mut self.own {
            let value = own.iter().find(|value| value.name == column.name);
            column.texts.push(value.map(|value| value.text.as_ref()));
        }
    }

    /// Adds the rows of a chunk at once, as [`push`](Self::push) would one by one. Returns false, and adds none, if they might
    /// overfill this chunk, or if either has columns of its own.
    pub fn append(&mut self, chunk: &Chunk) -> bool {
        let (first, rows) = (self.rows, self.rows + chunk.rows as usize);
        let field = |column: &Column| Field::of(&column.name).filter(|field| field.slot != Slot::Own);
        let is_plain = self.own.is_empty() && chunk.columns.iter().all(|column| field(column).is_some());
        if !is_plain || rows > CHUNK_ROWS || self.bytes + text_bytes(chunk) >= MAX_CHUNK_BYTES {
            return false;
        }
        for column in &chunk.columns {
            let Some(field) = field(column) else { continue };
            let known = |row: usize| column.is_known(row);
            match (field.slot, &column.values) {
                (Slot::Id, _) => (0..chunk.rows as usize).for_each(|row| self.ids.push(column.text(row))),
                (Slot::Text(i), Values::Codes(codes)) => self.texts[i].append(first, column, codes),
                (Slot::Time(i), Values::I64s(times)) => self.times[i].append(first, times, known),
                (Slot::Number(i), Values::U64s(numbers)) => self.numbers[i].append(first, numbers, known),
                _ => {}
            }
        }
        (self.ids.rows()..rows).for_each(|_| self.ids.push(None));
        self.texts.iter_mut().filter(|column| column.rows() > 0).for_each(|column| column.pad(rows));
        self.times.iter_mut().filter(|column| column.rows() > 0).for_each(|column| column.pad(rows));
        self.numbers.iter_mut().filter(|column| column.rows() > 0).for_each(|column| column.pad(rows));
        self.bytes += text_bytes(chunk);
        self.rows = rows;
        true
    }

    pub fn is_full(&self) -> bool {
        self.rows >= CHUNK_ROWS || self.bytes >= MAX_CHUNK_BYTES
    }

    /// Returns the chunk: the list columns in the order of the table, then the list's own columns by name.
    pub fn finish(mut self) -> Chunk {
        let mut columns = vec![self.ids.finish("id".to_owned())];
        for column in LIST_COLUMNS {
            columns.extend(match column.field.slot {
                Slot::Text(i) => std::mem::take(&mut self.texts[i]).finish(column.name),
                Slot::Time(i) => std::mem::take(&mut self.times[i]).finish(column.name, Values::I64s),
                Slot::Number(i) => std::mem::take(&mut self.numbers[i]).finish(column.name, Values::U64s),
                Slot::Id | Slot::Own => None,
            });
        }
        self.own.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        columns.extend(self.own.into_iter().map(|column| column.texts.finish(column.name)));
        Chunk { first_row: 0, rows: self.rows as u32, columns }
    }
}

/// The bytes of the texts of all rows, those of a dictionary in every row.
fn text_bytes(chunk: &Chunk) -> usize {
    let of = |column: &Column| match &column.values {
        Values::Strings(strings) => strings.bytes.len(),
        Values::Codes(codes) => {
            let known = codes.values.iter().enumerate().filter(|(row, _)| column.is_known(*row));
            known.map(|(_, code)| codes.dictionary.bytes(*code as usize).len()).sum()
        }
        Values::U64s(_) | Values::I64s(_) | Values::Bools(_) => 0,
    };
    chunk.columns.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_the_list_columns_of_the_table_in_their_order() {
        let text = || Some(Cow::Borrowed("x"));
        let mut builder = ChunkBuilder::default();
        builder.push(&Row {
            id: text(),
            texts: [const { Some(Cow::Borrowed("x")) }; TEXTS],
            times: [Some(1); TIMES],
            numbers: [Some(1); NUMBERS],
            own: vec![OwnValue { name: Cow::Borrowed("x_own"), text: Cow::Borrowed("x") }],
        });
        let names = LIST_COLUMNS.iter().map(|column| column.name).chain(["x_own"]);
        assert!(builder.finish().columns.iter().map(|column| column.name.as_str()).eq(names));
    }

    #[test]
    fn leaves_out_columns_without_a_known_value() {
        let mut builder = ChunkBuilder::default();
        builder.push(&Row::default());
        builder.push(&Row { times: [Some(1); TIMES], ..Row::default() });
        let chunk = builder.finish();
        assert!(chunk.column("id").is_some());
        for column in LIST_COLUMNS {
            let is_time = matches!(column.field.slot, Slot::Time(_));
            assert_eq!(chunk.column(column.name).is_some(), is_time || column.name == "id", "{}", column.name);
        }
    }
}
