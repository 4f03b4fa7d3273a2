//! Runs the examples. They are compiled into this test, so that no second program has to be built.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "../examples/check.rs"]
mod check;
#[path = "../examples/custom_inventory.rs"]
mod custom_inventory;
#[path = "../examples/policy_set.rs"]
mod policy_set;
#[path = "../examples/with_ledger.rs"]
mod with_ledger;

use std::path::Path;

fn incident(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/incidents/i01-atlassian").join(file)
}

#[test]
fn check_prints_verdict_and_findings() {
    let without = check::run(&incident("request.json"), None).unwrap();
    assert!(without.starts_with("deny: 883 targets\n"), "{without}");
    let with = check::run(&incident("request.json"), Some(&incident("inventory.csv"))).unwrap();
    assert!(with.contains("identity/kind-mismatch: "), "{with}");
}

#[test]
fn custom_inventory_finds_an_id_of_another_kind() {
    let report = custom_inventory::run().unwrap();
    assert!(report.starts_with("deny\nidentity/kind-mismatch: "), "{report}");
}

#[test]
fn policy_set_limits_hard_deletes_only() {
    let report = policy_set::run().unwrap();
    let (soft, hard) = report.split_once("hard: ").unwrap();
    assert!(!soft.contains("blast-radius/too-many-tenants denies"), "{report}");
    assert!(hard.contains("blast-radius/too-many-tenants denies"), "{report}");
    assert!(soft.contains("authority/") && !report.contains("authority/no-approval denies"), "{report}");
}

#[test]
fn with_ledger_counts_what_was_deleted_before() {
    let report = with_ledger::run().unwrap();
    let verdicts: Vec<&str> = report.lines().filter(|line| line.starts_with("entry")).collect();
    assert_eq!(verdicts, ["entry 1: allow", "entry 2: deny"], "{report}");
}
