//! Reading the rows of an inventory from a batch of columns, if nothing is wrong with them. A text of a dictionary is checked
//! and looked up once, and not in every row. What is wrong with a row is left to [`RowReader`] to say.

use super::arrays::{Integers, Times, integers, is_time, times};
use super::inventory_rows::RowReader;
use crate::record::{
    CheckedText, CodedFields, Encoder, InventoryColumn, InventoryRowBuilder, check_text, settle_time,
};
use crate::text::{MAX_VALUE_BYTES, flag, is_plain, is_unknown, number};
use crate::times::{retain_until, time};
use InventoryColumn as C;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch, StringArray};
use arrow_schema::DataType;

/// In a dictionary that is read before the rows, the number of rows for each text, on average. This bounds its memory, too.
const MIN_USES: usize = 4;
/// The maximum bytes of the texts of a dictionary of lists that is read before the rows. A list takes more memory than its
/// text.
const MAX_LISTS_BYTES: usize = 64 << 10;

/// The rows of a batch.
pub(super) struct FieldsReader<'a> {
    ids: Option<&'a StringArray>,
    columns: Vec<(InventoryColumn, Values<'a>)>,
    /// The columns of other types, and those of lists.
    others: RowReader<'a>,
}

/// What a row has.
#[derive(Default)]
pub(super) struct RowFields<'a> {
    pub id: &'a str,
    pub coded: CodedFields<'a>,
    pub pool_minimum: Option<u64>,
}

