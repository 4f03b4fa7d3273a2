//! Reads a case from one JSON file.

use crate::{Case, CaseError, Expected, MAX_FILE_BYTES};
use reprieve::model::Timestamp;
use reprieve::{Folder, read_file};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The content of the file of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What it tests, in one sentence.
    pub about: String,
    /// The time to decide for.
    pub at: Timestamp,
    /// The request, with its targets.
    pub request: Map<String, Value>,
    /// Settings of the policy under test.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Value>,
    /// Reference data of the policy under test: paths of files, relative to the folder of this file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// The records of the inventory, with the fields of an NDJSON inventory. Without it there is no inventory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Vec<Value>>,
    /// Past batches. Without it the history is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Value>>,
    /// The expected result.
    pub expect: Expected,
}

impl CaseFile {
    /// Reads the file of a case.
    ///
    /// # Errors
    /// [`CaseError`] with the place in the file.
    pub fn read(path: &Path) -> Result<Self, CaseError> {
        let unusable = |message: String| CaseError::unusable(path, message);
        let bytes = read_file(path, MAX_FILE_BYTES)?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| unusable(format!("at `{}`: {}", error.path(), error.inner())))
    }

    /// Writes the file, with the fields in the order of this type.
    ///
    /// # Errors
    /// [`CaseError`] if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CaseError> {
        let unusable = |message: String| CaseError::unusable(path, message);
        let text = serde_json::to_string_pretty(self).map_err(|error| unusable(error.to_string()))?;
        std::fs::write(path, text + "\n").map_err(|error| unusable(error.to_string()))
    }
}

pub(crate) fn open(path: &Path) -> Result<Case, CaseError> {
    let file = CaseFile::read(path)?;
    let unusable = |message: String| CaseError::unusable(path, message);
    let copy = unfold(&file, path.parent().unwrap_or(Path::new(""))).map_err(unusable)?;
    let request = Value::Object(file.request).to_string();
    Ok(Case {
        path: path.to_owned(),
        about: file.about,
        at: file.at,
        expected: file.expect,
        request,
        date: String::new(),
        limits: false,
        generated: false,
        settings: file.settings,
        data: file.data.into_keys().map(|name| (name.clone(), name)).collect(),
        folder: Folder::open(copy.path())?,
        place: copy.path().to_owned(),
        _copy: Some(copy),
    })
}

/// Writes the inventory, the history and the reference data of a case into a temporary folder.
fn unfold(file: &CaseFile, beside: &Path) -> Result<tempfile::TempDir, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let put =
        |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).map_err(|error| error.to_string());
    if let Some(records) = &file.inventory {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        put("inventory.ndjson", lines.as_bytes())?;
    }
    if let Some(batches) = &file.history {
        put("history.json", Value::Array(batches.clone()).to_string().as_bytes())?;
    }
    for (name, path) in &file.data {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(format!("at `data`: `{name}` is not a file name"));
        }
        let bytes =
            read_file(&beside.join(path), MAX_FILE_BYTES).map_err(|error| format!("at `data.{name}`: {error}"))?;
        put(name, &bytes)?;
    }
    Ok(folder)
}
