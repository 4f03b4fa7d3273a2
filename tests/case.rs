//! A case below `incidents/`: a request, what it should come to, and the gate that vets it.
#![allow(clippy::unwrap_used, clippy::panic)]

use reprieve::model::{DecisionDocument, Severity, Timestamp, Verdict};
use reprieve::{Batch, Cache, Folder, Gate, PastBatches, Table, Unreadable};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What a case should come to: `expected.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The time to decide for.
    pub at: Timestamp,
    /// The verdict.
    pub decision: Verdict,
    /// Codes that must be among the enforced denials, the real cause first.
    pub codes: Vec<String>,
    /// What happened, in a few words.
    #[serde(default)]
    pub title: String,
    /// When it happened.
    #[serde(default)]
    pub date: String,
    /// Whether vetting a request could only have stopped a part of it; the README says which.
    #[serde(default)]
    pub limits: bool,
    /// Files too large to keep here.
    #[serde(default)]
    pub generate: Vec<Generate>,
}

/// A file made of one line, over and over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    file: String,
    header: String,
    rows: u64,
    /// `{i}` is the row's number, counted from 1.
    line: String,
}

/// A case, ready to be vetted with every built-in policy and its defaults.
pub struct Case {
    /// Its folder.
    pub path: PathBuf,
    /// What it should come to.
    pub expected: Expected,
    /// Its request, as it stands.
    pub request: String,
    gate: Gate,
    folder: Folder,
    /// Where files were generated.
    _copy: Option<tempfile::TempDir>,
}

/// The folders of all incidents, in order.
pub fn incidents() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    cases
}

impl Case {
    /// Opens a case; files that are too large to keep are made in a copy of its folder.
    pub fn open(path: &Path) -> Self {
        let wrong = |error: &dyn std::fmt::Display| -> ! { panic!("{}: {error}", path.display()) };
        let text = |name: &str| std::fs::read_to_string(path.join(name)).unwrap_or_else(|error| wrong(&error));
        let expected: Expected = serde_json::from_str(&text("expected.json")).unwrap_or_else(|error| wrong(&error));
        let copy = (!expected.generate.is_empty()).then(|| generate(path, &expected.generate));
        let place = copy.as_ref().map_or(path, |copy| copy.path());

        let mut builder = Gate::builder().cache(Cache::open(Path::new(env!("OUT_DIR")).join("compiled")).unwrap());
        if place.join("inventory.csv").exists() {
            builder =
                builder.inventory(Table::open(&place.join("inventory.csv")).unwrap_or_else(|error| wrong(&error)));
        }
        if place.join("history.json").exists() {
            builder =
                builder.history(PastBatches::open(&place.join("history.json")).unwrap_or_else(|error| wrong(&error)));
        }
        Self {
            gate: builder.build().unwrap_or_else(|error| wrong(&error)),
            folder: Folder::open(place).unwrap_or_else(|error| wrong(&error)),
            request: text("request.json"),
            path: path.to_owned(),
            expected,
            _copy: copy,
        }
    }

    /// Vets a request in the place of the case's own.
    pub fn vet(&self, request: &str) -> Result<DecisionDocument, Unreadable> {
        let batch = Batch::read(request.as_bytes(), "request.json", &self.folder)?;
        Ok(self.gate.vet(batch.at(self.expected.at)).document().clone())
    }

    /// Vets the case's own request.
    pub fn decide(&self) -> DecisionDocument {
        self.vet(&self.request).unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }

    /// The case's name.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }
}

fn generate(path: &Path, files: &[Generate]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    for file in files {
        let mut text = format!("{}\n", file.header);
        for i in 1..=file.rows {
            writeln!(text, "{}", file.line.replace("{i}", &i.to_string())).unwrap();
        }
        std::fs::write(copy.path().join(&file.file), text).unwrap();
    }
    copy
}

/// The codes of the denials in a decision.
pub fn denials(document: &DecisionDocument) -> BTreeSet<&str> {
    let denials = document.findings.iter().filter(|finding| finding.severity == Severity::Deny);
    denials.map(|finding| finding.code.as_str()).collect()
}
