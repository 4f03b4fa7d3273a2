//! What the tests of `reprieve hook` share: events, and what each harness does with an answer.

use super::fixture::{command, write};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Output, Stdio};
use tempfile::TempDir;

pub const HARNESSES: [&str; 4] = ["claude", "codex", "gemini", "cursor"];

/// A policy set without a ledger: up to two tenants.
pub const SET: &str = "inventory = \"inventory.csv\"\n[hook]\nignore = [\"mcp__github__delete_branch\"]\n\
     [[hook.tools]]\nname = \"acme\"\nwords = [\"zap\"]\n[[hook.tools]]\nname = \"mcp__acme__go\"\n\
     [[policy]]\nuse = \"builtin:blast-radius\"\nsettings = { max_tenants = 2 }\nmissing = \"warn\"\n";

pub const INVENTORY: &str = "id,kind,tenant,environment,state,dependents\n7,apps,t-1,production,live,none\n\
     8,apps,t-2,production,live,none\n9,apps,t-3,production,live,none\n\
     Pod/shop/a,Pod,t-1,production,live,none\n";

pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "reprieve.toml", SET);
    write(&folder, "inventory.csv", INVENTORY);
    folder
}

/// A folder whose policy set allows no permanent deletion, so that a list which can be vetted is blocked as well.
pub fn strict() -> TempDir {
    let folder = folder();
    write(&folder, "reprieve.toml", &format!("{SET}[[policy]]\nuse = \"builtin:mode\"\n"));
    folder
}

/// The event before a command of a shell.
pub fn shell(harness: &str, text: &str) -> Value {
    match harness {
        "gemini" => {
            json!({ "hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": { "command": text } })
        }
        "cursor" => json!({ "hook_event_name": "beforeShellExecution", "command": text, "cwd": "" }),
        _ => json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": text } }),
    }
}

/// The event before a tool of an MCP server.
pub fn tool(harness: &str, name: &str, input: &Value) -> Value {
    match harness {
        "gemini" => json!({ "hook_event_name": "BeforeTool", "tool_name": name, "tool_input": input }),
        "cursor" => {
            json!({ "hook_event_name": "beforeMCPExecution", "tool_name": name, "tool_input": input.to_string() })
        }
        _ => json!({ "hook_event_name": "PreToolUse", "tool_name": name, "tool_input": input }),
    }
}

pub fn ask(folder: &TempDir, harness: &str, event: &[u8]) -> Output {
    let mut hook = command(folder, &format!("hook --harness {harness}"));
    let mut child = hook.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A hook that fails early reads nothing.
    drop(child.stdin.take().unwrap().write_all(event));
    child.wait_with_output().unwrap()
}

pub fn reason(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Whether the call runs, by the documentation of the harness.
pub fn runs(harness: &str, output: &Output) -> bool {
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    match (output.status.code(), harness) {
        // "Exit 2 blocks"; Codex and Gemini CLI take the reason from standard error, and without one they go on.
        (Some(2), "claude" | "cursor") => false,
        (Some(2), _) => reason(output).trim().is_empty(),
        (Some(0), "claude" | "codex") => json["hookSpecificOutput"]["permissionDecision"] != "deny",
        (Some(0), "gemini") => json["decision"] != "deny",
        (Some(0), _) => json["permission"] != "deny",
        // Any other status is an error of the hook, and the call goes on.
        _ => true,
    }
}

pub fn blocks(folder: &TempDir, harness: &str, event: &Value) -> String {
    let output = ask(folder, harness, event.to_string().as_bytes());
    assert!(!runs(harness, &output), "{harness} runs {event}");
    reason(&output)
}

/// A pass: the call is neither blocked nor approved.
pub fn passes(folder: &TempDir, harness: &str, event: &Value) {
    let output = ask(folder, harness, event.to_string().as_bytes());
    assert_eq!(output.status.code(), Some(0), "{harness} {event}: {}", reason(&output));
    let printed = String::from_utf8(output.stdout).unwrap();
    let expected = if harness == "cursor" { "{\"permission\":\"allow\"}\n" } else { "" };
    assert_eq!(printed, expected, "{harness} {event}");
    assert!(output.stderr.is_empty(), "{harness} {event}");
}
