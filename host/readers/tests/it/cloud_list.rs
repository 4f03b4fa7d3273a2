//! No change of a list of cloud resources makes one vanish silently.

use crate::support::mutation::{self, accepted, data, ids, read, read_json, refusal};
use reprieve_readers::Options;
use serde_json::{Value, json};

fn volume(id: &str) -> Value {
    json!({"VolumeId": id, "Attachments": [], "AvailabilityZone": "eu-west-1a", "Size": 8, "State": "available"})
}

fn options(kind: Option<&str>, id: &[&str]) -> Options {
    Options {
        kind: kind.map(str::to_owned),
        id: id.iter().map(|name| (*name).to_owned()).collect(),
        no_header: false,
    }
}

#[test]
fn a_person_says_what_a_list_does_not() {
    let bytes = data("cloud-list", "made-aws-ids-query.json");
    assert_eq!(ids(read("cloud-list", &bytes, &options(Some("ebs"), &[]))), ["vol-1", "vol-2"]);
    let bytes = data("cloud-list", "made-aws-ambiguous.json");
    let (items, _) =
        read("cloud-list", &bytes, &options(Some("glue-security-configuration"), &[])).expect("accepted");
    assert_eq!(items[0].record.kind.as_deref(), Some("glue-security-configuration"));
    let bytes = data("cloud-list", "made-aws-unknown-list.json");
    assert_eq!(ids(read("cloud-list", &bytes, &options(Some("gadget"), &["GadgetId"]))), ["g-1"]);
    assert!(read("cloud-list", &bytes, &options(Some("gadget"), &[])).is_err());
    assert!(read("cloud-list", &bytes, &options(Some("gadget"), &["Missing"])).is_err());
    assert!(read("cloud-list", &bytes, &options(None, &["GadgetId"])).is_err());
}

#[test]
fn names_of_several_zones_need_a_longer_id() {
    let bytes = data("cloud-list", "made-gcloud-two-zones.json");
    assert!(refusal(read("cloud-list", &bytes, &Options::default())).contains("`a` is listed twice"));
    let found = ids(read("cloud-list", &bytes, &options(None, &["selfLink"])));
    assert!(found.len() == 2 && found[0] != found[1], "{found:?}");
    let bytes = data("cloud-list", "made-gcp-records.json");
    let found = ids(read("cloud-list", &bytes, &options(None, &["name", "type"])));
    assert_eq!(found, ["a.example.com./A", "a.example.com./TXT"]);
}

#[test]
fn the_id_of_a_project_is_neither_its_name_nor_its_number() {
    let old = json!([{"projectId": "shop-1", "projectNumber": "7", "name": "Shop", "lifecycleState": "ACTIVE"}]);
    let new = json!({"projects": [{"name": "projects/7", "projectId": "shop-1", "state": "ACTIVE", "displayName": "Shop"}]});
    assert_eq!(ids(read_json("cloud-list", &old)), ["shop-1"]);
    assert_eq!(ids(read_json("cloud-list", &new)), ["shop-1"]);
}

#[test]
fn refuses_a_kind_that_contradicts_the_file() {
    let bytes = data("cloud-list", "made-gcloud-disks.json");
    assert!(read("cloud-list", &bytes, &options(Some("compute#disk"), &[])).is_ok());
    let message = refusal(read("cloud-list", &bytes, &options(Some("compute#image"), &[])));
    assert!(message.contains("the kind is `compute#disk`, and not `compute#image`"), "{message}");
    let bytes = data("cloud-list", "made-aws-volumes.json");
    assert!(read("cloud-list", &bytes, &options(Some("ebs"), &[])).is_ok());
    assert!(read("cloud-list", &bytes, &options(Some("ebs-snapshot"), &[])).is_err());
}

#[test]
fn refuses_every_spelling_of_one_page() {
    let page = |name: &str, value: Value| {
        let mut answer = json!({"Volumes": [volume("vol-1")]});
        answer[name] = value;
        answer
    };
    for name in ["NextToken", "nextToken", "next_token", "nextLink", "nextPageToken", "Marker", "NextMarker"] {
        assert!(refusal(read_json("cloud-list", &page(name, json!("x")))).contains("one page of several"), "{name}");
        assert!(read_json("cloud-list", &page(name, json!({}))).is_err(), "{name}");
        assert_eq!(ids(read_json("cloud-list", &page(name, json!(null)))), ["vol-1"], "{name}");
    }
    for name in ["IsTruncated", "HasMoreStreams", "Truncated"] {
        assert!(read_json("cloud-list", &page(name, json!(true))).is_err(), "{name}");
        assert_eq!(ids(read_json("cloud-list", &page(name, json!(false)))), ["vol-1"], "{name}");
    }
    assert!(read_json("cloud-list", &page("unreachable", json!(["europe-west1"]))).is_err());
    assert!(read_json("cloud-list", &page("warning", json!({"code": "UNREACHABLE"}))).is_err());
    assert_eq!(ids(read_json("cloud-list", &page("warning", json!({"code": "NO_RESULTS_ON_PAGE"})))), ["vol-1"]);
}

#[test]
fn refuses_elements_that_it_cannot_name() {
    let list = |items: Value| json!({"Volumes": items});
    assert_eq!(ids(read_json("cloud-list", &list(json!([volume("a"), volume("b")])))), ["a", "b"]);
    let without = json!({"Attachments": [], "AvailabilityZone": "eu-west-1a", "Size": 8});
    for items in [
        json!([volume("a"), null]),
        json!([volume("a"), "b"]),
        json!([volume("a"), 7]),
        json!([volume("a"), []]),
        json!([volume("a"), without]),
        json!([volume("a"), volume(" ")]),
        json!([volume("a"), volume("a")]),
        json!([[volume("a")]]),
        json!({"a": volume("a")}),
        json!("a"),
        json!(null),
        json!([volume("a"), {"VolumeId": 12345678901234567890u64}]),
        json!([volume("a"), {"VolumeId": 1.5e30}]),
        json!([volume("a"), {"volumeid": "b"}]),
    ] {
        assert!(read_json("cloud-list", &list(items.clone())).is_err(), "{items}");
    }
}

#[test]
fn refuses_answers_to_other_calls() {
    for answer in [
        json!({"Deleted": [{"Key": "a"}]}),
        json!({"TerminatingInstances": [{"InstanceId": "i-1"}]}),
        json!({"VolumeId": "vol-1", "State": "deleting"}),
        json!({"kind": "compute#operation", "operationType": "delete"}),
        json!({"Failed": [], "Errors": [{"Code": "x"}]}),
        json!({"error": {"code": 403}}),
        json!({}),
        json!({"data": {"Volumes": [volume("a")]}}),
        json!({"response": [volume("a")]}),
        json!([[volume("a")]]),
    ] {
        assert!(read_json("cloud-list", &answer).is_err(), "{answer}");
    }
}

#[test]
fn no_change_of_a_byte_hides_a_resource() {
    for (file, options) in accepted("cloud-list") {
        mutation::truncations_are_refused("cloud-list", &file, &options);
        mutation::text_around_is_refused("cloud-list", &file, &options);
        mutation::bytes_hide_nothing("cloud-list", &file, &options, &[]);
    }
}
