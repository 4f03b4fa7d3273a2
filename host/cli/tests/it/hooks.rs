//! `reprieve hook`: what it answers each harness.

use crate::support::asking::{HARNESSES, SET, ask, blocks, folder, passes, reason, runs, shell, tool};
use crate::support::fixture::{command, says, write};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

fn denial_blocks(harness: &str, pointer: &str, value: &str) {
    let folder = folder();
    let event = shell(harness, "terraform destroy -auto-approve").to_string();
    let output = ask(&folder, harness, event.as_bytes());
    assert_eq!(output.status.code(), Some(2), "{harness}");
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json.pointer(pointer).and_then(Value::as_str), Some(value), "{json}");
    for step in ["terraform show -json", "reprieve read terraform", "reprieve check", "reprieve run"] {
        assert!(reason(&output).contains(step), "{}", reason(&output));
    }
    assert!(!runs(harness, &output));
    passes(&folder, harness, &shell(harness, "terraform plan -out=tfplan"));
    passes(&folder, harness, &shell(harness, "cargo test --release 2>&1 | tail -20"));
    passes(&folder, harness, &tool(harness, "mcp__github__list_issues", &json!({ "state": "open" })));
    blocks(&folder, harness, &tool(harness, "mcp__shop__delete_customer", &json!({ "id": 7 })));
}

#[test]
fn a_denial_blocks_claude() {
    denial_blocks("claude", "/hookSpecificOutput/permissionDecision", "deny");
}

#[test]
fn a_denial_blocks_codex() {
    denial_blocks("codex", "/hookSpecificOutput/permissionDecision", "deny");
}

#[test]
fn a_denial_blocks_gemini() {
    denial_blocks("gemini", "/decision", "deny");
}

#[test]
fn a_denial_blocks_cursor() {
    denial_blocks("cursor", "/permission", "deny");
}

#[test]
fn faults_block() {
    let folder = folder();
    for harness in HARNESSES {
        for event in ["", "{", "[]", "{\"hook_event_name\":\"PostToolUse\"}", "\u{feff}{}"] {
            assert!(!runs(harness, &ask(&folder, harness, event.as_bytes())), "{harness} {event}");
        }
        assert!(!runs(harness, &ask(&folder, harness, b"\xff\xfe")));
        let long = shell(harness, &format!("echo {}", "x".repeat(2 << 20)));
        blocks(&folder, harness, &long);
    }
    write(&folder, "reprieve.toml", "not TOML");
    for harness in HARNESSES {
        let why = blocks(&folder, harness, &shell(harness, "rm -rf data"));
        assert!(why.contains("the policy set cannot be read"), "{why}");
        blocks(&folder, harness, &shell(harness, "acme zap all"));
        passes(&folder, harness, &shell(harness, "ls -la"));
    }
    // Arguments that are wrong, and a policy set that is missing.
    assert_eq!(command(&folder, "hook --harness nobody").output().unwrap().status.code(), Some(2));
    let event = shell("claude", "rm -rf data").to_string();
    let mut hook = command(&folder, "hook --harness claude --config missing.toml");
    let mut child = hook.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdin.take().unwrap().write_all(event.as_bytes()));
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn an_event_without_an_end_is_blocked_at_the_deadline() {
    let folder = folder();
    let mut hook = command(&folder, "hook --harness codex --deadline 1");
    let mut child = hook.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert!(output.status.code() == Some(2) && reason(&output).contains("within 1 s"), "{}", reason(&output));
}

