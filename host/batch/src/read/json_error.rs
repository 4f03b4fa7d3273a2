//! Errors of a JSON document, with a pointer to the wrong value and the field that was probably meant.

use crate::error::{Place, ReadError, without_position};
use reprieve_model::{Request, Targets, did_you_mean};
use schemars::JsonSchema;

/// Turns an error of the reader of a request or a history into a [`ReadError`].
pub(super) fn explain(shown: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> ReadError {
    explain_in::<Request<Targets>>(shown, error)
}

/// Turns an error of the reader of a document, whose schema is that of `T`, into a [`ReadError`].
pub(super) fn explain_in<T: JsonSchema>(
    shown: &str,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> ReadError {
    let cause = error.inner();
    let pointer = pointer(error.path());
    let line = cause.line().max(1) as u64;
    if cause.is_syntax() || cause.is_eof() {
        let message =
            if cause.is_eof() { "the JSON ends too early".to_owned() } else { format!("not JSON: {cause}") };
        return ReadError::new(shown, Place::Line(line), message);
    }
    if let Some(UnknownField { parent, field, known }) = unknown_field::<T>(&pointer) {
        let place = Place::Pointer { pointer: parent, line };
        let help = match did_you_mean(&field, known.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the fields here are {}", known.join(", ")),
        };
        return ReadError::new(shown, place, format!("there is no field `{field}`")).with_help(help);
    }
    ReadError::new(shown, Place::Pointer { pointer, line }, without_position(cause))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer += &format!("/{index}"),
            Segment::Map { key } => pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer += &format!("/{variant}"),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// A field that an object of a request must not have.
struct UnknownField {
    /// The pointer to the object.
    parent: String,
    field: String,
    /// The fields that the object may have.
    known: Vec<String>,
}

/// Returns the last step of a pointer into a request if the request's schema does not have that field.
fn unknown_field<T: JsonSchema>(pointer: &str) -> Option<UnknownField> {
    let schema = schemars::schema_for!(T).to_value();
    let (parent, field) = pointer.rsplit_once('/')?;
    let mut at = schema.clone();
    for step in parent.split('/').skip(1) {
        let next = if step.parse::<usize>().is_ok() { at.get("items") } else { at.get("properties")?.get(step) };
        at = resolve(next?, &schema)?;
    }
    let known: Vec<String> = at.get("properties")?.as_object()?.keys().cloned().collect();
    let is_known = known.iter().any(|known| known == field);
    (!is_known).then(|| UnknownField { parent: parent.to_owned(), field: field.to_owned(), known })
}

/// Follows the reference of a schema, and the first option of an optional one.
fn resolve(mut schema: &serde_json::Value, root: &serde_json::Value) -> Option<serde_json::Value> {
    loop {
        if let Some(reference) = schema.get("$ref").and_then(serde_json::Value::as_str) {
            return Some(root.pointer(reference.strip_prefix('#')?)?.clone());
        }
        match schema.get("anyOf").and_then(|options| options.get(0)) {
            Some(option) => schema = option,
            None => return Some(schema.clone()),
        }
    }
}
