use crate::BlastRadius;
use reprieve_sdk::testing::{check, review};
use reprieve_sdk::{Nature, Policy, Session, Subject};
use serde_json::{Value, json};

fn found(claims: Value, facts: Value, settings: Value) -> Vec<String> {
    check::<BlastRadius>(&review(claims, facts), settings, &[])
}

fn tenants(distinct: u64, unknown: u64) -> Value {
    json!({ "tenants_at_most": distinct + unknown, "tenants": { "distinct": distinct, "unknown": unknown } })
}

#[test]
fn passes_a_small_batch_in_both_modes() {
    assert!(found(json!({}), json!({}), json!({})).is_empty());
    assert!(found(json!({ "mode": "hard" }), json!({}), json!({})).is_empty());
}

#[test]
fn limits_tenants_by_mode_and_counts_unknown_ones() {
    let denied = ["deny too-many-tenants"];
    for (mode, max) in [("hard", 60), ("soft", 500)] {
        let mode = json!({ "mode": mode });
        assert!(found(mode.clone(), tenants(max, 0), json!({})).is_empty());
        assert_eq!(found(mode.clone(), tenants(max + 1, 0), json!({})), denied);
        assert_eq!(found(mode, tenants(max, 1), json!({})), denied);
    }
    assert_eq!(found(json!({}), json!({}), json!({ "max_tenants_soft": 0 })), denied);
}

#[test]
fn limits_the_share_from_twenty_resources_on() {
    let facts = |things: u64, population: u64| {
        json!({ "inventory": { "population": { "app": population },
                "closure": { "things": things, "kinds": { "counts": { "app": things } } } } })
    };
    assert!(found(json!({}), facts(19, 19), json!({})).is_empty());
    assert!(found(json!({}), facts(20, 400), json!({})).is_empty());
    assert_eq!(found(json!({}), facts(20, 399), json!({})), ["deny too-large-share"]);
    assert_eq!(
        found(json!({}), facts(2, 1000), json!({ "share_from": 0, "max_share": 0 })).len(),
        2,
        "kind and tenants"
    );
}

#[test]
fn denies_unknown_dependents_of_a_hard_delete_and_warns_for_a_soft_delete() {
    for facts in [
        json!({ "inventory": null }),
        json!({ "inventory": { "closure": { "unknown": 1 } } }),
        json!({ "inventory": { "closure": { "truncated": true } } }),
    ] {
        assert_eq!(found(json!({ "mode": "hard" }), facts.clone(), json!({})), ["deny closure-unknown"]);
        assert_eq!(found(json!({}), facts, json!({})), ["warn closure-unknown"]);
    }
}

#[test]
fn denies_dependents_that_are_not_on_the_list() {
    let facts = json!({ "inventory": { "closure": { "things": 18, "undeclared": 17,
        "undeclared_kinds": { "counts": { "database": 17 } }, "examples": ["db-1"] } } });
    assert_eq!(found(json!({}), facts.clone(), json!({})), ["deny undeclared-dependents"]);
    assert!(found(json!({}), facts, json!({ "max_undeclared": 17 })).is_empty());
}

#[test]
fn denies_a_pool_below_its_minimum() {
    let pool = |removed: u64, minimum: Value| json!({ "inventory": { "pools": [{ "name": "index", "members": 10, "removed": removed, "minimum": minimum }] } });
    assert!(found(json!({}), pool(2, json!(8)), json!({})).is_empty());
    assert_eq!(found(json!({}), pool(3, json!(8)), json!({})), ["deny capacity-floor"]);
    assert!(found(json!({}), pool(5, json!(null)), json!({})).is_empty());
    assert_eq!(found(json!({}), pool(6, json!(null)), json!({})), ["deny capacity-floor"]);
}

/// The nature and the rule of each finding.
fn natures(claims: Value, facts: Value) -> Vec<(Nature, &'static str)> {
    let review = review(claims, facts).to_string();
    let session = Session::<BlastRadius>::begin(&review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_unknown_dependents_from_too_many_tenants() {
    let unknown = json!({ "inventory": { "closure": { "unknown": 1 } } });
    assert_eq!(natures(json!({}), unknown), [(Nature::Missing, "closure-unknown")]);
    assert_eq!(natures(json!({}), tenants(501, 0)), [(Nature::Wrong, "too-many-tenants")]);
}

#[test]
fn marks_every_rule_as_cleared_by_a_smaller_batch() {
    assert!(BlastRadius::RULES.iter().all(|rule| rule.subject == Subject::Size));
}
