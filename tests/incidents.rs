//! The incidents: each is denied for its cause, and its corrected twin is allowed, by the same default policies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve::model::{DecisionDocument, Timestamp, Verdict};
use reprieve::{Batch, Gate, GateBuilder, Table};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What a case should come to: `expected.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The time to decide for.
    at: Timestamp,
    /// The verdict.
    decision: Verdict,
    /// Codes that must be among the enforced denials, the real cause first.
    codes: Vec<String>,
    /// What happened, in a few words.
    #[serde(default)]
    title: String,
    /// When it happened.
    #[serde(default)]
    date: String,
    /// Whether vetting a request could only have stopped a part of it; the README says which.
    #[serde(default)]
    limits: bool,
    /// Files too large to keep here.
    #[serde(default)]
    generate: Vec<Generate>,
}

/// A file made of one line, over and over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    file: String,
    header: String,
    rows: u64,
    /// `{i}` is the row's number, counted from 1.
    line: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents")
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    cases
}

/// A gate with every built-in policy and its defaults.
fn builder() -> GateBuilder {
    Gate::builder().cache(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"))
}

fn expected(case: &Path) -> Expected {
    let path = case.join("expected.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Vets a case, in a copy of its folder where files have to be generated.
fn vet(case: &Path, expected: &Expected) -> DecisionDocument {
    let copy = tempfile::tempdir().unwrap();
    let mut place = case.to_owned();
    if !expected.generate.is_empty() {
        place = copy.path().to_owned();
        for entry in std::fs::read_dir(case).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, place.join(path.file_name().unwrap())).unwrap();
            }
        }
        for file in &expected.generate {
            let mut text = format!("{}\n", file.header);
            for i in 1..=file.rows {
                writeln!(text, "{}", file.line.replace("{i}", &i.to_string())).unwrap();
            }
            std::fs::write(place.join(&file.file), text).unwrap();
        }
    }
    let name = case.display();
    let mut builder = builder();
    let inventory = place.join("inventory.csv");
    if inventory.exists() {
        builder = builder.inventory(Table::open(&inventory).unwrap_or_else(|error| panic!("{name}: {error}")));
    }
    let batch = Batch::open(&place.join("request.json")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let decision = builder.build().unwrap().vet(batch.at(expected.at));
    decision.document().clone()
}

fn denials(document: &DecisionDocument) -> BTreeSet<&str> {
    use reprieve::model::Severity;
    let denials = document.findings.iter().filter(|finding| finding.severity == Severity::Deny);
    denials.map(|finding| finding.code.as_str()).collect()
}

/// The built-in policies there are.
static POLICIES: LazyLock<BTreeSet<&str>> = LazyLock::new(|| reprieve::builtins::names().collect());

#[test]
fn incidents_are_denied_for_their_cause() {
    let cases = cases();
    assert!(cases.len() >= 5, "only {} cases", cases.len());
    for case in cases {
        let expected = expected(&case);
        let document = vet(&case, &expected);
        let (name, found) = (case.display(), denials(&document));
        assert_eq!(document.decision, expected.decision, "{name}: {:?}", document.faults);
        assert!(!expected.codes.is_empty(), "{name} expects no code");
        for code in &expected.codes {
            let policy = code.split('/').next().unwrap();
            if POLICIES.contains(policy) {
                assert!(found.contains(code.as_str()), "{name}: no {code} among {found:?}");
            }
        }
    }
}

#[test]
fn corrected_twins_are_allowed() {
    for case in cases() {
        let twin = case.join("corrected");
        let expected = expected(&twin);
        let document = vet(&twin, &expected);
        assert_eq!(expected.decision, Verdict::Allow, "{}", twin.display());
        assert_eq!(document.decision, Verdict::Allow, "{}: {:#?}", twin.display(), document.findings);
    }
}

#[test]
fn every_incident_tells_its_story() {
    for case in cases() {
        let text = std::fs::read_to_string(case.join("README.md")).unwrap();
        let expected = expected(&case);
        assert!(text.starts_with("# ") && text.contains("Source"), "{}", case.display());
        assert_eq!(text.contains("Limits:"), expected.limits, "{}", case.display());
        assert!(!expected.title.is_empty() && !expected.date.is_empty(), "{}", case.display());
    }
}

#[test]
fn the_same_decision_twice_is_the_same_to_the_last_unit_of_fuel() {
    for case in cases().into_iter().take(5) {
        let expected = expected(&case);
        assert_eq!(vet(&case, &expected), vet(&case, &expected), "{}", case.display());
    }
}
