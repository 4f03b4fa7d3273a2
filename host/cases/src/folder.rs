//! Reads a case from a folder.

use crate::{Case, CaseError, Expected, MAX_FILE_BYTES};
use reprieve::model::{Timestamp, Verdict};
use reprieve::{Folder, read_file};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The content of `expected.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFile {
    at: Timestamp,
    decision: Verdict,
    codes: Vec<String>,
    #[serde(default)]
    title: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    limits: bool,
    #[serde(default)]
    generate: Vec<Generate>,
}

/// A file that is too large to store and is generated from one repeated line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// Its name.
    file: String,
    /// Its first line.
    header: String,
    /// The number of lines after it.
    rows: u64,
    /// Each of these lines; `{i}` is the number of the row, counted from 1.
    line: String,
}

pub(crate) fn open(path: &Path) -> Result<Case, CaseError> {
    let unusable = |message: String| CaseError::unusable(path, message);
    let text = |name: &str| {
        let bytes = read_file(&path.join(name), MAX_FILE_BYTES)?;
        String::from_utf8(bytes).map_err(|_| unusable(format!("{name}: not UTF-8")))
    };
    let expected: ExpectedFile =
        serde_json::from_str(&text("expected.json")?).map_err(|error| unusable(format!("expected.json: {error}")))?;
    let copy = match expected.generate.as_slice() {
        [] => None,
        files => Some(generate(path, files).map_err(|error| unusable(error.to_string()))?),
    };
    let place = copy.as_ref().map_or(path, |copy| copy.path()).to_owned();
    Ok(Case {
        path: path.to_owned(),
        about: expected.title,
        at: expected.at,
        expected: Expected { decision: expected.decision, codes: expected.codes, findings: None },
        request: text("request.json")?,
        date: expected.date,
        limits: expected.limits,
        generated: copy.is_some(),
        settings: BTreeMap::new(),
        data: BTreeMap::new(),
        folder: Folder::open(&place)?,
        place,
        _copy: copy,
    })
}

/// Copies the folder and generates the files in the copy.
fn generate(path: &Path, files: &[Generate]) -> std::io::Result<tempfile::TempDir> {
    let copy = tempfile::tempdir()?;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name()))?;
        }
    }
    for file in files {
        let mut text = format!("{}\n", file.header);
        for i in 1..=file.rows {
            text += &file.line.replace("{i}", &i.to_string());
            text.push('\n');
        }
        std::fs::write(copy.path().join(&file.file), text)?;
    }
    Ok(copy)
}
