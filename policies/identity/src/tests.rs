use crate::Identity;
use reprieve_sdk::testing::{check, chunk, codes, review};
use serde_json::{Value, json};

fn found(claims: Value, columns: &[(&str, [&str; 2])]) -> Vec<String> {
    found_with(claims, json!({}), columns)
}

/// Checks two soft-deleted apps in production, with these columns in place of the correct ones. `?` is unknown.
fn found_with(claims: Value, settings: Value, columns: &[(&str, [&str; 2])]) -> Vec<String> {
    let correct = [
        ("kind", ["app"; 2]),
        ("tenant", ["t-1", "t-2"]),
        ("environment", ["?"; 2]),
        ("resolved_kind", ["app"; 2]),
        ("resolved_tenant", ["t-1", "t-2"]),
        ("resolved_environment", ["production"; 2]),
        ("resolved_state", ["soft-deleted"; 2]),
    ];
    let columns = correct.iter().map(|(name, values)| {
        let values = columns.iter().find(|(other, _)| other == name).map_or(values, |(_, values)| values);
        codes(name, &values.map(|value| Some(value).filter(|value| *value != "?")))
    });
    let chunk = chunk(2, columns.collect());
    let several = claims.get("target_kinds").cloned();
    let mut review = review(claims, json!({}));
    // A patch with a null would remove the kind.
    if let Some(kinds) = several {
        review["claims"]["target_kinds"] = kinds;
    }
    check::<Identity>(&review, settings, &[chunk])
}

fn declared(kind: &str) -> Value {
    json!({ "target_kind": kind, "provenance": { "id_kind": kind } })
}

#[test]
fn passes_matching_targets_in_both_modes() {
    assert!(found(json!({}), &[]).is_empty());
    assert!(found(json!({ "mode": "hard" }), &[]).is_empty());
}

#[test]
fn denies_another_kind_in_the_list_the_inventory_or_the_provenance() {
    for column in ["kind", "resolved_kind"] {
        for other in ["label", "web-app", "apps"] {
            assert_eq!(found(json!({}), &[(column, ["app", other])]), ["deny kind-mismatch"], "{column} {other}");
        }
        let alike = found(json!({}), &[(column, ["app", "\u{430}pp"])]);
        assert_eq!(alike, ["deny kind-mismatch", "warn protected-kind"], "{column}");
        assert!(found(json!({}), &[(column, ["App", " app "])]).is_empty(), "{column}");
    }
    assert_eq!(found(json!({ "provenance": { "id_kind": "label" } }), &[]), ["deny kind-mismatch"]);
}

