//! Reports cannot be forged: hostile text in every field of every document, in every argument of every command, in names
//! of files, in the ledger and from a policy. Whatever a command prints for people stays in its own lines, and what it
//! prints for programs stays one document.

use crate::support::fixture::{self, fixture, write};
use crate::support::hostile_text::{
    HOSTILE, SHOWN, assert_csv, assert_html, assert_json, instance, run, run_with, variants,
};
use reprieve_tests::guest;
use serde_json::{Value, json};
use std::process::Command;
use tempfile::TempDir;

fn schema(of: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_reprieve")).args(["schema", of]).output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    instance(&schema, &schema)
}

/// A request with every field that the schema names, for apps of the inventory. It claims one kind.
fn request() -> Value {
    let mut request = schema("request");
    request.as_object_mut().unwrap().remove("target_kinds");
    request["environment"] = json!("production");
    request["target_kind"] = json!("app");
    request["targets"] = json!([{"id": "a-1", "kind": "app", "tenant": "t-1"}, {"id": "a-2", "kind": "app"}]);
    request
}

#[test]
fn every_field_of_a_request() {
    let fixture = fixture();
    let request = request();
    write(&fixture, "request.json", &request.to_string());
    assert!(run(fixture.path(), &["check", "request.json"]) < 2, "the request has no error but those of a variant");
    let mut of_kinds = request.clone();
    of_kinds.as_object_mut().unwrap().remove("target_kind");
    of_kinds["target_kinds"] = json!({ "app": 2 });
    write(&fixture, "request.json", &of_kinds.to_string());
    assert!(run(fixture.path(), &["check", "request.json", "--no-ledger"]) < 2, "so is one that claims kinds");
    of_kinds = json!({ "target_kinds": of_kinds["target_kinds"], "id": "r", "mode": "soft", "environment": "production",
        "targets": of_kinds["targets"] });
    let bases = [&request, &of_kinds];
    let all: Vec<Value> =
        bases.iter().flat_map(|base| [HOSTILE, SHOWN].map(|text| variants(base, text))).flatten().collect();
    assert!(all.len() > 300, "{} variants", all.len());
    let mut read = 0;
    for variant in all {
        write(&fixture, "request.json", &variant.to_string());
        read += i32::from(run(fixture.path(), &["check", "request.json"]) < 2);
        if read % 8 == 0 {
            run_with(fixture.path(), &["check", "request.json", "--no-ledger", "--format", "json"], assert_json);
            run_with(fixture.path(), &["check", "request.json", "--no-ledger", "--format", "html"], assert_html);
        }
    }
    assert!(read > 20, "only {read} variants were read");
    assert_recorded(&fixture, read);
}

/// Asserts what commands that read the ledger print of its decisions.
fn assert_recorded(fixture: &TempDir, decisions: i32) {
    run(fixture.path(), &["ledger", "list", "--last", "1000"]);
    run(fixture.path(), &["ledger", "verify"]);
    run(fixture.path(), &["replay"]);
    for entry in 1..=decisions {
        let entry = entry.to_string();
        if run(fixture.path(), &["report", &entry]) == 0 {
            run_with(fixture.path(), &["report", &entry, "--format", "csv"], assert_csv);
            run_with(fixture.path(), &["report", &entry, "--format", "json"], assert_json);
            run_with(fixture.path(), &["report", &entry, "--format", "html"], assert_html);
        }
    }
}

#[test]
fn every_field_of_a_policy_set() {
    let fixture = fixture();
    write(&fixture, "request.json", &request().to_string());
    let known: toml::Table = fixture::CONFIG.parse().unwrap();
    let mut full = schema("config");
    for name in ["ledger", "inventory", "permits", "overrides"] {
        full[name] = serde_json::to_value(&known[name]).unwrap();
    }
    let policy = &mut full["policy"][0];
    policy["use"] = json!("builtin:blast-radius");
    policy["settings"] = json!({"max_tenants_soft": 10});
    policy.as_object_mut().unwrap().retain(|name, _| !["data", "memory", "sha256"].contains(&name.as_str()));
    let data = json!({"use": "builtin:identity", "data": {"x": "inventory.csv"}, "sha256": "00", "memory": 1});
    full["policy"].as_array_mut().unwrap().push(data);
    let mut all = variants(&full, HOSTILE);
    all.retain(Value::is_object);
    assert!(all.len() > 40, "{} variants", all.len());
    for variant in all {
        write(&fixture, "set.toml", &toml::to_string(&variant).unwrap());
        for command in [&["check", "request.json"][..], &["policies"], &["explain"], &["keys", "new", "k"]] {
            let command =
                if command[0] == "keys" { command.to_vec() } else { [command, &["--config", "set.toml"]].concat() };
            run(fixture.path(), &command);
        }
    }
}

