//! No change of a request or a list makes a deletion vanish silently.

use crate::support::mutation::{self, accepted, data, ids, range, read_json, refusal};
use reprieve_model::Mode;
use serde_json::{Value, json};

/// A request that deletes one Pod.
fn review() -> Value {
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "name": "web", "namespace": "prod",
            "operation": "DELETE", "userInfo": {"username": "ops"}, "object": null,
            "oldObject": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "prod", "uid": "u"}},
            "dryRun": false, "options": {"kind": "DeleteOptions", "propagationPolicy": "Foreground"},
        },
    })
}

#[test]
fn reads_the_call_of_a_request() {
    let (items, summary) = mutation::read_json("kubernetes", &review()).expect("accepted");
    assert_eq!(items[0].id, "prod/web");
    assert_eq!((summary.mode, summary.cascade), (Some(Mode::Hard), Some(true)));
    assert_eq!((summary.verb.as_deref(), summary.actor.as_deref()), (Some("delete"), Some("ops")));
}

#[test]
fn refuses_operations_and_policies_that_it_does_not_know() {
    let words = ["delete", "Delete", "DELETE ", "PATCH", "DELETECOLLECTION", ""];
    let others = [json!(null), json!(7), json!(["DELETE"]), json!({"operation": "DELETE"})];
    for word in words.map(Value::from).into_iter().chain(others) {
        let mut changed = review();
        changed["request"]["operation"] = word.clone();
        assert!(read_json("kubernetes", &changed).is_err(), "{word}");
    }
    for policy in [json!("orphan"), json!("ORPHAN"), json!(""), json!(true), json!({}), json!("Cascade")] {
        let mut changed = review();
        changed["request"]["options"]["propagationPolicy"] = policy.clone();
        assert!(read_json("kubernetes", &changed).is_err(), "{policy}");
    }
    let mut changed = review();
    changed["request"]["options"]["orphanDependents"] = json!(true);
    assert!(refusal(read_json("kubernetes", &changed)).contains("exclude each other"));
}

#[test]
fn refuses_members_of_another_type() {
    let members = [
        "kind",
        "name",
        "namespace",
        "operation",
        "userInfo",
        "object",
        "oldObject",
        "dryRun",
        "options",
        "subResource",
    ];
    for member in members {
        for other in [json!(7), json!([]), json!([review()]), json!(1.5)] {
            let mut changed = review();
            changed["request"][member] = other.clone();
            assert!(read_json("kubernetes", &changed).is_err(), "{member} = {other}");
        }
    }
    for pointer in ["/metadata/name", "/metadata/namespace", "/metadata/uid", "/kind", "/metadata"] {
        let mut changed = review();
        *changed["request"]["oldObject"].pointer_mut(pointer).expect("a member") = json!(7);
        assert!(read_json("kubernetes", &changed).is_err(), "{pointer}");
    }
}

#[test]
fn keeps_or_refuses_a_deletion_whose_members_are_missing_or_renamed() {
    let names: Vec<String> = review()["request"].as_object().expect("an object").keys().cloned().collect();
    for name in names {
        for renamed in [None, Some(name.to_uppercase()), Some(format!("{name} "))] {
            let mut changed = review();
            let request = changed["request"].as_object_mut().expect("an object");
            let value = request.remove(&name).expect("the member");
            if let Some(renamed) = renamed {
                request.insert(renamed, value);
            }
            if let Ok((items, _)) = read_json("kubernetes", &changed) {
                assert_eq!(items.len(), 1, "{name}");
                assert_eq!(items[0].id.split('/').next_back(), Some("web"), "{name}");
            }
        }
    }
}

#[test]
fn refuses_a_request_that_is_wrapped() {
    let request = review()["request"].clone();
    let wrapped = [
        json!([review()]),
        json!({"input": review()}),
        json!({"review": request}),
        json!({"request": review()}),
        json!({"kind": "List", "apiVersion": "v1", "items": [review()]}),
        json!({"kind": "Pod", "request": request}),
        json!({"kind": "Pod", "metadata": {"name": "a"}, "operation": "DELETE"}),
        json!({"kind": "admissionreview", "request": request}),
        json!({"kind": "AdmissionReview", "Request": request}),
    ];
    for document in wrapped {
        assert!(read_json("kubernetes", &document).is_err(), "{document}");
    }
}