#[test]
fn tools_are_judged_by_name_and_arguments() {
    let folder = folder();
    for (name, input) in [
        ("mcp__db__dropTable", json!({ "table": "users" })),
        ("mcp__k8s__resources-delete", json!({ "name": "a" })),
        ("mcp__db__query", json!({ "sql": "DELETE FROM users" })),
        ("mcp__db__query", json!({ "q": "de\u{6c}ete\n from users where 1 = 1" })),
        ("mcp__any__call", json!({ "text": "DROP TABLE users" })),
        ("mcp__shell__exec", json!({ "args": ["sh", "-c", "rm -rf /data"] })),
        ("mcp__http__fetch", json!({ "method": "DELETE", "url": "https://x" })),
        ("mcp__graph__send", json!({ "document": "mutation { deleteIssue(id: 1) { id } }" })),
        ("mcp__files__sync", json!({ "path": "/x", "delete": true })),
        ("mcp__acme__go", json!({})),
    ] {
        HARNESSES.iter().for_each(|harness| {
            blocks(&folder, harness, &tool(harness, name, &input));
        });
    }
    for (name, input) in [
        ("mcp__github__delete_branch", json!({ "branch": "x" })),
        ("mcp__github__create_issue", json!({ "title": "Make the delete button red", "body": "It is blue." })),
        ("mcp__db__query", json!({ "sql": "SELECT * FROM users" })),
    ] {
        HARNESSES.iter().for_each(|harness| passes(&folder, harness, &tool(harness, name, &input)));
    }
}

#[test]
fn a_call_that_says_what_it_deletes_is_vetted() {
    let folder = folder();
    let allowed = "psql -c 'DELETE FROM apps WHERE id IN (7, 8)' shop";
    let denied = "psql -c 'DELETE FROM apps WHERE id IN (7, 8, 9)' shop";
    passes(&folder, "claude", &shell("claude", allowed));
    let why = blocks(&folder, "claude", &shell("claude", denied));
    assert!(why.contains("blast-radius/") && why.contains("reprieve read sql"), "{why}");
    assert!(
        blocks(&folder, "codex", &shell("codex", "psql -c 'DELETE FROM apps' shop")).contains("cannot be vetted")
    );
    passes(&folder, "gemini", &shell("gemini", "kubectl delete pod a -n shop"));
    blocks(&folder, "gemini", &shell("gemini", "kubectl delete pod --all -n shop"));
    passes(
        &folder,
        "cursor",
        &tool("cursor", "mcp__db__execute", &json!({ "sql": "DELETE FROM apps WHERE id = 7" })),
    );

    let target = |id: &str| json!({ "id": id, "kind": "apps" });
    let request = |ids: &[&str]| {
        json!({ "id": "x", "mode": "hard", "environment": "production", "target_kind": "apps", "actor": { "type": "human" },
            "targets": ids.iter().map(|id| target(id)).collect::<Vec<_>>() })
    };
    passes(&folder, "claude", &tool("claude", "mcp__shop__delete", &request(&["7"])));
    blocks(&folder, "claude", &tool("claude", "mcp__shop__delete", &request(&["7", "8", "9"])));
    let beside = json!({ "request": request(&["7"]), "force": true });
    blocks(&folder, "claude", &tool("claude", "mcp__shop__delete", &beside));

    // With a ledger nothing is allowed that it does not record.
    write(&folder, "reprieve.toml", &format!("ledger = \"reprieve.db\"\n{SET}"));
    says(&folder, "ledger new", 0, &[]);
    let why = blocks(&folder, "claude", &shell("claude", allowed));
    assert!(why.contains("make the call with `reprieve run`"), "{why}");
    says(&folder, "ledger verify", 0, &["0 entries"]);
}

#[test]
fn the_actor_is_an_agent_whatever_the_request_says() {
    let folder = folder();
    let request = json!({ "id": "x", "mode": "soft", "environment": "production", "target_kind": "apps",
        "actor": { "type": "human", "id": "root" }, "targets": [{ "id": "7" }] });
    let call = tool("claude", "mcp__shop__delete", &request);
    let scope =
        |actor: &str| format!("{SET}\n[[policy]]\nuse = \"builtin:mode\"\nwhen = {{ actor = \"{actor}\" }}\n");
    write(&folder, "reprieve.toml", &scope("ai-agent").replace("builtin:mode", "builtin:rehearsal"));
    blocks(&folder, "claude", &call);
    write(&folder, "reprieve.toml", &scope("human").replace("builtin:mode", "builtin:rehearsal"));
    passes(&folder, "claude", &call);
}

