//! No change of a plan makes a deletion vanish silently.

use crate::support::mutation::{self, accepted, data, ids, read, read_json, refusal};
use reprieve_readers::Options;
use serde_json::{Value, json};

/// A plan that deletes one bucket.
fn plan() -> Value {
    json!({
        "format_version": "1.2", "terraform_version": "1.14.3", "planned_values": {"root_module": {}},
        "resource_changes": [{
            "address": "aws_s3_bucket.a", "mode": "managed", "type": "aws_s3_bucket", "name": "a",
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {"actions": ["delete"], "before": {"id": "bucket-a"}, "after": null},
        }],
        "configuration": {}, "complete": true, "errored": false,
    })
}

#[test]
fn reads_the_plan_that_is_changed_below() {
    assert_eq!(ids(read_json("terraform", &plan())), ["aws_s3_bucket.a"]);
}

#[test]
fn refuses_action_words_that_it_does_not_know() {
    let words = [
        json!(["Delete"]),
        json!(["DELETE"]),
        json!(["delete "]),
        json!(["destroy"]),
        json!(["remove"]),
        json!([""]),
        json!([]),
        json!(["delete", "forget"]),
        json!(["delete", "delete"]),
        json!(["no-op", "delete"]),
        json!(["create", "delete", "create"]),
        json!(["update", "forget"]),
        json!([["delete"]]),
        json!([null]),
        json!("delete"),
        json!(null),
        json!(1),
        json!({"delete": true}),
        json!([{"action": "delete"}]),
    ];
    for word in words {
        let mut changed = plan();
        changed["resource_changes"][0]["change"]["actions"] = word.clone();
        assert!(read_json("terraform", &changed).is_err(), "{word}");
    }
}

#[test]
fn refuses_members_that_are_missing_renamed_or_of_another_type() {
    for pointer in ["", "/resource_changes/0", "/resource_changes/0/change"] {
        let members: Vec<String> =
            plan().pointer(pointer).expect("a value").as_object().expect("an object").keys().cloned().collect();
        for member in members {
            let harmless = ["name", "provider_name", "before", "after", "configuration", "terraform_version"];
            if harmless.contains(&member.as_str()) {
                continue;
            }
            for other in [json!(null), json!(7), json!({"x": []}), json!("text"), json!([[]])] {
                let mut changed = plan();
                changed.pointer_mut(pointer).expect("a value")[&member] = other.clone();
                let outcome = read_json("terraform", &changed);
                let is_text = other.is_string() && matches!(member.as_str(), "address" | "type");
                let is_values = member == "planned_values" && other.is_object();
                assert!(outcome.is_err() || is_text || is_values, "{pointer}/{member} = {other}");
            }
            let mut changed = plan();
            let object = changed.pointer_mut(pointer).expect("a value").as_object_mut().expect("an object");
            let value = object.remove(&member).expect("the member");
            object.insert(member.to_uppercase(), value);
            match read_json("terraform", &changed) {
                Ok((items, _)) => assert_eq!(items.len(), 1, "{pointer}/{member}"),
                Err(_) => continue,
            }
            assert!(matches!(member.as_str(), "complete" | "errored" | "planned_values"), "{pointer}/{member}");
        }
    }
}

#[test]
fn refuses_a_plan_without_its_changes() {
    let mut changed = plan();
    changed["prior_state"] = json!({"values": {"root_module": {"resources": [
        {"address": "aws_s3_bucket.a", "mode": "managed"}, {"address": "data.aws_ami.a", "mode": "data"},
    ]}}});
    assert_eq!(ids(read_json("terraform", &changed)), ["aws_s3_bucket.a"]);
    changed["resource_changes"][0]["address"] = json!("aws_s3_bucket.b");
    assert!(refusal(read_json("terraform", &changed)).contains("`aws_s3_bucket.a` is in the prior state"));
    changed.as_object_mut().expect("an object").remove("resource_changes");
    assert!(refusal(read_json("terraform", &changed)).contains("no `resource_changes`"));
    changed.as_object_mut().expect("an object").remove("complete");
    assert!(refusal(read_json("terraform", &changed)).contains("no `resource_changes`"));
}