/// The values of a column.
enum Values<'a> {
    /// With the texts of the dictionary; `None` if something is wrong with one.
    Dictionary(&'a DictionaryArray<Int32Type>, Vec<Option<DictionaryText<'a>>>),
    /// A dictionary of which few texts occur more than once.
    LargeDictionary(&'a DictionaryArray<Int32Type>, &'a StringArray),
    Texts(&'a StringArray),
    Times(Times<'a>),
    Numbers(Integers<'a>),
}

/// A text of a dictionary as a value of its column, and its code if it is a name.
struct DictionaryText<'a> {
    value: CheckedText<'a>,
    code: Option<u64>,
}

impl<'a> FieldsReader<'a> {
    /// Reads the columns of a batch. Names have the codes of the encoder.
    pub fn new(batch: &'a RecordBatch, encoder: &mut Encoder) -> Result<Self, String> {
        let (mut ids, mut columns, mut others) = (None, Vec::new(), Vec::new());
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let Some(column) = C::of(field.name()) else { continue };
            match (column, Values::of(column, array, encoder)?) {
                (C::Id, Some(Values::Texts(texts))) => ids = Some(texts),
                (_, Some(values)) => columns.push((column, values)),
                (_, None) => others.push((column, array)),
            }
        }
        Ok(Self { ids, columns, others: RowReader::of(others)? })
    }

    /// Reads a row; `None` if something is wrong with it, or may be. `others` is used for columns of other types.
    pub fn read<'r, 'b>(&'r self, row: usize, others: &'b mut InventoryRowBuilder<'r>) -> Option<RowFields<'b>>
    where
        'r: 'b,
    {
        let id = self.ids.map_or("", |ids| trim(text(ids, row)));
        let mut fields = RowFields { id, ..RowFields::default() };
        if !self.others.is_empty() {
            let others = self.others.read_beside(id, row, others).ok()?;
            fields = RowFields { id: &others.id, coded: others.fields().into(), pool_minimum: others.pool_minimum };
        }
        if fields.id.is_empty() || fields.id.len() > MAX_VALUE_BYTES {
            return None;
        }
        self.columns.iter().try_for_each(|(column, values)| values.read(*column, row, &mut fields))?;
        Some(fields)
    }
}

/// The text of a row; blank if it is null.
#[inline]
fn text(texts: &StringArray, row: usize) -> &str {
    if texts.is_valid(row) { texts.value(row) } else { "" }
}

/// Removes blanks from both ends. Most texts have none.
#[inline]
fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

impl<'a> Values<'a> {
    /// The values of a column; `None` if they are of another type.
    fn of(column: InventoryColumn, array: &'a ArrayRef, encoder: &mut Encoder) -> Result<Option<Self>, String> {
        let is_list = matches!(column, C::Dependents | C::Tenants);
        Ok(match array.data_type() {
            DataType::Dictionary(_, _) if column.is_dictionary() => Self::of_dictionary(column, array, encoder),
            DataType::Utf8 if !is_list => Some(Self::Texts(array.as_string())),
            kind if column.is_time() && is_time(kind) => Some(Self::Times(times(array, column.name(), None)?)),
            kind if column.is_number() && kind.is_integer() => Some(Self::Numbers(integers(array)?)),
            _ => None,
        })
    }

    fn of_dictionary(column: InventoryColumn, array: &'a ArrayRef, encoder: &mut Encoder) -> Option<Self> {
        let array = array.as_dictionary_opt::<Int32Type>()?;
        let texts = array.values().as_string_opt::<i32>()?;
        if column == C::Dependents && texts.value_data().len() > MAX_LISTS_BYTES {
            return None;
        }
        if column != C::Dependents && texts.len() > array.len() / MIN_USES {
            return Some(Self::LargeDictionary(array, texts));
        }
        let mut read = |i: usize| -> Option<DictionaryText<'a>> {
            let value = check_text(column, text(texts, i))?;
            let code = match &value {
                CheckedText::Name(Some(name)) => encoder.code(column, name),
                _ => None,
            };
            Some(DictionaryText { value, code })
        };
        Some(Self::Dictionary(array, (0..texts.len()).map(&mut read).collect()))
    }

    #[inline]
    fn read<'b>(&'b self, column: InventoryColumn, row: usize, fields: &mut RowFields<'b>) -> Option<()> {
        match self {
            Self::Dictionary(array, texts) => {
                let keys = array.keys();
                if keys.is_valid(row) {
                    let DictionaryText { value, code } =
                        texts.get(usize::try_from(keys.value(row)).ok()?)?.as_ref()?;
                    match value {
                        CheckedText::Name(name) => fields.coded.set_name(column, *name, *code),
                        CheckedText::Flag(flag) => fields.coded.fields.legal_hold = *flag,
                        CheckedText::Dependents(ids) => fields.coded.set_dependents(ids.as_deref()),
                    }
                }
            }
            Self::LargeDictionary(array, texts) => {
                let keys = array.keys();
                let text = if keys.is_valid(row) { text(texts, usize::try_from(keys.value(row)).ok()?) } else { "" };
                read_text(column, text, fields)?;
            }
            Self::Texts(texts) => read_text(column, text(texts, row), fields)?,
            Self::Times(times) => fields.coded.set_time(column, settle_time(column, times(row).ok()?)),
            Self::Numbers(numbers) => {
                fields.set_number(column, numbers(row).map(u64::try_from).transpose().ok()?);
            }
        }
        Some(())
    }
}

/// Reads a value from text; `None` if something is wrong with it, or may be.
#[inline]
fn read_text<'a>(column: InventoryColumn, text: &'a str, fields: &mut RowFields<'a>) -> Option<()> {
    if !is_plain(text.as_bytes()) || text.len() > MAX_VALUE_BYTES {
        return None;
    }
    let text = trim(text);
    match column {
        C::StateSince | C::CreatedAt | C::LastUsedAt => {
            fields.coded.set_time(column, settle_time(column, time(column.name(), text, None).ok()?));
        }
        C::RetainUntil => fields.coded.fields.retain_until = retain_until(text).ok()?,
        C::LegalHold => fields.coded.fields.legal_hold = flag(text).ok()?,
        C::SizeBytes | C::PoolMinimum => fields.set_number(column, number(text).ok()?),
        C::Kind | C::Tenant | C::Environment | C::State | C::Pool | C::Owner | C::Contact => {
            fields.coded.set_name(column, Some(text).filter(|text| !is_unknown(text)), None);
        }
        C::Id | C::Dependents | C::Tenants => return None,
    }
    Some(())
}

