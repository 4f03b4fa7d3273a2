//! The webhook of Kubernetes: what the API server asks, and that nothing but a recorded allow, or what follows from one, is
//! allowed. The reviews of Cloud Custodian and Kubewarden are those of the readers' tests, whose README names their source.

use crate::support::fixture::{document, says, write};
use crate::support::service::{Answer, Service};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

const PATH: &str = "/kubernetes/admission";
const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";
const NAMESPACES: &str = "system:serviceaccount:kube-system:namespace-controller";

/// A deletion may reach two tenants.
const CONFIG: &str = r#"ledger = "reprieve.db"
inventory = "inventory.csv"

[serve.kubernetes]
cluster = "eu-1"
environment = "production"
disable = ["Pod", "Deployment.apps"]

[[policy]]
use = "builtin:blast-radius"
missing = "warn"
settings = { max_tenants = 2, max_share = 100, max_undeclared = 10 }
"#;

/// The namespace `shop` has what two tenants own, and `mall` what three do.
const INVENTORY: &str = "id,kind,tenant,environment,state,dependents
Namespace/shop,Namespace,t-1,production,live,PersistentVolumeClaim/shop/data-0;Deployment/shop/web
PersistentVolumeClaim/shop/data-0,PersistentVolumeClaim,t-1,production,live,none
Deployment/shop/web,Deployment,t-2,production,live,ReplicaSet/shop/web-1
ReplicaSet/shop/web-1,ReplicaSet,t-2,production,live,none
Namespace/mall,Namespace,t-1,production,live,PersistentVolumeClaim/mall/a;PersistentVolumeClaim/mall/b
PersistentVolumeClaim/mall/a,PersistentVolumeClaim,t-3,production,live,none
PersistentVolumeClaim/mall/b,PersistentVolumeClaim,t-4,production,live,none
Pod/default/static-web,Pod,t-1,production,live,none
Deployment/default/nginx,Deployment,t-1,production,live,none
Pod/default/nginx,Pod,t-1,production,live,none
";

fn folder() -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "reprieve.toml", CONFIG);
    write(&fixture, "inventory.csv", INVENTORY);
    says(&fixture, "ledger new", 0, &[]);
    fixture
}

/// A review of the deletion of an object. `uid` is that of the object, and `review` that of the request.
fn review(review: &str, group: &str, kind: &str, namespace: Option<&str>, name: &str, uid: &str) -> Value {
    let mut metadata = json!({ "name": name, "uid": uid, "creationTimestamp": "2026-01-05T10:00:00Z" });
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    let resource = format!("{}s", kind.to_lowercase());
    json!({ "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": review,
        "kind": { "group": group, "version": "v1", "kind": kind },
        "resource": { "group": group, "version": "v1", "resource": resource },
        "name": name,
        "namespace": namespace.or((kind == "Namespace").then_some(name)),
        "operation": "DELETE",
        "userInfo": { "username": "ann@example.com", "groups": ["system:authenticated"] },
        "object": null,
        "oldObject": { "apiVersion": "v1", "kind": kind, "metadata": metadata },
        "dryRun": false,
        "options": { "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "propagationPolicy": "Background" },
    } })
}

/// The same review by a controller, of an object with this owner.
fn by(mut review: Value, controller: &str, owner: Option<&str>) -> Value {
    review["request"]["userInfo"]["username"] = controller.into();
    if let Some(uid) = owner {
        let owner = json!([{ "apiVersion": "v1", "kind": "Owner", "name": "owner", "uid": uid }]);
        review["request"]["oldObject"]["metadata"]["ownerReferences"] = owner;
    }
    review
}