#[test]
fn reprieve_itself_is_the_way_out_alone_and_by_the_same_set() {
    let folder = folder();
    let here = folder.path().to_str().unwrap();
    let event = |text: &str| json!({ "hook_event_name": "PreToolUse", "cwd": here, "tool_name": "Bash", "tool_input": { "command": text } });
    for text in [
        "reprieve run request.json -- kubectl delete pod {}",
        "reprieve run request.json --waves -- terraform apply tfplan",
        "reprieve check plan.json --from terraform --environment production",
        "reprieve draft delete-these.csv --kind app --mode hard --environment qa --out request.json",
        "reprieve read sql drop.sql --out vetted",
        "reprieve explain rehearsal/no-dry-run",
    ] {
        passes(&folder, "claude", &event(text));
    }
    write(&folder, "lax.toml", "");
    for text in [
        "reprieve run request.json -- rm -rf x; rm -rf y",
        "reprieve run request.json -- true && terraform destroy",
        "reprieve run request.json --config lax.toml -- rm -rf x",
        "reprieve run request.json --no-ledger -- rm -rf x",
        "cd /tmp && reprieve run request.json -- rm -rf x",
        "PATH=. reprieve run request.json -- rm -rf x",
        "./reprieve run request.json -- rm -rf x",
        "reprieve approve request.json --key ann.key",
        "reprieve resume --reason done",
        "reprieve keys new bob --keys people.json",
        "echo '' > reprieve.toml",
        "cp lax.toml reprieve.toml",
        "sed -i s/2/200/ ./reprieve.toml",
        "python3 fix.py .claude/settings.json",
    ] {
        blocks(&folder, "claude", &event(text));
    }
    let write_to = |path: &str| json!({ "hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": { "file_path": path, "content": "" } });
    blocks(&folder, "claude", &write_to("/w/reprieve.toml"));
    blocks(&folder, "claude", &write_to("/w/.claude/settings.json"));
    passes(&folder, "claude", &write_to("/w/src/main.rs"));
}

#[test]
fn an_installed_hook_is_found_to_block() {
    for harness in HARNESSES {
        let folder = folder();
        says(&folder, &format!("hook doctor --harness {harness}"), 2, &["hook install"]);
        says(&folder, &format!("hook install --harness {harness}"), 0, &["wrote", "note:"]);
        says(&folder, &format!("hook install --harness {harness}"), 0, &["has the hook already"]);
        let printed = says(&folder, &format!("hook doctor --harness {harness}"), 0, &["the hook blocks"]);
        assert!(printed.contains("with a broken policy set") && !printed.contains("WRONG"), "{printed}");
    }
}

#[test]
fn a_hook_that_does_not_block_is_found() {
    let folder = folder();
    says(&folder, "hook install --harness claude", 0, &[]);
    let path = folder.path().join(".claude/settings.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"onFailure\": \"block\""), "{text}");
    // What `reprieve check` would do: an exit status of 1.
    let program = env!("CARGO_BIN_EXE_reprieve");
    std::fs::write(folder.path().join("one.sh"), "echo no >&2; exit 1\n").unwrap();
    let wrong = text.replace(program, "sh one.sh").replace("\"block\"", "\"continue\"");
    std::fs::write(&path, wrong).unwrap();
    says(&folder, "hook doctor --harness claude", 1, &["WRONG", "exit status 1", "does not guard"]);
    std::fs::write(&path, "{ not JSON").unwrap();
    says(&folder, "hook install --harness claude", 2, &["not JSON"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{ not JSON", "it stays as it is");
    std::fs::remove_file(folder.path().join("reprieve.toml")).unwrap();
    says(&folder, "hook install --harness gemini", 2, &["reprieve init --preset ai-agent"]);
}
