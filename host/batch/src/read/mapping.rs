//! Which column of a file each field of a target is read from.

use crate::columns::{Field, LIST_COLUMNS, Slot};
use crate::near::looks_like;
use crate::text::{control_character, describe_control, is_unknown};
use hashbrown::HashMap;
use reprieve_model::{NumericTimes, OWN_COLUMN_PREFIX, SourceColumns, did_you_mean};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The maximum number of columns that an id is joined from.
pub(super) const MAX_PARTS: usize = 8;

/// How a list is read: the column of each field that is not read from the column of its own name, and what else its
/// request says of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    renamed: Vec<Renamed>,
    /// The number of columns that the id is joined from; 0 if it is read from one.
    parts: usize,
    /// Whether a CSV file has no header. Its columns are named by their numbers.
    pub no_header: bool,
    /// The number of lines before the header.
    pub skip_lines: u64,
    /// What a number means in a column of times.
    pub times: Option<NumericTimes>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Renamed {
    column: String,
    role: Role,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub field: Field,
    /// The place of the column among those that the id is joined from, counted from 0; `None` if it holds the whole field.
    pub part: Option<u8>,
}

impl Role {
    const fn whole(field: Field) -> Self {
        Self { field, part: None }
    }
}

impl Mapping {
    /// Creates a mapping from the names of fields to the names of columns.
    pub fn of(columns: &BTreeMap<String, SourceColumns>) -> Result<Self, String> {
        let mut mapping = Self::default();
        for (name, columns) in columns {
            let field = LIST_COLUMNS.iter().find(|known| known.name == name).map(|known| known.field);
            let field = field.ok_or_else(|| unknown(name))?;
            match columns.names() {
                [] => return Err(format!("`{name}` is mapped to no column")),
                [column] => mapping.add(name, column, Role::whole(field))?,
                _ if field != Field::ID => {
                    return Err(format!(
                        "`{name}` is mapped to several columns; only `id` can be joined from several"
                    ));
                }
                parts if parts.len() > MAX_PARTS => {
                    let count = parts.len();
                    return Err(format!("`{name}` is mapped to {count} columns, at most {MAX_PARTS} are allowed"));
                }
                parts => {
                    for (part, column) in (0..).zip(parts) {
                        mapping.add(name, column, Role { field, part: Some(part) })?;
                    }
                    mapping.parts = parts.len();
                }
            }
        }
        Ok(mapping)
    }

    fn add(&mut self, name: &str, column: &str, role: Role) -> Result<(), String> {
        if let Some(other) = self.renamed.iter().find(|other| other.column == column) {
            let other = other.role.field.name();
            return Err(format!("the column `{column}` is mapped to both `{other}` and `{name}`"));
        }
        self.renamed.push(Renamed { column: column.to_owned(), role });
        Ok(())
    }

    /// Checks that the columns are numbers if the file has no header.
    pub fn check_numbers(&self) -> Result<(), String> {
        if !self.no_header {
            return Ok(());
        }
        if let Some(wrong) = self.renamed.iter().find(|renamed| column_number(&renamed.column).is_none()) {
            let (field, column) = (wrong.role.field.name(), &wrong.column);
            return Err(format!(
                "without a header, `{field}` is read from the number of a column, such as `1`, found `{column}`"
            ));
        }
        if self.renamed.iter().any(|renamed| renamed.role.field == Field::ID) {
            return Ok(());
        }
        Err("without a header, `columns` maps `id` to the number of its column: `{\"id\": \"1\"}`".to_owned())
    }

    /// The largest number of a column, or 0 if no column is named by its number.
    pub fn max_number(&self) -> usize {
        self.renamed.iter().filter_map(|renamed| column_number(&renamed.column)).max().unwrap_or_default()
    }

    /// Returns what a column of a known name holds.
    #[inline]
    pub fn known(&self, column: &str) -> Option<Role> {
        if self.renamed.is_empty() {
            return Field::of(column).map(Role::whole);
        }
        if let Some(renamed) = self.renamed.iter().find(|renamed| renamed.column == column) {
            return Some(renamed.role);
        }
        Field::of(column).filter(|field| !self.is_mapped(*field)).map(Role::whole)
    }

    fn is_mapped(&self, field: Field) -> bool {
        self.renamed.iter().any(|renamed| renamed.role.field == field)
    }

