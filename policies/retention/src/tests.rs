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

/// Checks an erasure of two targets with these identifiers and tenants.
fn erased(identifiers: Option<[Option<&str>; 2]>, tenants: [Option<&str>; 2], settings: Value) -> Vec<String> {
    let mut columns = vec![codes("tenant", &tenants), holds(&[Some(false); 2]), times("retain_until", &[Some(0); 2])];
    columns.extend(identifiers.map(|identifiers| strings("x_identifier", &identifiers)));
    let review = review(json!({ "reason": { "basis": "gdpr-17" } }), json!({}));
    check::<Retention>(&review, settings, &[chunk(2, columns)])
}

#[test]
fn compares_identifiers_as_people_mean_them() {
    let two = [Some("t-1"), Some("t-2")];
    for other in ["Sam@X.test", " sam@x.test", "sam@x.test\u{200b}", "mailto:sam@x.test"] {
        assert_eq!(
            erased(Some([Some("sam@x.test"), Some(other)]), two, json!({})),
            ["deny ambiguous-subject"],
            "{other}"
        );
    }
    let umlauts = Some([Some("j\u{fc}rgen@x.test"), Some("ju\u{308}rgen@x.test")]);
    assert_eq!(erased(umlauts, two, json!({})), ["deny ambiguous-subject"]);
    let tagged = Some([Some("sam@x.test"), Some("sam+shop@x.test")]);
    assert!(erased(tagged, two, json!({})).is_empty());
    assert_eq!(erased(tagged, two, json!({ "address_tags": false })), ["deny ambiguous-subject"]);
    assert!(erased(Some([Some("sam@x.test"), Some("kim@x.test")]), two, json!({})).is_empty());
}

#[test]
fn denies_an_erasure_that_does_not_say_by_what_its_targets_were_found() {
    let one = [Some("t-1"); 2];
    assert_eq!(erased(None, one, json!({})), ["deny ambiguous-subject"]);
    for nothing in [None, Some(" "), Some("NULL")] {
        assert_eq!(erased(Some([Some("sam@x.test"), nothing]), one, json!({})), ["deny ambiguous-subject"]);
    }
    assert!(erased(Some([Some("sam@x.test"); 2]), one, json!({})).is_empty());
    assert!(found(json!({ "reason": { "basis": "contract-end" } }), [Some(false); 2], [Some(0); 2]).is_empty());
}

#[test]
fn a_target_without_a_tenant_may_be_of_another_one() {
    let same = Some([Some("sam@x.test"); 2]);
    for tenants in [[Some("t-1"), None], [None, None]] {
        assert_eq!(erased(same, tenants, json!({})), ["deny ambiguous-subject"], "{tenants:?}");
    }
    assert!(erased(Some([Some("sam@x.test"), Some("kim@x.test")]), [None, None], json!({})).is_empty());
}

#[test]
fn allows_no_override_of_any_rule() {
    assert!(Retention::RULES.iter().all(|rule| rule.never_lifted));
}
