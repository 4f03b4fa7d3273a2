//! The columns of a target list, taken from the table of target columns.
//!
//! A [`Row`](super::builder::Row) and a [`ChunkBuilder`](super::builder::ChunkBuilder) hold one array per type of value.
//! A [`Field`] is a column's place in these arrays. It is computed at compile time, so no name is compared per value.

use reprieve_model::{COLUMNS, ColumnSource, ColumnType, OWN_COLUMN_PREFIX};

/// A field of a target: a list column of the table, or one of the list's own columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Field {
    /// Its position among the list columns of the table.
    position: u8,
    pub slot: Slot,
}

/// The array that holds the values of a field, and the index in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    Id,
    Text(usize),
    Time(usize),
    Number(usize),
    /// One of the list's own columns, `x_…`.
    Own,
}

/// A list column of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListColumn {
    pub name: &'static str,
    pub field: Field,
}

/// The number of text columns besides `id`.
pub(crate) const TEXTS: usize = count(ColumnType::Dictionary);
/// The number of columns of times.
pub(crate) const TIMES: usize = count(ColumnType::Time);
/// The number of columns of numbers.
pub(crate) const NUMBERS: usize = count(ColumnType::Number);

const LENGTH: usize = 1 + TEXTS + TIMES + NUMBERS;

/// The list columns in the order of the table.
pub(crate) const LIST_COLUMNS: [ListColumn; LENGTH] = list_columns();

/// The number of list columns of a type.
const fn count(values: ColumnType) -> usize {
    let (mut count, mut i) = (0, 0);
    while i < COLUMNS.len() {
        if matches!(COLUMNS[i].source, ColumnSource::List) && COLUMNS[i].values as u8 == values as u8 {
            count += 1;
        }
        i += 1;
    }
    count
}

const fn list_columns() -> [ListColumn; LENGTH] {
    assert!(
        count(ColumnType::Text) == 1 && count(ColumnType::Flag) == 0,
        "`id` is the only list column of type `Text`, and no list column is a `Flag`"
    );
    let mut all = [ListColumn { name: COLUMNS[0].name, field: Field::ID }; LENGTH];
    let (mut position, mut texts, mut times, mut numbers, mut i) = (0, 0, 0, 0, 0);
    while i < COLUMNS.len() {
        if matches!(COLUMNS[i].source, ColumnSource::List) {
            let slot = match COLUMNS[i].values {
                ColumnType::Text | ColumnType::Flag => {
                    assert!(position == 0, "`id` is the first column");
                    Slot::Id
                }
                ColumnType::Dictionary => Slot::Text(next(&mut texts)),
                ColumnType::Time => Slot::Time(next(&mut times)),
                ColumnType::Number => Slot::Number(next(&mut numbers)),
            };
            all[position] = ListColumn { name: COLUMNS[i].name, field: Field { position: position as u8, slot } };
            position += 1;
        }
        i += 1;
    }
    all
}

/// Returns the next free slot of a type.
const fn next(used: &mut usize) -> usize {
    *used += 1;
    *used - 1
}

impl Field {
    /// The id of the target.
    pub const ID: Self = Self { position: 0, slot: Slot::Id };
    /// One of the list's own columns.
    pub const OWN: Self = Self { position: LENGTH as u8, slot: Slot::Own };

    /// Returns the field of a name.
    #[inline]
    pub fn of(name: &str) -> Option<Self> {
        for column in &LIST_COLUMNS {
            if column.name == name {
                return Some(column.field);
            }
        }
        name.starts_with(OWN_COLUMN_PREFIX).then_some(Self::OWN)
    }

    /// Returns its position among the list columns of the table. The list's own columns share the last one.
    pub const fn position(self) -> usize {
        self.position as usize
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        LIST_COLUMNS.get(self.position()).map_or("x_…", |column| column.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_column_of_the_table_is_a_field() {
        let listed = COLUMNS.iter().filter(|column| column.source == ColumnSource::List);
        assert!(listed.map(|column| column.name).eq(LIST_COLUMNS.map(|column| column.name)));
        for (position, ListColumn { name, field }) in LIST_COLUMNS.into_iter().enumerate() {
            assert_eq!((Field::of(name), field.name(), field.position()), (Some(field), name, position));
        }
        assert_eq!((Field::of("x_own"), Field::of("app_id")), (Some(Field::OWN), None));
        assert_eq!(Field::ID.name(), "id");
    }

    #[test]
    fn every_slot_belongs_to_one_field() {
        let slots = |of: fn(Slot) -> Option<usize>| LIST_COLUMNS.into_iter().filter_map(move |c| of(c.field.slot));
        let texts = slots(|slot| if let Slot::Text(i) = slot { Some(i) } else { None });
        let times = slots(|slot| if let Slot::Time(i) = slot { Some(i) } else { None });
        let numbers = slots(|slot| if let Slot::Number(i) = slot { Some(i) } else { None });
        assert!(texts.eq(0..TEXTS) && times.eq(0..TIMES) && numbers.eq(0..NUMBERS));
    }
}