    /// Returns what a column holds; `None` if it is left alone. A column with the name of a field that is mapped to another
    /// column is an error: a program that reads the list without this mapping would use it as that field. So is a name that
    /// looks like that of a field, unless the field is mapped.
    pub fn role(&self, column: &str) -> Result<Option<Role>, String> {
        if let Some(role) = self.known(column) {
            return match control_character(column) {
                Some(c) if role.field == Field::OWN => Err(format!("the name of a column: {}", describe_control(c))),
                _ => Ok(Some(role)),
            };
        }
        let folded = folded(column);
        if let Some(mapped) = Field::of(&folded).filter(|field| *field != Field::OWN && self.is_mapped(*field)) {
            let is_own_name = matches!(self.columns(mapped)[..], [own] if own == mapped.name());
            return if is_own_name { Ok(None) } else { Err(self.ambiguous(mapped)) };
        }
        if folded.starts_with(OWN_COLUMN_PREFIX) {
            return Err(misspelled(column, &folded));
        }
        let fields = LIST_COLUMNS.iter().filter(|known| !self.is_mapped(known.field));
        match (looks_like(column, fields.map(|known| known.name)), control_character(column)) {
            (Some(known), _) => Err(misspelled(column, known)),
            // It is left alone, but a program that reads lines must see the same columns.
            (None, Some(c)) => Err(format!("the name of a column: {}", describe_control(c))),
            (None, None) => Ok(None),
        }
    }

    fn ambiguous(&self, field: Field) -> String {
        let (name, column) = (field.name(), self.columns(field).join("`, `"));
        format!("ambiguous: `{name}` is mapped to the column `{column}`, but the list has a column `{name}` as well")
    }

    /// Returns what a column holds; a column that holds no field is an error.
    pub fn require(&self, column: &str) -> Result<Role, String> {
        self.role(column)?.ok_or_else(|| unknown(column))
    }

    /// Returns the columns that a field is read from.
    pub fn columns(&self, field: Field) -> Vec<&str> {
        let renamed = self.renamed.iter().filter(|renamed| renamed.role.field == field);
        let columns: Vec<&str> = renamed.map(|renamed| renamed.column.as_str()).collect();
        if columns.is_empty() { vec![field.name()] } else { columns }
    }

    /// Whether a column is one that the id is read from.
    pub fn is_id(&self, column: &str) -> bool {
        self.known(column).is_some_and(|role| role.field == Field::ID)
    }

    /// The columns that a list must have: those of the id, and those that fields are mapped to.
    pub fn required(&self) -> impl Iterator<Item = (Field, &str)> {
        let mapped = self.renamed.iter().map(|renamed| (renamed.role.field, renamed.column.as_str()));
        let id = (!self.is_mapped(Field::ID)).then_some((Field::ID, Field::ID.name()));
        mapped.filter(|(field, column)| *field == Field::ID || field.name() != *column).chain(id)
    }

    /// The number of columns that the id is joined from; 0 if it is read from one.
    pub const fn parts(&self) -> usize {
        self.parts
    }

    /// Whether the column of a field has texts that a dictionary would hold.
    pub fn is_dictionary(&self, column: &str) -> bool {
        matches!(self.known(column).map(|role| role.field.slot), Some(Slot::Text(_)))
    }
}

/// Reads the number of a column, counted from 1.
fn column_number(column: &str) -> Option<usize> {
    column.parse().ok().filter(|number| *number > 0 && !column.starts_with('+'))
}

/// Joins the values of several columns to an id, as [`join_id`] does. The id is unknown if one of them is.
pub(super) fn join_parts<'a>(parts: impl IntoIterator<Item = Option<Cow<'a, str>>>) -> Option<String> {
    let parts: Option<Vec<_>> = parts.into_iter().map(|part| part.filter(|part| !is_unknown(part))).collect();
    Some(join_id(parts?))
}

/// Joins the values of several columns to an id: by `/`, with `%` in a value written `%25`, and `/` written `%2F`, so that
/// different values never have the same id.
pub fn join_id(parts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut id = String::new();
    for (i, part) in parts.into_iter().enumerate() {
        if i > 0 {
            id.push('/');
        }
        for c in part.as_ref().chars() {
            match c {
                '/' => id.push_str("%2F"),
                '%' => id.push_str("%25"),
                c => id.push(c),
            }
        }
    }
    id
}