#[test]
fn refuses_duplicated_members() {
    let text = plan().to_string();
    let twice = [
        text.replacen("\"resource_changes\":", "\"resource_changes\":[],\"resource_changes\":", 1),
        text.replacen("\"actions\":", "\"actions\":[\"no-op\"],\"actions\":", 1),
        text.replacen("\"actions\":[\"delete\"]", "\"actions\":[\"delete\"],\"actions\":[\"no-op\"]", 1),
        text.replacen("\"change\":", "\"change\":{\"actions\":[\"no-op\"]},\"change\":", 1),
        text.replacen("\"mode\":", "\"mode\":\"data\",\"mode\":", 1),
        text.replacen("\"errored\":", "\"errored\":true,\"errored\":", 1),
        text.replacen("\"actions\":", "\"\\u0061ctions\":[\"no-op\"],\"actions\":", 1),
    ];
    for (index, changed) in twice.iter().enumerate() {
        assert_ne!(*changed, text, "variant {index}");
        let outcome = read("terraform", changed.as_bytes(), &Options::default());
        assert!(refusal(outcome).contains("duplicate field"), "variant {index}");
    }
}

#[test]
fn refuses_a_deletion_that_is_wrapped_or_moved() {
    let wrapped = [
        json!([plan()]),
        json!({"plan": plan()}),
        json!({"resource_changes": plan()}),
        json!({"format_version": "1.2", "plan": plan()}),
        json!({"data": plan().to_string()}),
    ];
    for document in wrapped {
        assert!(read_json("terraform", &document).is_err(), "{document}");
    }
    for member in ["deferred_changes", "changes", "resource_removals", "Resource_Changes"] {
        let mut changed = plan();
        let changes = changed["resource_changes"].take();
        changed["resource_changes"] = json!([]);
        changed[member] = changes;
        assert!(read_json("terraform", &changed).is_err(), "{member}");
    }
}

#[test]
fn names_actions_of_providers_as_a_selector() {
    let mut changed = plan();
    changed["action_invocations"] =
        json!([{"address": "action.aws_lambda_invoke.clean", "type": "aws_lambda_invoke"}]);
    let (items, summary) = read_json("terraform", &changed).expect("accepted");
    assert_eq!(items.len(), 1);
    assert_eq!(summary.selector.as_deref(), Some("action.aws_lambda_invoke.clean (aws_lambda_invoke)"));
}

#[test]
fn copies_no_secret() {
    let mut changed = plan();
    changed["resource_changes"][0]["change"]["before"] = json!({"id": "bucket-a", "password": "hunter2"});
    let (items, summary) = read_json("terraform", &changed).expect("accepted");
    assert_eq!(items[0].details, [("cloud_id", "bucket-a".to_owned())]);
    assert!(!format!("{items:?} {summary:?}").contains("hunter2"));
    changed["resource_changes"][0]["change"]["before_sensitive"] = json!({"id": true});
    let (items, _) = read_json("terraform", &changed).expect("accepted");
    assert_eq!(items[0].details, []);
    let (items, summary) =
        read("terraform", &data("terraform", "azuredevops-mixed.json"), &Options::default()).expect("accepted");
    assert!(!format!("{items:?} {summary:?}").contains("supersecret"));
}

#[test]
fn refuses_nesting_without_end() {
    let mut deep = "{\"format_version\":\"1.2\",\"planned_values\":{\"root_module\":".to_owned();
    deep.push_str(&"{\"child_modules\":[".repeat(100_000));
    assert!(read("terraform", deep.as_bytes(), &Options::default()).is_err());
    let unknown = format!("{{\"x\":{}", "[".repeat(1_000_000));
    assert!(read("terraform", unknown.as_bytes(), &Options::default()).is_err());
}

#[test]
fn no_change_of_a_byte_hides_a_deletion() {
    for (file, options) in accepted("terraform") {
        mutation::truncations_are_refused("terraform", &file, &options);
        mutation::text_around_is_refused("terraform", &file, &options);
        // Not even a change of the deletion itself: every word of it is known or refused.
        mutation::bytes_hide_nothing("terraform", &file, &options, &[]);
    }
}

#[test]
fn refuses_a_plan_from_which_an_entry_is_cut() {
    let whole: Value = serde_json::from_slice(&data("terraform", "made-deposed.json")).expect("JSON");
    for (index, is_needed) in [(0, false), (1, true), (2, true)] {
        let mut cut = whole.clone();
        cut["resource_changes"].as_array_mut().expect("a list").remove(index);
        assert_eq!(read_json("terraform", &cut).is_err(), is_needed, "entry {index}");
    }
}
