//! Cases: requests, and what each should come to.
//!
//! A case is one of two things, and both are vetted in the same way:
//!
//! - a folder with `request.json`, `expected.json`, and where needed `inventory.csv` and `history.json`: the form of
//!   the incidents, which are as large as what happened;
//! - one JSON file that holds all of that: the form of the tests of a policy, which are small. See [`CaseFile`].

mod file;
mod folder;
mod outcome;

pub use file::CaseFile;
pub use folder::Generate;
pub use outcome::{Difference, differences, found};

use reprieve::model::{DecisionDocument, Severity, Timestamp, Verdict};
use reprieve::{Batch, Folder, Gate, GateBuilder, PastBatches, PolicyEntry, Setup, Table, Unreadable};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Why a case cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It cannot be read.
    #[error("{path}: {message}", path = .path.display())]
    Unusable {
        /// The case.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A file of it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The gate cannot be put together.
    #[error(transparent)]
    Setup(#[from] Setup),
}

/// What a case should come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The verdict.
    pub decision: Verdict,
    /// Codes that must be among the enforced denials, the real cause first. For a case in which many rules fire.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// Every finding there must be, and no other. For a case of one policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<ExpectedFinding>>,
}

/// A finding as a case expects it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFinding {
    /// The rule, without the policy's name.
    pub rule: String,
    /// Whether it denies.
    pub severity: Severity,
    /// How many targets offend; 0 where it is about the request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: u64,
    /// The ids of a few of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde wants it so
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A case, ready to be vetted.
#[derive(Debug)]
pub struct Case {
    /// Its file or folder.
    pub path: PathBuf,
    /// What it is about, in a sentence or a title.
    pub about: String,
    /// When it happened, where it did.
    pub date: String,
    /// The time to decide for.
    pub at: Timestamp,
    /// What it should come to.
    pub expected: Expected,
    /// Its request, as it stands.
    pub request: String,
    /// Whether vetting a request could only have stopped a part of it; its README says which.
    pub limits: bool,
    /// Whether files of it were too large to keep, and are made from a pattern.
    pub generated: bool,
    /// Settings of the policy under test.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// Reference data of the policy under test: files below the case's folder.
    pub data: BTreeMap<String, String>,
    folder: Folder,
    place: PathBuf,
    /// Where files were made.
    _copy: Option<tempfile::TempDir>,
}

impl Case {
    /// Opens a case: a folder, or a JSON file.
    ///
    /// # Errors
    /// [`Failure`] with the file and the place in it.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() { folder::open(path) } else { file::open(path) }
    }

    /// Gives a gate the inventory and the history of this case.
    ///
    /// # Errors
    /// [`Failure`] where they cannot be read, or the gate cannot be put together.
    pub fn gate(&self, mut builder: GateBuilder) -> Result<Gate, Failure> {
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

    /// Gives a gate one policy alone: the module `bytes`, with the settings and data of the case.
    #[must_use]
    pub fn alone(&self, builder: GateBuilder, name: &str, bytes: &[u8]) -> GateBuilder {
        let entry = PolicyEntry {
            source: name.to_owned(),
            settings: self.settings.clone(),
            data: self.data.clone(),
            ..PolicyEntry::builtin(name)
        };
        let set = reprieve::PolicySet::of(vec![entry]);
        builder.policies(set, Some(self.folder.clone())).file(name, bytes.to_owned())
    }

    /// Vets a request in the place of the case's own.
    ///
    /// # Errors
    /// [`Unreadable`] with the place in the request.
    pub fn vet(&self, gate: &Gate, request: &str) -> Result<DecisionDocument, Unreadable> {
        let batch = Batch::read(request.as_bytes(), "request.json", &self.folder)?;
        Ok(gate.vet(batch.at(self.at)).document().clone())
    }

    /// Vets the case's own request.
    ///
    /// # Errors
    /// [`Unreadable`] with the place in the request.
    pub fn decide(&self, gate: &Gate) -> Result<DecisionDocument, Unreadable> {
        self.vet(gate, &self.request)
    }

    /// The name of its file or folder.
    pub fn name(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.strip_suffix(".json").map(str::to_owned).unwrap_or(name)
    }
}

/// The cases directly below a folder, in the order of their names: JSON files, and folders with an `expected.json`.
///
/// # Errors
/// [`Failure`] where the folder cannot be read or holds none.
pub fn cases_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unusable = |message: String| Failure::Unusable { path: folder.to_owned(), message };
    let entries = std::fs::read_dir(folder).map_err(|error| unusable(error.to_string()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| unusable(error.to_string()))?;
    let is_file = |path: &Path| path.extension().is_some_and(|extension| extension == "json") && path.is_file();
    paths.retain(|path| is_file(path) || path.join("expected.json").is_file());
    paths.sort();
    if paths.is_empty() {
        return Err(unusable("there are no cases here: JSON files, or folders with an expected.json".to_owned()));
    }
    Ok(paths)
}

/// The codes of the enforced denials in a decision.
pub fn denials(document: &DecisionDocument) -> BTreeSet<&str> {
    document.findings.iter().filter(|finding| finding.denies()).map(|finding| finding.code.as_str()).collect()
}