fn ask(service: &Service, review: &Value) -> Value {
    let answer = service.post(PATH, &review.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!((&answer["apiVersion"], &answer["kind"]), (&review["apiVersion"], &review["kind"]));
    let response = answer["response"].clone();
    assert_eq!(response["uid"], review["request"]["uid"]);
    if response["allowed"] != true {
        assert_eq!((&response["allowed"], &response["status"]["code"]), (&json!(false), &json!(403)));
    }
    for warning in response["warnings"].as_array().into_iter().flatten() {
        let text = warning.as_str().unwrap();
        assert!(text.chars().count() <= 120 && !text.chars().any(char::is_control), "{text:?}");
    }
    response
}

fn message(response: &Value) -> &str {
    assert_eq!(response["allowed"], false, "{response}");
    response["status"]["message"].as_str().unwrap()
}

#[test]
fn a_namespace_is_what_is_in_it() {
    let fixture = folder();
    let service = Service::start(&fixture);
    let shop = ask(&service, &review("r-1", "", "Namespace", None, "shop", "n-1"));
    assert_eq!(shop["allowed"], true, "{shop}");
    assert_eq!(shop["auditAnnotations"]["entry"], "1");
    assert_eq!(shop["auditAnnotations"]["verdict"], "allow");
    let recorded = service.get("/v1/decisions/1").json();
    assert_eq!(shop["auditAnnotations"]["decision-sha256"], recorded["decision"]["ledger"]["sha256"], "{recorded}");
    // Nobody tells the outcome, so it counts as done.
    assert_eq!((&recorded["state"], &recorded["claims"]["mode"]), (&json!("committed"), &json!("hard")));
    assert_eq!(recorded["claims"]["actor"]["on_behalf_of"], "ann@example.com");
    assert_eq!(recorded["claims"]["id"], "kubernetes/eu-1/namespace/shop");
    let mall = ask(&service, &review("r-2", "", "Namespace", None, "mall", "n-2"));
    let message = message(&mall);
    assert!(message.starts_with("denied by Reprieve, entry 3: blast-radius/too-many-tenants"), "{message}");
    assert_eq!(mall["auditAnnotations"]["verdict"], "deny");
    says(&fixture, "ledger verify", 0, &["2 decisions, 0 of them open"]);
}

#[test]
fn real_reviews_are_answered() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../readers/tests/data/kubernetes");
    let read = |name: &str| document(&std::fs::read_to_string(data.join(name)).unwrap());
    let wrapped =
        |request| json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request });
    let fixture = folder();
    let service = Service::start(&fixture);
    for review in [
        read("review-pod-none-strings.json"),
        wrapped(read("request-deployment-background.json")),
        wrapped(read("request-pod-grace.json")),
    ] {
        let response = ask(&service, &review);
        assert_eq!(response["allowed"], true, "{response}");
        let entry = response["auditAnnotations"]["entry"].as_str().unwrap();
        let claims = service.get(&format!("/v1/decisions/{entry}")).json()["claims"].clone();
        assert_eq!(claims["mode"], "disable");
        assert_eq!(claims["actor"]["on_behalf_of"], review["request"]["userInfo"]["username"]);
    }
    // A collection arrives as one review for each object, without a name; one without an object says nothing.
    let object = read("made-collection-object.json");
    assert!(ask(&service, &object)["auditAnnotations"]["entry"].is_string());
    let refused = ask(&service, &read("made-collection.json"));
    assert!(message(&refused).contains("does not have the one object"), "{refused}");
    // A CustomResourceDefinition as v1beta1 asked; and a request with neither a uid nor a version.
    for name in ["made-crd-v1beta1.json", "request-minimal.json"] {
        let answer = service.post(PATH, &read(name).to_string());
        assert_eq!((answer.status, answer.json()["status"].as_u64()), (400, Some(400)), "{name}: {}", answer.text);
    }
    for (name, words) in [
        ("made-update.json", "for DELETE only"),
        ("made-connect.json", "for DELETE only"),
        ("made-eviction.json", "for DELETE only"),
        ("made-last-finalizer.json", "for DELETE only"),
        ("made-unknown-operation.json", "for DELETE only"),
        ("made-unknown-policy.json", "policy"),
        ("made-uid-disagrees.json", "uid"),
        ("made-names-disagree.json", "name"),
    ] {
        let refused = ask(&service, &read(name));
        assert!(message(&refused).contains(words), "{name}: {refused}");
    }
}

