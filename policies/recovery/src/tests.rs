use crate::Recovery;
use reprieve_sdk::testing::{DIGEST, check, merge_patch, review, wave};
use serde_json::{Value, json};

fn found(claims: Value, facts: Value) -> Vec<String> {
    check::<Recovery>(&review(claims, facts), json!({}), &[])
}

/// A hard delete with a backup and a restore in order, but for these patches.
fn hard(checkpoint: Value, restore: Value) -> Vec<String> {
    let mut backup = json!({ "id": "b-1", "completed_at": "2026-03-02T06:00:00Z", "verified": true, "covers_sha256": DIGEST,
        "location": "vault-2", "immutable_until": "2026-04-02T12:00:00Z" });
    let mut trial = json!({ "granularity": "tenant", "tested_at": "2026-02-02T12:00:00Z", "tested_scale": 2 });
    merge_patch(&mut backup, checkpoint);
    merge_patch(&mut trial, restore);
    let claims = json!({ "mode": "hard", "recovery": { "checkpoints": [backup], "restore": trial } });
    found(claims, json!({ "restore": { "duration": "PT4H" } }))
}

#[test]
fn a_soft_delete_is_its_own_backup() {
    assert!(found(json!({}), json!({})).is_empty());
}

#[test]
fn a_hard_delete_has_a_backup_of_this_list() {
    assert!(hard(json!({}), json!({})).is_empty());
    for patch in [
        json!({ "verified": false }),
        json!({ "verified": null }),
        json!({ "covers_sha256": DIGEST.to_uppercase() }),
        json!({ "covers_sha256": null }),
        json!({ "completed_at": "2026-03-01T11:59:59Z" }),
        json!({ "completed_at": null }),
        json!({ "completed_at": "9998-01-01T00:00:00Z" }),
    ] {
        assert_eq!(hard(patch.clone(), json!({})), ["deny no-backup"], "{patch}");
    }
    let claims = json!({ "mode": "hard", "recovery": { "checkpoints": [] } });
    let denied = found(claims, json!({ "restore": { "duration": "PT4H" } }));
    assert_eq!(denied, ["deny no-backup", "deny restore-untested"]);
}

#[test]
fn restoring_was_tried_lately_and_at_this_scale() {
    for patch in [
        json!({ "tested_at": "2025-12-01T00:00:00Z" }),
        json!({ "tested_at": null }),
        json!({ "tested_scale": 1 }),
        json!({ "tested_scale": null }),
        json!({ "granularity": "all" }),
        json!({ "granularity": null }),
    ] {
        assert_eq!(hard(json!({}), patch.clone()), ["deny restore-untested"], "{patch}");
    }
}

#[test]
fn undoing_takes_at_most_a_day() {
    let claims = json!({ "mode": "hard", "recovery": null });
    let long = |duration: &str| found(claims.clone(), json!({ "restore": { "duration": duration } }));
    assert!(!long("P1D").contains(&"deny restore-too-long".to_owned()));
    assert!(long("P1DT1S").contains(&"deny restore-too-long".to_owned()));
}

#[test]
fn a_backup_does_not_share_the_fate() {
    for until in [json!(null), json!("2026-03-09T11:59:59Z")] {
        assert_eq!(hard(json!({ "immutable_until": until }), json!({})), ["deny backup-shares-fate"]);
    }
    let gone = json!({ "inventory": { "closure": { "evidence": ["b-1"] } } });
    assert_eq!(found(json!({}), gone), ["deny backup-shares-fate"]);
}

#[test]
fn moved_data_is_compared_with_its_copy() {
    let moved = |patch: Value| {
        let mut migration = json!({ "copy": "nas-2", "verified_fraction": 1.0, "verified_at": "2026-03-01T12:00:00Z",
            "source_hold_until": "2026-03-31T12:00:00Z" });
        merge_patch(&mut migration, patch);
        found(json!({ "reason": { "trigger": "migration" }, "migration": migration }), json!({}))
    };
    assert!(moved(json!({})).is_empty());
    for patch in [
        json!({ "copy": null }),
        json!({ "verified_fraction": 0.999 }),
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

#[test]
fn what_is_needed_to_recover_stays() {
    for kind in ["support-contacts", "Audit-Logs", "x/incident-tool"] {
        let facts = json!({ "inventory": { "closure": { "kinds": { "counts": { kind: 1 } } } } });
        assert_eq!(found(json!({}), facts), ["deny recovery-tooling"], "{kind}");
    }
}

#[test]
fn a_backup_of_the_whole_list_covers_a_wave_of_it() {
    let asked = |covers: &str| {
        let backup = json!({ "id": "b-1", "completed_at": "2026-03-02T06:00:00Z", "verified": true, "covers_sha256": covers,
            "location": "vault-2", "immutable_until": "2026-04-02T12:00:00Z" });
        let trial = json!({ "granularity": "tenant", "tested_at": "2026-02-02T12:00:00Z", "tested_scale": 2 });
        let claims = json!({ "mode": "hard", "recovery": { "checkpoints": [backup], "restore": trial } });
        let mut facts = wave();
        merge_patch(&mut facts, json!({ "restore": { "duration": "PT4H" } }));
        found(claims, facts)
    };
    assert!(asked("f00").is_empty());
    assert_eq!(asked(DIGEST), ["deny no-backup"]);
}
