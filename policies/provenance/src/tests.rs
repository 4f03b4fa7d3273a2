use crate::Provenance;
use reprieve_sdk::testing::{check, chunk, review, strings, wave};
use reprieve_sdk::{Nature, Session};
use serde_json::{Value, json};

fn found(claims: Value) -> Vec<String> {
    found_with(claims, json!({}), &["a-1", "a-2"])
}

fn found_with(claims: Value, facts: Value, ids: &[&str]) -> Vec<String> {
    let ids: Vec<Option<&str>> = ids.iter().copied().map(Some).collect();
    let chunk = chunk(ids.len() as u32, vec![strings("id", &ids)]);
    check::<Provenance>(&review(claims, facts), json!({}), &[chunk])
}

fn provenance(patch: Value) -> Value {
    json!({ "provenance": patch })
}

#[test]
fn passes_a_correct_list_in_both_modes() {
    assert!(found(json!({})).is_empty());
    assert!(found(json!({ "mode": "hard" })).is_empty());
}

#[test]
fn denies_missing_fields() {
    for field in ["source", "extracted_at", "extracted_by", "row_count", "sha256"] {
        assert_eq!(found(provenance(json!({ field: null }))), ["deny missing"], "{field}");
    }
    assert_eq!(found(provenance(json!({ "source": "  " }))), ["deny missing"]);
    assert!(found(provenance(json!({ "query": null }))).is_empty(), "a ticket replaces the query");
    assert_eq!(found(json!({ "provenance": { "query": null }, "reason": { "ticket": "" } })), ["deny missing"]);
    assert_eq!(found(json!({ "provenance": null })), ["warn missing", "deny missing", "warn incomplete"]);
    assert_eq!(found(provenance(json!({ "selection": null }))), ["warn missing"]);
    assert_eq!(found(json!({ "mode": "hard", "provenance": { "selection": null } })), ["deny missing"]);
}

#[test]
fn denies_an_incomplete_list() {
    let denied = ["deny incomplete"];
    assert_eq!(found(provenance(json!({ "complete": false }))), denied);
    assert_eq!(found(json!({ "mode": "hard", "provenance": { "complete": null } })), denied);
    assert_eq!(found(provenance(json!({ "complete": null }))), ["warn incomplete"]);
    assert_eq!(found(provenance(json!({ "selection": "filter", "source_total": 3 }))), denied);
    assert!(found(provenance(json!({ "source_total": 3 }))).is_empty(), "a part of an explicit list");
    assert_eq!(found(provenance(json!({ "source_total": 1 }))), denied);
    assert_eq!(found(json!({ "mode": "hard", "provenance": { "source_total": null } })), denied);
    assert_eq!(found(provenance(json!({ "source_total": null }))), ["warn incomplete"]);
}

#[test]
fn compares_counts_and_digests_exactly() {
    assert_eq!(found(provenance(json!({ "row_count": 1 }))), ["deny count-mismatch"]);
    let digest = reprieve_sdk::testing::DIGEST;
    for wrong in [digest.to_uppercase(), digest[1..].to_owned()] {
        assert_eq!(found(provenance(json!({ "sha256": wrong }))), ["deny digest-mismatch"]);
    }
}

#[test]
fn denies_missing_blank_and_duplicated_ids() {
    for field in ["null", "empty", "duplicate"] {
        let facts = json!({ "ids": { field: 1, "examples": [1] } });
        assert_eq!(found_with(json!({}), facts, &["a-1", "a-2"]), ["deny bad-ids"]);
    }
}

#[test]
fn denies_ids_with_a_control_character_unless_a_setting_allows_them() {
    let facts = json!({ "ids": { "control": 2, "examples": [0, 1] } });
    assert_eq!(found_with(json!({}), facts.clone(), &["a-1", "a-2"]), ["deny bad-ids"]);
    let with =
        |max: u64| check::<Provenance>(&review(json!({}), facts.clone()), json!({ "max_control_ids": max }), &[]);
    assert_eq!(with(1), ["deny bad-ids"]);
    assert!(with(2).is_empty());
}

