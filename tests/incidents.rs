//! The incidents: with the default policies, each is denied for its actual cause, also if everything else is in order,
//! and its corrected twins are allowed.

use reprieve::model::Verdict;
use reprieve_cases::denials;
use reprieve_tests::incident::{Incident, incidents};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The number of folders in `tests/incidents`.
const INCIDENTS: usize = 48;
/// The number of incidents with a corrected twin that is a hard delete.
const HARD_TWINS: usize = 12;

#[test]
fn incidents_are_denied_for_their_cause() {
    let cases = incidents();
    assert_eq!(cases.len(), INCIDENTS);
    for path in cases {
        let case = Incident::open(&path);
        let (name, document) = (case.name(), case.decide());
        let found = denials(&document);
        assert_eq!(document.decision, Verdict::Deny, "{name}: {:?}", document.faults);
        assert_eq!(document.decision, case.case.expected.decision, "{name}");
        assert!(!case.case.expected.codes.is_empty(), "{name} expects no code");
        for code in &case.case.expected.codes {
            assert!(found.contains(code.as_str()), "{name}: no {code} among {found:?}");
        }
    }
}

/// In the papered variant of an incident all other evidence is in order: approvals, dry run, backup, tested restore,
/// history, states. So nothing but the cause may deny it, and the cause is one that also denies the incident itself.
#[test]
fn papered_incidents_are_denied_for_their_cause_alone() {
    for path in incidents() {
        let (bare, papered) = (Incident::open(&path).decide(), Incident::open(&path.join("papered")));
        let (name, document) = (papered.name(), papered.decide());
        let cause: BTreeSet<&str> = papered.case.expected.codes.iter().map(String::as_str).collect();
        assert_eq!(papered.case.expected.decision, Verdict::Deny, "{name}");
        assert_eq!(document.decision, Verdict::Deny, "{name}: {:?}", document.faults);
        assert!(document.faults.is_empty(), "{name}: {:?}", document.faults);
        assert_eq!(denials(&document), cause, "{name}: {:#?}", document.findings);
        assert!(denials(&bare).is_superset(&cause), "{name}: not a cause of the incident itself: {cause:?}");
    }
}

/// A hard delete can be the right answer: these twins show everything that one requires, so no rule has anything to say.
#[test]
fn corrected_hard_twins_are_allowed_without_a_finding() {
    let paths = incidents().into_iter().map(|path| path.join("corrected-hard")).filter(|path| path.is_dir());
    let twins: Vec<Incident> = paths.map(|path| Incident::open(&path)).collect();
    assert_eq!(twins.len(), HARD_TWINS);
    for twin in twins {
        let document = twin.decide();
        assert!(twin.case.request.contains(r#""mode": "hard""#), "{}", twin.name());
        assert_eq!(document.decision, Verdict::Allow, "{}: {:#?}", twin.name(), document.findings);
        assert!(document.findings.is_empty(), "{}: {:#?}", twin.name(), document.findings);
    }
}

#[test]
fn corrected_twins_are_allowed() {
    for path in incidents() {
        let twin = Incident::open(&path.join("corrected"));
        let document = twin.decide();
        assert_eq!(twin.case.expected.decision, Verdict::Allow, "{}", twin.name());
        assert_eq!(document.decision, Verdict::Allow, "{}: {:#?}", twin.name(), document.findings);
    }
}

#[test]
fn every_incident_has_a_readme_with_its_source() {
    for path in incidents() {
        let text = std::fs::read_to_string(path.join("README.md")).unwrap();
        let case = Incident::open(&path);
        let (name, case) = (case.name(), &case.case);
        assert!(text.starts_with("# ") && text.contains("Source"), "{name}");
        assert_eq!(text.contains("Limits:"), case.limits, "{name}");
        assert!(!case.about.is_empty() && !case.date.is_empty(), "{name}");
    }
}

#[test]
fn the_same_request_results_in_the_same_decision_and_fuel() {
    for path in incidents().iter().take(5) {
        assert_eq!(Incident::open(path).decide(), Incident::open(path).decide(), "{}", path.display());
    }
}

#[test]
fn the_table_of_incidents_is_up_to_date() {
    let mut table = String::from(
        "# Incidents, and the rules that deny them\n\n\
         Each folder of [`tests/incidents`](../tests/incidents) holds the request as it would have been submitted, \
         the rules that must deny it, and a corrected twin that is allowed. The first rule is the actual cause. A \
         star means that vetting could have prevented only part of the incident; the folder's README says which \
         part.\n\nThe folder `papered` is the same mistake in a request whose other evidence is all in order. Only the \
         rules in the third column deny it. The last column has the modes of the corrected twins: `soft` marks the \
         targets, and `hard` deletes them permanently, with everything that this requires.\n\n\
         | incident | denied by | if all else is in order | twins |\n|---|---|---|---|\n",
    );
    for path in incidents() {
        let case = Incident::open(&path);
        let (title, codes) = (&case.case.about, case.case.expected.codes.join("`, `"));
        let folder = path.file_name().unwrap().to_string_lossy().into_owned();
        let star = if case.case.limits { " *" } else { "" };
        let alone = Incident::open(&path.join("papered")).case.expected.codes.join("`, `");
        let is_hard = Incident::open(&path.join("corrected")).case.request.contains(r#""mode": "hard""#);
        let twins = match (is_hard, path.join("corrected-hard").is_dir()) {
            (true, _) => "hard",
            (false, true) => "soft, hard",
            (false, false) => "soft",
        };
        writeln!(table, "| [{title}](../tests/incidents/{folder}){star} | `{codes}` | `{alone}` | {twins} |")
            .unwrap();
    }
    crate::assert_generated("docs/incidents.md", "incidents", &table);
}
