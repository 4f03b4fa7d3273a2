//! Turning record batches into chunks. The ids are copied at once, and dictionaries stay dictionaries.

use super::arrays::{integers, is_text, texts, times};
use super::wanted::WantedColumn;
use crate::columns::{
    Chunk, CodesBuilder, Column, Field, MAX_CHUNK_BYTES, NumbersBuilder, Slot, Strings, StringsBuilder, Values,
};
use crate::read::mapping::join_parts;
use crate::text::is_unknown;
use crate::times::known_time;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericStringArray, OffsetSizeTrait, RecordBatch};
use arrow_schema::DataType;
use hashbrown::HashMap;

/// Turns a record batch into chunks. The batch has the wanted columns in their order, and at most as many rows as a chunk.
/// The rows of the chunks are counted from 0.
pub(super) fn batch_to_chunks(batch: &RecordBatch, wanted: &[WantedColumn]) -> Result<Vec<Chunk>, String> {
    let rows = batch.num_rows();
    if rows == 0 {
        return Ok(Vec::new());
    }
    // A chunk with long strings has fewer rows, because it must fit into a policy's memory.
    if rows > 1 && text_bytes(batch, wanted) > MAX_CHUNK_BYTES {
        let (half, rest) = (rows / 2, rows - rows / 2);
        let mut halves = batch_to_chunks(&batch.slice(0, half), wanted)?;
        let second = batch_to_chunks(&batch.slice(half, rest), wanted)?;
        halves.extend(second.into_iter().map(|chunk| Chunk { first_row: chunk.first_row + half as u64, ..chunk }));
        return Ok(halves);
    }
    let mut columns = Vec::with_capacity(wanted.len());
    columns.extend(joined_ids(batch, wanted)?.map(|column| (Field::ID, column)));
    for (wanted, array) in wanted.iter().zip(batch.columns()).filter(|(wanted, _)| wanted.part.is_none()) {
        let column = column(wanted, array, rows).map_err(|error| format!("the column `{}`: {error}", wanted.name))?;
        columns.extend(column.map(|column| (wanted.field, column)));
    }
    columns.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    Ok(vec![Chunk { first_row: 0, rows: rows as u32, columns }])
}

/// Counts the bytes of the strings in the columns that are turned into chunks. The strings of a dictionary count in every
/// row, but not in a column that stays a dictionary.
pub(super) fn text_bytes(batch: &RecordBatch, wanted: &[WantedColumn]) -> usize {
    let of = |(wanted, array): (&WantedColumn, &ArrayRef)| match array.data_type() {
        DataType::Utf8 => {
            let offsets = array.as_string::<i32>().value_offsets();
            offsets.last().zip(offsets.first()).map_or(0, |(end, start)| (end - start) as usize)
        }
        DataType::LargeUtf8 => {
            let offsets = array.as_string::<i64>().value_offsets();
            offsets.last().zip(offsets.first()).map_or(0, |(end, start)| (end - start) as usize)
        }
        DataType::Utf8View => array.as_string_view().lengths().map(|length| length as usize).sum(),
        DataType::Dictionary(_, _) if !matches!(wanted.field.slot, Slot::Text(_)) => {
            let Ok(texts) = texts(array) else { return 0 };
            (0..array.len()).map(|row| texts(row).map_or(0, |text| text.len())).sum()
        }
        _ => 0,
    };
    // A value that is joined may become three times as long.
    let times = |wanted: &WantedColumn| if wanted.part.is_some() { 3 } else { 1 };
    wanted.iter().zip(batch.columns()).map(|column| times(column.0) * of(column)).sum()
}