impl RowFields<'_> {
    fn set_number(&mut self, column: InventoryColumn, number: Option<u64>) {
        match column {
            C::PoolMinimum => self.pool_minimum = number,
            _ => self.coded.fields.size_bytes = number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::INVENTORY_COLUMNS;
    use crate::text::WORDS_FOR_NOTHING;
    use std::sync::Arc;

    /// Texts of which each is a value, unknown or an error in some column.
    fn texts_of_every_kind() -> Vec<Option<String>> {
        let some = [
            "a",
            " a ",
            "a;b",
            "a;a;-",
            "a,b",
            ";",
            "7",
            "-7",
            " 8 ",
            "7.5",
            "none",
            "None",
            "true",
            "F",
            "maybe",
            "a\tb",
            "\u{a0}a",
            "ü",
            "produ\u{441}tion",
            "a\u{200b}",
            "2030-01-31",
            "2030-01-31T12:00:00Z",
            "1970-01-01T00:00:00Z",
            "2030-01-31T12:00:00",
            "infinity",
            "deleted",
            "\u{2028}",
        ];
        let long = "x".repeat(MAX_VALUE_BYTES);
        let some = some.into_iter().chain(WORDS_FOR_NOTHING).map(str::to_owned);
        some.chain([format!("{long}x"), format!("{long} "), long]).map(Some).chain([None]).collect()
    }

    fn dictionary(texts: &[Option<String>]) -> ArrayRef {
        Arc::new(texts.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())
    }

    /// Compares every row with what `RowReader` reads. Returns the number of rows that have fields.
    fn compare(columns: Vec<(&str, ArrayRef)>) -> usize {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let (reader, rows) =
            (FieldsReader::new(&batch, &mut Encoder::default()).unwrap(), RowReader::new(&batch).unwrap());
        let (mut others, mut builder, mut count) =
            (InventoryRowBuilder::default(), InventoryRowBuilder::default(), 0);
        for row in 0..batch.num_rows() {
            let Some(found) = reader.read(row, &mut others) else { continue };
            let expected = rows.read(row, &mut builder).unwrap();
            assert_eq!(found.id, expected.id);
            assert_eq!(found.coded.fields.to_record(), expected.fields().to_record(), "row {row}");
            assert_eq!(found.pool_minimum, expected.pool_minimum);
            count += 1;
        }
        count
    }

    #[test]
    fn a_row_with_fields_is_the_row_that_is_read_text_by_text() {
        let texts = texts_of_every_kind();
        let ids: ArrayRef = Arc::new((0..texts.len()).map(|i| Some(format!(" id-{i}"))).collect::<StringArray>());
        let numbers: ArrayRef =
            Arc::new((0..texts.len() as i64).map(|i| (i > 0).then_some(i - 2)).collect::<arrow_array::Int64Array>());
        for (name, column) in INVENTORY_COLUMNS {
            let id = if column == C::Id { ("x_id", Arc::clone(&numbers)) } else { ("id", Arc::clone(&ids)) };
            let plain: ArrayRef = Arc::new(texts.iter().map(Option::as_deref).collect::<StringArray>());
            let of = |array| compare(vec![id.clone(), (name, array)]);
            assert!(of(plain) > 0 && of(dictionary(&texts)) > 0, "{name}");
            if column.is_number() || column == C::Id {
                assert!(of(Arc::clone(&numbers)) > 0, "{name}");
            }
        }
    }

    #[test]
    fn a_text_of_a_dictionary_is_read_once() {
        let texts = texts_of_every_kind();
        let often: Vec<Option<String>> = (0..2 * MIN_USES).flat_map(|_| texts.clone()).collect();
        let ids: ArrayRef = Arc::new((0..often.len()).map(|i| Some(format!("id-{i}"))).collect::<StringArray>());
        for (name, column) in INVENTORY_COLUMNS.into_iter().filter(|(_, column)| column.is_dictionary()) {
            let short: Vec<Option<String>> =
                often.iter().map(|text| text.clone().filter(|text| text.len() < 100)).collect();
            let array = dictionary(&short);
            let values = Values::of(column, &array, &mut Encoder::default()).unwrap();
            assert!(matches!(values, Some(Values::Dictionary(..))), "{name}");
            assert!(compare(vec![("id", Arc::clone(&ids)), (name, Arc::clone(&array))]) > often.len() / 3, "{name}");
            assert!(compare(vec![("id", Arc::clone(&ids)), (name, dictionary(&often))]) > 0, "{name}");
        }
    }
}
