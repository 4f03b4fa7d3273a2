//! No change of a file of Route 53 makes a record vanish silently.

use crate::support::mutation::{self, accepted, data, ids, read_json, refusal};
use reprieve_readers::Action;
use serde_json::{Value, json};

fn change(action: &str, name: &str, kind: &str) -> Value {
    json!({"Action": action, "ResourceRecordSet": record(name, kind)})
}

fn record(name: &str, kind: &str) -> Value {
    json!({"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]})
}

#[test]
fn records_differ_in_name_type_and_set_identifier() {
    let mut first = record("a.example.com.", "A");
    first["SetIdentifier"] = json!("one");
    let mut second = first.clone();
    second["SetIdentifier"] = json!("two");
    let list = json!({"ResourceRecordSets": [first, second, record("a.example.com.", "AAAA")]});
    let expected = ["A/a.example.com. one", "A/a.example.com. two", "AAAA/a.example.com."];
    assert_eq!(ids(read_json("route53", &list)), expected);
    let twice = json!([record("a.example.com.", "A"), record("A.EXAMPLE.COM", "A")]);
    assert!(refusal(read_json("route53", &twice)).contains("is listed twice"));
}

#[test]
fn a_record_that_is_created_later_is_replaced() {
    let batch = |changes: Value| read_json("route53", &json!({"Changes": changes})).expect("accepted");
    let (delete, create) = (change("DELETE", "a.example.com", "A"), change("CREATE", "a.example.com.", "A"));
    assert_eq!(batch(json!([delete, create])).0[0].action, Action::Replace);
    assert_eq!(batch(json!([create, delete])).0[0].action, Action::Delete);
    let other = change("CREATE", "a.example.com.", "AAAA");
    assert_eq!(batch(json!([delete, other])).0[0].action, Action::Delete);
}

#[test]
fn refuses_what_it_does_not_understand() {
    let delete = change("DELETE", "a.example.com", "A");
    let batch = |changes: Value| json!({"Changes": changes});
    assert!(read_json("route53", &batch(json!([delete]))).is_ok());
    let with = |pointer: &str, value: Value| {
        let mut changed = batch(json!([delete]));
        *changed.pointer_mut(pointer).expect("a value") = value;
        changed
    };
    let mut extra = batch(json!([delete]));
    extra["changes"] = json!([delete]);
    let mut deep = batch(json!([delete]));
    deep["Changes"][0]["Also"] = json!("b.example.com");
    for document in [
        batch(json!([])),
        batch(json!([delete, delete])),
        batch(json!([delete, null])),
        batch(json!([[delete]])),
        batch(json!({"0": delete})),
        with("/Changes/0/Action", json!("delete")),
        with("/Changes/0/Action", json!(["DELETE"])),
        with("/Changes/0/Action", json!(null)),
        with("/Changes/0/ResourceRecordSet", json!(null)),
        with("/Changes/0/ResourceRecordSet/Name", json!("")),
        with("/Changes/0/ResourceRecordSet/Name", json!("a b")),
        with("/Changes/0/ResourceRecordSet/Name", json!(7)),
        with("/Changes/0/ResourceRecordSet/Type", json!("a")),
        with("/Changes/0/ResourceRecordSet/Type", json!("A|TXT")),
        with("/Changes/0/ResourceRecordSet/ResourceRecords", json!("192.0.2.1")),
        extra,
        deep,
        json!({"ResourceRecordSets": [record("a", "A")], "IsTruncated": true}),
        json!({"ResourceRecordSets": [record("a", "A")], "IsTruncated": "false"}),
        json!({"ResourceRecordSets": [record("a", "A")], "NextRecordName": "b"}),
        json!({"ResourceRecordSets": {"0": record("a", "A")}}),
        json!({"ResourceRecordSets": null}),
        json!({"resourceRecordSets": [record("a", "A")]}),
        json!({"status_code": 403, "data": {"ResourceRecordSets": [record("a", "A")]}}),
        json!({}),
        json!("a"),
    ] {
        assert!(read_json("route53", &document).is_err(), "{document}");
    }
}

#[test]
fn no_change_of_a_byte_hides_a_record() {
    for (file, options) in accepted("route53") {
        mutation::truncations_are_refused("route53", &file, &options);
        mutation::text_around_is_refused("route53", &file, &options);
        // `CREATE` and `DELETE` differ in more than one byte, so even a change there hides nothing.
        mutation::bytes_hide_nothing("route53", &file, &options, &[]);
    }
    assert!(!data("route53", "expected.json").is_empty());
}
