use crate::Recovery;
use reprieve_sdk::testing::{DIGEST, check, chunk, merge_patch, review, times, wave};
use reprieve_sdk::{Nature, Session};
use serde_json::{Value, json};

fn found(claims: Value, facts: Value) -> Vec<String> {
    check::<Recovery>(&review(claims, facts), json!({}), &[])
}

/// Checks a hard delete with a valid backup and a tested restore, changed by these patches.
fn hard(checkpoint: Value, restore: Value) -> Vec<String> {
    let mut backup = json!({ "id": "b-1", "completed_at": "2026-03-02T06:00:00Z", "verified": true, "covers_sha256": DIGEST,
        "location": "vault-2", "immutable_until": "2026-04-02T12:00:00Z" });
    let mut trial = json!({ "granularity": "tenant", "tested_at": "2026-02-02T12:00:00Z", "tested_scale": 2, "tenants_per_batch": 2 });
    merge_patch(&mut backup, checkpoint);
    merge_patch(&mut trial, restore);
    let claims = json!({ "mode": "hard", "recovery": { "checkpoints": [backup], "restore": trial } });
    found(claims, json!({ "restore": { "duration": "PT4H" } }))
}

#[test]
fn passes_a_soft_delete_without_a_backup() {
    assert!(found(json!({}), json!({})).is_empty());
}

#[test]
fn requires_a_usable_backup_of_this_list_for_a_hard_delete() {
    assert!(hard(json!({}), json!({})).is_empty());
    for patch in [
        json!({ "verified": false }),
        json!({ "verified": null }),
        json!({ "covers_sha256": DIGEST.to_uppercase() }),
        json!({ "covers_sha256": null }),
        json!({ "completed_at": "2026-03-01T11:59:59Z" }),
        json!({ "completed_at": null }),
        json!({ "completed_at": "9998-01-01T00:00:00Z" }),
        json!({ "id": null }),
        json!({ "location": null }),
        json!({ "location": " " }),
        json!({ "location": "unknown" }),
        json!({ "location": "n/a" }),
    ] {
        assert_eq!(hard(patch.clone(), json!({})), ["deny no-backup"], "{patch}");
    }
    let claims = json!({ "mode": "hard", "recovery": { "checkpoints": [] } });
    let denied = found(claims, json!({ "restore": { "duration": "PT4H" } }));
    assert_eq!(denied, ["deny no-backup", "deny restore-untested"]);
}

#[test]
fn a_backup_counts_if_it_is_signed_as_the_set_requires() {
    let backup = |token: Value| {
        json!({ "id": "b-1", "completed_at": "2026-03-02T06:00:00Z", "verified": true, "covers_sha256": DIGEST,
            "location": "vault-2", "immutable_until": "2026-04-02T12:00:00Z", "token": token })
    };
    let check = |backups: Value, required: bool, tokens: Value| {
        let restore = json!({ "granularity": "tenant", "tested_at": "2026-02-02T12:00:00Z", "tested_scale": 2,
            "tenants_per_batch": 2 });
        let claims = json!({ "mode": "hard", "recovery": { "checkpoints": backups, "restore": restore } });
        let signatures = json!({ "approvals_required": false, "attestations_required": required, "tokens": tokens });
        found(claims, json!({ "restore": { "duration": "PT4H" }, "signatures": signatures }))
    };
    let valid = |i: usize| json!({ "field": format!("/recovery/checkpoints/{i}"), "by": "backups" });
    let invalid = |i: usize| json!({ "field": format!("/recovery/checkpoints/{i}"), "issue": "another key" });
    let (signed, unsigned) = (backup(json!("e30")), backup(json!(null)));
    assert!(check(json!([signed]), true, json!([valid(0)])).is_empty());
    assert!(check(json!([unsigned]), false, json!([])).is_empty());
    assert_eq!(check(json!([unsigned]), true, json!([])), ["deny no-backup"]);
    assert_eq!(check(json!([signed]), false, json!([invalid(0)])), ["deny no-backup"]);
    assert_eq!(check(json!([signed]), false, json!([])), ["deny no-backup"], "nobody verified it");
    // What is forged is wrong, whatever else there is; the signature of one backup is not that of another.
    assert_eq!(check(json!([signed, signed]), false, json!([valid(0), invalid(1)])), ["deny no-backup"]);
    assert_eq!(check(json!([unsigned, signed]), true, json!([valid(1)])), ["deny no-backup"]);
}