#[test]
fn each_target_is_of_the_declared_kind_that_its_list_states() {
    let several = |kinds: Value| json!({ "target_kind": null, "target_kinds": kinds });
    let two = |listed: [&'static str; 2], resolved| [("kind", listed), ("resolved_kind", resolved)];
    let listed = two(["app", "label"], ["app", "label"]);
    let either = several(json!({ "app": null, "label": null }));
    assert!(found(either.clone(), &listed).is_empty());
    assert!(found(either.clone(), &two(["App", "label"], ["app", " Label"])).is_empty());
    assert_eq!(found(either.clone(), &two(["app", "label"], ["label", "app"])), ["deny kind-mismatch"]);
    assert_eq!(found(either.clone(), &two(["app", "site"], ["app", "label"]))[0], "deny kind-mismatch");
    assert_eq!(found(either.clone(), &two(["app", "label"], ["app", "queue"])), ["deny kind-mismatch"; 2]);
    assert_eq!(found(either, &two(["app", "?"], ["app", "label"])), ["deny kind-mismatch"]);
    assert_eq!(
        found(several(json!({ "app": 1, "label": 1 })), &listed),
        ["deny kind-mismatch"],
        "the facts have 2 apps"
    );
    assert!(found(several(json!({ "app": 2, "label": null })), &listed).is_empty());

    // A target without a kind may be of the protected one.
    let protected = several(json!({ "app": null, "site": null }));
    let unlisted = found(protected, &two(["app", "?"], ["app", "?"]));
    assert!(unlisted.contains(&"deny protected-kind".to_owned()), "{unlisted:?}");
}

#[test]
fn compares_counts_with_limits_exactly_and_allows_nothing_at_zero() {
    let one = [("kind", ["app", "label"])];
    assert!(found_with(json!({}), json!({ "max_mismatch": 1 }), &one).is_empty());
    assert_eq!(found_with(json!({}), json!({ "max_mismatch": 0 }), &one), ["deny kind-mismatch"]);
    assert_eq!(
        found_with(
            declared("site"),
            json!({ "max_protected": 0 }),
            &[("kind", ["site", "site"]), ("resolved_kind", ["site", "site"])]
        ),
        ["deny protected-kind"]
    );
}

#[test]
fn denies_targets_that_are_not_in_the_inventory() {
    let one = [("resolved_kind", ["app", "?"])];
    assert_eq!(found(json!({ "mode": "hard" }), &one), ["deny unresolved"]);
    assert_eq!(found(json!({}), &one), ["deny unresolved"]);
    assert!(found_with(json!({}), json!({ "max_unresolved_soft": 50.0 }), &one).is_empty());
}

#[test]
fn denies_an_id_that_the_inventory_has_in_another_spelling() {
    let near = |unresolved: u64, near: Value| {
        let facts =
            json!({ "inventory": { "resolved": 2 - unresolved, "unresolved": unresolved, "near_misses": near } });
        move |mode: &str| check::<Identity>(&review(json!({ "mode": mode }), facts.clone()), json!({}), &[])
    };
    let bob = json!({ "count": 1, "examples": [{ "row": 1, "id": "BOB", "known": "bob" }], "unchecked": 0 });
    let found = near(1, bob);
    assert_eq!([found("hard"), found("soft")], [["deny near-miss"], ["deny near-miss"]]);
    let none = near(1, json!({ "count": 0, "examples": [], "unchecked": 0 }));
    assert!(none("hard").is_empty() && none("soft").is_empty());
    for unknown in [near(1, json!(null)), near(2, json!({ "unchecked": 1 }))] {
        assert_eq!([unknown("hard"), unknown("soft")], [["deny near-miss"], ["warn near-miss"]]);
    }
    assert!(near(0, json!(null))("hard").is_empty());
}

#[test]
fn without_an_inventory_denies_a_hard_delete_and_warns_for_a_soft_delete() {
    for (mode, expected) in [("hard", "deny unresolved"), ("soft", "warn unresolved")] {
        let review = review(json!({ "mode": mode }), json!({ "inventory": null }));
        let chunk = chunk(2, vec![codes("kind", &[Some("app"); 2])]);
        assert_eq!(check::<Identity>(&review, json!({}), &[chunk]), [expected]);
    }
}

#[test]
fn requires_a_batch_of_its_own_and_more_approvals_for_a_protected_kind() {
    let all = |kind| [("kind", [kind; 2]), ("resolved_kind", [kind; 2])];
    let spellings =
        ["site", "web_site", "Sites", "AWS::S3::Bucket", "S3Bucket", "aws_rds_cluster", "AWS::RDS::DBCluster"];
    let databases = ["Databases", "DBInstances", "google_sql_database_instance", "ProdDB"];
    for kind in spellings.into_iter().chain(databases) {
        assert_eq!(found(declared(kind), &all(kind)), ["deny protected-kind"], "{kind}");
    }
    for kind in ["address", "website-visit", "ClusterRole", "database-dump", "instance"] {
        assert!(found(declared(kind), &all(kind)).is_empty(), "{kind}");
    }
    let two = declared("site");
    let settings = |required| json!({ "max_protected": 2, "protected_approvals_soft": required });
    assert!(found_with(two.clone(), settings(1), &all("site")).is_empty());
    assert_eq!(found_with(two.clone(), settings(2), &all("site")), ["deny protected-kind"]);
    let old = json!({ "max_protected": 2, "protected_approvals_soft": 1, "max_approval_age": 599 });
    assert_eq!(found_with(two, old, &all("site")), ["deny protected-kind"], "the approval is ten minutes old");
}

#[test]
fn does_not_know_whether_a_kind_in_other_letters_is_protected() {
    let kind = "s\u{456}te";
    let all = [("kind", [kind; 2]), ("resolved_kind", [kind; 2])];
    for (mode, expected) in [("hard", "deny protected-kind"), ("soft", "warn protected-kind")] {
        let mut claims = declared(kind);
        claims["mode"] = json!(mode);
        assert_eq!(found(claims.clone(), &all), [expected]);
        assert!(found_with(claims, json!({ "unprotected_kinds": [kind] }), &all).is_empty());
    }
}

#[test]
fn denies_targets_of_another_tenant_than_the_list_says() {
    for mode in ["hard", "soft"] {
        let mode = json!({ "mode": mode });
        for tenants in [["t-1", "t-1"], ["t-2", "t-1"], ["t-1", "T-2"], ["t-1", "t-20"]] {
            assert_eq!(found(mode.clone(), &[("tenant", tenants)]), ["deny tenant-mismatch"], "{tenants:?}");
            assert_eq!(found(mode.clone(), &[("resolved_tenant", tenants)]), ["deny tenant-mismatch"], "{tenants:?}");
        }
        for tenants in [["t-1", " t-2 "], ["?", "t-2"], ["?", "?"]] {
            assert!(found(mode.clone(), &[("tenant", tenants)]).is_empty(), "{tenants:?}");
            assert!(found(mode.clone(), &[("resolved_tenant", tenants)]).is_empty(), "{tenants:?}");
        }
    }
}

#[test]
fn compares_the_environment_with_the_list_and_the_inventory() {
    assert_eq!(found(json!({ "environment": "staging" }), &[]), ["deny environment-mismatch"]);
    assert_eq!(found(json!({}), &[("environment", ["production", "test"])]), ["deny environment-mismatch"]);
    let unknown = [("resolved_environment", ["production", "?"])];
    assert_eq!(found(json!({ "mode": "hard" }), &unknown), ["deny environment-mismatch"]);
    assert_eq!(found(json!({}), &unknown), ["warn environment-mismatch"]);
}

#[test]
fn denies_a_hard_delete_of_targets_in_use() {
    for state in ["Disabled", "soft_deleted", "SoftDeleted", "DECOMMISSIONED"] {
        assert!(found(json!({ "mode": "hard" }), &[("resolved_state", ["disabled", state])]).is_empty(), "{state}");
    }
    for state in ["live", "?", "not disabled", "undeleted"] {
        let one = [("resolved_state", ["disabled", state])];
        assert_eq!(found(json!({ "mode": "hard" }), &one), ["deny live-target"], "{state}");
        assert!(found(json!({}), &one).is_empty());
    }
}

/// Checks apps with an inventory of a source, and a request with this digest of its own.
fn found_of(source: &str, claimed: Value, mode: &str) -> Vec<String> {
    let mut review = review(
        json!({ "mode": mode, "provenance": { "source_sha256": claimed } }),
        json!({ "inventory": { "source": { "format": "kubernetes", "sha256": source } } }),
    );
    review["claims"]["reason"]["basis"] = json!("contract-ended");
    let columns = [
        ("kind", "app"),
        ("resolved_kind", "app"),
        ("resolved_environment", "production"),
        ("resolved_state", "soft-deleted"),
    ];
    let columns = columns.map(|(name, value)| codes(name, &[Some(value); 2]));
    check::<Identity>(&review, json!({}), &[chunk(2, columns.to_vec())])
}

#[test]
fn an_inventory_of_the_same_file_proves_nothing() {
    let (other, own) = ("0a".repeat(32), "0b".repeat(32));
    for (mode, severity) in [("hard", "deny"), ("disable", "deny"), ("soft", "warn")] {
        let expected = [format!("{severity} same-source")];
        assert!(found_of(&other, json!(own), mode).is_empty(), "{mode}");
        for claimed in [json!(other), json!(other.to_uppercase()), json!(format!(" {other}"))] {
            assert_eq!(found_of(&other, claimed.clone(), mode), expected, "{mode} {claimed}");
        }
        // What the request does not say is unknown.
        for claimed in [json!(null), json!(""), json!(" ")] {
            assert_eq!(found_of(&other, claimed.clone(), mode), expected, "{mode} {claimed}");
        }
        // The list itself became the inventory, whatever the request says.
        let list = review(json!({}), json!({}))["facts"]["targets_sha256"].as_str().unwrap().to_owned();
        assert_eq!(found_of(&list, json!(own), mode), expected, "{mode}");
    }
}
