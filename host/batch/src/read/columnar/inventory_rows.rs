//! Reading the rows of an inventory from a batch of columns.

use super::arrays::{Integers, Texts, Times, integers, is_text, is_time, texts, texts_and_times, times};
use crate::record::{InventoryColumn, InventoryRow, InventoryRowBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use std::borrow::Cow;

/// The rows of a batch.
pub(super) struct RowReader<'a> {
    columns: Vec<(InventoryColumn, Values<'a>)>,
}

/// The values of a column.
enum Values<'a> {
    Texts(Texts<'a>),
    /// The texts are for what is not a time of a column.
    Times(Times<'a>, Texts<'a>),
    /// The texts are for what is not a number of a column.
    Numbers(Integers<'a>, Texts<'a>),
    Lists(&'a ArrayRef),
}

impl<'a> RowReader<'a> {
    /// Of all columns of a batch that an inventory has.
    pub fn new(batch: &'a RecordBatch) -> Result<Self, String> {
        let fields = batch.schema_ref().fields().iter();
        Self::of(
            fields
                .zip(batch.columns())
                .filter_map(|(field, array)| Some((InventoryColumn::of(field.name())?, array))),
        )
    }

    /// Of these columns.
    pub fn of(columns: impl IntoIterator<Item = (InventoryColumn, &'a ArrayRef)>) -> Result<Self, String> {
        let with_values = |(column, array): (InventoryColumn, _)| {
            let values = Values::of(column, array);
            values.map(|values| (column, values)).map_err(|error| format!("the column `{}`: {error}", column.name()))
        };
        Ok(Self { columns: columns.into_iter().map(with_values).collect::<Result<_, String>>()? })
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Reads a row.
    pub fn read<'r, 'b>(
        &'r self,
        row: usize,
        builder: &'b mut InventoryRowBuilder<'r>,
    ) -> Result<&'b InventoryRow<'r>, String> {
        self.read_beside("", row, builder)
    }

    /// Reads a row whose id is in another column, unless one of these columns has it.
    pub fn read_beside<'r, 'b>(
        &'r self,
        id: &'r str,
        row: usize,
        builder: &'b mut InventoryRowBuilder<'r>,
    ) -> Result<&'b InventoryRow<'r>, String> {
        builder.clear();
        builder.set(InventoryColumn::Id, Cow::Borrowed(id))?;
        for (column, values) in &self.columns {
            let texts = match values {
                Values::Texts(texts) => texts,
                Values::Times(times, texts) => match times(row) {
                    Ok(at) => {
                        builder.set_time(*column, at);
                        continue;
                    }
                    Err(_) => texts,
                },
                Values::Numbers(numbers, texts) => match numbers(row).map(u64::try_from).transpose() {
                    Ok(number) => {
                        builder.set_number(*column, number);
                        continue;
                    }
                    Err(_) => texts,
                },
                Values::Lists(array) => {
                    builder.set_list(*column, list(array, row)?)?;
                    continue;
                }
            };
            builder.set(*column, texts(row).unwrap_or_default())?;
        }
        builder.checked()
    }
}

impl<'a> Values<'a> {
    fn of(column: InventoryColumn, array: &'a ArrayRef) -> Result<Self, String> {
        if let DataType::List(_) | DataType::LargeList(_) = array.data_type() {
            return Ok(Self::Lists(array));
        }
        let texts = texts_and_times(array)?;
        if column.is_time() && is_time(array.data_type()) {
            return Ok(Self::Times(times(array, column.name(), None)?, texts));
        }
        if column.is_number() && array.data_type().is_integer() {
            return Ok(Self::Numbers(integers(array)?, texts));
        }
        Ok(Self::Texts(texts))
    }
}

/// Returns the strings of a list; null is unknown.
fn list(array: &ArrayRef, row: usize) -> Result<Option<Vec<Option<String>>>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    let items = match array.data_type() {
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        _ => array.as_list::<i32>().value(row),
    };
    if !is_text(items.data_type()) {
        return Err(format!("expected a list of strings, found a list of {}", items.data_type()));
    }
    let texts = texts(&items)?;
    Ok(Some((0..items.len()).map(|i| texts(i).map(Cow::into_owned)).collect()))
}

/// The length of the longest texts of all dictionaries together: a row may have all of them.
pub(super) fn longest_row(batch: &RecordBatch) -> usize {
    let longest = |array: &ArrayRef| match array.data_type() {
        DataType::Dictionary(_, _) => {
            let values = array.as_any_dictionary().values();
            let Ok(texts) = texts(values) else { return 0 };
            (0..values.len()).map(|i| texts(i).map_or(0, |text: Cow<'_, str>| text.len())).max().unwrap_or_default()
        }
        _ => 0,
    };
    batch.columns().iter().map(longest).sum()
}