#[test]
fn requires_a_recent_restore_test_at_this_scale() {
    for patch in [
        json!({ "tested_at": "2025-12-01T00:00:00Z" }),
        json!({ "tested_at": null }),
        json!({ "tested_scale": 1 }),
        json!({ "tested_scale": null }),
        json!({ "granularity": "all" }),
        json!({ "granularity": null }),
        json!({ "tenants_per_batch": null }),
        json!({ "tenants_per_batch": 3 }),
    ] {
        assert_eq!(hard(json!({}), patch.clone()), ["deny restore-untested"], "{patch}");
    }
}

#[test]
fn denies_a_restore_that_takes_more_than_a_day() {
    let claims = json!({ "mode": "hard", "recovery": null });
    let long = |duration: &str| found(claims.clone(), json!({ "restore": { "duration": duration } }));
    assert!(!long("P1D").contains(&"deny restore-too-long".to_owned()));
    assert!(long("P1DT1S").contains(&"deny restore-too-long".to_owned()));
}

#[test]
fn denies_a_backup_that_the_deletion_can_reach() {
    for until in [json!(null), json!("2026-03-09T11:59:59Z"), json!("9999-12-31T23:59:59Z")] {
        assert_eq!(hard(json!({ "immutable_until": until }), json!({})), ["deny backup-shares-fate"]);
    }
    let deleted = json!({ "inventory": { "closure": { "evidence": ["b-1"] } } });
    assert_eq!(found(json!({}), deleted), ["deny backup-shares-fate"]);
}

/// Checks a hard delete whose backup the inventory knows like this.
fn known(mode: &str, evidence: Value) -> Vec<String> {
    let backup = json!({ "id": "b-1", "completed_at": "2026-03-02T06:00:00Z", "verified": true, "covers_sha256": DIGEST,
        "location": "vault-2", "immutable_until": "2026-04-02T12:00:00Z" });
    let trial = json!({ "granularity": "tenant", "tested_at": "2026-02-02T12:00:00Z", "tested_scale": 2, "tenants_per_batch": 2 });
    let claims = json!({ "mode": mode, "recovery": { "checkpoints": [backup], "restore": trial } });
    found(claims, json!({ "restore": { "duration": "PT4H" }, "inventory": { "evidence": evidence } }))
}

#[test]
fn a_backup_that_is_gone_according_to_the_inventory_is_none() {
    let state = |state: Value| {
        known(
            "hard",
            json!([{ "name": "b-1", "known": true, "state": state, "beside": false },
            { "name": "vault-2", "known": false, "beside": false }]),
        )
    };
    assert!(state(json!("live")).is_empty());
    for gone in ["soft-deleted", "Soft_Deleted", "decommissioned", "DELETING", "expired"] {
        assert_eq!(state(json!(gone)), ["deny no-backup"], "{gone}");
    }
    let place = json!([{ "name": "vault-2", "known": true, "state": "decommissioning", "beside": false }]);
    assert_eq!(known("hard", place), ["deny no-backup"]);
}

#[test]
fn warns_of_a_backup_that_the_inventory_does_not_know() {
    let unknown = json!([{ "name": "b-1", "known": false, "beside": false }, { "name": "vault-2", "known": false, "beside": false }]);
    assert_eq!(known("hard", unknown.clone()), ["warn no-backup"]);
    assert!(known("soft", unknown).is_empty());
}

