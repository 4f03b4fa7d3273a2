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

fn found_in_order(claims: serde_json::Value) -> Vec<String> {
    found(claims, &[Some("soft-deleted"); 2], &[Some(NOW - 30 * DAY); 2])
}

#[test]
fn a_soft_delete_needs_no_basis() {
    assert!(found_in_order(json!({})).is_empty());
}

#[test]
fn a_hard_delete_needs_a_listed_basis() {
    assert!(found_in_order(json!({ "mode": "hard", "reason": { "basis": "gdpr-17" } })).is_empty());
    for basis in [json!(null), json!(""), json!("GDPR-17"), json!("gdpr-1"), json!("cleanup")] {
        let claims = json!({ "mode": "hard", "reason": { "basis": basis } });
        assert_eq!(found_in_order(claims), ["deny no-legal-basis"]);
    }
}

#[test]
fn a_hard_delete_follows_a_soft_one() {
    let hard = |basis: &str| json!({ "mode": "hard", "reason": { "basis": basis } });
    let day = |days: i64| Some(NOW - days * DAY);
    let soft = Some("soft-deleted");
    let denied = ["deny soft-delete-first"];
    assert_eq!(found(hard("ccpa"), &[soft, Some("live")], &[day(40), day(40)]), denied);
    assert_eq!(found(hard("ccpa"), &[soft, soft], &[day(40), day(29)]), denied);
    assert_eq!(found(hard("ccpa"), &[soft, soft], &[day(40), None]), denied);
    assert_eq!(found(hard("ccpa"), &[soft, None], &[day(40), day(40)]), denied);
    assert!(found(hard("court-order"), &[soft, None], &[day(40), day(40)]).is_empty());
}

#[test]
fn without_an_inventory_nothing_is_known_to_be_soft_deleted() {
    let review = review(json!({ "mode": "hard", "reason": { "basis": "ccpa" } }), json!({ "inventory": null }));
    assert_eq!(check::<Mode>(&review, json!({}), &[chunk(2, Vec::new())]), ["deny soft-delete-first"]);
}

#[test]
fn a_soft_delete_keeps_its_targets_for_a_week() {
    for (days, denied) in [(0, 1), (6, 1), (7, 0), (30, 0)] {
        assert_eq!(found_in_order(json!({ "recovery": { "soft_delete_days": days } })).len(), denied, "{days}");
    }
}

#[test]
fn a_default_does_not_delete() {
    let trigger = |trigger: &str, source: serde_json::Value| json!({ "reason": { "trigger": trigger, "trigger_source": source } });
    assert_eq!(found_in_order(trigger("expiry", json!("default"))), ["deny default-trigger"]);
    assert_eq!(found_in_order(trigger("expiry", json!(null))), ["warn default-trigger"]);
    assert!(found_in_order(trigger("expiry", json!("explicit"))).is_empty());
    assert!(found_in_order(trigger("request", json!(null))).is_empty());
}
