//! Files of other tools on the command line: `read`, `check --from`, and the way from a bare list to an allow.

use crate::support::fixture::reprieve;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Runs a command, which has to end with this status, and returns what it prints.
fn run(folder: &Path, arguments: &[&str], status: i32) -> (String, String) {
    let output = reprieve(folder, arguments);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{arguments:?}\n{out}{err}");
    (out, err)
}

fn data(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../readers/tests/data").join(format)
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The items that a case of `expected.json` lists, as `--list` prints them.
fn lines(case: &Value) -> Vec<Value> {
    let items = case["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let part = &item[3];
            let mut line = json!({ "id": item[0], "kind": item[1], "action": item[2] });
            if let Some(part) = part.as_str() {
                let is_version = matches!(item[2].as_str(), Some("version" | "listed" | "marker"));
                line[if is_version { "version" } else { "deposed" }] = part.into();
            }
            line
        })
        .collect()
}

#[test]
fn lists_are_printed_whole_or_not_at_all() {
    let mut formats = 0;
    for folder in fs::read_dir(data("")).unwrap().map(|entry| entry.unwrap().path()) {
        let format = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let cases: Vec<Value> =
            serde_json::from_str(&fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap();
        formats += 1;
        for case in cases {
            let mut arguments = vec!["read", &format, case["file"].as_str().unwrap(), "--list"];
            if let Some(kind) = case["kind"].as_str() {
                arguments.extend(["--kind", kind]);
            }
            for id in case["id"].as_array().into_iter().flatten() {
                arguments.extend(["--id-column", id.as_str().unwrap()]);
            }
            if case["no_header"] == true {
                arguments.push("--no-header");
            }
            let output = reprieve(&folder, &arguments);
            let out = String::from_utf8(output.stdout).unwrap();
            let err = String::from_utf8(output.stderr).unwrap();
            match output.status.code() {
                Some(0) => {
                    let printed: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                    assert_eq!(printed, lines(&case), "{arguments:?}");
                }
                Some(2) => {
                    let selects = err.contains("may delete what it does not list");
                    let is_state = err.contains("is a state, not a plan");
                    assert!(case["refused"].is_string() || selects || is_state, "{arguments:?}\n{err}");
                    assert!(format != "terraform-state" || case["refused"].is_string() || is_state, "{err}");
                    assert_eq!(out, "", "{arguments:?}: nothing that looks like a list");
                    assert!(err.starts_with("error: ") && !err.contains("panicked"), "{arguments:?}\n{err}");
                }
                status => panic!("{arguments:?}: {status:?}\n{err}"),
            }
        }
    }
    assert!(formats >= 8, "{formats} formats");
}

#[test]
fn a_plan_is_vetted_as_it_is() {
    let plan = data("terraform");
    let check = |file: &str, status: i32, more: &[&str]| {
        let arguments = [&["check", file, "--from", "terraform", "--environment", "production"], more].concat();
        run(&plan, &arguments, status)
    };
    let (report, notes) = check("azuredevops-mixed.json", 1, &[]);
    assert!(report.contains("hard delete of 2 targets") && report.ends_with("\ndeny\n"), "{report}");
    assert!(notes.is_empty() || notes.starts_with("note: "), "{notes}");
    // What a checklist says can be done: a plan is not a request, so one is written first.
    let first = "first: reprieve read terraform azuredevops-mixed.json --out FOLDER";
    for words in [first, "reprieve approve FOLDER/request.json --key NAME.key"] {
        assert!(report.contains(words), "no `{words}` in\n{report}");
    }
    let (page, _) = check("azuredevops-mixed.json", 1, &["--format", "html"]);
    assert!(page.contains("<p>First: <code>reprieve read terraform"), "{page}");

    let (nothing, _) = check("made-no-changes.json", 0, &[]);
    assert!(nothing.contains("deletes nothing"), "{nothing}");
    let (nothing, _) = check("made-no-changes.json", 0, &["--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&nothing).unwrap(), json!({ "deletes": 0 }));

    let (nothing, unknown) = check("action-invocation-only.json", 2, &[]);
    assert!(nothing.is_empty() && unknown.contains("may delete what it does not list"), "{unknown}");
    let (_, missing) = run(&plan, &["check", "replace-two.json", "--from", "terraform"], 2);
    assert!(missing.contains("--environment production"), "{missing}");
    let (_, unknown) = run(&plan, &["check", "replace-two.json", "--from", "teraform"], 2);
    assert!(unknown.contains("did you mean `terraform`"), "{unknown}");
    let (_, misplaced) = run(&plan, &["check", "replace-two.json", "--mode", "hard"], 2);
    assert!(misplaced.contains("--from FORMAT"), "{misplaced}");
}

#[test]
fn a_file_becomes_a_request_and_a_list() {
    let out = folder(&[]);
    let file = data("terraform").join("made-deposed.json");
    let arguments = ["read", "terraform", file.to_str().unwrap(), "--out", "deletion", "--environment", "staging"];
    run(out.path(), &arguments, 0);
    let request: Value =
        serde_json::from_str(&fs::read_to_string(out.path().join("deletion/request.json")).unwrap()).unwrap();
    assert_eq!((request["mode"].as_str(), request["environment"].as_str()), (Some("hard"), Some("staging")));
    let list = fs::read_to_string(out.path().join("deletion/targets.ndjson")).unwrap();
    assert!(list.lines().any(|line| line.contains("x_deposed")), "{list}");
    let (report, _) = run(out.path(), &["check", "deletion/request.json"], 1);
    assert!(report.starts_with("deny "), "{report}");
    let (_, exists) = run(out.path(), &arguments, 2);
    assert!(exists.contains("already exists"), "{exists}");
}

#[test]
fn an_inventory_is_made_of_lists_and_not_of_calls() {
    let folder = folder(&[]);
    let list = data("kubernetes").join("made-list-owners.json");
    let from = |file: &Path| {
        let file = file.to_str().unwrap().to_owned();
        let format = if file.contains("terraform") { "terraform" } else { "kubernetes" };
        vec!["inventory".to_owned(), "from".into(), format.into(), file, "--environment".into(), "staging".into()]
    };
    let strs = |arguments: &'static [String]| arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let arguments: &'static [String] = from(&list).leak();
    let (out, notes) = run(folder.path(), &strs(arguments), 0);
    assert!(out.starts_with("wrote inventory.ndjson: ") && notes.contains("`tenant` of "), "{out}{notes}");
    let (first, _) = run(folder.path(), &["read", "kubernetes", list.to_str().unwrap(), "--list"], 0);
    let ids = |text: &str| {
        let rows = text.lines().filter(|line| !line.contains("reprieve_inventory"));
        let rows = rows.map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| row["id"].clone()).collect::<Vec<_>>()
    };
    let written = fs::read_to_string(folder.path().join("inventory.ndjson")).unwrap();
    let without_kind = |id: &Value| id.as_str().unwrap().split_once('/').unwrap().1.into();
    assert_eq!(ids(&written).iter().map(without_kind).collect::<Vec<Value>>(), ids(&first));

    // It is read as an inventory.
    let request = r#"{"id":"t","mode":"soft","environment":"staging","target_kind":"k","targets":[{"id":"a"}]}"#;
    fs::write(folder.path().join("request.json"), request).unwrap();
    run(folder.path(), &["check", "request.json", "--inventory", "inventory.ndjson"], 1);

    let plan: &'static [String] = from(&data("terraform").join("replace-two.json")).leak();
    let (_, error) = run(folder.path(), &[&strs(plan)[..], &["--out", "plan.ndjson"]].concat(), 2);
    assert!(error.contains("not what there is") && !folder.path().join("plan.ndjson").exists(), "{error}");
    let (_, error) = run(folder.path(), &strs(arguments), 2);
    assert!(error.contains("already exists"), "{error}");
}

#[test]
fn a_state_becomes_an_inventory_and_never_a_list() {
    let folder = folder(&[]);
    let state = data("terraform-state").join("made-shop.json");
    let state = state.to_str().unwrap();
    let read = |more: &[&'static str]| [&["read", "terraform-state", state][..], more].concat();
    let check = ["check", state, "--from", "terraform-state", "--environment", "staging", "--mode", "soft"];
    let out = read(&["--out", "d", "--mode", "soft", "--environment", "staging"]);
    for arguments in [read(&[]), read(&["--list"]), out, check.to_vec()] {
        let (printed, error) = run(folder.path(), &arguments, 2);
        assert!(printed.is_empty() && error.contains("is a state, not a plan"), "{printed}{error}");
        assert!(error.contains("reprieve inventory from terraform-state"), "{error}");
        assert!(!folder.path().join("d").exists());
    }
    let (out, notes) = run(folder.path(), &["inventory", "from", "terraform-state", state, "--tenant", "shop"], 0);
    assert_eq!(out, "wrote inventory.ndjson: 11 things\n");
    assert!(notes.contains("`dependents` of 6 is unknown") && notes.contains("`environment` of 4"), "{notes}");
    let written = fs::read_to_string(folder.path().join("inventory.ndjson")).unwrap();
    assert!(!written.contains("hunter2"), "{written}");
    assert!(written.starts_with("{\"reprieve_inventory\":{"), "{written}");
    // A plan's deletions resolve to what the state has, and what depends on them goes along.
    let [vpc, other] = ["aws_vpc.main", "aws_vpc.other"].map(|address| {
        json!({"address": address, "mode": "managed", "type": "aws_vpc", "name": "main",
            "change": {"actions": ["delete"], "before": {"id": "vpc-01"}, "after": null}})
    });
    let plan = json!({"format_version": "1.2", "planned_values": {}, "resource_changes": [vpc, other]});
    fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let check = ["check", "plan.json", "--from", "terraform", "--environment", "staging", "--format", "json"];
    let (decision, _) = run(folder.path(), &[&check[..], &["--inventory", "inventory.ndjson"]].concat(), 1);
    let decision: Value = serde_json::from_str(&decision).unwrap();
    let examples = |code: &str| {
        let found = decision["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code);
        found.unwrap_or_else(|| panic!("no {code}: {decision}"))["examples"].clone()
    };
    assert_eq!(examples("identity/unresolved"), json!(["aws_vpc.other"]));
    assert_ne!(examples("blast-radius/undeclared-dependents"), Value::Null);
    // The plan and the state are files of their own.
    assert!(!same_source(&decision), "{decision}");
}

fn same_source(decision: &Value) -> bool {
    decision["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "identity/same-source")
}

#[test]
fn an_inventory_of_the_same_file_as_the_list_proves_nothing() {
    let folder = folder(&[]);
    let path = folder.path();
    for (name, format, file) in [("kubernetes", "kubernetes", "made-list-owners.json"), ("sql", "sql", "ids.csv")] {
        let file = if name == "sql" {
            fs::write(path.join(file), "id,kind\na,app\n").unwrap();
            path.join(file)
        } else {
            data(format).join(file)
        };
        let file = file.to_str().unwrap();
        let inventory = format!("{name}.ndjson");
        let kind: &[&str] = if name == "sql" { &["--kind", "app"] } else { &[] };
        run(path, &[&["inventory", "from", format, file, "--out", &inventory], kind].concat(), 0);
        let rest = ["--environment", "staging", "--mode", "soft", "--inventory", &inventory, "--format", "json"];
        let check = || {
            let (decision, _) = run(path, &[&["check", file, "--from", format], kind, &rest].concat(), 1);
            serde_json::from_str::<Value>(&decision).unwrap()
        };
        assert!(same_source(&check()), "{}", check());
        // Another inventory of the same rows has another source.
        let written = fs::read_to_string(path.join(&inventory)).unwrap();
        let header: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
        let digest = header["reprieve_inventory"]["source_sha256"].as_str().unwrap();
        fs::write(path.join(&inventory), written.replace(digest, &"0".repeat(64))).unwrap();
        assert!(!same_source(&check()), "{}", check());
    }
}

const INVENTORY: &str =
    "id,kind,tenant,environment,state,state_since,created_at,last_used_at,dependents,legal_hold,retain_until
u-1,session,t-1,staging,live,,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z,none,false,none
u-2,session,t-1,staging,live,,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z,none,false,none
u-3,session,t-1,staging,live,,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z,none,false,none
u-4,session,t-2,staging,live,,2025-01-01T00:00:00Z,2025-02-01T00:00:00Z,none,false,none
";

/// From a bare list and an inventory to an allow: one draft and one check in `starter`, and in the strict set with evidence
/// that commands add.
#[test]
fn from_a_bare_list_to_an_allow() {
    let folder = folder(&[("ids.csv", "id\nu-1\nu-2\n"), ("inventory.csv", INVENTORY)]);
    let path = folder.path();
    run(path, &["init"], 0);
    let draft = ["draft", "ids.csv", "--kind", "session", "--mode", "soft", "--environment", "staging"];
    let (request, note) = run(path, &draft, 0);
    assert!(request.contains(r#""target_kind": "session""#) && note.contains("reason.ticket"), "{request}{note}");
    run(path, &[&draft[..], &["--out", "request.json"]].concat(), 0);
    let (report, _) = run(path, &["check", "request.json", "--inventory", "inventory.csv"], 0);
    assert!(report.ends_with("\nallow\n") && report.contains("missing:"), "{report}");
    let (strict, _) =
        run(path, &["check", "request.json", "--inventory", "inventory.csv", "--config", "strict.toml"], 2);
    assert_eq!(strict, "");

    // The strict set: every built-in policy with its default settings.
    fs::remove_file(path.join("reprieve.toml")).unwrap();
    fs::remove_file(path.join("request.json")).unwrap();
    run(path, &["check", "request.json", "--inventory", "inventory.csv"], 2);
    let known = [
        "reason.ticket=CHG-17",
        "reason.text=sessions of a closed project",
        "reason.trigger=request",
        "reason.trigger_source=explicit",
        "operation.verb=disable",
        "operation.cascade=false",
        "actor.id=svc-cleanup",
        "actor.type=automation",
        "actor.on_behalf_of=carol",
        "actor.credential.purpose=deletion",
        "actor.credential.environment=staging",
        "provenance.query=select id from sessions where project = 17",
        "provenance.selection=explicit",
        "provenance.complete=true",
        "provenance.source_total=2",
        "provenance.extracted_by=carol",
        "recovery.soft_delete_days=30",
        "schedule.freeze=false",
    ];
    let now = at(path);
    let extracted = format!("provenance.extracted_at={now}");
    let set: Vec<&str> =
        known.iter().copied().chain([extracted.as_str()]).flat_map(|known| ["--set", known]).collect();
    run(path, &[&draft[..], &set[..], &["--out", "request.json"]].concat(), 0);
    run(path, &["attest", "dry-run", "request.json", "--inventory", "inventory.csv"], 0);
    run(path, &["approve", "request.json", "--unsigned", "--as", "dave", "--inventory", "inventory.csv"], 0);
    let (report, _) = run(path, &["check", "request.json", "--inventory", "inventory.csv"], 0);
    assert!(report.ends_with("\nallow\n"), "{report}");
}

/// The time, as the program tells it.
fn at(folder: &Path) -> String {
    let request = r#"{"id":"t","mode":"soft","environment":"e","target_kind":"k","targets":[{"id":"a"}]}"#;
    fs::write(folder.join("time.json"), request).unwrap();
    let (decision, _) = run(folder, &["check", "time.json", "--format", "json"], 1);
    serde_json::from_str::<Value>(&decision).unwrap()["evaluated_at"].as_str().unwrap().to_owned()
}