#[test]
fn every_cell_of_a_list_an_inventory_and_a_history() {
    let fixture = fixture();
    let mut request = request();
    request["targets"] = json!({"path": "list.csv"});
    request["mode"] = json!("soft");
    write(&fixture, "request.json", &request.to_string());
    let check = ["check", "request.json", "--no-ledger"];
    let csv = |rows: &[Vec<String>]| {
        let mut out = csv::Writer::from_writer(Vec::new());
        rows.iter().for_each(|row| out.write_record(row).unwrap());
        String::from_utf8(out.into_inner().unwrap()).unwrap()
    };
    let rows: Vec<Vec<String>> =
        fixture::INVENTORY.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    for text in [HOSTILE, SHOWN] {
        for (row, column) in (0..rows.len()).flat_map(|row| (0..rows[0].len()).map(move |column| (row, column))) {
            let mut changed = rows.clone();
            changed[row][column] = text.to_owned();
            write(&fixture, "inventory.csv", &csv(&changed));
            write(&fixture, "list.csv", "id,kind\na-1,app\na-2,app\n");
            run(fixture.path(), &check);
            run(fixture.path(), &["check", "request.json"]);
            write(&fixture, "inventory.csv", fixture::INVENTORY);
            let list: Vec<_> = changed.iter().map(|row| row[..5].to_vec()).collect();
            write(&fixture, "list.csv", &csv(&list));
            run(fixture.path(), &check);
        }
        write(&fixture, "list.csv", "id,kind\na-1,app\na-2,app\n");
        let past = json!([{"at": "2026-01-01T00:00:00Z", "batch": "b", "campaign": "c", "actor": "a", "kind": "app",
            "environment": "production", "mode": "soft", "tenants": 1, "targets": 1, "state": "committed"}]);
        for variant in variants(&past, text) {
            write(&fixture, "history.json", &variant.to_string());
            run(fixture.path(), &["check", "request.json", "--no-ledger", "--history", "history.json"]);
        }
    }
    assert_recorded(&fixture, 1);
}

/// The value of an argument, other than the one that is hostile.
const USUAL: &[(&str, &str)] = &[
    ("<REQUEST>", "request.json"),
    ("<DECISION>", "1"),
    ("<ENTRY>", "1"),
    ("<PERMIT>", "inventory.csv"),
    ("<NAME>", "carol"),
    ("<COMMAND>", "true"),
    ("<FILE>", "override.json"),
    ("<DOCUMENT>", "request"),
    ("--out", "out"),
    ("--reason", "because"),
    ("--codes", "mode/hard"),
    ("--key", "alice.key"),
    ("--keys", "people.json"),
    ("--targets", "list.csv"),
];

/// Every command that has no subcommands, with the text of its help.
fn commands(path: &[String], all: &mut Vec<(Vec<String>, String)>) {
    let output = Command::new(env!("CARGO_BIN_EXE_reprieve")).args(path).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    match help.split_once("\nCommands:\n") {
        None => all.push((path.to_vec(), help)),
        Some((_, commands)) => {
            let commands = commands.lines().take_while(|line| !line.is_empty());
            for name in commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
                self::commands(&[path, &[name.to_owned()]].concat(), all);
            }
        }
    }
}

