//! Drafts of requests.

use crate::errors::Error;
use crate::targets::{TARGETS, Targets, private_folder};
use crate::work::run;
use pyo3::prelude::*;
use reprieve::ReadError;
use reprieve::model::{Mode, SourceColumns, TargetFiles, Timestamp};
use reprieve_readers::Summary;
use reprieve_readers::draft::{Claims, DraftError, Origin, SourceFile, draft as draft_request, listed};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;

/// What is said of a deletion beside its list.
#[derive(Deserialize)]
struct Said {
    mode: Option<Mode>,
    environment: Option<String>,
    kind: Option<String>,
    id: Option<String>,
    set: Map<String, Value>,
    reading: Option<Reading>,
}

/// What a file of another tool says, as `read` returned it.
#[derive(Deserialize)]
struct Reading {
    file: String,
    sha256: String,
    is_call: bool,
    tool: Option<String>,
    mode: Option<Mode>,
    verb: Option<String>,
    cascade: Option<bool>,
    actor: Option<String>,
    extracted_at: Option<Timestamp>,
}

/// Drafts a request for a list. Returns it as JSON.
#[pyfunction]
#[pyo3(signature = (targets, columns, said))]
pub fn draft(
    py: Python<'_>,
    targets: &Bound<'_, PyAny>,
    columns: Vec<(String, Vec<String>)>,
    said: &str,
) -> PyResult<String> {
    let targets = Targets::of(targets)?;
    let said: Said = serde_json::from_str(said).map_err(|error| Error::request(error.to_string()))?;
    // The environment is read with the GIL, because Python may change it.
    let origin = Origin::find();
    Ok(run(py, None, move || drafted(targets, columns, said, &origin))??)
}

fn drafted(
    targets: Targets,
    columns: Vec<(String, Vec<String>)>,
    said: Said,
    origin: &Origin,
) -> Result<String, Error> {
    let private = private_folder()?;
    let path = targets.file(private.path())?;
    let is_file = !path.starts_with(private.path());
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(Error::request(format!("{} is not a file", path.display())));
    };
    let columns = columns.into_iter().map(|(field, mut columns)| {
        let only = if columns.len() == 1 { columns.pop() } else { None };
        (field, only.map_or(SourceColumns::Several(columns), SourceColumns::One))
    });
    let form = TargetFiles { columns: columns.collect(), ..TargetFiles::default() };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut list = listed(folder, &[name.to_owned()], form).map_err(|error| match error {
        DraftError::Read(error) if !is_file => Error::from(ReadError { file: TARGETS.to_owned(), ..error }),
        error => error.into(),
    })?;
    let sha256 = list.files.sha256.clone().unwrap_or_default();
    let source = match &said.reading {
        Some(reading) => SourceFile { name: Some(reading.file.clone()), sha256: reading.sha256.clone() },
        None => SourceFile { name: is_file.then(|| list.name.clone()), sha256 },
    };
    list.name = source.name.clone().unwrap_or_else(|| "targets".to_owned());
    let Said { mode, environment, kind, id, set, reading } = said;
    let claims = Claims { kind, mode, environment, id, set: set.into_iter().collect() };
    let summary = reading.map_or_else(Summary::default, |reading| Summary {
        is_call: reading.is_call,
        tool: reading.tool,
        mode: reading.mode,
        verb: reading.verb,
        cascade: reading.cascade,
        actor: reading.actor,
        extracted_at: reading.extracted_at.map(Timestamp::seconds),
        ..Summary::default()
    });
    Ok(draft_request(&claims, &list, &summary, &source, origin)?.to_json())
}