#[test]
fn refuses_a_request_that_disagrees_with_its_object() {
    for (member, other) in [("name", json!("db")), ("namespace", json!("test")), ("kind", json!({"kind": "Service"}))]
    {
        let mut changed = review();
        changed["request"][member] = other;
        assert!(refusal(read_json("kubernetes", &changed)).contains("that of the request is"), "{member}");
    }
}

#[test]
fn a_collection_without_a_list_is_a_selector() {
    let mut changed = review();
    changed["request"]["name"] = json!("");
    changed["request"]["oldObject"] = json!(null);
    let (items, summary) = read_json("kubernetes", &changed).expect("accepted");
    assert_eq!(items, []);
    assert_eq!(summary.selector.as_deref(), Some("Pod in the namespace `prod`"));
    assert_eq!(summary.verb.as_deref(), Some("deletecollection"));
}

#[test]
fn names_the_dependents_that_the_file_has() {
    let list: Value = serde_json::from_slice(&data("kubernetes", "made-list-owners.json")).expect("JSON");
    let (items, _) = read_json("kubernetes", &list).expect("accepted");
    let dependents = |id: &str, kind: &str| {
        let item = items.iter().find(|item| item.id == id && item.record.kind.as_deref() == Some(kind));
        item.expect("the item").record.dependents.clone()
    };
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    // A Deployment and a Service of one name are two things.
    let pods = ["Pod/shop/web-7-a", "Pod/shop/web-7-b"];
    let all = ["Deployment/shop/web", "ReplicaSet/shop/web-7", pods[0], pods[1], "Service/shop/web"];
    assert_eq!(dependents("shop", "Namespace"), names(&all));
    assert_eq!(dependents("shop/web", "Deployment"), names(&["ReplicaSet/shop/web-7"]));
    assert_eq!(dependents("shop/web-7", "ReplicaSet"), names(&pods));
    assert_eq!(dependents("shop/web", "Service"), None);
    assert_eq!(dependents("node-1", "Node"), None);
}

#[test]
fn refuses_lists_that_are_not_whole() {
    let pod = json!({"kind": "Pod", "metadata": {"name": "a", "namespace": "b"}});
    let list = |items: Value| json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items});
    assert_eq!(ids(read_json("kubernetes", &list(json!([pod])))), ["Pod/b/a"]);
    for items in [
        json!(null),
        json!({}),
        json!("[]"),
        json!([null]),
        json!(["b/a"]),
        json!([[pod]]),
        json!([pod, pod]),
        json!([{"kind": "Pod", "metadata": {"generateName": "a-"}}]),
        json!([list(json!([pod]))]),
        json!({"0": pod}),
        json!([{"kind": "Pod", "metadata": {"name": " "}}]),
        json!([{"kind": "Pod", "metadata": {"name": 1}}]),
        json!([{"kind": 7, "metadata": {"name": "a"}}]),
        json!([{"kind": "", "metadata": {"name": "a"}}]),
    ] {
        assert!(read_json("kubernetes", &list(items.clone())).is_err(), "{items}");
    }
    for metadata in [json!({"continue": "x"}), json!({"remainingItemCount": 1}), json!({"remainingItemCount": "1"})] {
        let mut changed = list(json!([pod]));
        changed["metadata"] = metadata;
        assert!(refusal(read_json("kubernetes", &changed)).contains("one page of several"));
    }
    let mut renamed = list(json!([pod]));
    let items = renamed["items"].take();
    renamed.as_object_mut().expect("an object").remove("items");
    renamed["Items"] = items;
    assert!(read_json("kubernetes", &renamed).is_err());
}

#[test]
fn no_change_of_a_byte_hides_a_deletion() {
    for (file, options) in accepted("kubernetes") {
        mutation::truncations_are_refused("kubernetes", &file, &options);
        mutation::text_around_is_refused("kubernetes", &file, &options);
        let text = String::from_utf8(data("kubernetes", &file)).expect("UTF-8");
        // These delete only because of several members together: without one of them they are another call.
        let own = match file.as_str() {
            "made-eviction.json" | "made-last-finalizer.json" => vec![range(&text, "/request")],
            _ => Vec::new(),
        };
        mutation::bytes_hide_nothing("kubernetes", &file, &options, &own);
    }
}
