use crate::BlastRadius;
use reprieve_sdk::testing::{check, review, wave};
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
    assert!(found(json!({}), facts(19, 20), json!({})).is_empty());
    assert!(found(json!({}), facts(20, 400), json!({})).is_empty());
    assert_eq!(found(json!({}), facts(20, 399), json!({})), ["deny too-large-share"]);
    assert_eq!(
        found(json!({}), facts(2, 1000), json!({ "share_from": 0, "max_share": 0 })).len(),
        1,
        "no tenant is gone"
    );
}

#[test]
fn counts_tenants_that_are_gone_and_those_that_may_be() {
    let facts = |gone: Value, touched: u64, population: u64| {
        json!({ "inventory": { "population": { "app": 3000 }, "population_tenants": population, "tenants_gone": gone,
                "closure": { "things": 20, "tenants": { "distinct": touched }, "kinds": { "counts": { "app": 20 } } } } })
    };
    assert!(found(json!({}), facts(json!(0), 1, 1), json!({})).is_empty(), "the only tenant keeps the rest");
    assert!(found(json!({}), facts(json!(1), 20, 20), json!({})).is_empty(), "5 % are gone");
    for (gone, touched, population) in [(json!(1), 1, 1), (json!(2), 20, 20), (json!(null), 1, 1)] {
        assert_eq!(found(json!({}), facts(gone, touched, population), json!({})), ["deny too-large-share"]);
    }
}

#[test]
fn denies_all_there_is_of_a_kind_from_two_on() {
    let facts = |count: u64, population: u64| {
        json!({ "inventory": { "population": { "app": population },
                "closure": { "things": count, "kinds": { "counts": { "app": count } } } } })
    };
    for mode in ["soft", "hard"] {
        let mode = json!({ "mode": mode });
        for count in [2, 3, 19] {
            assert_eq!(found(mode.clone(), facts(count, count), json!({})), ["deny whole-kind"], "{count}");
            assert!(found(mode.clone(), facts(count, count + 1), json!({})).is_empty(), "{count}");
        }
        assert!(found(mode, facts(1, 1), json!({})).is_empty());
    }
}

#[test]
fn allows_all_there_is_if_it_is_declared_and_approved() {
    let facts = json!({ "inventory": { "population": { "app": 2 } } });
    let declared = |kinds: Value| json!({ "operation": { "all_of": kinds } });
    assert!(found(declared(json!(["App"])), facts.clone(), json!({})).is_empty());
    for kinds in [json!([]), json!(["site"]), json!([""]), json!(null)] {
        assert_eq!(found(declared(kinds), facts.clone(), json!({})), ["deny whole-kind"]);
    }
    let mut unapproved = declared(json!(["app"]));
    unapproved["approvals"] = json!([]);
    assert_eq!(found(unapproved, facts.clone(), json!({})), ["deny whole-kind"]);
    let old = json!({ "max_approval_age": 599 });
    assert_eq!(found(declared(json!(["app"])), facts.clone(), old), ["deny whole-kind"], "it is ten minutes old");
    let hidden =
        json!({ "inventory": { "population": { "app": 3 }, "closure": { "kinds": { "counts": { "app": 3 } } } } });
    assert_eq!(found(declared(json!(["app"])), hidden, json!({})), ["deny whole-kind"], "one is not on the list");
}

#[test]
fn denies_all_there_is_in_waves_as_well() {
    let wave = |all_of: Value| {
        let mut facts = wave();
        facts["whole"]["all_of"] = all_of;
        facts
    };
    assert_eq!(found(json!({}), wave(json!(["app"])), json!({})), ["deny whole-kind"]);
    assert!(found(json!({}), wave(json!([])), json!({})).is_empty());
    assert!(found(json!({}), wave(json!(null)), json!({})).is_empty());
    let approval = json!({ "by": "alice", "type": "human", "at": "2026-03-02T11:50:00Z", "targets_sha256": "f00",
        "mode": "soft", "kinds": { "app": 9 }, "tenants": 70 });
    let declared = json!({ "operation": { "all_of": ["app"] }, "approvals": [approval] });
    let mut facts = wave(json!(["app"]));
    facts["inventory"] = json!({ "population": { "app": 9 } });
    assert!(found(declared.clone(), facts, json!({})).is_empty());
    let mut last = wave(json!(["app"]));
    last["inventory"] = json!({ "population": { "app": 2 } });
    assert!(found(declared, last, json!({})).is_empty(), "the last wave of a list that was approved as a whole");
}

#[test]
fn does_not_know_how_many_there_are_of_further_kinds() {
    let facts = json!({ "inventory": { "closure": { "kinds": { "others": 1 } } } });
    assert_eq!(found(json!({ "mode": "hard" }), facts.clone(), json!({})), ["deny whole-kind"]);
    assert_eq!(found(json!({}), facts, json!({})), ["warn whole-kind"]);
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
    let session = Session::<BlastRadius>::begin(review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_unknown_dependents_from_too_many_tenants() {
    let unknown = json!({ "inventory": { "closure": { "unknown": 1 } } });
    assert_eq!(natures(json!({}), unknown), [(Nature::Missing, "closure-unknown")]);
    assert_eq!(natures(json!({}), tenants(501, 0)), [(Nature::Wrong, "too-many-tenants")]);
}

#[test]
fn marks_every_rule_but_whole_kind_as_cleared_by_a_smaller_batch() {
    for rule in BlastRadius::RULES {
        assert_eq!(rule.subject == Subject::Size, rule.code != "whole-kind", "{}", rule.code);
    }
}
