//! Cases: requests with their expected decisions.
//!
//! A case has one of two forms, and both are vetted in the same way:
//!
//! - a folder with `request.json`, `expected.json` and, if needed, `inventory.csv` and `history.json`. The incidents have
//!   this form, because they can be large;
//! - one JSON file with the same content. The tests of a policy have this form, because they are small. See [`CaseFile`].

mod file;
mod folder;
mod outcome;

pub use file::CaseFile;
pub use folder::Generate;
pub use outcome::{Difference, actual_findings, differences};

use reprieve::history::PastBatches;
use reprieve::inventory::Table;
use reprieve::model::{DecisionDocument, Severity, Timestamp, Verdict};
use reprieve::policy::PolicyEntry;
use reprieve::{Batch, BuildError, Folder, Gate, GateBuilder, PolicySet, ReadError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The maximum size of a file of a case in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Why a case cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// The case itself cannot be read.
    #[error("{path}: {message}", path = .path.display())]
    Unusable {
        /// The case.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// One of its files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The gate cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl CaseError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unusable { .. } => None,
            Self::Read(error) => error.help.as_deref(),
            Self::Build(error) => error.help(),
        }
    }

    pub(crate) fn unusable(path: &Path, message: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), message: message.into() }
    }
}

/// The expected result of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The verdict.
    pub decision: Verdict,
    /// Codes that must be among the enforced denials, the real cause first. For a case in which many rules fire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// All findings, and no others. For a case of one policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<ExpectedFinding>>,
}

/// An expected finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFinding {
    /// The rule, without the policy's name.
    pub rule: String,
    /// Whether it denies.
    pub severity: Severity,
    /// The number of offending targets; 0 for a finding about the request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: u64,
    /// The ids of a few of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A case, ready to be vetted.
#[derive(Debug)]
pub struct Case {
    /// Its file or folder.
    pub path: PathBuf,
    /// What it tests, in a sentence or a title.
    pub about: String,
    /// The date of the incident, if it is one.
    pub date: String,
    /// The time to decide for.
    pub at: Timestamp,
    /// The expected result.
    pub expected: Expected,
    /// The text of its request.
    pub request: String,
    /// Whether vetting a request could have stopped only a part of the incident; its README says which.
    pub limits: bool,
    /// Whether some of its files are too large to store and were generated from a pattern.
    pub generated: bool,
    /// Settings of the policy under test.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Reference data of the policy under test: files below the folder of the case.
    pub data: BTreeMap<String, String>,
    folder: Folder,
    place: PathBuf,
    /// The temporary folder with generated files, removed when the case is dropped.
    _copy: Option<tempfile::TempDir>,
}

impl Case {
    /// Opens a case: a folder or a JSON file.
    ///
    /// # Errors
    /// [`CaseError`] with the file and the place in it.
    pub fn open(path: &Path) -> Result<Self, CaseError> {
        if path.is_dir() { folder::open(path) } else { file::open(path) }
    }

    /// Builds a gate with the inventory and the history of this case.
    ///
    /// # Errors
    /// [`CaseError`] if they cannot be read or the gate cannot be built.
    pub fn gate(&self, mut builder: GateBuilder) -> Result<Gate, CaseError> {
        for name in ["inventory.csv", "inventory.ndjson"] {
            if self.place.join(name).exists() {
                builder = builder.inventory(Table::open(&self.place.join(name))?);
            }
        }
        if self.place.join("history.json").exists() {
            builder = builder.history(PastBatches::open(&self.place.join("history.json"))?);
        }
        Ok(builder.build()?)
    }

    /// Sets a single policy: that of the module `bytes`, or the one of this name if it holds several, with the settings and
    /// data of the case. `file` is the name of the module.
    #[must_use]
    pub fn with_policy(&self, builder: GateBuilder, file: &str, name: Option<&str>, bytes: &[u8]) -> GateBuilder {
        let entry = PolicyEntry {
            source: file.to_owned(),
            name: name.map(str::to_owned),
            settings: self.settings.clone(),
            data: self.data.clone(),
            ..PolicyEntry::builtin("")
        };
        let set = PolicySet::of(vec![entry]);
        builder.policies(set, Some(self.folder.clone())).file(file, bytes.to_owned())
    }

    /// Vets a request instead of the request of the case.
    ///
    /// # Errors
    /// [`ReadError`] with the place in the request.
    pub fn vet(&self, gate: &Gate, request: &str) -> Result<DecisionDocument, ReadError> {
        let batch = Batch::read(request.as_bytes(), "request.json", &self.folder)?;
        Ok(gate.vet(batch.at(self.at)).document().clone())
    }

    /// Vets the request of the case.
    ///
    /// # Errors
    /// [`ReadError`] with the place in the request.
    pub fn decide(&self, gate: &Gate) -> Result<DecisionDocument, ReadError> {
        self.vet(gate, &self.request)
    }

    /// The name of its file or folder, without `.json`.
    pub fn name(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.strip_suffix(".json").map(str::to_owned).unwrap_or(name)
    }
}

/// Returns the cases directly below a folder, sorted by name: JSON files, and folders with an `expected.json`.
///
/// # Errors
/// [`CaseError`] if the folder cannot be read or contains no case.
pub fn cases_below(folder: &Path) -> Result<Vec<PathBuf>, CaseError> {
    let entries = std::fs::read_dir(folder).map_err(|error| CaseError::unusable(folder, error.to_string()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| CaseError::unusable(folder, error.to_string()))?;
    // What is not a regular file is an error when it is opened, and no case is skipped.
    let is_file = |path: &Path| path.extension().is_some_and(|extension| extension == "json") && !path.is_dir();
    paths.retain(|path| is_file(path) || path.join("expected.json").exists());
    paths.sort();
    if paths.is_empty() {
        return Err(CaseError::unusable(
            folder,
            "there are no cases here: neither JSON files nor folders with an `expected.json`",
        ));
    }
    Ok(paths)
}

/// Returns the codes of the enforced denials of a decision.
pub fn denials(document: &DecisionDocument) -> BTreeSet<&str> {
    document.findings.iter().filter(|finding| finding.denies()).map(|finding| finding.code.as_str()).collect()
}