#[test]
fn warns_about_a_list_as_long_as_a_page() {
    assert_eq!(found(provenance(json!({ "page_size": 2 }))), ["warn page-sized"]);
    let facts = json!({ "targets": 100 });
    assert_eq!(
        found_with(provenance(json!({ "row_count": 100, "source_total": 100 })), facts, &["a"]),
        ["warn page-sized"]
    );
}

#[test]
fn denies_old_and_future_lists() {
    let at = |mode: &str, at: &str| found(json!({ "mode": mode, "provenance": { "extracted_at": at } }));
    assert!(at("hard", "2026-03-02T11:00:00Z").is_empty());
    assert_eq!(at("hard", "2026-03-02T10:59:59Z"), ["deny stale"]);
    assert!(at("soft", "2026-03-01T12:00:00Z").is_empty());
    assert_eq!(at("soft", "2026-03-01T11:59:59Z"), ["deny stale"]);
    assert!(at("soft", "2026-03-02T12:05:00Z").is_empty(), "clocks differ");
    assert_eq!(at("soft", "9998-12-31T23:59:59Z"), ["deny stale"]);
}

#[test]
fn requires_a_reliable_keep_set_for_a_complement() {
    let keep = |patch: Value| {
        let mut set = json!({ "count": 95, "previous_count": 100, "observed_at": "2026-03-02T11:30:00Z" });
        reprieve_sdk::testing::merge_patch(&mut set, patch);
        found(provenance(json!({ "selection": "complement", "page_size": 0, "keep_set": set })))
    };
    assert!(keep(json!({})).is_empty());
    let denied = ["deny keep-set"];
    for patch in [
        json!({ "count": 89 }),
        json!({ "count": 100 }),
        json!({ "previous_count": 0 }),
        json!({ "count": null }),
        json!({ "previous_count": null }),
        json!({ "observed_at": null }),
        json!({ "observed_at": "2026-03-02T10:00:00Z" }),
        json!({ "observed_at": "2036-03-02T10:00:00Z" }),
    ] {
        assert_eq!(keep(patch.clone()), denied, "{patch}");
    }
    assert_eq!(keep(json!({ "count": 0 })).len(), 2, "empty, and much smaller than before");
    assert_eq!(found(provenance(json!({ "selection": "complement" }))), denied);
    let query = "select id from images where id not in (select id from catalogue)";
    assert_eq!(found(provenance(json!({ "query": query }))), denied, "the query is a complement");
}

/// A run that was denied counts its keep-set too, and its count must not become the previous one.
#[test]
fn the_previous_count_of_a_keep_set_is_at_least_the_recorded_one() {
    let found = |claimed: Option<u64>, recorded: Option<u64>| {
        let set = json!({ "count": 120, "previous_count": claimed, "observed_at": "2026-03-02T11:30:00Z" });
        let claims = provenance(json!({ "selection": "complement", "page_size": 0, "keep_set": set }));
        let nothing = json!({ "batches": 0, "targets": 0, "tenants": 0 });
        let spans = json!({ "hour": nothing, "day": nothing, "month": nothing });
        let last = json!({ "at": "2026-03-01T12:00:00Z", "mode": "soft", "environment": "production", "kind": "app",
            "targets": 1, "tenants": 1, "succeeded": true, "keep_set": recorded });
        let history = json!({ "sha256": "0", "same_mode": spans, "same_kind": spans, "same_actor": spans,
            "campaign_batches": 0, "kind_last": last });
        found_with(claims, json!({ "history": history }), &["a-1", "a-2"])
    };
    assert!(found(Some(121), None).is_empty());
    assert!(found(Some(110), Some(121)).is_empty());
    assert!(found(None, Some(121)).is_empty());
    for claimed in [None, Some(0), Some(120), Some(121)] {
        assert_eq!(found(claimed, Some(1000)), ["deny keep-set"], "{claimed:?}");
    }
    assert_eq!(found(Some(1000), Some(120)), ["deny keep-set"]);
}