/// Returns the ids that are joined from several columns; `None` if the id is read from one.
fn joined_ids(batch: &RecordBatch, wanted: &[WantedColumn]) -> Result<Option<Column>, String> {
    let mut parts = Vec::new();
    for (wanted, array) in wanted.iter().zip(batch.columns()) {
        if let Some(part) = wanted.part {
            parts.push((part, texts(array).map_err(|error| format!("the column `{}`: {error}", wanted.name))?));
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    parts.sort_by_key(|(part, _)| *part);
    let mut ids = StringsBuilder::default();
    for row in 0..batch.num_rows() {
        ids.push(join_parts(parts.iter().map(|(_, texts)| texts(row))).as_deref());
    }
    Ok(Some(ids.finish("id".to_owned())))
}

/// Turns an array into a column; `None` if no row of it is known.
fn column(wanted: &WantedColumn, array: &ArrayRef, rows: usize) -> Result<Option<Column>, String> {
    let name = wanted.field.name();
    Ok(match wanted.field.slot {
        Slot::Id => Some(ids(array, rows)?),
        Slot::Text(_) => codes(array, rows)?.finish(name),
        Slot::Time(_) => {
            let (times, mut column) = (times(array, name, wanted.times)?, NumbersBuilder::default());
            for row in 0..rows {
                column.push(times(row)?.and_then(known_time));
            }
            column.finish(name, Values::I64s)
        }
        Slot::Number(_) => {
            let (numbers, mut column) = (integers(array)?, NumbersBuilder::default());
            for row in 0..rows {
                let number = numbers(row).map(|number| {
                    u64::try_from(number).map_err(|_| format!("{number} is not within 0 and 2^64 - 1"))
                });
                column.push(number.transpose()?);
            }
            column.finish(name, Values::U64s)
        }
        Slot::Own => {
            if !is_text(array.data_type()) {
                return Err(format!("its type is {}; fields of your own hold strings", array.data_type()));
            }
            let (texts, mut column) = (texts(array)?, StringsBuilder::default());
            (0..rows).for_each(|row| column.push(texts(row).filter(|text| !is_unknown(text)).as_deref()));
            column.finish_if_known(wanted.name.clone())
        }
    })
}

fn ids(array: &ArrayRef, rows: usize) -> Result<Column, String> {
    // In most lists, all ids are known. Their strings are copied at once.
    let copied = match array.data_type() {
        _ if array.null_count() > 0 => None,
        DataType::Utf8 => copied_strings(array.as_string::<i32>()),
        DataType::LargeUtf8 => copied_strings(array.as_string::<i64>()),
        _ => None,
    };
    if let Some(strings) = copied {
        return Ok(Column { name: "id".to_owned(), values: Values::Strings(strings), validity: None });
    }
    let (texts, mut column) = (texts(array)?, StringsBuilder::default());
    (0..rows).for_each(|row| column.push(texts(row).as_deref()));
    Ok(column.finish("id".to_owned()))
}

/// Copies the strings of all rows; `None` if they are longer than those of a chunk can be.
fn copied_strings<O: OffsetSizeTrait>(strings: &GenericStringArray<O>) -> Option<Strings> {
    let offsets = strings.value_offsets();
    let (first, last) = (offsets.first()?.as_usize(), offsets.last()?.as_usize());
    u32::try_from(last - first).ok()?;
    let bytes = strings.value_data().get(first..last)?.to_vec();
    Some(Strings { offsets: offsets.iter().map(|offset| (offset.as_usize() - first) as u32).collect(), bytes })
}

fn codes(array: &ArrayRef, rows: usize) -> Result<CodesBuilder, String> {
    let mut column = CodesBuilder::default();
    if let DataType::Dictionary(_, _) = array.data_type() {
        let dictionary = array.as_any_dictionary();
        if dictionary.values().is_empty() {
            return Ok(column);
        }
        let values = texts(dictionary.values())?;
        let nulls = array.nulls();
        // The code of each key of the array, once it was seen. A dictionary may have far more keys than these rows.
        let mut known = KnownCodes::new(dictionary.values().len(), rows);
        for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                column.push_code(None);
            } else if let Some(code) = known.get_mut(key) {
                let code = code.get_or_insert_with(|| {
                    values(key).filter(|text| !is_unknown(text)).map(|text| column.code(&text))
                });
                column.push_code(*code);
            }
        }
        return Ok(column);
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().for_each(|text| column.push_unless(text, is_unknown)),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().for_each(|text| column.push_unless(text, is_unknown)),
        _ => {
            let texts = texts(array)?;
            (0..rows).for_each(|row| column.push_unless(texts(row).as_deref(), is_unknown));
        }
    }
    Ok(column)
}

/// The codes of the keys of a dictionary: `None` before a key was seen, `Some(None)` if its text is blank.
enum KnownCodes {
    All(Vec<Option<Option<u32>>>),
    Seen(HashMap<usize, Option<Option<u32>>>),
}

impl KnownCodes {
    fn new(keys: usize, rows: usize) -> Self {
        if keys <= 2 * rows { Self::All(vec![None; keys]) } else { Self::Seen(HashMap::new()) }
    }

    #[inline]
    fn get_mut(&mut self, key: usize) -> Option<&mut Option<Option<u32>>> {
        match self {
            Self::All(all) => all.get_mut(key),
            Self::Seen(seen) => Some(seen.entry(key).or_default()),
        }
    }
}
