use crate::Rehearsal;
use reprieve_sdk::testing::{DIGEST, check, merge_patch, review, wave};
use reprieve_sdk::{Nature, Session};
use serde_json::{Value, json};

fn found(claims: Value, facts: Value) -> Vec<String> {
    check::<Rehearsal>(&review(claims, facts), json!({}), &[])
}

/// A history whose last batch of the campaign soft-deleted ten apps of ten tenants a day ago and succeeded, changed by
/// this patch.
fn history(last: Value) -> Value {
    let nothing = json!({ "batches": 0, "targets": 0, "tenants": 0 });
    let spans = json!({ "hour": nothing, "day": nothing, "month": nothing });
    let mut batch = json!({ "at": "2026-03-01T12:00:00Z", "mode": "soft", "environment": "production", "kind": "app",
        "targets": 10, "tenants": 10, "succeeded": true });
    merge_patch(&mut batch, last);
    json!({ "sha256": "0", "same_mode": spans, "same_kind": spans, "same_actor": spans, "campaign_batches": 1, "campaign_last": batch })
}

fn empty() -> Value {
    let mut history = history(json!({}));
    merge_patch(&mut history, json!({ "campaign_last": null, "campaign_batches": 0 }));
    history
}

#[test]
fn passes_a_rehearsed_canary_in_both_modes() {
    assert!(found(json!({}), json!({ "history": empty() })).is_empty());
    assert!(found(json!({ "mode": "hard" }), json!({ "history": empty() })).is_empty());
}

#[test]
fn requires_a_fresh_dry_run_of_this_list() {
    let history = || json!({ "history": empty() });
    assert_eq!(found(json!({ "dry_run": null }), history()), ["deny no-dry-run"]);
    for patch in [
        json!({ "targets_sha256": DIGEST.to_uppercase() }),
        json!({ "targets_sha256": null }),
        json!({ "environment": "staging" }),
        json!({ "environment": null }),
        json!({ "count": 3 }),
        json!({ "count": null }),
        json!({ "by_kind": { "app": 1 } }),
        json!({ "by_kind": null }),
    ] {
        assert_eq!(found(json!({ "dry_run": patch }), history()), ["deny dry-run-differs"], "{patch}");
    }
    for at in [json!("2026-03-01T11:59:59Z"), json!("9998-01-01T00:00:00Z"), json!(null)] {
        assert_eq!(found(json!({ "dry_run": { "at": at } }), history()), ["deny dry-run-stale"]);
    }
}

#[test]
fn a_dry_run_counts_if_it_is_signed_as_the_set_requires() {
    let signed = |token: Value, required: bool, tokens: Value| {
        let signatures = json!({ "approvals_required": false, "attestations_required": required, "tokens": tokens });
        natures(json!({ "dry_run": { "token": token } }), json!({ "history": empty(), "signatures": signatures }))
    };
    let valid = || json!([{ "field": "/dry_run", "by": "ci" }]);
    let invalid = || json!([{ "field": "/dry_run", "issue": "it was signed for another list" }]);
    for required in [false, true] {
        assert!(signed(json!("e30"), required, valid()).is_empty());
        assert_eq!(signed(json!("e30"), required, invalid()), [(Nature::Wrong, "dry-run-differs")]);
        assert_eq!(signed(json!("e30"), required, json!([])), [(Nature::Wrong, "dry-run-differs")]);
    }
    assert!(signed(json!(null), false, json!([])).is_empty());
    assert_eq!(signed(json!(null), true, json!([])), [(Nature::Missing, "dry-run-differs")]);
    // A signature of something else is not one of the dry run.
    let other = json!([{ "field": "/recovery/checkpoints/0", "by": "ci" }]);
    assert_eq!(signed(json!(null), true, other), [(Nature::Missing, "dry-run-differs")]);
}

#[test]
fn compares_the_program_that_ran_with_the_one_that_runs() {
    let program = |ran: Value, runs: Value| {
        let claims = json!({ "dry_run": { "program_sha256": ran }, "operation": { "program_sha256": runs } });
        found(claims, json!({ "history": empty() }))
    };
    let (one, other) = (json!("1a".repeat(32)), json!("2b".repeat(32)));
    assert!(program(one.clone(), one.clone()).is_empty());
    for (ran, runs) in [(one.clone(), other), (json!(null), one.clone()), (one, json!(" "))] {
        assert_eq!(program(ran.clone(), runs.clone()), ["deny dry-run-differs"], "{ran} {runs}");
    }
}

