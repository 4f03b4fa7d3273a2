use crate::Mode;
use reprieve_sdk::testing::{check, chunk, codes, review, times};
use serde_json::json;

const NOW: i64 = 1_772_452_800; // 2026-03-02T12:00:00Z, the time of `review`
const DAY: i64 = 86_400;

fn found(claims: serde_json::Value, states: &[Option<&str>], since: &[Option<i64>]) -> Vec<String> {
    let chunk =
        chunk(states.len() as u32, vec![codes("resolved_state", states), times("resolved_state_since", since)]);
    check::<Mode>(&review(claims, json!({})), json!({}), &[chunk])
}

fn found_soft_deleted(claims: serde_json::Value) -> Vec<String> {
    found(claims, &[Some("soft-deleted"); 2], &[Some(NOW - 30 * DAY); 2])
}

#[test]
fn passes_a_soft_delete_without_a_legal_basis() {
    assert!(found_soft_deleted(json!({})).is_empty());
}

#[test]
fn requires_a_listed_legal_basis_for_a_hard_delete() {
    assert!(found_soft_deleted(json!({ "mode": "hard", "reason": { "basis": "contract-end" } })).is_empty());
    for basis in [json!(null), json!(""), json!("GDPR-17"), json!("gdpr-1"), json!("cleanup")] {
        let claims = json!({ "mode": "hard", "reason": { "basis": basis } });
        assert_eq!(found_soft_deleted(claims), ["deny no-legal-basis"]);
    }
}

#[test]
fn requires_an_earlier_soft_delete_for_a_hard_delete() {
    let hard = |basis: &str| json!({ "mode": "hard", "reason": { "basis": basis } });
    let day = |days: i64| Some(NOW - days * DAY);
    let soft = Some("soft-deleted");
    let denied = ["deny soft-delete-first"];
    assert_eq!(found(hard("contract-end"), &[soft, Some("live")], &[day(40), day(40)]), denied);
    assert_eq!(found(hard("contract-end"), &[soft, soft], &[day(40), day(29)]), denied);
    assert_eq!(found(hard("ccpa"), &[soft, soft], &[day(40), None]), denied);
    assert_eq!(found(hard("ccpa"), &[soft, None], &[day(40), day(40)]), denied);
    assert!(found(hard("court-order"), &[soft, None], &[day(40), day(40)]).is_empty());
}

#[test]
fn an_erasure_may_run_within_the_month_that_the_law_gives() {
    let found = |basis: &str, days: i64| {
        let claims = json!({ "mode": "hard", "reason": { "basis": basis } });
        found(claims, &[Some("soft-deleted")], &[Some(NOW - days * DAY)])
    };
    for basis in ["gdpr-17", "ccpa"] {
        assert!(found(basis, 7).is_empty(), "{basis}");
        assert_eq!(found(basis, 6), ["deny soft-delete-first"], "{basis}");
    }
    assert_eq!(found("contract-end", 7), ["deny soft-delete-first"]);
}

#[test]
fn a_policy_set_names_states_that_need_no_earlier_soft_delete() {
    let found = |state: Option<&str>, retired: serde_json::Value| {
        let columns = vec![codes("resolved_state", &[state])];
        let claims = json!({ "mode": "hard", "reason": { "basis": "contract-end" } });
        check::<Mode>(&review(claims, json!({})), json!({ "retired_states": retired }), &[chunk(1, columns)])
    };
    for state in ["disabled", "Disabled", "dis_abled"] {
        assert!(found(Some(state), json!(["disabled"])).is_empty(), "{state}");
        assert_eq!(found(Some(state), json!([])), ["deny soft-delete-first"], "{state}");
    }
    for state in [Some("live"), Some("disabled-soon"), None] {
        assert_eq!(found(state, json!(["disabled"])), ["deny soft-delete-first"], "{state:?}");
    }
}

#[test]
fn a_policy_set_names_kinds_that_need_no_legal_basis() {
    let found = |declared: &str, listed: &str, known: serde_json::Value| {
        let claims = json!({ "mode": "hard", "target_kind": declared, "reason": { "basis": null } });
        let listed = json!({ "counts": { "app": null, listed: 2 }, "others": 0, "unknown": 0 });
        let facts = json!({ "kinds": listed, "inventory": { "kinds": known } });
        let chunk = chunk(
            1,
            vec![
                codes("resolved_state", &[Some("soft-deleted")]),
                times("resolved_state_since", &[Some(NOW - 40 * DAY)]),
            ],
        );
        check::<Mode>(&review(claims, facts), json!({ "basis_free_kinds": ["server"] }), &[chunk])
    };
    let known =
        |kind: &str, unknown: u64| json!({ "counts": { "app": null, kind: 2 }, "others": 0, "unknown": unknown });
    assert!(found("server", "Servers", known("aws_server", 0)).is_empty());
    for (declared, listed, known) in [
        ("site", "server", known("server", 0)),
        ("server", "site", known("server", 0)),
        ("server", "server", known("site", 0)),
        ("server", "server", known("server", 1)),
    ] {
        assert_eq!(found(declared, listed, known.clone()), ["deny no-legal-basis"], "{declared} {listed} {known}");
    }
}

#[test]
fn a_state_is_soft_deleted_in_any_spelling() {
    let claims = json!({ "mode": "hard", "reason": { "basis": "contract-end" } });
    for state in ["Soft_Deleted", "soft deleted", "softdeleted"] {
        assert!(found(claims.clone(), &[Some(state)], &[Some(NOW - 40 * DAY)]).is_empty(), "{state}");
    }
}