#[test]
fn denies_a_backup_beside_the_targets() {
    let beside = json!([{ "name": "b-1", "known": true, "beside": false }, { "name": "vault-2", "known": true, "beside": true }]);
    assert_eq!(known("hard", beside.clone()), ["deny backup-shares-fate"]);
    assert_eq!(known("soft", beside), ["warn backup-shares-fate"]);
}

#[test]
fn requires_a_verified_copy_of_migrated_data() {
    let moved = |patch: Value| {
        let mut migration = json!({ "copy": "nas-2", "verified_fraction": 1.0, "verified_at": "2026-03-01T12:00:00Z",
            "source_hold_until": "2026-04-01T12:00:00Z" });
        merge_patch(&mut migration, patch);
        found(json!({ "reason": { "trigger": "migration" }, "migration": migration }), json!({}))
    };
    assert!(moved(json!({})).is_empty());
    for patch in [
        json!({ "copy": null }),
        json!({ "verified_fraction": 0.999 }),
        json!({ "verified_fraction": 1.001 }),
        json!({ "verified_fraction": -1 }),
        json!({ "verified_at": "0001-01-01T00:00:00Z" }),
        json!({ "source_hold_until": "9999-12-31T00:00:00Z" }),
        json!({ "source_hold_until": "2026-04-01T12:00:01Z" }),
        json!({ "verified_fraction": null }),
        json!({ "verified_at": null }),
        json!({ "verified_at": "9998-01-01T00:00:00Z" }),
        json!({ "source_hold_until": null }),
        json!({ "source_hold_until": "2026-03-31T11:59:59Z" }),
    ] {
        assert_eq!(moved(patch.clone()), ["deny copy-unverified"], "{patch}");
    }
    assert_eq!(found(json!({ "reason": { "trigger": "migration" } }), json!({})), ["deny copy-unverified"]);
}

const NOW: i64 = 1_772_452_800; // 2026-03-02T12:00:00Z, the time of `review`
const DAY: i64 = 86_400;

/// Checks moved data that was compared 40 days ago and was to be kept until yesterday, with its last use.
fn moved(mode: &str, migration: Value, claimed: Option<i64>, resolved: Option<i64>) -> Vec<String> {
    let mut all = json!({ "copy": "nas-2", "verified_fraction": 1.0, "verified_at": "2026-01-21T12:00:00Z",
        "source_hold_until": "2026-03-01T12:00:00Z" });
    merge_patch(&mut all, migration);
    let claims = json!({ "mode": mode, "reason": { "trigger": "migration" }, "migration": all });
    let columns = vec![times("last_used_at", &[claimed]), times("resolved_last_used_at", &[resolved])];
    let found = check::<Recovery>(&review(claims, json!({})), json!({}), &[chunk(1, columns)]);
    found.into_iter().filter(|finding| finding.ends_with("copy-unverified")).collect()
}

#[test]
fn denies_moved_data_while_its_source_is_to_be_kept() {
    let used = Some(NOW - 50 * DAY);
    let until = |mode: &str, until: &str| moved(mode, json!({ "source_hold_until": until }), None, used);
    for mode in ["soft", "hard"] {
        assert!(until(mode, "2026-03-02T12:00:00Z").is_empty(), "{mode}");
    }
    assert_eq!(until("hard", "2026-03-02T12:00:01Z"), ["deny copy-unverified"]);
    assert!(until("soft", "2026-04-01T12:00:00Z").is_empty(), "it is soft-deleted for 30 days");
    assert_eq!(until("soft", "2026-04-01T12:00:01Z"), ["deny copy-unverified"]);
}