#[test]
fn a_keep_set_must_not_end_where_a_page_ends() {
    let keep = |mode: &str, count: u64, page_size: Option<u64>| {
        let set = json!({ "count": count, "previous_count": count, "observed_at": "2026-03-02T11:30:00Z" });
        found(json!({ "mode": mode,
            "provenance": { "selection": "complement", "page_size": page_size, "keep_set": set } }))
    };
    for mode in ["soft", "hard"] {
        for (count, page_size) in
            [(10, 400), (100, 400), (1000, 5000), (30, 31), (37, 20), (50, 20), (30, 0), (10, 0)]
        {
            let expected: &[&str] = if count == 30 && page_size == 0 { &["deny keep-set"] } else { &[] };
            assert_eq!(keep(mode, count, Some(page_size)), expected, "{count} in pages of {page_size}");
        }
        for (count, page_size) in [(10, 10), (37, 37), (30, 30), (300, 30), (1000, 250), (999, 30), (1000, 300)] {
            assert_eq!(keep(mode, count, Some(page_size)), ["deny keep-set"], "{count} in pages of {page_size}");
        }
    }
    for count in [30, 50, 100, 200, 300, 999, 1000, 1500] {
        assert_eq!(keep("soft", count, None), ["warn keep-set", "deny keep-set"], "{count}");
    }
    for count in [10, 20, 25, 31, 101] {
        assert_eq!(keep("soft", count, None), ["warn keep-set"], "{count}");
        assert_eq!(keep("hard", count, None), ["deny keep-set"], "{count}");
    }
}

#[test]
fn a_failed_lookup_is_not_an_absence() {
    let asked = |mode: &str, lookups: Value| found(json!({ "mode": mode, "provenance": { "lookups": lookups } }));
    let denied = ["deny failed-lookups"];
    for mode in ["soft", "hard"] {
        assert!(asked(mode, json!({ "asked": 9, "answered": 9, "failed": 0 })).is_empty());
        for wrong in [
            json!({ "asked": 9, "answered": 8, "failed": 1 }),
            json!({ "asked": 9, "answered": 8, "failed": 0 }),
            json!({ "asked": 9, "answered": 10, "failed": 0 }),
            json!({ "asked": 1, "answered": 1, "failed": 0 }),
            json!({ "asked": 9, "answered": 9 }),
            json!({ "asked": 9, "failed": 0 }),
            json!({ "answered": 9, "failed": 0 }),
            json!({ "asked": 0, "answered": u64::MAX, "failed": 0 }),
            json!({}),
        ] {
            assert!(asked(mode, wrong.clone()).iter().all(|finding| *finding == denied[0]), "{wrong}");
            assert!(!asked(mode, wrong.clone()).is_empty(), "{wrong}");
        }
    }
}

#[test]
fn a_list_of_what_was_not_found_states_its_lookups() {
    for query in [
        "images not found in the catalogue",
        "users for which the directory says 404",
        "orphaned volumes",
        "keys where the owner does not exist",
        "Dangling manifests",
    ] {
        let with = |mode: &str, more: Value| {
            let mut claims = json!({ "mode": mode, "provenance": { "query": query, "selection": "filter" } });
            reprieve_sdk::testing::merge_patch(&mut claims, more);
            found(claims)
        };
        assert_eq!(with("hard", json!({})), ["deny failed-lookups"], "{query}");
        assert_eq!(with("soft", json!({})), ["warn failed-lookups"], "{query}");
        let counted = json!({ "provenance": { "lookups": { "asked": 2, "answered": 2, "failed": 0 } } });
        assert!(with("hard", counted).is_empty(), "{query}");
    }
}

