//! Which columns of a file are read: those that hold fields of a target.

use crate::columns::Field;
use crate::read::mapping::{Mapping, Role, check_distinct};
use crate::read::read_as::ReadAs;
use arrow_schema::Schema;
use reprieve_model::{NumericTimes, did_you_mean};

/// A column that is read, and the field that it holds.
#[derive(Clone, Debug)]
pub(super) struct WantedColumn {
    /// Its index in the file.
    pub index: usize,
    pub name: String,
    pub field: Field,
    /// The place of the column among those that the id is joined from.
    pub part: Option<u8>,
    /// What a number means in a column of times.
    pub times: Option<NumericTimes>,
}

/// Returns the columns of a target list that are read, in the order of the file.
pub(super) fn wanted_columns(
    schema: &Schema,
    mapping: &Mapping,
    read_as: &mut ReadAs,
) -> Result<Vec<WantedColumn>, String> {
    let names = schema.fields().iter().map(|column| column.name().as_str());
    check_distinct(names, |name| mapping.known(name).is_some())?;
    let mut wanted: Vec<WantedColumn> = Vec::new();
    for (index, column) in schema.fields().iter().enumerate() {
        let name = column.name().clone();
        let Some(Role { field, part }) = mapping.role(&name)? else {
            read_as.leave_alone([name]);
            continue;
        };
        wanted.push(WantedColumn { index, name, field, part, times: mapping.times });
    }
    let is_there = |column: &str| wanted.iter().any(|wanted| wanted.name == column);
    if let Some((field, column)) = mapping.required().find(|(_, column)| !is_there(column)) {
        return Err(no_column(schema, field, column));
    }
    read_as.use_columns(mapping, is_there);
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
