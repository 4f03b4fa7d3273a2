use crate::Retention;
use reprieve_sdk::testing::{check, chunk, codes, review, strings, times};
use reprieve_sdk::{Column, Policy, Validity, Values};
use serde_json::{Value, json};

const NOW: i64 = 1_772_452_800; // 2026-03-02T12:00:00Z, the time of `review`

fn holds(rows: &[Option<bool>]) -> Column {
    let bits = |bit: fn(&Option<bool>) -> bool| {
        rows.iter().enumerate().fold(0, |bits, (i, row)| bits | u8::from(bit(row)) << i)
    };
    Column {
        name: "legal_hold".to_owned(),
        values: Values::Bools(vec![bits(|row| *row == Some(true))]),
        validity: Validity(Some(vec![bits(Option::is_some)])),
    }
}

fn found(claims: Value, hold: [Option<bool>; 2], until: [Option<i64>; 2]) -> Vec<String> {
    let chunk = chunk(2, vec![holds(&hold), times("retain_until", &until)]);
    check::<Retention>(&review(claims, json!({})), json!({}), &[chunk])
}

#[test]
fn denies_held_and_retained_targets_in_both_modes() {
    for mode in ["soft", "hard"] {
        let claims = json!({ "mode": mode });
        assert!(found(claims.clone(), [Some(false); 2], [Some(0); 2]).is_empty());
        assert_eq!(found(claims.clone(), [Some(false), Some(true)], [Some(0); 2]), ["deny legal-hold"]);
        assert_eq!(found(claims, [Some(false); 2], [Some(NOW), Some(NOW + 1)]), ["deny retain-until"]);
    }
}

#[test]
fn denies_a_hard_delete_with_unknown_holds_and_warns_for_a_soft_delete() {
    for (hold, until) in [([Some(false), None], [Some(0); 2]), ([Some(false); 2], [None, Some(0)])] {
        assert_eq!(found(json!({ "mode": "hard" }), hold, until), ["deny hold-unknown"]);
        assert_eq!(found(json!({}), hold, until), ["warn hold-unknown"]);
    }
    let without_inventory = review(json!({ "mode": "hard" }), json!({ "inventory": null }));
    assert_eq!(check::<Retention>(&without_inventory, json!({}), &[chunk(2, Vec::new())]), ["deny hold-unknown"]);
}

#[test]
fn denies_an_identifier_that_matches_two_tenants() {
    let found = |basis: &str, tenants: [&str; 2]| {
        let columns = vec![
            codes("tenant", &tenants.map(Some)),
            strings("x_identifier", &[Some("a@example.org"); 2]),
            holds(&[Some(false); 2]),
            times("retain_until", &[Some(0); 2]),
        ];
        check::<Retention>(
            &review(json!({ "reason": { "basis": basis } }), json!({})),
            json!({}),
            &[chunk(2, columns)],
        )
    };
    assert_eq!(found("gdpr-17", ["t-1", "t-2"]), ["deny ambiguous-subject"]);
    assert!(found("gdpr-17", ["t-1", "t-1"]).is_empty());
    assert!(found("contract-end", ["t-1", "t-2"]).is_empty());
}

#[test]
fn allows_no_override_of_any_rule() {
    assert!(Retention::RULES.iter().all(|rule| rule.never_lifted));
}