#[test]
fn denies_unbounded_selectors_queries_and_ids() {
    let denied = ["deny unbounded-selector"];
    for selector in ["", "*", "/", "1=1"] {
        assert_eq!(found(json!({ "operation": { "selector": selector } })), denied, "{selector}");
    }
    assert_eq!(found(provenance(json!({ "selection": "all" }))), denied);
    assert_eq!(found(provenance(json!({ "query": "select id from apps" }))), denied);
    for id in ["/", "/usr", "C:\\boot.ini", "*", "$DIR/x", "~"] {
        assert_eq!(found_with(json!({}), json!({}), &["a-1", id]), denied, "{id}");
    }
    assert!(found_with(json!({}), json!({}), &["/srv/cache/1", "arn:aws:s3:::x"]).is_empty());
}

#[test]
fn denies_a_selector_that_the_call_expands() {
    let with = |mode: &str, selector: &str, by: Value| {
        found(json!({ "mode": mode, "operation": { "selector": selector, "by": by } }))
    };
    for by in [json!(null), json!("selector")] {
        assert_eq!(with("hard", "env = 'test'", by.clone()), ["deny expanded-selector"]);
        assert_eq!(with("soft", "env = 'test'", by), ["warn expanded-selector"]);
    }
    assert!(with("hard", "env = 'test'", json!("ids")).is_empty());
    for open in ["age > 30", "all apps of the old kind", "terraform destroy -auto-approve"] {
        assert_eq!(with("soft", open, json!(null)), ["deny unbounded-selector"], "{open}");
        assert!(with("hard", open, json!("ids")).is_empty(), "{open}: it only describes the list");
    }
    for all in ["*", "rm -rf /", "{\"query\":{\"match_all\":{}}}"] {
        assert_eq!(with("hard", all, json!("ids")), ["deny unbounded-selector"], "{all}: whatever the call goes by");
    }
}

#[test]
fn denies_a_call_by_a_selector_that_is_not_named_and_a_hard_delete_that_says_nothing_of_its_call() {
    let with = |mode: &str, operation: Value| found(json!({ "mode": mode, "operation": operation }));
    let denied = ["deny expanded-selector"];
    for mode in ["soft", "hard"] {
        assert_eq!(with(mode, json!({ "by": "selector" })), denied);
        for nothing in ["unknown", "NULL", "<none>"] {
            assert_eq!(with(mode, json!({ "selector": nothing })), denied, "{nothing}");
            assert_eq!(with(mode, json!({ "selector": nothing, "by": "selector" })), denied, "{nothing}");
            assert!(with(mode, json!({ "selector": nothing, "by": "ids" })).is_empty(), "{nothing}");
        }
        assert!(with(mode, json!({ "verb": "delete" })).is_empty());
    }
    for nothing in [json!(null), json!({ "verb": null, "cascade": null })] {
        assert_eq!(with("hard", nothing.clone()), denied);
        assert!(with("soft", nothing).is_empty());
    }
}

#[test]
fn compares_a_wave_with_the_count_and_digest_of_the_whole_list() {
    let whole = json!({ "sha256": "f00", "row_count": 9, "source_total": 9 });
    assert!(found_with(provenance(whole), wave(), &["a-1", "a-2"]).is_empty());
    let alone = found_with(json!({}), wave(), &["a-1", "a-2"]);
    assert_eq!(alone, ["deny count-mismatch", "deny digest-mismatch"]);
}

/// The nature and the rule of each finding.
fn natures(claims: Value, facts: Value) -> Vec<(Nature, &'static str)> {
    let review = review(claims, facts).to_string();
    let session = Session::<Provenance>::begin(review, "{}", Vec::new()).unwrap();
    session.finish().iter().map(|finding| (finding.nature, finding.rule)).collect()
}

#[test]
fn tells_an_incomplete_list_from_one_that_does_not_say() {
    let complete = |complete: Value| natures(provenance(json!({ "complete": complete })), json!({}));
    assert_eq!(complete(json!(false)), [(Nature::Wrong, "incomplete")]);
    assert_eq!(complete(json!(null)), [(Nature::Missing, "incomplete")]);
}
