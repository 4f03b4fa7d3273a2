//! A case that is one JSON file.

use crate::{Case, Expected, Failure};
use reprieve::Folder;
use reprieve::model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// What stands in the file of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// What it is about, in one sentence.
    pub about: String,
    /// The time to decide for.
    pub at: Timestamp,
    /// The request, with its targets.
    pub request: Map<String, Value>,
    /// Settings of the policy under test.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Value>,
    /// Reference data of the policy under test: paths of files, seen from the folder of this one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// What the inventory knows: objects with the fields of an NDJSON inventory. Without it there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Vec<Value>>,
    /// What was deleted before. Without it nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Value>>,
    /// What it should come to.
    pub expect: Expected,
}

impl CaseFile {
    /// Reads the file of a case.
    ///
    /// # Errors
    /// [`Failure`] with the JSON pointer.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let unusable = |message: String| Failure::Unusable { path: path.to_owned(), message };
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| unusable(format!("at `{}`: {}", error.path(), error.inner())))
    }

    /// Writes it, in the order of the documentation.
    ///
    /// # Errors
    /// [`Failure`] where it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let unusable = |message: String| Failure::Unusable { path: path.to_owned(), message };
        let text = serde_json::to_string_pretty(self).map_err(|error| unusable(error.to_string()))?;
        std::fs::write(path, text + "\n").map_err(|error| unusable(error.to_string()))
    }
}

pub(crate) fn open(path: &Path) -> Result<Case, Failure> {
    let file = CaseFile::read(path)?;
    let unusable = |message: String| Failure::Unusable { path: path.to_owned(), message };
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

/// Puts what the file holds, and the reference data that it names, into files of a folder.
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
            return Err(format!("at `data`: `{name}` is not a name"));
        }
        let bytes = std::fs::read(beside.join(path)).map_err(|error| format!("at `data.{name}`: {path}: {error}"))?;
        put(name, &bytes)?;
    }
    Ok(folder)
}
