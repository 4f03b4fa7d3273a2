use crate::Timing;
use reprieve_sdk::testing::{check, chunk, review, times};
use reprieve_sdk::{Nature, Session};
use serde_json::{Value, json};

const NOW: i64 = 1_772_452_800; // 2026-03-02T12:00:00Z, the time of `review`, a Monday
const DAY: i64 = 86_400;

fn history(tenants: u64, minutes: i64) -> Value {
    let deleted = json!({ "batches": 1, "targets": tenants, "tenants": tenants });
    let spans = json!({ "hour": deleted, "day": deleted, "month": deleted });
    let at = format!("2026-03-02T{:02}:{:02}:00Z", (720 - minutes) / 60, (720 - minutes) % 60);
    json!({ "history": { "sha256": "0", "same_mode": spans, "same_kind": spans, "same_actor": spans, "campaign_batches": 0,
        "last": { "at": at, "mode": "hard", "environment": "production", "kind": "app", "targets": tenants, "tenants": tenants } } })
}

fn found(claims: Value, facts: Value, settings: Value) -> Vec<String> {
    check::<Timing>(&review(claims, facts), settings, &[])
}

fn hard() -> Value {
    json!({ "mode": "hard", "schedule": { "freeze": false }, "notice": { "opt_outs": 0 } })
}

#[test]
fn denies_batches_in_a_freeze_and_hard_deletes_that_do_not_state_it() {
    assert_eq!(found(json!({ "schedule": { "freeze": true } }), history(0, 60), json!({})), ["deny freeze"]);
    assert!(found(json!({}), history(0, 60), json!({})).is_empty());
    assert_eq!(found(json!({ "schedule": null }), history(0, 60), json!({})), ["warn freeze"]);
    let unsaid = json!({ "mode": "hard", "schedule": null, "notice": { "opt_outs": 0 } });
    assert_eq!(found(unsaid, history(0, 60), json!({})), ["deny freeze"]);
    assert!(found(hard(), history(0, 60), json!({})).is_empty());
}

#[test]
fn denies_batches_outside_the_window_in_its_time_zone() {
    let at = |at: &str, settings: Value| {
        let mut facts = history(0, 60);
        facts["evaluated_at"] = at.into();
        facts["zones"] = json!({ "UTC": 0, "Europe/Berlin": 3_600 });
        found(json!({}), facts, settings)
    };
    let on = || json!({ "window": true });
    assert!(at("2026-03-02T09:00:00Z", on()).is_empty());
    assert!(at("2026-03-05T15:59:59Z", on()).is_empty());
    for closed in ["2026-03-02T08:59:59Z", "2026-03-02T16:00:00Z", "2026-03-06T12:00:00Z", "2026-03-01T12:00:00Z"] {
        assert_eq!(at(closed, on()), ["deny outside-window"], "{closed}");
        assert!(at(closed, json!({})).is_empty(), "off by default");
    }
    assert!(at("2026-03-02T08:30:00Z", json!({ "window": true, "window_zone": "Europe/Berlin" })).is_empty());
    let unknown = json!({ "window": true, "window_zone": "Europe/Rome" });
    assert_eq!(at("2026-03-02T12:00:00Z", unknown), ["deny outside-window"], "the time is unknown");
}

#[test]
fn counts_earlier_deletions_against_the_rate() {
    assert!(found(hard(), history(58, 60), json!({})).is_empty());
    assert_eq!(found(hard(), history(59, 60), json!({})), ["deny too-fast"]);
    assert_eq!(found(hard(), history(10, 9), json!({})), ["deny too-fast"], "one minute for each tenant");
    assert!(found(hard(), history(10, 10), json!({})).is_empty());
    assert!(found(json!({}), history(498, 1), json!({})).is_empty());
    assert_eq!(found(json!({}), history(499, 1), json!({})), ["deny too-fast"]);
    assert_eq!(found(json!({}), history(0, 1), json!({ "tenants_a_day_soft": 0 })), ["deny too-fast"]);
}

#[test]
fn denies_a_hard_delete_with_an_unknown_history_and_warns_for_a_soft_delete() {
    assert_eq!(found(hard(), json!({}), json!({})), ["deny history-unknown"]);
    assert_eq!(found(json!({}), json!({}), json!({})), ["warn history-unknown"]);
}

#[test]
fn requires_disuse_and_notice_for_a_deletion_for_disuse() {
    let found = |notice: Value, resolved: [Option<i64>; 2], claimed: [Option<i64>; 2]| {
        let claims = json!({ "reason": { "trigger": "disuse" }, "notice": notice });
        let columns = vec![times("resolved_last_used_at", &resolved), times("last_used_at", &claimed)];
        check::<Timing>(&review(claims, history(0, 60)), json!({}), &[chunk(2, columns)])
    };
    let told = || json!({ "owners_notified_at": "2026-02-16T12:00:00Z", "opt_outs": 0 });
    let old = Some(NOW - 30 * DAY);
    assert!(found(told(), [old; 2], [None; 2]).is_empty());
    assert_eq!(found(told(), [old, Some(NOW - 29 * DAY)], [None; 2]), ["deny recently-used"]);
    assert_eq!(found(told(), [old, None], [old; 2]), ["deny recently-used"]);
    assert_eq!(found(told(), [old; 2], [Some(NOW), None]), ["deny recently-used"]);
    for late in [
        json!({ "opt_outs": 0 }),
        json!({ "owners_notified_at": "2026-02-16T12:00:01Z", "opt_outs": 0 }),
        json!({ "owners_notified_at": "0001-01-01T00:00:00Z", "opt_outs": 0 }),
        json!({ "owners_notified_at": "9998-01-01T00:00:00Z", "opt_outs": 0 }),
        json!({ "owners_notified_at": "2026-02-16T12:00:00Z", "opt_outs": 1 }),
    ] {
        assert_eq!(found(late.clone(), [old; 2], [None; 2]), ["deny no-notice"], "{late}");
    }
    assert_eq!(found(json!(null), [old; 2], [None; 2]), ["deny no-notice", "warn no-notice"]);
}