#[test]
fn a_dry_run_is_decided_and_not_recorded() {
    let fixture = folder();
    let service = Service::start(&fixture);
    for (name, allowed) in [("shop", true), ("mall", false)] {
        let mut review = review("r-1", "", "Namespace", None, name, "n-1");
        review["request"]["dryRun"] = true.into();
        let response = ask(&service, &review);
        assert_eq!(response["allowed"], allowed, "{response}");
        assert!(response["auditAnnotations"]["entry"].is_null());
    }
    // So what would follow from it does not pass.
    let child = review("r-2", "", "PersistentVolumeClaim", Some("shop"), "data-0", "p-1");
    message(&ask(&service, &by(child, NAMESPACES, None)));
    // A halt denies dry runs, too.
    service.post("/v1/halt", r#"{ "reason": "an incident" }"#);
    let mut review = review("r-3", "", "Namespace", None, "shop", "n-1");
    review["request"]["dryRun"] = true.into();
    assert!(message(&ask(&service, &review)).contains("gate/halted"));
    says(&fixture, "ledger verify", 0, &["1 entry verified: 0 decisions"]);
}

#[test]
fn a_repeated_review_is_decided_once() {
    let fixture = folder();
    let service = Service::start(&fixture);
    let review = review("r-1", "", "Namespace", None, "shop", "n-1");
    let responses: Vec<Value> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| ask(&service, &review))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(responses.iter().all(|response| *response == responses[0]), "{responses:?}");
    says(&fixture, "ledger verify", 0, &["1 decision, 0 of them open"]);
    // The same number for another object is no answer to it.
    let other = self::review("r-1", "", "PersistentVolumeClaim", Some("shop"), "data-0", "p-1");
    assert!(message(&ask(&service, &other)).contains("entry 1"));
}