#[test]
fn denies_moved_data_that_was_used_after_the_comparison() {
    let (before, after) = (Some(NOW - 41 * DAY), Some(NOW - 39 * DAY));
    for mode in ["soft", "hard"] {
        assert!(moved(mode, json!({}), before, before).is_empty(), "{mode}");
        assert_eq!(moved(mode, json!({}), None, after), ["deny copy-unverified"], "{mode}");
        assert_eq!(moved(mode, json!({}), after, before), ["deny copy-unverified"], "{mode}");
    }
    for unknown in [None, Some(0), Some(-62_135_596_800)] {
        assert_eq!(moved("hard", json!({}), before, unknown), ["deny copy-unverified"], "{unknown:?}");
        assert_eq!(moved("soft", json!({}), before, unknown), ["warn copy-unverified"], "{unknown:?}");
    }
}

#[test]
fn without_a_trigger_it_is_unknown_whether_data_was_moved() {
    let unsaid = |mode: &str| {
        let found = found(json!({ "mode": mode, "reason": { "trigger": null } }), json!({}));
        found.into_iter().filter(|finding| finding.ends_with("copy-unverified")).collect::<Vec<_>>()
    };
    assert_eq!(unsaid("hard"), ["deny copy-unverified"]);
    assert_eq!(unsaid("soft"), ["warn copy-unverified"]);
}

#[test]
fn warns_of_a_soft_delete_whose_restore_was_tested_with_fewer_tenants() {
    let restore = |tested: u64| {
        found(json!({ "recovery": { "restore": { "tenants_per_batch": 10, "tested_scale": tested } } }), json!({}))
    };
    assert!(restore(10).is_empty());
    assert_eq!(restore(9), ["warn restore-untested"]);
}

#[test]
fn denies_targets_that_are_needed_to_recover() {
    for kind in ["support-contacts", "Audit-Logs", "x/incident-tool"] {
        let facts = json!({ "inventory": { "closure": { "kinds": { "counts": { kind: 1 } } } } });
        assert_eq!(found(json!({}), facts), ["deny recovery-tooling"], "{kind}");
    }
}

#[test]
fn accepts_a_backup_of_the_whole_list_for_a_wave() {
    let asked = |covers: &str| {
        let backup = json!({ "id": "b-1", "completed_at": "2026-03-02T06:00:00Z", "verified": true, "covers_sha256": covers,
            "location": "vault-2", "immutable_until": "2026-04-02T12:00:00Z" });
        let trial = json!({ "granularity": "tenant", "tested_at": "2026-02-02T12:00:00Z", "tested_scale": 2, "tenants_per_batch": 2 });
        let claims = json!({ "mode": "hard", "recovery": { "checkpoints": [backup], "restore": trial } });
        let mut facts = wave();
        merge_patch(&mut facts, json!({ "restore": { "duration": "PT4H" } }));
        found(claims, facts)
    };
    assert!(asked("f00").is_empty());
    assert_eq!(asked(DIGEST), ["deny no-backup"]);
}

/// The nature and the rule of each finding.
fn natures(claims: Value, facts: Value) -> Vec<(Nature, &'static str)> {
    let review = review(claims, facts).to_string();
    let session = Session::<Recovery>::begin(review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_unusable_recovery_evidence_from_missing_evidence() {
    let hard = |recovery: Value| {
        natures(json!({ "mode": "hard", "recovery": recovery }), json!({ "restore": { "duration": "PT4H" } }))
    };
    let missing = [(Nature::Missing, "no-backup"), (Nature::Missing, "restore-untested")];
    assert_eq!(hard(json!({ "checkpoints": [] })), missing);
    let old = json!({ "checkpoints": [{ "id": "b-1", "verified": false }],
        "restore": { "tested_at": "2025-01-01T00:00:00Z" } });
    assert_eq!(hard(old), [(Nature::Wrong, "no-backup"), (Nature::Wrong, "restore-untested")]);
}

#[test]
fn what_only_stops_a_service_needs_no_backup_but_can_be_undone_in_time() {
    let disable =
        |duration: &str| found(json!({ "mode": "disable" }), json!({ "restore": { "duration": duration } }));
    assert!(disable("PT4H").is_empty());
    assert_eq!(disable("P5D"), ["deny restore-too-long"]);
}
