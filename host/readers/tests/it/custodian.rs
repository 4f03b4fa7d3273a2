//! No change of what Cloud Custodian found makes a resource vanish silently.

use crate::support::mutation::{self, Outcome, accepted, data, ids, read, read_beside, refusal};
use reprieve_readers::Options;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The metadata of a dry run.
fn metadata(resource: &str) -> Value {
    json!({
        "policy": {"name": "old-volumes", "resource": resource, "actions": ["delete"]},
        "version": "0.9.53",
        "execution": {"id": "1", "start": 1767607200.25, "end_time": 1767607201.5, "duration": 1.25},
        "config": {"region": "eu-west-1", "account_id": "111122223333", "dryrun": true},
        "metrics": [{"MetricName": "ResourceCount", "Value": 2, "Unit": "Count"}],
    })
}

fn read_with(file: &[u8], metadata: &Value, options: &Options) -> Outcome {
    read_beside("custodian", file, options, &BTreeMap::from([("metadata.json", metadata.to_string())]))
}

fn volumes() -> Vec<u8> {
    data("custodian", "made-volumes.json")
}

#[test]
fn reads_the_metadata_beside_the_file() {
    for resource in ["ebs", "aws.ebs"] {
        let (items, summary) = read_with(&volumes(), &metadata(resource), &Options::default()).expect("accepted");
        assert_eq!(items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), ["vol-1", "vol-2"]);
        assert_eq!(items[0].record.kind.as_deref(), Some("ebs"));
        assert_eq!(summary.tool.as_deref(), Some("Cloud Custodian 0.9.53"));
        assert_eq!(summary.extracted_at, Some(1_767_607_200));
        assert_eq!(summary.notes, ["the policy `old-volumes` found these resources"]);
    }
}

#[test]
fn refuses_metadata_that_disagrees() {
    let read = |metadata: &Value| refusal(read_with(&volumes(), metadata, &Options::default()));
    let mut changed = metadata("ebs");
    changed["metrics"][0]["Value"] = json!(3);
    assert!(read(&changed).contains("the policy found 3 resources, and 2 are listed"));
    let mut changed = metadata("ebs");
    changed["config"]["dryrun"] = json!(false);
    assert!(read(&changed).contains("the policy ran with its actions"));
    changed["config"]["dryrun"] = json!("no");
    assert!(read(&changed).contains("expected true or false"));
    assert!(read(&metadata("security-group")).contains("the member `GroupId` is missing"));
    assert!(read(&metadata("aws.gadget")).contains("the id of the type `aws.gadget` is not known"));
    assert!(read(&json!({})).contains("the member `policy` is missing"));
    assert!(read(&json!([])).contains("expected an object"));
    let broken = BTreeMap::from([("metadata.json", "{".to_owned())]);
    assert!(read_beside("custodian", &volumes(), &Options::default(), &broken).is_err());
}

#[test]
fn a_person_says_what_the_file_does_not() {
    let unknown = data("custodian", "made-unknown.json");
    let with = |kind: Option<&str>, id: &[&str]| Options {
        kind: kind.map(str::to_owned),
        id: id.iter().map(|name| (*name).to_owned()).collect(),
        no_header: false,
    };
    assert_eq!(ids(read("custodian", &unknown, &with(Some("glue-job"), &[]))), ["a", "b"]);
    assert_eq!(ids(read("custodian", &unknown, &with(Some("gadget"), &["Name"]))), ["a", "b"]);
    assert!(read("custodian", &unknown, &with(Some("gadget"), &[])).is_err());
    assert!(read("custodian", &unknown, &with(Some("ebs"), &[])).is_err());
    assert!(read("custodian", &unknown, &with(None, &["Name"])).is_err());
    let other = read_with(&volumes(), &metadata("ebs"), &with(Some("ebs-snapshot"), &[]));
    assert!(refusal(other).contains("the kind is `ebs`, and not `ebs-snapshot`"));
}

#[test]
fn reads_types_of_other_clouds() {
    let metadata = |resource: &str| json!({"policy": {"resource": resource}});
    let azure = json!([{"id": "/subscriptions/1/x", "name": "a"}, {"id": "/subscriptions/1/y", "name": "a"}]);
    let bytes = azure.to_string().into_bytes();
    let found = ids(read_with(&bytes, &metadata("azure.vm"), &Options::default()));
    assert_eq!(found, ["/subscriptions/1/x", "/subscriptions/1/y"]);
    let twice = azure.to_string().replace("/1/y", "/1/X").into_bytes();
    assert!(refusal(read_with(&twice, &metadata("azure.vm"), &Options::default())).contains("listed twice"));
    let google = json!([{"name": "disk-1", "id": "7"}]).to_string().into_bytes();
    assert_eq!(ids(read_with(&google, &metadata("gcp.disk"), &Options::default())), ["disk-1"]);
    assert!(read_with(&google, &metadata("gcp.sql-user"), &Options::default()).is_err());
}

#[test]
fn an_instance_names_what_it_deletes_with_itself() {
    let (items, _) = read("custodian", &data("custodian", "resources.json"), &Options::default()).expect("accepted");
    let dependents = items[0].record.dependents.as_deref();
    assert_eq!(dependents, Some(["vol-0f98c7102b9e985a3".to_owned(), "eni-9019dd52".to_owned()].as_slice()));
    let text = String::from_utf8(data("custodian", "resources.json")).expect("UTF-8");
    let unknown = text.replace("\"BlockDeviceMappings\"", "\"Other\"");
    let (items, _) = read("custodian", unknown.as_bytes(), &Options::default()).expect("accepted");
    assert_eq!(items[0].record.dependents, None);
}

#[test]
fn no_change_of_a_byte_hides_a_resource() {
    for (file, options) in accepted("custodian") {
        mutation::truncations_are_refused("custodian", &file, &options);
        mutation::text_around_is_refused("custodian", &file, &options);
        mutation::bytes_hide_nothing("custodian", &file, &options, &[]);
    }
}