#[test]
fn warns_of_a_dry_run_that_is_older_than_the_list() {
    let at = |at: &str| found(json!({ "provenance": { "extracted_at": at } }), json!({ "history": empty() }));
    assert!(at("2026-03-02T11:40:00Z").is_empty());
    assert_eq!(at("2026-03-02T11:40:01Z"), ["warn dry-run-stale"]);
}

#[test]
fn limits_the_first_batch_of_a_campaign() {
    let step = |tenants: u64, all: u64| {
        let facts =
            json!({ "tenants_at_most": tenants, "inventory": { "population_tenants": all }, "history": empty() });
        found(json!({}), facts)
    };
    assert!(step(1, 3).is_empty() && step(9, 900).is_empty() && step(10, 100_000).is_empty());
    for (tenants, all) in [(2, 199), (10, 900), (11, 100_000)] {
        assert_eq!(step(tenants, all), ["deny no-canary"], "{tenants} of {all}");
    }
    let without_inventory = json!({ "inventory": null, "history": empty() });
    assert_eq!(found(json!({}), without_inventory), ["deny no-canary"], "two tenants of an unknown number");
}

#[test]
fn limits_growth_by_the_last_batch_of_the_campaign() {
    let step =
        |tenants: u64, last: Value| found(json!({}), json!({ "tenants_at_most": tenants, "history": history(last) }));
    assert!(step(100, json!({})).is_empty());
    assert_eq!(step(101, json!({})), ["deny no-canary"]);
    for last in [
        json!({ "mode": "hard" }),
        json!({ "kind": "site" }),
        json!({ "environment": "staging" }),
        json!({ "succeeded": false }),
        json!({ "succeeded": null }),
        json!({ "at": "2026-03-02T11:00:01Z" }),
        json!({ "at": "2027-01-01T00:00:00Z" }),
    ] {
        assert_eq!(step(100, last.clone()), ["deny no-canary"], "{last}");
    }
}

#[test]
fn denies_a_hard_delete_with_an_unknown_history_and_warns_for_a_soft_delete() {
    assert_eq!(found(json!({}), json!({})), ["warn history-unknown"]);
    assert_eq!(found(json!({ "mode": "hard" }), json!({})), ["deny history-unknown"]);
}

#[test]
fn accepts_a_dry_run_of_the_whole_list_for_a_wave() {
    let whole = json!({ "dry_run": { "targets_sha256": "f00", "count": 9, "by_kind": { "app": 9 } } });
    let mut facts = wave();
    merge_patch(&mut facts, json!({ "history": empty() }));
    assert!(found(whole, facts.clone()).is_empty());
    assert_eq!(found(json!({}), facts), ["deny dry-run-differs"; 3], "digest, count and kinds");
}

