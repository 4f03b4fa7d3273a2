//! Which column of a file each field of a target is read from.

use crate::columns::{Field, LIST_COLUMNS};
use crate::text::{control_character, describe_control};
use hashbrown::HashMap;
use reprieve_model::did_you_mean;
use std::collections::BTreeMap;

/// The column of each field that is not read from the column of its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    renamed: Vec<Renamed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Renamed {
    column: String,
    field: Field,
}

impl Mapping {
    /// Creates a mapping from the names of fields to the names of columns.
    pub fn of(columns: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut renamed: Vec<Renamed> = Vec::new();
        for (name, column) in columns {
            let field = LIST_COLUMNS.iter().find(|known| known.name == name).map(|known| known.field);
            let field = field.ok_or_else(|| unknown(name))?;
            if let Some(other) = renamed.iter().find(|other| other.column == *column) {
                return Err(format!("the column `{column}` is mapped to both `{}` and `{name}`", other.field.name()));
            }
            renamed.push(Renamed { column: column.clone(), field });
        }
        Ok(Self { renamed })
    }

    /// Returns the field that a column holds.
    #[inline]
    pub fn field(&self, column: &str) -> Option<Field> {
        if self.renamed.is_empty() {
            return Field::of(column);
        }
        if let Some(renamed) = self.renamed.iter().find(|renamed| renamed.column == column) {
            return Some(renamed.field);
        }
        Field::of(column).filter(|field| !self.renamed.iter().any(|renamed| renamed.field == *field))
    }

    /// Returns the field that a column holds. A column with the name of a field that is mapped to another column is an
    /// error: a program that reads the list without this mapping would use it as that field.
    #[inline]
    pub fn field_unless_ambiguous(&self, column: &str) -> Result<Option<Field>, String> {
        let field = self.field(column);
        let folded = || Field::of(&folded(column)).filter(|field| self.column(*field) != field.name());
        match field.is_none().then(folded).flatten() {
            Some(mapped) => Err(self.ambiguous(mapped)),
            None => Ok(field),
        }
    }

    fn ambiguous(&self, field: Field) -> String {
        let (name, column) = (field.name(), self.column(field));
        format!("ambiguous: `{name}` is mapped to the column `{column}`, but the list has a column `{name}` as well")
    }

    /// Returns the field that a column holds; a column that holds none is an error.
    #[inline]
    pub fn require_field(&self, column: &str) -> Result<Field, String> {
        let field = self.field_unless_ambiguous(column)?.ok_or_else(|| unknown(column))?;
        match control_character(column) {
            Some(c) if field == Field::OWN => Err(format!("the name of a column: {}", describe_control(c))),
            _ => Ok(field),
        }
    }

    /// Returns the column that a field is read from.
    pub fn column(&self, field: Field) -> &str {
        let renamed = self.renamed.iter().find(|renamed| renamed.field == field);
        renamed.map_or_else(|| field.name(), |renamed| &renamed.column)
    }
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
        Some(known) => format!("a target has no field `{name}`; did you mean `{known}`?"),
        None => format!("a target has no field `{name}`; fields of your own begin with `x_`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(columns: &[(&str, &str)]) -> Result<Mapping, String> {
        Mapping::of(&columns.iter().map(|(field, column)| ((*field).to_owned(), (*column).to_owned())).collect())
    }

    #[test]
    fn reads_each_field_from_one_column() {
        let plain = mapping(&[]).unwrap();
        for column in LIST_COLUMNS {
            assert_eq!((plain.field(column.name), plain.column(column.field)), (Some(column.field), column.name));
        }
        assert_eq!((plain.field("x_own"), plain.field("app_id")), (Some(Field::OWN), None));

        let renamed = mapping(&[("id", "app_id"), ("kind", "id")]).unwrap();
        assert_eq!(renamed.field("app_id"), Some(Field::ID));
        assert_eq!(renamed.field("id"), Field::of("kind"));
        assert_eq!(renamed.field("kind"), None);
        assert_eq!(renamed.field("tenant"), Field::of("tenant"));
        assert_eq!(renamed.column(Field::ID), "app_id");
        let kind = renamed.require_field("kind").expect_err("it is read from `id`");
        assert_eq!(kind, "ambiguous: `kind` is mapped to the column `id`, but the list has a column `kind` as well");
    }

    #[test]
    fn rejects_unknown_fields_and_columns_of_two_fields() {
        let wrong = |columns: &[(&str, &str)]| mapping(columns).expect_err("it is wrong");
        assert_eq!(wrong(&[("knd", "a")]), "a target has no field `knd`; did you mean `kind`?");
        assert_eq!(wrong(&[("id", "a"), ("kind", "a")]), "the column `a` is mapped to both `id` and `kind`");
    }
}