/// Checks that no column has the name of one that is read, but for case and surrounding blanks, which some readers ignore.
pub(super) fn check_distinct<'a>(
    names: impl Iterator<Item = &'a str>,
    is_read: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for name in names {
        let Some(other) = seen.insert(folded(name), name) else { continue };
        if !is_read(name) && !is_read(other) {
            continue;
        }
        return Err(if other == name {
            format!("the column `{name}` is duplicated")
        } else {
            format!("the columns `{other}` and `{name}` differ only in case or blanks")
        });
    }
    Ok(())
}

/// A name as readers see it that ignore case and surrounding blanks.
pub(super) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

fn unknown(name: &str) -> String {
    match did_you_mean(name, LIST_COLUMNS.map(|column| column.name)) {
        Some(known) => misspelled(name, known),
        None => format!("a target has no field `{name}`; fields of your own begin with `x_`"),
    }
}

fn misspelled(name: &str, known: &str) -> String {
    format!("a target has no field `{name}`; did you mean `{known}`?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mapping(columns: &[(&str, &str)]) -> Result<Mapping, String> {
        Mapping::of(&columns.iter().map(|(field, column)| ((*field).to_owned(), (*column).into())).collect())
    }

    fn several(field: &str, columns: &[&str]) -> Result<Mapping, String> {
        let columns = SourceColumns::Several(columns.iter().map(|column| (*column).to_owned()).collect());
        Mapping::of(&[(field.to_owned(), columns)].into())
    }

    #[test]
    fn reads_each_field_from_one_column() {
        let field = |mapping: &Mapping, column| mapping.known(column).map(|role| role.field);
        let plain = mapping(&[]).unwrap();
        for column in LIST_COLUMNS {
            assert_eq!(
                (field(&plain, column.name), plain.columns(column.field)),
                (Some(column.field), vec![column.name])
            );
        }
        assert_eq!((field(&plain, "x_own"), field(&plain, "app_id")), (Some(Field::OWN), None));

        let renamed = mapping(&[("id", "app_id"), ("kind", "id")]).unwrap();
        assert_eq!(field(&renamed, "app_id"), Some(Field::ID));
        assert_eq!(field(&renamed, "id"), Field::of("kind"));
        assert_eq!(field(&renamed, "kind"), None);
        assert_eq!(field(&renamed, "tenant"), Field::of("tenant"));
        assert_eq!(renamed.columns(Field::ID), ["app_id"]);
        let kind = renamed.role("kind").expect_err("it is read from `id`");
        assert_eq!(kind, "ambiguous: `kind` is mapped to the column `id`, but the list has a column `kind` as well");
    }

    #[test]
    fn leaves_other_columns_alone_unless_they_look_like_a_field() {
        let plain = mapping(&[]).unwrap();
        assert_eq!(plain.role("Size"), Ok(None));
        for (name, known) in [("tennant", "tenant"), ("ID", "id"), ("X_Identifier", "x_identifier")] {
            let error = plain.role(name).expect_err(name);
            assert_eq!(error, format!("a target has no field `{name}`; did you mean `{known}`?"));
        }
        let mapped = mapping(&[("state", "state")]).unwrap();
        assert_eq!((mapped.role("State"), mapped.role("stage")), (Ok(None), Ok(None)));
    }

    #[test]
    fn rejects_unknown_fields_and_columns_of_two_fields() {
        let wrong = |columns: &[(&str, &str)]| mapping(columns).expect_err("it is wrong");
        assert_eq!(wrong(&[("knd", "a")]), "a target has no field `knd`; did you mean `kind`?");
        assert_eq!(wrong(&[("id", "a"), ("kind", "a")]), "the column `a` is mapped to both `id` and `kind`");
        assert!(several("kind", &["a", "b"]).unwrap_err().contains("only `id` can be joined"));
        assert!(several("id", &[]).is_err() && several("id", &["a"; 2]).is_err());
        assert!(several("id", &["a", "b", "c", "d", "e", "f", "g", "h", "i"]).is_err());
        assert_eq!(several("id", &["a", "b"]).unwrap().parts(), 2);
    }

    proptest! {
        /// Different values have different ids, and an id has the values that it was joined from.
        #[test]
        fn an_id_of_several_columns_is_unambiguous(parts in prop::collection::vec("[a-c/%0-9]{1,6}", 2..5)) {
            let id = join_parts(parts.iter().map(|part| Some(Cow::Borrowed(part.as_str())))).unwrap();
            let back: Vec<String> = id.split('/').map(|part| part.replace("%2F", "/").replace("%25", "%")).collect();
            prop_assert_eq!(back, parts);
        }
    }
}
