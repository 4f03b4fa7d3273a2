//! Backups: snapshots of restic, archives of Borg and backups of Velero.

mod borg;
mod borg_text;
mod restic;
mod restic_text;
mod velero;

use crate::json::Value;
use crate::lines::json_lines;
use crate::object::{Object, objects};
use crate::{Input, Options, Sink, Summary};
use reprieve_batch::ReadError;

pub(crate) fn read(input: &Input<'_>, _: &Options, sink: &mut Sink<'_>) -> Result<Summary, ReadError> {
    let text = input.text()?;
    if !text.trim_start().starts_with(['{', '[']) {
        return if borg_text::is_borg(text) {
            borg_text::read(input, text, sink)
        } else {
            restic_text::read(input, text, sink)
        };
    }
    if is_log(input, text) {
        return borg_text::read_log(input, &json_lines(input)?, sink);
    }
    match &input.json()? {
        Value::Array(items) => restic::read(input, &objects(input, items)?, sink),
        document => {
            let document = Object::new(input, document, "")?;
            if document.has("apiVersion") {
                velero::read(&document, sink)
            } else if document.has("repository") {
                borg::read(&document, sink)
            } else {
                Err(document
                    .error("not a list of restic, Borg or Velero: it has no `apiVersion` and no `repository`"))
            }
        }
    }
}

/// Whether a file is what `borg --log-json` writes: one JSON document per line, each with a type.
fn is_log(input: &Input<'_>, text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    let document = Input { bytes: first.as_bytes(), ..*input }.json();
    document.is_ok_and(|document| document.get("type").is_some())
}