#[test]
fn controllers_delete_what_goes_with_what_was_allowed_and_nothing_else() {
    let fixture = folder();
    let service = Service::start(&fixture);
    let web = || review("r-2", "apps", "ReplicaSet", Some("shop"), "web-1", "rs-1");
    let pod = || review("r-3", "", "Pod", Some("shop"), "web-1-x", "pod-1");
    // Nothing was allowed yet.
    for refused in [by(web(), COLLECTOR, Some("d-1")), by(web(), COLLECTOR, None), by(web(), NAMESPACES, None)] {
        assert!(message(&ask(&service, &refused)).contains("nothing that it belongs to was allowed"));
    }
    let deployment = review("r-1", "apps", "Deployment", Some("shop"), "web", "d-1");
    assert_eq!(ask(&service, &deployment)["allowed"], true);
    // The ReplicaSet follows from the Deployment, and the Pod from the ReplicaSet.
    message(&ask(&service, &by(pod(), COLLECTOR, Some("rs-1"))));
    let followed = ask(&service, &by(web(), COLLECTOR, Some("d-1")));
    assert_eq!((&followed["allowed"], &followed["auditAnnotations"]["follows-entry"]), (&json!(true), &json!("1")));
    // Also after a restart.
    drop(service);
    let service = Service::start(&fixture);
    for _ in 0..2 {
        assert_eq!(ask(&service, &by(pod(), COLLECTOR, Some("rs-1")))["auditAnnotations"]["follows-entry"], "1");
    }
    // Another owner, another account, another cluster.
    message(&ask(&service, &by(pod(), COLLECTOR, Some("rs-2"))));
    let person = ask(&service, &by(pod(), "system:serviceaccount:default:generic-garbage-collector", Some("rs-1")));
    assert!(person["auditAnnotations"]["follows-entry"].is_null());
    // Everything in a namespace goes with it. One that was denied, or is another, lets nothing pass.
    let claim =
        |space: &str| by(review("r-9", "", "PersistentVolumeClaim", Some(space), "a", "p-9"), NAMESPACES, None);
    message(&ask(&service, &review("r-5", "", "Namespace", None, "mall", "n-2")));
    message(&ask(&service, &claim("mall")));
    let shop = ask(&service, &review("r-6", "", "Namespace", None, "shop", "n-1"));
    let entry = shop["auditAnnotations"]["entry"].clone();
    assert_eq!(ask(&service, &claim("shop"))["auditAnnotations"]["follows-entry"], entry);
    message(&ask(&service, &claim("mall")));
    // A halt stops the controllers as well.
    service.post("/v1/halt", r#"{ "reason": "an incident" }"#);
    assert!(message(&ask(&service, &claim("shop"))).contains("halted"));
    service.post("/v1/resume", r#"{ "reason": "over" }"#);
    assert_eq!(ask(&service, &claim("shop"))["allowed"], true);
    drop(service);
    // After the time that is set, nothing follows any more.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    write(&fixture, "reprieve.toml", &CONFIG.replace("\ndisable", "\nfollow_ups = \"PT1S\"\ndisable"));
    let service = Service::start(&fixture);
    message(&ask(&service, &claim("shop")));
    says(&fixture, "ledger verify", 0, &["entries verified"]);
}

#[test]
fn another_caller_cannot_prepare_what_controllers_may_delete() {
    let fixture = folder();
    let mut config = CONFIG.to_owned();
    let tokens: Vec<String> = ["kube-apiserver", "svc-other"]
        .iter()
        .map(|name| {
            let printed = says(&fixture, &format!("token {name}"), 0, &[]);
            config += &printed.replace("[\"submit\", \"execute\"]", "[\"submit\"]");
            let token = std::fs::read_to_string(fixture.path().join(format!("{name}.token"))).unwrap();
            format!("Bearer {}", token.trim())
        })
        .collect();
    write(&fixture, "reprieve.toml", &config);
    let service = Service::start(&fixture);
    let post = |path: &str, body: &Value, who: &str| -> Answer {
        service.post_with(path, &body.to_string(), &[("Authorization", who)])
    };
    let shop = review("r-1", "", "Namespace", None, "shop", "n-1");
    assert_eq!(service.post(PATH, &shop.to_string()).status, 401);
    // An allow for a request of the same name.
    let forged = json!({ "id": "kubernetes/eu-1/namespace/shop", "mode": "soft", "environment": "production",
        "target_kind": "Pod", "targets": [{ "id": "Pod/default/nginx", "kind": "Pod", "tenant": "t-1" }] });
    assert_eq!(post("/v1/decisions", &forged, &tokens[1]).status, 200);
    let child = by(review("r-2", "", "PersistentVolumeClaim", Some("shop"), "data-0", "p-1"), NAMESPACES, None);
    assert_eq!(post(PATH, &child, &tokens[0]).json()["response"]["allowed"], false);
    let allowed = post(PATH, &shop, &tokens[0]).json();
    assert_eq!(allowed["response"]["allowed"], true, "{allowed}");
    assert_eq!(post(PATH, &child, &tokens[0]).json()["response"]["allowed"], true);
}

#[test]
fn what_is_not_understood_is_never_allowed() {
    let fixture = folder();
    let service = Service::start(&fixture);
    let good = review("r-1", "", "Namespace", None, "shop", "n-1");
    let with = |pointer: &str, value: Value| {
        let mut review = good.clone();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        review.pointer_mut(parent).unwrap()[member] = value;
        review.to_string()
    };
    let mut bodies = vec![String::new(), "null".into(), "[]".into(), "{}".into(), "{".into(), "\u{feff}{}".into()];
    // Every member in turn is of another type, empty, or full of what a terminal would obey.
    let mut pointers = vec![String::new()];
    let mut at = 0;
    while let Some(pointer) = pointers.get(at).cloned() {
        if let Some(members) = good.pointer(&pointer).and_then(Value::as_object) {
            pointers.extend(members.keys().map(|name| format!("{pointer}/{name}")));
        }
        at += 1;
    }
    let hostile =
        [json!(null), json!(7), json!(true), json!([]), json!({}), json!(""), json!("\u{1b}[2J\n\u{202e}x")];
    for pointer in pointers.iter().filter(|pointer| !pointer.is_empty()) {
        bodies.extend(hostile.iter().map(|value| with(pointer, value.clone())));
    }
    bodies.push(with("/apiVersion", json!("admission.k8s.io/v1beta1")));
    bodies.push(with("/request/uid", json!("../../x")));
    bodies.push(with("/request/oldObject/metadata/uid", json!("namespace/shop")));
    bodies.push(good.to_string().replace("\"uid\":\"n-1\"", "\"uid\":\"n-1\",\"uid\":\"n-2\""));
    bodies.push(good.to_string() + "{}");
    bodies.push("[".repeat(10_000));
    bodies.push(format!("{{\"request\":{}1{}}}", "{\"a\":".repeat(2_000), "}".repeat(2_000)));
    let whole = good.to_string();
    bodies.extend((0..whole.len()).step_by(7).map(|end| whole[..end].to_owned()));
    let mut allowed = Vec::new();
    for (n, body) in bodies.iter().enumerate() {
        // Each is a review of its own.
        let body = &body.replace("\"uid\":\"r-1\"", &format!("\"uid\":\"r-{n}\""));
        let answer = service.post(PATH, body);
        match answer.status {
            400 => assert_eq!(answer.json()["status"], 400),
            200 if answer.json()["response"]["allowed"] == true => allowed.push(body.clone()),
            200 => assert_eq!(answer.json()["response"]["allowed"], false),
            status => panic!("{status}: {body}\n{}", answer.text),
        }
    }
    // What is allowed names the same object, and differs in what no decision depends on.
    for body in &allowed {
        let request = document(body)["request"].clone();
        let object = &request["oldObject"]["metadata"];
        assert_eq!((&request["operation"], &object["name"]), (&json!("DELETE"), &json!("shop")), "{body}");
        assert_eq!(request["kind"]["kind"], "Namespace");
    }
    assert!(bodies.len() > 150 && !allowed.is_empty() && service.get("/livez").status == 200);
    says(&fixture, "ledger verify", 0, &["entries verified"]);
}

#[test]
fn it_is_off_unless_a_cluster_is_set() {
    let fixture = folder();
    write(
        &fixture,
        "reprieve.toml",
        &CONFIG
            .replace("[serve.kubernetes]", "[serve]\n#")
            .replace("\ncluster", "\n#")
            .replace("\nenvironment", "\n#")
            .replace("\ndisable", "\n#"),
    );
    let service = Service::start(&fixture);
    let answer = service.post(PATH, &review("r-1", "", "Namespace", None, "shop", "n-1").to_string());
    assert_eq!(answer.status, 404, "{}", answer.text);
    for (from, to, message) in [
        ("cluster = \"eu-1\"", "", "missing field `cluster`"),
        ("cluster = \"eu-1\"", "cluster = \"a/b\"", "`a/b` is not a name"),
        ("environment = \"production\"", "environment = \" \"", "it is blank"),
        ("disable =", "claims = { actor = {} }\ndisable =", "`actor` cannot be stated"),
        ("disable =", "claims = { schedule = { freez = true } }\ndisable =", "freez"),
    ] {
        write(&fixture, "reprieve.toml", &CONFIG.replace(from, to));
        says(&fixture, "serve --listen 127.0.0.1:0", 2, &[message]);
    }
}
