//! `reprieve mcp`: a session as JSON-RPC, line by line.

use crate::support::fixture::{command, fixture, says, write};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use tempfile::TempDir;

struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    next: u64,
}

impl Session {
    fn begin(folder: &TempDir) -> Self {
        let mut server = command(folder, "mcp");
        let mut child = server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut session = Self { child, stdin, stdout, next: 0 };
        let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
        let begun = session.ask("initialize", &client);
        assert_eq!(begun["result"]["serverInfo"]["name"], "reprieve", "{begun}");
        assert!(begun["result"]["instructions"].as_str().unwrap().contains("Only people approve"));
        session.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        session
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.next += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": parameters }));
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], self.next, "{answer}");
        answer
    }

    /// Calls a tool, and returns whether it failed, its text and its document.
    fn call(&mut self, name: &str, arguments: &Value) -> (bool, String, Value) {
        let answer = self.ask("tools/call", &json!({ "name": name, "arguments": arguments }));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (result["isError"] == true, text, result["structuredContent"].clone())
    }

    fn end(mut self) {
        drop(self.stdin.take());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

const REQUEST: &str = r#"{ "id": "retire/1", "mode": "soft", "environment": "production", "target_kind": "app",
    "targets": [ { "id": "a-1", "kind": "app", "tenant": "t-1" } ] }"#;

#[test]
fn lists_tools_that_only_read() {
    let folder = fixture();
    let mut session = Session::begin(&folder);
    let listed = session.ask("tools/list", &json!({}));
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["check", "draft", "explain", "report"]);
    for tool in tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["annotations"]["destructiveHint"], false, "{tool}");
        assert!(tool["description"].as_str().unwrap().len() > 40, "{tool}");
        for (name, argument) in tool["inputSchema"]["properties"].as_object().unwrap() {
            assert!(argument["description"].is_string(), "{name} of {tool}");
        }
    }
    let unknown = session.ask("tools/call", &json!({ "name": "approve", "arguments": {} }));
    assert!(unknown["error"]["message"].as_str().unwrap().contains("no tool `approve`"), "{unknown}");
    session.end();
}

#[test]
fn a_check_decides_as_the_command_does_and_records_nothing() {
    let folder = fixture();
    write(&folder, "request.json", REQUEST);
    write(&folder, "plan.json", "{ not a plan");
    let mut session = Session::begin(&folder);
    let (failed, text, document) = session.call("check", &json!({ "request": "request.json" }));
    assert!(!failed && text.contains("nothing was recorded"), "{text}");
    let printed = command(&folder, "check request.json --no-ledger --format json").output().unwrap();
    let mut expected: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let mut found = document;
    for document in [&mut expected, &mut found] {
        document.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_at"));
    }
    assert_eq!(found["decision"], expected["decision"]);
    assert_eq!(found["findings"], expected["findings"]);
    assert_eq!(found["targets_sha256"], expected["targets_sha256"]);

    let (failed, text, _) = session.call("check", &json!({ "request": "plan.json", "from": "terraform" }));
    assert!(failed && text.contains("not JSON"), "{text}");
    let (failed, text, _) = session.call("check", &json!({ "request": "request.json", "ledger": "other.db" }));
    assert!(failed && text.contains("unknown field `ledger`"), "{text}");
    session.end();
    says(&folder, "ledger verify", 0, &["0 entries"]);
}

#[test]
fn files_are_read_below_the_folder_only() {
    let folder = fixture();
    write(&folder, "request.json", REQUEST);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("request.json"), REQUEST).unwrap();
    std::os::unix::fs::symlink(outside.path().join("request.json"), folder.path().join("link.json")).unwrap();
    let mut session = Session::begin(&folder);
    for path in [outside.path().join("request.json").to_str().unwrap(), "link.json", "../", "/etc/passwd", "."] {
        let (failed, text, document) = session.call("check", &json!({ "request": path }));
        assert!(failed && text.contains("below the folder of the server") && document.is_null(), "{path}: {text}");
        let list = json!({ "lists": [path], "mode": "soft", "environment": "qa", "kind": "app" });
        assert!(session.call("draft", &list).0, "{path}");
    }
    let (failed, text, _) = session.call("check", &json!({ "request": "--help" }));
    assert!(failed && text.contains("--help"), "{text}");
    session.end();
}

#[test]
fn drafts_explains_and_reports() {
    let folder = fixture();
    write(&folder, "ids.csv", "id,tenant\na-1,t-1\n");
    write(&folder, "request.json", REQUEST);
    says(&folder, "check request.json", 0, &["allow"]);
    let mut session = Session::begin(&folder);
    let arguments = json!({ "lists": ["ids.csv"], "mode": "soft", "environment": "qa", "kind": "app",
        "set": { "reason.ticket": "CHG-1", "actor.type": "human" } });
    let (failed, text, document) = session.call("draft", &arguments);
    assert!(!failed, "{text}");
    assert_eq!(document["actor"]["type"], "ai-agent", "an agent does not call itself a person");
    assert_eq!(document["reason"]["ticket"], "CHG-1");
    assert_eq!(document["provenance"]["row_count"], 1);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);

    let (failed, text, _) = session.call("explain", &json!({ "code": "blast-radius/too-many-tenants" }));
    assert!(!failed && text.contains("max_tenants"), "{text}");
    let (failed, text, _) = session.call("explain", &json!({ "code": "blast-radius/nothing" }));
    assert!(failed && text.contains("help:"), "{text}");
    assert!(session.call("explain", &json!({})).1.lines().count() > 20);

    let (failed, text, document) = session.call("report", &json!({ "decision": "retire/1" }));
    assert!(!failed && text.contains("open: its outcome is not recorded"), "{text}");
    assert_eq!(document["tenants"][0]["contact"], "ann@one.example");
    assert!(session.call("report", &json!({ "decision": "17" })).0);
    session.end();
    says(&folder, "ledger verify", 0, &["1 entr"]);
}
