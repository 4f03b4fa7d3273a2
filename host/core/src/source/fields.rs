//! The fields of a target, and which column of a file each of them is read from.

use super::nearest;
use std::collections::BTreeMap;

/// A field of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Kind,
    Tenant,
    Environment,
    State,
    CreatedAt,
    LastUsedAt,
    SizeBytes,
    /// One of the list's own, `x_…`.
    Own,
}

/// Every field with its name.
pub(super) const FIELDS: [(&str, Field); 8] = [
    ("id", Field::Id),
    ("kind", Field::Kind),
    ("tenant", Field::Tenant),
    ("environment", Field::Environment),
    ("state", Field::State),
    ("created_at", Field::CreatedAt),
    ("last_used_at", Field::LastUsedAt),
    ("size_bytes", Field::SizeBytes),
];

/// Which column each field is read from, where it is not the one of its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The column, and the field it holds.
    renamed: Vec<(String, Field)>,
}

impl Mapping {
    /// The mapping of fields to columns.
    pub fn of(columns: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut renamed: Vec<(String, Field)> = Vec::new();
        for (name, column) in columns {
            let field = FIELDS.iter().find(|(known, _)| known == name).map(|(_, field)| *field);
            let field = field.ok_or_else(|| unknown(name))?;
            if let Some((_, other)) = renamed.iter().find(|(taken, _)| taken == column) {
                return Err(format!("the column `{column}` is both `{}` and `{name}`", other.name()));
            }
            renamed.push((column.clone(), field));
        }
        Ok(Self { renamed })
    }

    /// The field that a column holds, if it holds one.
    #[inline]
    pub fn field(&self, column: &str) -> Option<Field> {
        if !self.renamed.is_empty() {
            if let Some((_, field)) = self.renamed.iter().find(|(renamed, _)| renamed == column) {
                return Some(*field);
            }
            // A field that is read from elsewhere is not read from here too.
            return Field::of(column).filter(|field| !self.renamed.iter().any(|(_, other)| other == field));
        }
        Field::of(column)
    }

    /// As [`field`](Self::field). A column with the name of a field that is read from elsewhere is an error: who reads
    /// the list without this mapping would take it for that field.
    #[inline]
    pub fn field_if_any(&self, column: &str) -> Result<Option<Field>, String> {
        match (self.field(column), Field::of(column)) {
            (None, Some(field)) => Err(format!(
                "`{column}` is read from the column `{}`, and so this one stands for nothing",
                self.column(field)
            )),
            (field, _) => Ok(field),
        }
    }

    /// The field that a column of a list without columns of anybody else holds.
    #[inline]
    pub fn field_of(&self, column: &str) -> Result<Field, String> {
        self.field_if_any(column)?.ok_or_else(|| unknown(column))
    }

    /// The column that a field is read from.
    pub fn column(&self, field: Field) -> &str {
        let renamed = self.renamed.iter().find(|(_, other)| *other == field);
        renamed.map_or_else(|| field.name(), |(column, _)| column)
    }
}

impl Field {
    #[inline]
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "kind" => Self::Kind,
            "tenant" => Self::Tenant,
            "environment" => Self::Environment,
            "state" => Self::State,
            "created_at" => Self::CreatedAt,
            "last_used_at" => Self::LastUsedAt,
            "size_bytes" => Self::SizeBytes,
            own if own.starts_with("x_") => Self::Own,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        FIELDS.iter().find(|(_, field)| *field == self).map_or("x_…", |(name, _)| name)
    }
}

/// Says that a list has no such field, and which may have been meant.
fn unknown(name: &str) -> String {
    match nearest(name, FIELDS.map(|(name, _)| name)) {
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
    fn a_field_is_read_from_one_column() {
        let plain = mapping(&[]).unwrap();
        for (name, field) in FIELDS {
            assert_eq!((plain.field(name), plain.column(field), field.name()), (Some(field), name, name));
        }
        assert_eq!((plain.field("x_own"), plain.field("app_id")), (Some(Field::Own), None));

        let renamed = mapping(&[("id", "app_id"), ("kind", "id")]).unwrap();
        assert_eq!(renamed.field("app_id"), Some(Field::Id));
        assert_eq!(renamed.field("id"), Some(Field::Kind));
        assert_eq!(renamed.field("kind"), None);
        assert_eq!(renamed.field("tenant"), Some(Field::Tenant));
        assert_eq!(renamed.column(Field::Id), "app_id");
        let kind = renamed.field_of("kind").expect_err("it is read from `id`");
        assert_eq!(kind, "`kind` is read from the column `id`, and so this one stands for nothing");
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let wrong = |columns: &[(&str, &str)]| mapping(columns).expect_err("it is wrong");
        assert_eq!(wrong(&[("knd", "a")]), "a target has no field `knd`; did you mean `kind`?");
        assert_eq!(wrong(&[("id", "a"), ("kind", "a")]), "the column `a` is both `id` and `kind`");
    }
}