/// The nature and the rule of each finding.
fn natures(claims: Value, facts: Value) -> Vec<(Nature, &'static str)> {
    let review = review(claims, facts).to_string();
    let session = Session::<Rehearsal>::begin(review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_a_wrong_dry_run_from_a_missing_one() {
    let facts = || json!({ "history": empty() });
    assert_eq!(natures(json!({ "dry_run": null }), facts()), [(Nature::Missing, "no-dry-run")]);
    for (field, wrong, rule) in [
        ("targets_sha256", json!("f00"), "dry-run-differs"),
        ("environment", json!("staging"), "dry-run-differs"),
        ("count", json!(3), "dry-run-differs"),
        ("by_kind", json!({ "app": 3 }), "dry-run-differs"),
        ("at", json!("2026-02-01T00:00:00Z"), "dry-run-stale"),
    ] {
        assert_eq!(natures(json!({ "dry_run": { field: wrong } }), facts()), [(Nature::Wrong, rule)], "{field}");
        assert_eq!(natures(json!({ "dry_run": { field: null } }), facts()), [(Nature::Missing, rule)], "{field}");
    }
}

#[test]
fn a_step_may_have_more_targets_only_as_far_as_it_may_grow() {
    let found = |last: u64, targets: u64| {
        let facts = json!({ "targets": targets, "history": history(json!({ "targets": last })) });
        let dry_run = json!({ "count": targets, "by_kind": { "app": targets } });
        let claims = json!({ "campaign": "c", "mode": "soft", "dry_run": dry_run });
        check::<Rehearsal>(
            &review(claims, merge(facts, json!({ "kinds": { "counts": { "app": targets } } }))),
            json!({}),
            &[],
        )
    };
    assert!(found(10, 1000).is_empty());
    assert_eq!(found(10, 1001), ["deny no-canary"]);
    assert!(found(200, 2000).is_empty());
    assert_eq!(found(200, 2001), ["deny no-canary"]);
    assert!(found(500, 5000).is_empty(), "a campaign that grows is not unusual");
}

fn merge(mut document: Value, patch: Value) -> Value {
    merge_patch(&mut document, patch);
    document
}

#[test]
fn a_canary_must_be_recent_and_of_the_same_source_and_kind_of_success() {
    let twenty = |last: Value, more: Value| {
        let facts = json!({ "tenants_at_most": 20, "history": merge(history(last), more) });
        found(json!({ "campaign": "c" }), facts)
    };
    let denied = ["deny no-canary"];
    assert!(twenty(json!({ "source": " CMDB" }), json!({})).is_empty());
    assert!(twenty(json!({ "at": "2026-02-01T12:00:00Z" }), json!({})).is_empty());
    assert_eq!(twenty(json!({ "at": "2026-01-31T11:00:00Z" }), json!({})), denied);
    assert_eq!(twenty(json!({ "source": "warehouse" }), json!({})), denied);
    let of_kind = |at: &str, succeeded: bool| {
        let batch = json!({ "at": at, "mode": "hard", "environment": "production", "kind": "app", "targets": 1, "tenants": 1,
            "succeeded": succeeded });
        twenty(json!({}), json!({ "kind_last": batch }))
    };
    assert_eq!(of_kind("2026-03-02T11:00:00Z", false), denied, "in another campaign and mode");
    assert!(of_kind("2026-03-02T11:00:00Z", true).is_empty());
    assert!(of_kind("2026-02-02T11:00:00Z", false).is_empty(), "before the last batch of the campaign");
}

#[test]
fn a_batch_of_many_more_targets_than_usual_is_denied() {
    let of = |mode: &str, targets: u64, whose: &str, batches: u64| {
        let month = json!({ "batches": batches, "targets": batches * 300, "tenants": batches });
        let facts = json!({ "targets": targets, "kinds": { "counts": { "app": targets } }, "tenants_at_most": 1,
            "history": merge(empty(), json!({ whose: { "month": month } })) });
        let dry_run = json!({ "count": targets, "by_kind": { "app": targets } });
        found(json!({ "mode": mode, "dry_run": dry_run }), facts)
    };
    for whose in ["same_kind", "same_actor"] {
        assert_eq!(of("hard", 3001, whose, 3), ["deny unusual-size"]);
        assert_eq!(of("soft", 3001, whose, 3), ["warn unusual-size"]);
        assert!(of("hard", 3000, whose, 3).is_empty());
        assert!(of("hard", 1_000_000, whose, 2).is_empty(), "two batches do not show what is usual");
    }
    assert!(of("hard", 1_000_000, "same_mode", 9).is_empty());
}

#[test]
fn a_batch_of_many_more_bytes_than_before_is_denied() {
    const TERABYTE: u64 = 1_000_000_000_000;
    let step = |last: Value, bytes: u64| {
        let facts = json!({ "bytes": bytes, "history": history(json!({ "bytes": last })) });
        found(json!({ "campaign": "c", "mode": "soft" }), facts)
    };
    assert_eq!(step(json!(TERABYTE / 10), 2 * TERABYTE), ["deny no-canary"]);
    assert!(step(json!(TERABYTE / 10), TERABYTE).is_empty());
    assert!(step(json!(TERABYTE / 5), 2 * TERABYTE).is_empty());
    assert!(step(json!(null), 2 * TERABYTE).is_empty(), "nothing is known to compare with");

    let usual = |mode: &str, whose: &str, bytes: u64, of_others: u64| {
        let month = json!({ "batches": 4, "targets": 8, "tenants": 8, "bytes": 4 * of_others });
        let facts = json!({ "bytes": bytes, "history": merge(empty(), json!({ whose: { "month": month } })) });
        found(json!({ "mode": mode }), facts)
    };
    for whose in ["same_kind", "same_actor"] {
        assert_eq!(usual("hard", whose, 2 * TERABYTE, TERABYTE / 10), ["deny unusual-size"]);
        assert_eq!(usual("soft", whose, 2 * TERABYTE, TERABYTE / 10), ["warn unusual-size"]);
        assert!(usual("hard", whose, 2 * TERABYTE, TERABYTE / 5).is_empty());
        assert!(usual("hard", whose, TERABYTE, 1).is_empty());
        let unknown = json!({ "batches": 4, "targets": 8, "tenants": 8 });
        let facts =
            json!({ "bytes": 2 * TERABYTE, "history": merge(empty(), json!({ whose: { "month": unknown } })) });
        assert!(found(json!({ "mode": "hard" }), facts).is_empty(), "nothing is known to compare with");
    }
}