#[test]
fn every_argument_of_every_command() {
    let fixture = fixture();
    write(&fixture, "request.json", &request().to_string());
    write(&fixture, "list.csv", "id\na-1\n");
    // A file of that name exists as well, and is not what any command expects.
    let file = HOSTILE.replace("=x", "=y");
    write(&fixture, &file, &format!("{{ {HOSTILE}\n{HOSTILE}"));
    std::fs::create_dir(fixture.path().join(HOSTILE.replace("=x", "=z"))).unwrap();
    let mut all = Vec::new();
    commands(&[], &mut all);
    assert!(all.len() > 25, "{} commands", all.len());
    let mut count = 0;
    for (path, help) in all {
        let usage = help.lines().find(|line| line.starts_with("Usage:")).unwrap();
        // Required options come with their value; the positional arguments follow.
        let words = usage.split_whitespace().skip(2 + path.len()).filter(|word| !matches!(*word, "[OPTIONS]" | "--"));
        let (mut required, mut places) = (Vec::new(), Vec::new());
        let mut is_value = false;
        for word in words {
            if word.starts_with("--") {
                required.push(word);
            } else if !is_value {
                places.push(format!("<{}>", word.trim_end_matches('.').trim_matches(['<', '>', '[', ']'])));
            }
            is_value = word.starts_with("--");
        }
        let options = help.lines().map(str::trim).filter(|line| line.starts_with("--") && line.contains('<'));
        let options: Vec<&str> = options.filter_map(|line| line.split_whitespace().next()).collect();
        let names: Vec<&str> = options.iter().copied().chain(places.iter().map(String::as_str)).collect();
        for (hostile, text) in names
            .iter()
            .flat_map(|name| [HOSTILE, &file, &HOSTILE.replace("=x", "=z")].map(|text| (name, text.to_owned())))
        {
            // With a folder that exists, a service starts, and does not end by itself.
            if path == ["serve"] && *hostile == "--lists" {
                continue;
            }
            let value = |name: &str| {
                let usual =
                    USUAL.iter().find(|(known, _)| *known == name).map_or("inventory.csv", |(_, value)| value);
                if name == *hostile { text.clone() } else { usual.to_owned() }
            };
            let mut arguments = path.clone();
            for option in &options {
                if option == hostile || required.contains(option) {
                    arguments.push(format!("{option}={}", value(option)));
                }
            }
            for place in &places {
                if place == "<COMMAND>" {
                    arguments.push("--".to_owned());
                }
                arguments.push(value(place));
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            run(fixture.path(), &arguments);
            count += 1;
        }
    }
    assert!(count > 300, "{count} arguments");
    // What was written on the way is read again.
    run(fixture.path(), &["ledger", "list"]);
    run(fixture.path(), &["ledger", "verify"]);
    run(fixture.path(), &["check", "request.json"]);
}

#[test]
fn what_people_say_of_a_decision() {
    let fixture = fixture();
    let request = json!({"id": "r", "mode": "soft", "environment": "production", "target_kind": "app",
        "targets": [{"id": "a-1", "kind": "app"}]});
    write(&fixture, "request.json", &request.to_string());
    for outcome in [["commit", "1", "--note", HOSTILE], ["abort", "3", "--reason", HOSTILE]] {
        assert_eq!(run(fixture.path(), &["check", "request.json"]), 0, "before {outcome:?}");
        assert_eq!(run(fixture.path(), &outcome), 0, "{outcome:?}");
    }
    let codes = "--codes=timing/too-fast";
    let new = ["override", "new", "request.json", codes, "--key", "alice.key", "--reason", HOSTILE];
    assert_eq!(run(fixture.path(), &new), 0);
    assert_eq!(run(fixture.path(), &["override", "show", "override.json", "--keys", "people.json"]), 0);
    for text in [HOSTILE, SHOWN] {
        let mut shown: Value =
            serde_json::from_str(&std::fs::read_to_string(fixture.path().join("override.json")).unwrap()).unwrap();
        shown["payload"] = json!(text);
        for variant in variants(&shown, text) {
            write(&fixture, "other.json", &variant.to_string());
            run(fixture.path(), &["override", "show", "other.json", "--keys", "people.json"]);
            run(fixture.path(), &["override", "sign", "other.json", "--key", "bob.key", "--keys", "people.json"]);
            run(fixture.path(), &["check", "request.json", "--override", "other.json"]);
        }
        let keys = std::fs::read_to_string(fixture.path().join("people.json")).unwrap();
        for variant in variants(&serde_json::from_str(&keys).unwrap(), text) {
            write(&fixture, "people2.json", &variant.to_string());
            run(fixture.path(), &["override", "sign", "override.json", "--key", "bob.key", "--keys", "people2.json"]);
            run(fixture.path(), &["keys", "new", "dora", "--keys", "people2.json"]);
            drop(std::fs::remove_file(fixture.path().join("dora.key")));
        }
    }
    assert_eq!(run(fixture.path(), &["halt", "--reason", HOSTILE, "--by", HOSTILE]), 0);
    assert_eq!(run(fixture.path(), &["check", "request.json"]), 1);
    assert_eq!(run(fixture.path(), &["resume", "--reason", HOSTILE, "--by", HOSTILE]), 0);
    assert_recorded(&fixture, 3);
}

#[test]
fn a_ledger_that_others_wrote() {
    let fixture = fixture();
    let mut request = request();
    request["id"] = json!("x");
    write(&fixture, "request.json", &request.to_string());
    run(fixture.path(), &["check", "request.json"]);
    let ledger = rusqlite::Connection::open(fixture.path().join("reprieve.db")).unwrap();
    let tables = ledger
        .prepare("SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'");
    let columns: Vec<(String, String)> =
        tables.unwrap().query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert!(columns.len() > 20, "{} columns", columns.len());
    drop(ledger);
    let original = std::fs::read(fixture.path().join("reprieve.db")).unwrap();
    let mut changed = 0;
    for statement in columns.iter().map(|(table, column)| format!("UPDATE {table} SET {column} = ?1")).chain([
        format!("CREATE TABLE \"{HOSTILE}\" (x)"),
        format!("CREATE TABLE t (\"{HOSTILE}\" text)"),
        format!("CREATE VIEW \"{HOSTILE}\" AS SELECT 1"),
        format!("ALTER TABLE entries ADD COLUMN \"{HOSTILE}\" text"),
    ]) {
        std::fs::write(fixture.path().join("reprieve.db"), &original).unwrap();
        let ledger = rusqlite::Connection::open(fixture.path().join("reprieve.db")).unwrap();
        let values: &[&dyn rusqlite::ToSql] = if statement.contains("?1") { &[&HOSTILE] } else { &[] };
        changed += i32::from(ledger.execute(&statement, values).is_ok());
        drop(ledger);
        for command in [
            &["ledger", "verify"][..],
            &["ledger", "list"],
            &["replay"],
            &["report", "1"],
            &["check", "request.json"],
        ] {
            run(fixture.path(), command);
        }
    }
    assert!(changed > 20, "{changed} statements changed the ledger");
}

#[test]
fn a_policy() {
    let fixture = fixture();
    let module = guest("hostile_text");
    std::fs::write(fixture.path().join("p.wasm"), module).unwrap();
    write(&fixture, "set.toml", "[[policy]]\nuse = \"p.wasm\"\n");
    write(&fixture, "request.json", &request().to_string());
    for (status, command) in [
        (1, &["check", "request.json", "--config", "set.toml", "--no-ledger"][..]),
        (0, &["policies", "--config", "set.toml"]),
        (0, &["explain", "--config", "set.toml"]),
        (0, &["explain", "guest/rule", "--config", "set.toml"]),
        (0, &["policy", "inspect", "p.wasm"]),
        (0, &["policy", "bench", "p.wasm", "--runs", "1"]),
    ] {
        assert_eq!(run(fixture.path(), command), status, "{command:?}");
    }
    run(fixture.path(), &["policy", "lint", "p.wasm"]);
    let json = ["check", "request.json", "--config", "set.toml", "--no-ledger", "--format", "json"];
    assert_eq!(run_with(fixture.path(), &json, assert_json), 1);
    let html = ["check", "request.json", "--config", "set.toml", "--no-ledger", "--format", "html"];
    assert_eq!(run_with(fixture.path(), &html, assert_html), 1);
    let mut request = request();
    request
        .as_object_mut()
        .unwrap()
        .retain(|name, _| ["id", "mode", "environment", "target_kind", "targets"].contains(&name.as_str()));
    let case = json!({"about": HOSTILE, "at": "2026-01-01T00:00:00Z", "request": request, "expect": {
        "decision": "allow", "findings": [{"rule": "rule", "severity": "deny", "rows": 1, "examples": [HOSTILE]}]}});
    std::fs::create_dir(fixture.path().join("cases")).unwrap();
    write(&fixture, "cases/case.json", &case.to_string());
    let test = ["policy", "test", "p.wasm", "--cases", "cases", "--junit", "results.xml"];
    assert_eq!(run(fixture.path(), &test), 1);
    let results = std::fs::read_to_string(fixture.path().join("results.xml")).unwrap();
    assert!(results.contains("forged"), "what was expected is in the results");
    let controls = results.chars().filter(|c| c.is_control() && *c != '\n').collect::<String>();
    assert_eq!(controls, "", "XML cannot contain these");
    for variant in variants(&case, HOSTILE) {
        write(&fixture, "cases/case.json", &variant.to_string());
        run(fixture.path(), &test);
    }
}
