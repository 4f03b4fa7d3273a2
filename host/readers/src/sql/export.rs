//! The export of a query: rows with an id column, from psql's `\copy`, COPY or `mysql -B`.

use super::csv::{Delimiter, Field, Row, Rows};
use crate::{Action, Input, Item, Options, Sink, Summary};
use reprieve_batch::{Place, ReadError};
use std::collections::HashSet;

/// Columns whose name says that they are an id.
const IDS: &[&str] = &["guid", "id", "key", "pk", "uuid"];

pub(super) fn read(
    input: &Input<'_>,
    options: &Options,
    delimiter: Delimiter,
    sink: &mut Sink<'_>,
) -> Result<Summary, ReadError> {
    let mut rows = Rows::new(input, input.text()?, delimiter);
    let Some(first) = rows.next()? else { return Err(input.error(Place::Whole, "the file is empty")) };
    let columns = first.fields.len();
    let column =
        if options.no_header { by_number(input, options, columns)? } else { by_name(input, options, &first)? };
    let mut next = if options.no_header { Some(first) } else { rows.next()? };
    let mut seen = HashSet::new();
    while let Some(row) = next {
        let error = |message: String| input.error(Place::Line(row.line), message);
        let found = row.fields.len();
        let Some(field) = row.fields.get(column).filter(|_| found == columns) else {
            return Err(error(format!("the row has {found} columns, and the first line has {columns}")));
        };
        check(field, delimiter).map_err(error)?;
        if !row.is_ended && column + 1 == columns {
            return Err(error("the file does not end with a line end: the last id may be cut off".to_owned()));
        }
        if seen.contains(field.text.as_ref()) {
            let message = format!("the id `{}` is listed twice: the column is not a key", field.text);
            return Err(error(message));
        }
        seen.insert(field.text.clone().into_owned());
        let item = Item::new(field.text.as_ref(), Action::Listed);
        sink(match &options.kind {
            Some(kind) => item.kind(kind),
            None => item,
        })?;
        next = rows.next()?;
    }
    Ok(Summary {
        notes: if seen.is_empty() { vec!["the file has no rows".to_owned()] } else { Vec::new() },
        unseen: vec![
            "rows that the query does not return, and rows that are written after it",
            "rows of other tables that foreign keys and triggers delete",
        ],
        ..Summary::default()
    })
}

/// Refuses a field that is not an id.
fn check(field: &Field<'_>, delimiter: Delimiter) -> Result<(), String> {
    let text = field.text.as_ref();
    if !field.quoted && text.is_empty() {
        return Err("the row has no id: it is NULL".to_owned());
    }
    if !field.quoted && (text.eq_ignore_ascii_case("null") || text == "\\N") {
        return Err(format!("the row has no id: `{text}` is NULL in some exports, and a text in others"));
    }
    if text.trim().is_empty() {
        return Err("the id is blank".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err(format!("the id `{text}` has control characters"));
    }
    if text.contains('\\') && delimiter == Delimiter::Tab {
        return Err(format!("the id `{text}` has a backslash, which some exports write for another character"));
    }
    if text.starts_with('(') && (text.ends_with(" rows)") || text.ends_with(" row)")) {
        return Err(format!("`{text}` is the last line of an output for people"));
    }
    Ok(())
}

fn by_number(input: &Input<'_>, options: &Options, columns: usize) -> Result<usize, ReadError> {
    let error = |message: String| {
        let help = "give the number of the id column, counted from 1";
        input.error(Place::Whole, message).with_help(help)
    };
    let number = match options.id.as_slice() {
        [] => return Err(error(format!("which of the {columns} columns is the id is not known"))),
        [number] => number,
        numbers => return Err(error(format!("one column must be the id, found {}", numbers.len()))),
    };
    match number.parse::<usize>().ok().and_then(|number| number.checked_sub(1)) {
        Some(column) if column < columns => Ok(column),
        _ => Err(error(format!("`{number}` is not the number of a column; the file has {columns}"))),
    }
}

fn by_name(input: &Input<'_>, options: &Options, header: &Row<'_>) -> Result<usize, ReadError> {
    check_header(input, header)?;
    if !header.is_ended {
        return Err(input.error(Place::Line(1), "the file ends within its header"));
    }
    let names: Vec<&str> = header.fields.iter().map(|field| field.text.as_ref()).collect();
    let error = |message: String| {
        input
            .error(Place::Line(1), format!("{message}; the columns are {}", names.join(", ")))
            .with_help("name the id column")
    };
    match options.id.as_slice() {
        [] => {}
        [id] => {
            let column = names.iter().position(|name| name == id);
            return column.ok_or_else(|| error(format!("there is no column `{id}`")));
        }
        ids => return Err(error(format!("one column must be the id, found {}", ids.len()))),
    }
    let is_exact = |name: &str| IDS.iter().any(|id| name.eq_ignore_ascii_case(id));
    let is_id = |name: &str| {
        let name = name.to_ascii_lowercase();
        is_exact(&name) || IDS.iter().any(|id| name.strip_suffix(id).is_some_and(|name| name.ends_with('_')))
    };
    let ids = names.iter().filter(|name| is_id(name)).count();
    match names.first() {
        Some(first) if is_exact(first) || (is_id(first) && ids == 1) => Ok(0),
        _ => Err(error("which column is the id is not known".to_owned())),
    }
}

/// Refuses a first line that is a row of data. To read it as a header would lose a row.
fn check_header(input: &Input<'_>, header: &Row<'_>) -> Result<(), ReadError> {
    let mut seen = HashSet::new();
    for field in &header.fields {
        let name = field.text.as_ref();
        let is_name = name.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '?'))
            && !name.chars().any(|c| c.is_control() || c == '@')
            && !["null", "none", "true", "false", "t", "f"].contains(&name.to_ascii_lowercase().as_str())
            && !is_uuid(name);
        if !is_name {
            return Err(input
                .error(Place::Line(1), format!("the first line does not look like a header: `{name}`"))
                .with_help("say that the file has no header, and give the number of the id column"));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(input.error(Place::Line(1), format!("the column `{name}` is duplicated")));
        }
    }
    Ok(())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
