//! The incidents: with the default policies, each is denied for its actual cause, and its corrected twin is allowed.

use reprieve::model::Verdict;
use reprieve_cases::denials;
use reprieve_tests::incident::{Incident, incidents};
use std::fmt::Write;

#[test]
fn incidents_are_denied_for_their_cause() {
    let cases = incidents();
    assert_eq!(cases.len(), 30);
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
         part.\n\n\
         | incident | denied by |\n|---|---|\n",
    );
    for path in incidents() {
        let case = Incident::open(&path);
        let (title, codes) = (&case.case.about, case.case.expected.codes.join("`, `"));
        let folder = path.file_name().unwrap().to_string_lossy().into_owned();
        let star = if case.case.limits { " *" } else { "" };
        writeln!(table, "| [{title}](../tests/incidents/{folder}){star} | `{codes}` |").unwrap();
    }
    crate::assert_generated("docs/incidents.md", "incidents", &table);
}