/// Checks a target whose owner was told three weeks ago, with these times in the inventory.
fn found_used(claims: Value, used: Option<i64>, created: Option<i64>) -> Vec<String> {
    let told = json!({ "notice": { "owners_notified_at": "2026-02-09T12:00:00Z", "opt_outs": 0 } });
    let mut review = review(told, history(0, 60));
    reprieve_sdk::testing::merge_patch(&mut review["claims"], claims);
    let columns = vec![times("resolved_last_used_at", &[used]), times("resolved_created_at", &[created])];
    check::<Timing>(&review, json!({}), &[chunk(1, columns)])
}

#[test]
fn requires_disuse_and_notice_for_every_trigger_that_the_owner_did_not_ask_for() {
    let (old, new) = (Some(NOW - 40 * DAY), Some(NOW - DAY));
    for reason in [
        json!({ "trigger": "expiry" }),
        json!({ "trigger": "retention" }),
        json!({ "trigger": "disuse" }),
        json!({ "trigger": "request", "trigger_source": "default" }),
    ] {
        for mode in ["soft", "hard"] {
            let claims = |notice: Value| json!({ "mode": mode, "reason": reason, "notice": notice });
            assert!(found_used(claims(json!({})), old, old).is_empty(), "{reason}");
            assert_eq!(found_used(claims(json!({})), new, old), ["deny recently-used"], "{reason}");
            let late = json!({ "owners_notified_at": "2026-03-01T12:00:00Z" });
            assert_eq!(found_used(claims(late), old, old), ["deny no-notice"], "{reason}");
        }
        assert_eq!(found_used(json!({ "mode": "hard", "reason": reason }), None, old), ["deny recently-used"]);
    }
    assert_eq!(found_used(json!({ "reason": { "trigger": "expiry" } }), None, old), ["warn recently-used"]);
    assert_eq!(found_used(json!({ "reason": { "trigger": "disuse" } }), None, old), ["deny recently-used"]);
    for trigger in ["request", "migration"] {
        assert!(found_used(json!({ "reason": { "trigger": trigger } }), new, new).is_empty(), "{trigger}");
    }
}

#[test]
fn an_unknown_trigger_may_be_any() {
    let (old, new) = (Some(NOW - 40 * DAY), Some(NOW - DAY));
    for (mode, word) in [("hard", "deny"), ("soft", "warn")] {
        let claims = |notice: Value| json!({ "mode": mode, "reason": { "trigger": null }, "notice": notice });
        assert!(found_used(claims(json!({})), old, old).is_empty(), "whatever the trigger, it may be deleted");
        assert_eq!(found_used(claims(json!({})), new, old), [format!("{word} recently-used")]);
        let late = json!({ "owners_notified_at": null });
        assert_eq!(found_used(claims(late), old, old), [format!("{word} no-notice")]);
    }
}

#[test]
fn a_time_that_stands_for_none_is_unknown_and_a_new_thing_counts_as_used() {
    let old = Some(NOW - 40 * DAY);
    let found = |used, created| found_used(json!({ "reason": { "trigger": "disuse" } }), used, created);
    for none in [Some(-62_135_596_800), Some(0), Some(253_370_764_800), None] {
        assert_eq!(found(none, old), ["deny recently-used"], "{none:?}");
    }
    assert_eq!(found(old, Some(NOW - 60)), ["deny recently-used"], "made a minute ago");
    assert!(found(old, Some(0)).is_empty());
}

#[test]
fn counts_objections_whatever_the_trigger() {
    for mode in ["soft", "hard"] {
        for trigger in [json!("request"), json!("migration"), json!("disuse"), json!(null)] {
            let claims = json!({ "mode": mode, "reason": { "trigger": trigger }, "notice": { "opt_outs": 1 } });
            let old = Some(NOW - 40 * DAY);
            assert_eq!(found_used(claims, old, old), ["deny no-notice"], "{mode} {trigger}");
        }
    }
    let unsaid = |mode: &str| found_used(json!({ "mode": mode, "notice": { "opt_outs": null } }), None, None);
    assert_eq!(unsaid("hard"), ["deny no-notice"]);
    assert!(unsaid("soft").is_empty());
}

/// The nature and the rule of each finding.
fn natures(claims: Value, facts: Value) -> Vec<(Nature, &'static str)> {
    let review = review(claims, facts).to_string();
    let session = Session::<Timing>::begin(review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_a_freeze_from_an_unknown_one() {
    let freeze = |freeze: Value| {
        natures(
            json!({ "mode": "hard", "schedule": { "freeze": freeze }, "notice": { "opt_outs": 0 } }),
            history(0, 60),
        )
    };
    assert_eq!(freeze(json!(true)), [(Nature::Wrong, "freeze")]);
    assert_eq!(freeze(json!(null)), [(Nature::Missing, "freeze")]);
}