#[test]
fn denies_a_soft_delete_whose_verb_is_permanent() {
    let verb = |mode: &str, verb: serde_json::Value| {
        let claims = json!({ "mode": mode, "reason": { "basis": "contract-end" }, "operation": { "verb": verb } });
        found_soft_deleted(claims)
    };
    for permanent in [
        "purge",
        "DROP TABLE",
        "dropTable",
        "drop and create",
        "zeroize",
        "destroyed",
        "wiping",
        "shred",
        "Expunge",
        "hard-delete",
        "permanently delete",
        "terraform destroy",
    ] {
        assert_eq!(verb("soft", json!(permanent)), ["deny verb-differs"], "{permanent}");
        assert!(verb("hard", json!(permanent)).is_empty(), "{permanent}");
    }
    for recoverable in ["delete", "disable", "move aside", "hide", "harden", "create droplet", "mark"] {
        assert!(verb("soft", json!(recoverable)).is_empty(), "{recoverable}");
    }
    assert_eq!(verb("soft", json!(null)), ["warn verb-differs"]);
}

#[test]
fn without_an_inventory_counts_targets_as_not_soft_deleted() {
    let review = review(json!({ "mode": "hard", "reason": { "basis": "ccpa" } }), json!({ "inventory": null }));
    assert_eq!(check::<Mode>(&review, json!({}), &[chunk(2, Vec::new())]), ["deny soft-delete-first"]);
}

#[test]
fn requires_a_soft_delete_to_keep_its_targets_for_a_week() {
    for (days, denied) in [(0, 1), (6, 1), (7, 0), (30, 0)] {
        assert_eq!(found_soft_deleted(json!({ "recovery": { "soft_delete_days": days } })).len(), denied, "{days}");
    }
}

#[test]
fn denies_a_deletion_triggered_by_a_default() {
    let trigger = |trigger: &str, source: serde_json::Value| json!({ "reason": { "trigger": trigger, "trigger_source": source } });
    assert_eq!(found_soft_deleted(trigger("expiry", json!("default"))), ["deny default-trigger"]);
    assert_eq!(found_soft_deleted(trigger("expiry", json!(null))), ["warn default-trigger"]);
    assert!(found_soft_deleted(trigger("expiry", json!("explicit"))).is_empty());
    assert!(found_soft_deleted(trigger("request", json!("explicit"))).is_empty());
}

#[test]
fn denies_a_hard_delete_that_does_not_say_its_trigger_and_warns_of_a_soft_one() {
    let without = |field: &str, mode: &str| {
        found_soft_deleted(json!({ "mode": mode, "reason": { "basis": "contract-end", field: null } }))
    };
    for field in ["trigger", "trigger_source"] {
        assert_eq!(without(field, "hard"), ["deny default-trigger"], "{field}");
        assert_eq!(without(field, "soft"), ["warn default-trigger"], "{field}");
    }
    assert_eq!(found_soft_deleted(json!({ "reason": null })), ["warn default-trigger"; 2]);
}

#[test]
fn warns_of_a_soft_delete_that_does_not_say_how_long_it_can_be_undone() {
    assert_eq!(found_soft_deleted(json!({ "recovery": null })), ["warn soft-delete-first"]);
    assert_eq!(found_soft_deleted(json!({ "recovery": { "soft_delete_days": null } })), ["warn soft-delete-first"]);
}

#[test]
fn a_target_that_was_used_after_it_was_soft_deleted_counts_as_live() {
    let used = |name: &str, days: i64| {
        let columns = vec![
            codes("resolved_state", &[Some("soft-deleted")]),
            times("resolved_state_since", &[Some(NOW - 40 * DAY)]),
            times(name, &[Some(NOW - days * DAY)]),
        ];
        let claims = json!({ "mode": "hard", "reason": { "basis": "contract-end" } });
        check::<Mode>(&review(claims, json!({})), json!({}), &[chunk(1, columns)])
    };
    for name in ["last_used_at", "resolved_last_used_at"] {
        assert_eq!(used(name, 39), ["deny soft-delete-first"], "{name}");
        assert!(used(name, 40).is_empty(), "{name}");
    }
}

/// A batch that disables its targets, with a verb.
fn disabling(verb: serde_json::Value, more: serde_json::Value) -> Vec<String> {
    let mut claims = json!({ "mode": "disable", "operation": { "verb": verb }, "recovery": null });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    found(claims, &[Some("live"); 2], &[None; 2])
}

#[test]
fn what_only_stops_a_service_needs_no_legal_basis_and_no_soft_delete() {
    for verb in
        ["disable", "StopInstances", "reboot-db-instance", "suspended", "power off", "scale_down", "wipe-config"]
    {
        assert!(disabling(json!(verb), json!({})).is_empty(), "{verb}");
    }
}

#[test]
fn denies_a_disabling_whose_verb_does_not_say_so() {
    let verbs = [
        "delete",
        "terminate-instances",
        "stop-and-delete",
        "lock and purge",
        "wipe",
        "wipe-disk",
        "cleanup",
        "run",
        "x",
        "disabled-users-removal-remove",
        "unstoppable",
        "delete-lock",
    ];
    for verb in verbs.map(|verb| json!(verb)).into_iter().chain([json!(null), json!(" "), json!("n/a")]) {
        assert_eq!(disabling(verb.clone(), json!({})), ["deny verb-differs"], "{verb}");
    }
    assert_eq!(disabling(json!("disable"), json!({ "operation": null })), ["deny verb-differs"]);
}

#[test]
fn a_disabling_must_say_what_triggered_it() {
    for reason in
        [json!({ "trigger": null }), json!({ "trigger_source": null }), json!({ "trigger_source": "default" })]
    {
        assert_eq!(disabling(json!("stop"), json!({ "reason": reason })), ["deny default-trigger"]);
    }
}
