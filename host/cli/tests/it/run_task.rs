//! The run task of HCP Terraform: a signed call is answered at once, the plan is fetched from the hosts that are set and
//! decided about, and whatever fails on the way is the result `failed`. The plans of Terraform and OpenTofu are those of the
//! readers' tests, whose README names their source.

use crate::support::fixture::{says, write};
use crate::support::service::{Answer, Service};
use crate::support::workspaces::{Received, Workspaces, redirection, reply};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha512;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

const PATH: &str = "/terraform/run-task";
const KEY: &str = "0f5c1de2a7b34968-of-the-tests";

/// Two resources may be reached by a plan.
const POLICIES: &str =
    "[[policy]]\nuse = \"builtin:blast-radius\"\nmissing = \"warn\"\nsettings = { max_tenants = 2 }\n";

struct Setup {
    fixture: TempDir,
    service: Service,
    workspaces: Workspaces,
}

fn config(host: &str, more: &str) -> String {
    format!(
        "ledger = \"reprieve.db\"\n[serve]\ntimeout = \"PT20S\"\n[serve.terraform]\nkey = \"run-task.key\"\nenvironment = \"production\"\n\
         hosts = [\"{host}\"]\nhttp_on_loopback = true\nurl = \"https://reprieve.example/\"\n{more}\n{POLICIES}"
    )
}

fn folder(host: &str, more: &str) -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "reprieve.toml", &config(host, more));
    write(&fixture, "run-task.key", &format!("{KEY}\n"));
    std::fs::set_permissions(fixture.path().join("run-task.key"), PermissionsExt::from_mode(0o600)).unwrap();
    says(&fixture, "ledger new", 0, &[]);
    fixture
}

fn start(more: &str) -> Setup {
    let workspaces = Workspaces::start();
    let fixture = folder(&workspaces.host, more);
    let service = Service::start(&fixture);
    workspaces.set("/result", vec![reply(200, "{}")]);
    Setup { fixture, service, workspaces }
}

