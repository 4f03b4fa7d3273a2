//! What an inventory learns from a state, and that no change of a state hides an object.

use crate::support::mutation::{
    accepted, bytes_hide_nothing, data, ids, read, read_json, refusal, text_around_is_refused,
};
use crate::support::mutation::{range, truncations_are_refused};
use reprieve_readers::Options;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FORMAT: &str = "terraform-state";

fn shop() -> Value {
    serde_json::from_slice(&data(FORMAT, "made-shop.json")).expect("valid JSON")
}

#[test]
fn dependents_are_those_that_may_depend_on_an_instance() {
    let (items, summary) = read_json(FORMAT, &shop()).expect("accepted");
    assert!(summary.is_state && !summary.is_call);
    assert_eq!(summary.tool.as_deref(), Some("Terraform 1.14.3"));
    let found: BTreeMap<String, _> =
        items.into_iter().map(|item| (item.target_id(), (item.record.dependents, item.record.environment))).collect();
    let of = |id: &str| {
        let (dependents, environment) = found.get(id).unwrap_or_else(|| panic!("{id} is not in {found:?}"));
        (dependents.as_ref().map(|ids| ids.iter().map(String::as_str).collect::<Vec<_>>()), environment.as_deref())
    };
    let web = ["aws_instance.web", "aws_instance.web (deposed 00000abc)"];
    let [de, fr] = ["[\"de\"]", "[\"f\\\"r\"]"]
        .map(|key| format!("module.shop{key}.module.db[1].aws_db_instance.main[\"eu-west-1/a.b\"]"));
    let all = [&["aws_subnet.zone[0]", "aws_subnet.zone[1]"][..], &web, &[&de, &fr]].concat();
    assert_eq!(of("aws_vpc.main"), (Some(all), Some("staging")));
    assert_eq!(of("aws_subnet.zone[1]"), (Some(web.to_vec()), Some("staging")));
    assert_eq!(of("random_password.db"), (Some(vec![de.as_str(), fr.as_str()]), None));
    // The snapshot of one shop is not that of another shop's database.
    let snapshot = "module.shop[\"de\"].aws_db_snapshot.daily[\"a\\\"$${b}\"]";
    assert_eq!(of(&de), (Some(vec![snapshot]), Some("production")));
    assert_eq!(of(&fr), (None, Some("production")));
    assert_eq!(of(snapshot), (None, None));
    // Labels that contradict each other, and labels that are secret.
    assert_eq!(of("google_storage_bucket.assets"), (None, None));
    assert_eq!(of("google_storage_bucket.secret"), (None, None));
}

#[test]
fn no_secret_leaves_the_state() {
    let (items, summary) = read_json(FORMAT, &shop()).expect("accepted");
    assert!(!format!("{items:?}{summary:?}").contains("hunter2"));
}

#[test]
fn no_change_of_a_state_hides_an_object() {
    for (file, options) in accepted(FORMAT) {
        truncations_are_refused(FORMAT, &file, &options);
        text_around_is_refused(FORMAT, &file, &options);
        let bytes = data(FORMAT, &file);
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        let document: Value = serde_json::from_slice(&bytes).expect("valid JSON");
        let count = document["resources"].as_array().map_or(0, Vec::len);
        // A letter of `managed` never makes it `data`, and one of `instances` is a member that is missing.
        let own: Vec<_> = (0..count).map(|at| range(&text, &format!("/resources/{at}/type"))).collect();
        bytes_hide_nothing(FORMAT, &file, &options, &own);
    }
}

#[test]
fn refuses_members_that_are_missing_renamed_or_of_another_type() {
    for (pointer, member) in [
        ("", "version"),
        ("", "resources"),
        ("/resources/1", "mode"),
        ("/resources/1", "type"),
        ("/resources/1", "name"),
        ("/resources/1", "instances"),
    ] {
        for other in [json!(null), json!(7), json!({"x": []}), json!(""), json!([[]])] {
            let mut changed = shop();
            changed.pointer_mut(pointer).expect("a value")[member] = other.clone();
            assert!(read_json(FORMAT, &changed).is_err(), "{pointer}/{member} = {other}");
        }
        let mut changed = shop();
        let object = changed.pointer_mut(pointer).expect("a value").as_object_mut().expect("an object");
        let value = object.remove(member).expect("the member");
        assert!(read_json(FORMAT, &changed).is_err(), "without {pointer}/{member}");
        let object = changed.pointer_mut(pointer).expect("a value").as_object_mut().expect("an object");
        object.insert(member.to_uppercase(), value);
        assert!(read_json(FORMAT, &changed).is_err(), "{pointer}/{member} in capitals");
    }
    let twice = shop().to_string().replacen("\"resources\":", "\"resources\":[],\"resources\":", 1);
    assert!(refusal(read(FORMAT, twice.as_bytes(), &Options::default())).contains("is duplicated"));
}

#[test]
fn more_dependents_than_an_inventory_takes_are_unknown() {
    let instances: Vec<Value> = (0..40_000)
        .map(|at| json!({"index_key": format!("{at:030}"), "attributes": {}, "dependencies": ["aws_vpc.main"]}))
        .collect();
    let mut state = shop();
    state["resources"] = json!([
        {"mode": "managed", "type": "aws_vpc", "name": "main", "instances": [{"attributes": {}}]},
        {"mode": "managed", "type": "aws_eip", "name": "a", "instances": instances},
    ]);
    let (items, summary) = read_json(FORMAT, &state).expect("accepted");
    assert_eq!((items.len(), items[0].record.dependents.as_ref()), (40_001, None));
    assert_eq!(
        summary.notes,
        ["40001 objects have no dependents in the state, or too many of them: they stay unknown"]
    );
    assert_eq!(ids(read_json(FORMAT, &state)).len(), 40_001);
}
