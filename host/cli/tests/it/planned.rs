//! A batch that several processes read: each step is a command, and the decision is that of `reprieve check`.

use crate::support::fixture::{command, document, exists, fixture, says, write};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A list of three files that are sections of their own, and a request for them.
fn three(mode: &str) -> TempDir {
    let fixture = fixture();
    let mut files = Vec::new();
    for part in 0..3 {
        let rows: Vec<Value> = (0..4)
            .map(
                |row| json!({ "id": format!("app-{}", part * 3 + row), "kind": "app", "tenant": format!("t-{row}") }),
            )
            .collect();
        let text = Value::from(rows).to_string();
        // A section ends with the file in which it reaches 4 MiB.
        write(&fixture, &format!("{part}.json"), &format!("{}{}]", &text[..text.len() - 1], " ".repeat(4 << 20)));
        files.push(json!({ "path": format!("{part}.json") }));
    }
    let request = json!({ "id": "r", "mode": mode, "environment": "staging", "target_kind": "app", "targets": { "files": files } });
    write(&fixture, "request.json", &request.to_string());
    fixture
}

#[test]
fn several_processes_decide_as_one_does() {
    let fixture = three("hard");
    std::fs::remove_file(fixture.path().join("reprieve.toml")).unwrap();
    let at = "--at 2026-03-01T00:00:00Z";
    says(&fixture, &format!("plan request.json --out job {at}"), 0, &["r: 3 sections", "next: reprieve count job"]);
    let count = |sections: &str| command(&fixture, &format!("count job {sections}")).spawn().unwrap();
    let processes = [count("2 0"), count("1")];
    processes.into_iter().for_each(|mut process| assert!(process.wait().unwrap().success()));
    says(&fixture, "facts job", 0, &["next: reprieve observe job"]);
    says(&fixture, "observe job 1", 0, &["section 1 is observed"]);
    let rest = says(&fixture, "observe job", 0, &["section 0 is observed", "section 2 is observed"]);
    assert!(!rest.contains("section 1"), "{rest}");
    let planned = document(&says(&fixture, "decide job --format json", 1, &[]));
    let mut whole = document(&says(&fixture, &format!("check request.json --format json {at}"), 1, &[]));
    assert!(whole.as_object_mut().unwrap().remove("breakdown").is_some());
    assert_eq!(planned, whole);
    says(
        &fixture,
        "decide job",
        1,
        &["deny r: hard delete of 12 targets", "of 12 rows, 2 have the id of an earlier row"],
    );
}

#[test]
fn a_step_that_is_missing_is_named() {
    let fixture = three("soft");
    std::fs::remove_file(fixture.path().join("reprieve.toml")).unwrap();
    says(
        &fixture,
        "count job",
        2,
        &["cannot read job/plan.json", "`reprieve plan REQUEST --out FOLDER` makes such a folder"],
    );
    says(&fixture, "plan request.json --out job", 0, &[]);
    says(&fixture, "plan request.json --out job", 2, &["job already exists", "name a new folder"]);
    says(&fixture, "facts job", 2, &["job/counts-00000", "run `reprieve count job` first"]);
    says(&fixture, "count job 3", 2, &["there is no section 3", "the plan has 3 sections, counted from 0"]);
    says(&fixture, "count job 0 1", 0, &[]);
    says(&fixture, "facts job", 2, &["job/counts-00002", "run `reprieve count job` first"]);
    says(&fixture, "observe job", 2, &["job/facts", "run `reprieve facts job` first"]);
    says(&fixture, "count job", 0, &["section 2 is counted"]);
    says(&fixture, "facts job", 0, &[]);
    says(&fixture, "decide job", 2, &["job/states-00000", "run `reprieve observe job` first"]);
    write(&fixture, "other.toml", "[[policy]]\nuse = \"builtin:timing\"\n");
    says(
        &fixture,
        "observe job --config other.toml",
        2,
        &["the plan is of the policy set", "plan again, or run every process"],
    );
    write(&fixture, "job/counts-00001", "no counts");
    says(&fixture, "facts job", 2, &["error:", "run the step again that made it"]);
}

/// A batch that a gate with a ledger can allow, with every step before the decision.
fn observed() -> TempDir {
    let fixture = three("soft");
    let permits = "[permits]\nkey = \"permits.key\"\nkeys = \"keys.json\"\n";
    write(
        &fixture,
        "reprieve.toml",
        &format!("ledger = \"reprieve.db\"\n{permits}[[policy]]\nuse = \"builtin:timing\"\n"),
    );
    for step in ["plan request.json --out job", "count job", "facts job", "observe job"] {
        says(&fixture, step, 0, &[]);
    }
    fixture
}

#[test]
fn an_allow_is_recorded_and_its_permit_verified() {
    let fixture = observed();
    says(&fixture, "decide job --permit permit", 0, &["allow r"]);
    assert!(exists(&fixture, "permit"));
    says(&fixture, "decide job", 2, &["undecided", "the history of the batch changed after its facts were computed"]);
    says(&fixture, "replay", 0, &[]);
    says(&fixture, "ledger verify", 0, &[]);
}

#[test]
fn each_section_has_a_permit_that_is_verified_once() {
    let fixture = observed();
    says(&fixture, "decide job --permit p --section-permits", 2, &["cannot be used with"]);
    says(&fixture, "decide job --section-permits", 0, &["allow r", "entry 1"]);
    let verify = "permit verify job/permit-00001";
    says(&fixture, verify, 2, &["--targets <FILE>"]);
    says(&fixture, &format!("{verify} --job job --mode hard"), 1, &["refused: other mode"]);
    says(&fixture, &format!("{verify} --targets 0.json"), 1, &["refused: other list"]);
    let permitted = "permitted: soft delete of 4 targets in staging (r, section 1, entry 1), used at";
    says(&fixture, &format!("{verify} --job job"), 0, &[permitted, "1.json"]);
    says(
        &fixture,
        &format!("{verify} --job job"),
        1,
        &["refused: replayed: it was used at", "a permit is used once"],
    );
    // Where there is no job, the section is a list with what `sha256sum` prints.
    let digest = reprieve::list_sha256(&fixture.path().join("2.json")).unwrap();
    write(&fixture, "section.sha256", &format!("{digest}  2.json\n"));
    says(&fixture, "permit verify job/permit-00002 --targets section.sha256", 0, &["section 2, entry 1"]);
    says(&fixture, "commit 1 --deleted 8", 0, &[]);
    says(&fixture, "permit verify job/permit-00000 --job job", 1, &["refused: closed"]);
    says(&fixture, "ledger verify", 0, &[]);
}