fn signature(body: &str, key: &str) -> String {
    let mut mac = Hmac::<Sha512>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A plan that destroys resources.
fn plan(count: usize) -> Value {
    let change = |n: usize| {
        json!({ "address": format!("aws_db_instance.shop[{n}]"), "mode": "managed", "type": "aws_db_instance", "name": "shop",
            "index": n, "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": { "actions": ["delete"], "before": { "id": format!("db-{n}") }, "after": null, "after_unknown": {} } })
    };
    json!({ "format_version": "1.2", "terraform_version": "1.13.5", "timestamp": "2026-11-01T10:00:00Z", "complete": true,
        "errored": false, "applyable": true, "planned_values": { "root_module": {} },
        "resource_changes": (0..count).map(change).collect::<Vec<_>>() })
}

fn data(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../readers/tests/data/terraform").join(name)).unwrap()
}

impl Setup {
    /// What HCP Terraform sends at a stage of a run.
    fn task(&self, run: &str, result: &str, stage: &str) -> Value {
        let host = &self.workspaces.host;
        json!({ "payload_version": 1, "stage": stage, "access_token": "secret-of-the-run",
            "capabilities": { "outcomes": true },
            "configuration_version_download_url": format!("http://{host}/configuration"), "configuration_version_id": "cv-1",
            "is_speculative": false, "organization_name": "acme", "plan_json_api_url": format!("http://{host}/plan"),
            "run_app_url": format!("http://{host}/app"), "run_created_at": "2026-11-01T10:00:00Z", "run_created_by": "ann",
            "run_id": run, "run_message": "clean up", "task_result_callback_url": format!("http://{host}/result"),
            "task_result_enforcement_level": "mandatory", "task_result_id": result, "vcs_branch": null,
            "workspace_id": "ws-1", "workspace_name": "shop-production", "workspace_working_directory": "" })
    }

    fn send(&self, task: &Value) -> Answer {
        let body = task.to_string();
        self.service.post_with(PATH, &body, &[("X-TFC-Task-Signature", &signature(&body, KEY))])
    }

    /// Sends a call, and waits for the result.
    fn result(&self, task: &Value) -> Value {
        let answer = self.send(task);
        assert_eq!(answer.status, 200, "{}", answer.text);
        attributes(&self.workspaces.next("/result"))
    }

    fn with_plan(&self, plan: impl Into<Vec<u8>>, run: &str) -> Value {
        self.workspaces.set("/plan", vec![reply(200, plan)]);
        self.result(&self.task(run, &format!("taskrs-{run}"), "post_plan"))
    }
}

/// Checks the form of a result, and returns its attributes with its outcomes.
fn attributes(received: &Received) -> Value {
    assert_eq!(received.line, "PATCH /result HTTP/1.1");
    assert_eq!(received.header("authorization"), Some("Bearer secret-of-the-run"));
    assert_eq!(received.header("content-type"), Some("application/vnd.api+json"));
    let data = received.json()["data"].clone();
    assert_eq!(data["type"], "task-results");
    let mut attributes = data["attributes"].clone();
    attributes["outcomes"] = data["relationships"]["outcomes"]["data"].clone();
    assert!(matches!(attributes["status"].as_str(), Some("passed" | "failed")), "{attributes}");
    attributes
}

fn is_failed(result: &Value, words: &str) {
    let message = result["message"].as_str().unwrap();
    assert!(result["status"] == "failed" && message.contains(words), "no `{words}` in {result}");
}

#[test]
fn a_plan_is_decided_and_each_finding_is_an_outcome() {
    let setup = start("");
    let passed = setup.with_plan(plan(1).to_string(), "run-1");
    assert_eq!(passed["status"], "passed", "{passed}");
    assert!(passed["message"].as_str().unwrap().starts_with("allow: 1 deletion, entry 1"), "{passed}");
    assert_eq!(passed["url"], "https://reprieve.example/decisions/1");
    let recorded = setup.service.get("/v1/decisions/1").json();
    assert_eq!((&recorded["state"], &recorded["claims"]["id"]), (&json!("open"), &json!("terraform/acme/run-1")));
    assert_eq!(recorded["claims"]["actor"]["on_behalf_of"], "ann");
    // Three databases of nobody knows whom.
    let failed = setup.with_plan(plan(3).to_string(), "run-2");
    is_failed(&failed, "deny: 3 deletions, entry 2: blast-radius/too-many-tenants");
    let outcomes = failed["outcomes"].as_array().unwrap();
    let outcome = outcomes
        .iter()
        .map(|outcome| &outcome["attributes"])
        .find(|outcome| outcome["outcome-id"] == "blast-radius/too-many-tenants");
    let outcome = outcome.unwrap_or_else(|| panic!("{failed}"));
    assert_eq!(outcome["tags"]["Status"], json!([{ "label": "Denied", "level": "error" }]));
    assert_eq!(outcome["tags"]["Severity"][0]["label"], "Wrong");
    assert!(outcome["body"].as_str().unwrap().contains("**What to do:**"), "{outcome}");
    assert!(outcomes.iter().all(|outcome| outcome["type"] == "task-result-outcomes"));
    says(&setup.fixture, "ledger verify", 0, &["2 decisions, 1 of them open"]);
}

#[test]
fn real_plans_are_read() {
    let setup = start("");
    for (name, status, words) in [
        ("tofu-update-delete.json", "passed", "allow: 1 deletion"),
        ("azuredevops-mixed.json", "passed", "allow: 2 deletions"),
        ("forget.json", "passed", "the plan deletes nothing; 1 object leaves the state and stays"),
        ("made-no-changes.json", "passed", "the plan deletes nothing"),
        ("action-invocation-only.json", "failed", "invokes actions"),
        ("broken-mid-file.json", "failed", "more after the end"),
        ("wrapper-around.txt", "failed", "not a plan"),
        ("made-errored.json", "failed", "planning failed"),
        ("made-targeted.json", "failed", "not complete"),
        ("made-deferred.json", "failed", "deferred"),
        ("made-unknown-member.json", "failed", "not known"),
        ("made-state-show.json", "failed", "not a plan"),
    ] {
        let result = setup.with_plan(data(name), name);
        let message = result["message"].as_str().unwrap();
        assert!(result["status"] == status && message.contains(words), "{name}: {result}");
        // A secret of a plan goes nowhere.
        assert!(!result.to_string().contains("supersecret"), "{result}");
    }
}

#[test]
fn who_does_not_have_the_key_is_nobody() {
    let setup = start("");
    setup.workspaces.set("/plan", vec![reply(200, plan(1).to_string())]);
    let body = setup.task("run-1", "taskrs-1", "post_plan").to_string();
    let right = signature(&body, KEY);
    let (other, cut) = (signature(&body, "another key of another task"), right[..64].to_owned());
    let empty = signature(&body, "");
    for wrong in [other.as_str(), &cut, &empty, "", "x", &signature("{}", KEY)] {
        let answer = setup.service.post_with(PATH, &body, &[("X-TFC-Task-Signature", wrong)]);
        assert_eq!(answer.status, 401, "{wrong}: {}", answer.text);
    }
    assert_eq!(setup.service.post(PATH, &body).status, 401);
    let changed = body.replace("run-1", "run-2");
    assert_eq!(setup.service.post_with(PATH, &changed, &[("X-TFC-Task-Signature", &right)]).status, 401);
    assert!(setup.workspaces.is_silent());
    // The call that tests whether anybody answers needs the key, too.
    let mut test = setup.task("run-1", "taskrs-1", "test");
    test["access_token"] = "test-token".into();
    assert_eq!(setup.send(&test).status, 200);
    assert_eq!(setup.service.post(PATH, &test.to_string()).status, 401);
    assert!(setup.workspaces.is_silent());
    says(&setup.fixture, "ledger verify", 0, &["0 entries verified"]);
}

#[test]
fn a_replayed_call_has_the_same_decision_and_a_later_stage_a_new_one() {
    let setup = start("");
    setup.workspaces.set("/plan", vec![reply(200, plan(2).to_string())]);
    let task = setup.task("run-1", "taskrs-1", "post_plan");
    let first = setup.result(&task);
    assert_eq!(first["status"], "passed", "{first}");
    assert_eq!(setup.result(&task), first);
    // Before it is applied, it is decided about again, and counts once.
    let later = setup.result(&setup.task("run-1", "taskrs-2", "pre_apply"));
    assert!(later["message"].as_str().unwrap().contains("entry 3"), "{later}");
    assert_eq!(setup.service.get("/v1/decisions/1").json()["state"], "aborted");
    says(&setup.fixture, "ledger verify", 0, &["2 decisions, 1 of them open"]);
    // What was given up does not pass again.
    is_failed(&setup.result(&task), "entry 1 was given up");
    // A replay whose plan is another one by now is not that decision.
    setup.workspaces.set("/plan", vec![reply(200, plan(1).to_string())]);
    is_failed(&setup.result(&task), "used for another request");
    // A halt between plan and apply.
    setup.service.post("/v1/halt", r#"{ "reason": "an incident" }"#);
    is_failed(&setup.result(&setup.task("run-1", "taskrs-3", "pre_apply")), "gate/halted");
}

#[test]
fn only_hosts_of_the_settings_are_called() {
    let setup = start("");
    let elsewhere = Workspaces::start();
    elsewhere.set("/plan", vec![reply(200, plan(1).to_string())]);
    let host = &setup.workspaces.host;
    for (field, url) in [
        ("task_result_callback_url", format!("http://{}/result", elsewhere.host)),
        ("plan_json_api_url", format!("http://{}/plan", elsewhere.host)),
        ("plan_json_api_url", format!("https://{host}/plan")),
        ("plan_json_api_url", format!("http://{host}@{}/plan", elsewhere.host)),
        ("plan_json_api_url", "file:///etc/passwd".to_owned()),
        ("plan_json_api_url", format!("http://169.254.169.254/latest?{host}")),
        ("task_result_callback_url", String::new()),
    ] {
        // `https` on this port is a host of the settings, but nobody answers.
        let mut task = setup.task("run-1", "taskrs-1", "post_plan");
        task[field] = url.as_str().into();
        let answer = setup.send(&task);
        if url.starts_with("https") {
            is_failed(&attributes(&setup.workspaces.next("/result")), "the plan was not fetched");
        } else {
            assert_eq!(answer.status, 403, "{url}: {}", answer.text);
        }
    }
    // A redirection leads to hosts of the settings only.
    setup.workspaces.set("/plan", vec![redirection(&format!("http://{}/plan", elsewhere.host))]);
    is_failed(&setup.result(&setup.task("run-1", "taskrs-1", "post_plan")), "is not in `hosts`");
    assert!(elsewhere.is_silent());
    setup.workspaces.set("/plan", vec![redirection("/plan")]);
    is_failed(&setup.result(&setup.task("run-1", "taskrs-1", "post_plan")), "too many redirections");
    setup.workspaces.set("/plan", vec![redirection("/kept")]);
    setup.workspaces.set("/kept", vec![reply(200, plan(1).to_string())]);
    assert_eq!(setup.result(&setup.task("run-1", "taskrs-1", "post_plan"))["status"], "passed");
}

#[test]
fn the_token_goes_to_the_host_of_the_call_alone() {
    let (store, workspaces) = (Workspaces::start(), Workspaces::start());
    let fixture = folder(&format!("{}\", \"{}", workspaces.host, store.host), "");
    let service = Service::start(&fixture);
    workspaces.set("/result", vec![reply(200, "{}")]);
    workspaces.set("/plan", vec![redirection(&format!("http://{}/object?signed=1", store.host))]);
    store.set("/object?signed=1", vec![reply(200, plan(1).to_string())]);
    let setup = Setup { fixture, service, workspaces };
    assert_eq!(setup.result(&setup.task("run-1", "taskrs-1", "post_plan"))["status"], "passed");
    let fetched = store.next("/object");
    assert_eq!((fetched.line.as_str(), fetched.header("authorization")), ("GET /object?signed=1 HTTP/1.1", None));
}

#[test]
fn what_cannot_be_fetched_or_has_no_plan_fails() {
    let setup = start("plan = 1\n");
    for (replies, words) in [
        (vec![reply(404, "")], "answered with status 404"),
        (vec![reply(500, "")], "answered with status 500"),
        (vec![reply(204, "")], "it is not ready"),
        (vec![reply(200, "")], "the file is empty"),
        (vec![reply(200, vec![b' '; (1 << 20) + 1])], "larger than 1 MiB"),
        (vec![reply(200, plan(1).to_string() + &" ".repeat(1 << 20))], "larger than 1 MiB"),
    ] {
        setup.workspaces.set("/plan", replies);
        is_failed(&setup.result(&setup.task("run-1", "taskrs-1", "post_plan")), words);
    }
    for stage in ["pre_plan", "post_apply", "later", ""] {
        is_failed(&setup.result(&setup.task("run-1", "taskrs-1", stage)), "there is no plan to look at");
    }
    let mut task = setup.task("run-1", "taskrs-1", "post_plan");
    task["plan_json_api_url"] = Value::Null;
    is_failed(&setup.result(&task), "does not say where the plan is");
    task["payload_version"] = 2.into();
    assert_eq!(setup.send(&task).status, 400);
    task["task_result_enforcement_level"] = "advisory".into();
    task["payload_version"] = 1.into();
    is_failed(&setup.result(&task), "this does not stop the run");
    says(&setup.fixture, "ledger verify", 0, &["0 entries verified"]);
}

#[test]
fn a_result_is_sent_again_until_it_arrives() {
    let setup = start("");
    setup.workspaces.set("/plan", vec![reply(200, plan(1).to_string())]);
    setup.workspaces.set("/result", vec![reply(503, ""), reply(200, "{}")]);
    let task = setup.task("run-1", "taskrs-1", "post_plan");
    let first = setup.result(&task);
    assert_eq!(attributes(&setup.workspaces.next("/result")), first);
    // What is refused is not sent again, and the log says so.
    setup.workspaces.set("/result", vec![reply(404, "")]);
    setup.result(&setup.task("run-2", "taskrs-2", "post_plan"));
    setup.service.says("the result of a run task was not sent");
    assert!(setup.workspaces.is_silent());
    // A service that is told to stop sends what it has decided.
    setup.workspaces.set("/result", vec![reply(503, ""), reply(200, "{}")]);
    setup.result(&setup.task("run-3", "taskrs-3", "post_plan"));
    setup.service.signal("-TERM");
    assert_eq!(attributes(&setup.workspaces.next("/result"))["status"], "passed");
    assert_eq!(setup.service.ended(), Some(0));
}

#[test]
fn hostile_bodies_and_plans_never_pass() {
    let setup = start("");
    for body in
        ["", "null", "[]", "{}", "{", "{\"access_token\":\"test-token\"}", "\"test-token\"", &"[".repeat(9_999)]
    {
        let answer = setup.service.post_with(PATH, body, &[("X-TFC-Task-Signature", &signature(body, KEY))]);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
    let good = plan(3);
    let mut plans: Vec<String> =
        vec!["null".into(), "[]".into(), "{}".into(), "[".repeat(9_999), "{\"format_version\":\"1.2\"}".into()];
    for (pointer, value) in [
        ("/resource_changes", json!({})),
        ("/resource_changes/0/change/actions", json!(["destroy"])),
        ("/resource_changes/0/change/actions", json!("delete")),
        ("/resource_changes/0/mode", json!("data")),
        ("/resource_changes/0/address", json!("\u{1b}[2J")),
        ("/resource_changes/0/type", json!(" ")),
        ("/complete", json!(false)),
        ("/errored", json!(true)),
    ] {
        let mut plan = good.clone();
        *plan.pointer_mut(pointer).unwrap() = value;
        plans.push(plan.to_string());
    }
    let whole = good.to_string();
    plans.extend((1..whole.len()).step_by(97).map(|end| whole[..end].to_owned()));
    for (n, plan) in plans.iter().enumerate() {
        let result = setup.with_plan(plan.as_str(), &format!("run-{n}"));
        assert_eq!(result["status"], "failed", "{plan}: {result}");
        assert!(!result["message"].as_str().unwrap().chars().any(char::is_control));
    }
    assert_eq!(setup.service.get("/livez").status, 200);
}

#[test]
fn a_key_is_needed() {
    let fixture = folder("app.terraform.io", "");
    let serve = |status: &[&str]| drop(says(&fixture, "serve --listen 127.0.0.1:0", 2, status));
    write(&fixture, "run-task.key", "short\n");
    serve(&["serve.terraform.key", "has 5 bytes"]);
    write(&fixture, "run-task.key", "");
    serve(&["has 0 bytes"]);
    std::fs::remove_file(fixture.path().join("run-task.key")).unwrap();
    serve(&["run-task.key"]);
    write(&fixture, "run-task.key", KEY);
    std::fs::set_permissions(fixture.path().join("run-task.key"), PermissionsExt::from_mode(0o644)).unwrap();
    serve(&["users other than its owner can read this private key"]);
    let config = config("app.terraform.io", "");
    for (from, to, message) in [
        ("key = \"run-task.key\"\n", "", "missing field `key`"),
        ("hosts = [\"app.terraform.io\"]", "hosts = []", "there is no host"),
        ("environment = \"production\"", "environment = \"\"", "it is blank"),
        ("url =", "plan = 0\nurl =", "0 MiB is not between"),
    ] {
        write(&fixture, "reprieve.toml", &config.replace(from, to));
        serve(&[message]);
    }
    write(&fixture, "reprieve.toml", &format!("ledger = \"reprieve.db\"\n{POLICIES}"));
    let service = Service::start(&fixture);
    assert_eq!(service.post(PATH, "{}").status, 401);
}
