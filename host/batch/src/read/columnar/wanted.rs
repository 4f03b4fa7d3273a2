//! Which columns of a file are read: those that hold fields of a target.

use crate::columns::{Field, LIST_COLUMNS};
use crate::read::mapping::{Mapping, check_distinct};
use arrow_schema::Schema;
use reprieve_model::did_you_mean;

/// A column that is read, and the field that it holds.
#[derive(Clone, Debug)]
pub(super) struct WantedColumn {
    /// Its index in the file.
    pub index: usize,
    pub name: String,
    pub field: Field,
}

/// Returns the columns of a target list that are read, in the order of the file.
pub(super) fn wanted_columns(schema: &Schema, mapping: &Mapping) -> Result<Vec<WantedColumn>, String> {
    let names = schema.fields().iter().map(|column| column.name().as_str());
    check_distinct(names, |name| mapping.field(name).is_some())?;
    let mut wanted: Vec<WantedColumn> = Vec::new();
    for (index, column) in schema.fields().iter().enumerate() {
        let name = column.name().clone();
        let Some(field) = mapping.field_unless_ambiguous(&name)? else { continue };
        wanted.push(WantedColumn { index, name, field });
    }
    for known in LIST_COLUMNS {
        let field = known.field;
        let column = mapping.column(field);
        let is_there = wanted.iter().any(|wanted| wanted.field == field);
        if !is_there && (field == Field::ID || column != known.name) {
            return Err(no_column(schema, field, column));
        }
    }
    Ok(wanted)
}

fn no_column(schema: &Schema, field: Field, column: &str) -> String {
    let names = || schema.fields().iter().map(|column| column.name().as_str());
    let field = field.name();
    match did_you_mean(column, names()) {
        Some(near) => format!("there is no column `{column}`; did you mean `{near}`?"),
        None => {
            let names: Vec<&str> = names().take(20).collect();
            format!(
                "there is no column `{column}` to read `{field}` from; map `{field}` to one of: {}",
                names.join(", ")
            )
        }
    }
}
