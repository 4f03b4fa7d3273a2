use crate::BlastRadius;
use reprieve_sdk::testing::{check, review};
use serde_json::{Value, json};

fn found(claims: Value, facts: Value, settings: Value) -> Vec<String> {
    check::<BlastRadius>(&review(claims, facts), settings, &[])
}

fn tenants(distinct: u64, unknown: u64) -> Value {
    json!({ "tenants_at_most": distinct + unknown, "tenants": { "distinct": distinct, "unknown": unknown } })
}

#[test]
fn a_small_batch_passes_in_both_modes() {
    assert!(found(json!({}), json!({}), json!({})).is_empty());
    assert!(found(json!({ "mode": "hard" }), json!({}), json!({})).is_empty());
}

#[test]
fn tenants_are_limited_by_mode_and_the_unknown_count() {
    let denied = ["deny too-many-tenants"];
    for (mode, most) in [("hard", 60), ("soft", 500)] {
        let mode = json!({ "mode": mode });
        assert!(found(mode.clone(), tenants(most, 0), json!({})).is_empty());
        assert_eq!(found(mode.clone(), tenants(most + 1, 0), json!({})), denied);
        assert_eq!(found(mode, tenants(most, 1), json!({})), denied);
    }
    assert_eq!(found(json!({}), json!({}), json!({ "max_tenants_soft": 0 })), denied);
}

#[test]
fn a_share_is_judged_from_twenty_things_on() {
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
fn an_unknown_closure_is_not_an_empty_one() {
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
fn whatever_goes_has_to_be_on_the_list() {
    let facts = json!({ "inventory": { "closure": { "things": 18, "undeclared": 17,
        "undeclared_kinds": { "counts": { "database": 17 } }, "examples": ["db-1"] } } });
    assert_eq!(found(json!({}), facts.clone(), json!({})), ["deny undeclared-dependents"]);
    assert!(found(json!({}), facts, json!({ "max_undeclared": 17 })).is_empty());
}

#[test]
fn a_pool_keeps_what_it_needs() {
    let pool = |removed: u64, minimum: Value| json!({ "inventory": { "pools": [{ "name": "index", "members": 10, "removed": removed, "minimum": minimum }] } });
    assert!(found(json!({}), pool(2, json!(8)), json!({})).is_empty());
    assert_eq!(found(json!({}), pool(3, json!(8)), json!({})), ["deny capacity-floor"]);
    assert!(found(json!({}), pool(5, json!(null)), json!({})).is_empty());
    assert_eq!(found(json!({}), pool(6, json!(null)), json!({})), ["deny capacity-floor"]);
}
