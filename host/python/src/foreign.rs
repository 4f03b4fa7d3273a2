//! Files of other tools.

use crate::errors::Error;
use crate::work::run;
use pyo3::prelude::*;
use reprieve::model::{Timestamp, did_you_mean};
use reprieve::{Folder, ReadError};
use reprieve_readers::{FORMATS, Input, Options, find};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The maximum size of a file in bytes.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// The formats: each name with what such a file is.
#[pyfunction]
pub fn formats() -> Vec<(&'static str, &'static str)> {
    FORMATS.iter().map(|format| (format.name, format.summary)).collect()
}

/// Reads a file of another tool. Returns its items, and what it says beside them, as JSON.
#[pyfunction]
#[pyo3(signature = (format, path, kind, id, no_header))]
pub fn read(
    py: Python<'_>,
    format: String,
    path: PathBuf,
    kind: Option<String>,
    id: Vec<String>,
    no_header: bool,
) -> PyResult<String> {
    let options = Options { kind, id, no_header };
    Ok(run(py, None, move || read_file(&format, &path, &options))??)
}

fn read_file(format: &str, path: &Path, options: &Options) -> Result<String, Error> {
    let names = || FORMATS.iter().map(|format| format.name);
    let format = find(format).ok_or_else(|| {
        let help = match did_you_mean(format, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the formats are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Error::request(format!("there is no format `{format}`")).with_help(help)
    })?;
    let (folder, name) = Folder::of(path)?;
    let bytes = folder.read(&name, MAX_FILE_BYTES)?;
    let companion = |name: &str| -> Result<Vec<u8>, ReadError> { folder.read(name, MAX_FILE_BYTES) };
    let input = Input { name: &folder.display_name(&name), bytes: &bytes, companion: &companion };
    let mut items = Vec::new();
    let summary = (format.read)(&input, options, &mut |item| {
        items.push(item.to_row());
        Ok(())
    })?;
    if summary.is_state {
        return Err(Error::request(format!(
            "{} is a state, not a plan: it says what there is, and deletes nothing",
            path.display()
        ))
        .with_help("pass a plan"));
    }
    if let Some(selector) = summary.selector {
        return Err(Error::request(format!("{} may delete what it does not list: {selector}", path.display()))
            .with_help("list what that deletes, and vet that list; then delete those targets and no others"));
    }
    let read = json!({
        "items": items,
        "file": name,
        "sha256": sha256(&bytes),
        "is_call": summary.is_call,
        "tool": summary.tool,
        "mode": summary.mode,
        "verb": summary.verb,
        "cascade": summary.cascade,
        "actor": summary.actor,
        "extracted_at": summary.extracted_at.map(Timestamp::from_seconds),
        "notes": summary.notes,
        "unseen": summary.unseen,
    });
    Ok(read.to_string())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
