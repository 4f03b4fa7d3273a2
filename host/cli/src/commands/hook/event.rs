//! What a harness says before a call: the call, in one form for all harnesses.

use super::harness::Harness;
use serde_json::Value;

/// A call that an agent is about to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The call.
    pub call: Call,
    /// The folder in which it runs, if the event says so.
    pub folder: Option<String>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// A command of a shell.
    Shell(String),
    /// A tool that only reads, or changes files of the project. It has the paths that it changes.
    Files(Vec<String>),
    /// Any other tool, such as one of an MCP server, with its arguments.
    Tool { name: String, input: Value },
}

/// Tools that run a command.
const SHELLS: &[&str] = &[
    "bash",
    "container.exec",
    "exec_command",
    "local_shell",
    "monitor",
    "powershell",
    "run_shell_command",
    "run_terminal_cmd",
    "shell",
    "shell_command",
    "terminal",
    "unified_exec",
    "write_stdin",
];

/// Tools of the harnesses that read, plan, or ask.
const READERS: &[&str] = &[
    "agent",
    "ask_user",
    "askuserquestion",
    "bashoutput",
    "enterplanmode",
    "enter_plan_mode",
    "exitplanmode",
    "exit_plan_mode",
    "glob",
    "google_web_search",
    "grep",
    "grep_search",
    "list_directory",
    "listmcpresourcestool",
    "ls",
    "lsp",
    "notebookread",
    "read",
    "read_file",
    "read_many_files",
    "readmcpresourcetool",
    "search_file_content",
    "semsearch",
    "skill",
    "task",
    "taskoutput",
    "todoread",
    "todowrite",
    "toolsearch",
    "update_plan",
    "view_image",
    "web_fetch",
    "web_search",
    "webfetch",
    "websearch",
    "write_todos",
];

/// Tools of the harnesses that change single files.
const WRITERS: &[&str] = &[
    "apply_patch",
    "delete",
    "edit",
    "multiedit",
    "notebookedit",
    "replace",
    "save_memory",
    "searchreplace",
    "strreplace",
    "write",
    "write_file",
];

/// Reads an event.
///
/// # Errors
/// Why it is not understood. The call that it is about must then be blocked.
pub fn read(harness: Harness, bytes: &[u8]) -> Result<Event, String> {
    let event: Value = serde_json::from_slice(bytes).map_err(|error| format!("the event is not JSON: {error}"))?;
    let name = event["hook_event_name"].as_str().ok_or("the event has no `hook_event_name`")?;
    if !harness.events().contains(&name) {
        return Err(format!(
            "`{name}` is not the event before a call; {} is {}",
            harness.name(),
            harness.events().join(" or ")
        ));
    }
    let folder = ["/cwd", "/workspace_roots/0"].iter().filter_map(|at| event.pointer(at)?.as_str());
    let folder = folder.map(str::to_owned).find(|folder| !folder.is_empty());
    let call = match name {
        "beforeShellExecution" => Call::Shell(text(&event["command"]).ok_or("the event has no `command`")?),
        "beforeMCPExecution" => Call::Tool { name: tool(&event)?, input: input(&event["tool_input"]) },
        _ => of_tool(tool(&event)?, input(&event["tool_input"]))?,
    };
    Ok(Event { call, folder })
}

fn tool(event: &Value) -> Result<String, String> {
    let name = event["tool_name"].as_str().filter(|name| !name.trim().is_empty());
    name.map(str::to_owned).ok_or_else(|| "the event has no `tool_name`".to_owned())
}

/// The arguments of a tool. Some harnesses send them as a text of JSON.
fn input(value: &Value) -> Value {
    let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_else(|| value.clone())
}

fn of_tool(name: String, input: Value) -> Result<Call, String> {
    let lower = name.to_lowercase();
    if SHELLS.contains(&lower.as_str()) {
        let command = ["command", "cmd", "script", "chars", "input"].iter().find_map(|key| text(&input[*key]));
        let command = command.ok_or_else(|| format!("the call of `{name}` has no command that can be read"))?;
        return Ok(Call::Shell(command));
    }
    if READERS.contains(&lower.as_str()) {
        return Ok(Call::Files(Vec::new()));
    }
    if WRITERS.contains(&lower.as_str()) {
        let is_path = |key: &str| key.contains("path") || key.contains("file");
        let mut paths = Vec::new();
        strings(&input, &mut |key, text| {
            if is_path(key) {
                paths.push(text.to_owned());
            } else if lower == "apply_patch" {
                let lines = text.lines().filter(|line| line.starts_with("***") || line.starts_with("+++"));
                paths.extend(lines.map(str::to_owned));
            }
        });
        return Ok(Call::Files(paths));
    }
    Ok(Call::Tool { name, input })
}

/// A command: a text, or the list of its arguments.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(words) if !words.is_empty() => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            Some(words?.join(" "))
        }
        _ => None,
    }
}

/// Passes every text in a value to `each`, with the key of the nearest member.
pub fn strings<'a>(value: &'a Value, each: &mut impl FnMut(&str, &'a str)) {
    fn walk<'a>(key: &str, value: &'a Value, each: &mut impl FnMut(&str, &'a str)) {
        match value {
            Value::String(text) => each(key, text),
            Value::Array(items) => items.iter().for_each(|item| walk(key, item, each)),
            Value::Object(members) => members.iter().for_each(|(key, value)| walk(key, value, each)),
            _ => {}
        }
    }
    walk("", value, each);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(harness: Harness, event: &Value) -> Result<Event, String> {
        read(harness, event.to_string().as_bytes())
    }

    #[test]
    fn reads_the_events_of_every_harness() {
        let shell = |command: &str| Call::Shell(command.to_owned());
        let of = |harness, event: Value| parse(harness, &event).unwrap().call;
        let pre = |tool: &str, input: Value| json!({ "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input });
        assert_eq!(
            of(Harness::Claude, pre("Bash", json!({ "command": "ls", "description": "rm -rf" }))),
            shell("ls")
        );
        assert_eq!(of(Harness::Codex, pre("shell", json!({ "command": ["sh", "-c", "ls"] }))), shell("sh -c ls"));
        let gemini = json!({ "hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": { "command": "ls" } });
        assert_eq!(of(Harness::Gemini, gemini), shell("ls"));
        let cursor = json!({ "hook_event_name": "beforeShellExecution", "command": "ls", "cwd": "", "workspace_roots": ["/w"] });
        let event = parse(Harness::Cursor, &cursor).unwrap();
        assert_eq!((event.call, event.folder.as_deref()), (shell("ls"), Some("/w")));
        let mcp = json!({ "hook_event_name": "beforeMCPExecution", "tool_name": "drop", "tool_input": "{\"id\":1}" });
        assert_eq!(of(Harness::Cursor, mcp), Call::Tool { name: "drop".to_owned(), input: json!({ "id": 1 }) });
        let write = pre("Write", json!({ "file_path": "a/b", "content": "rm -rf /" }));
        assert_eq!(of(Harness::Claude, write), Call::Files(vec!["a/b".to_owned()]));
        let patch = json!({ "command": "*** Begin Patch\n*** Delete File: x\n-y" });
        let expected = ["*** Begin Patch", "*** Delete File: x"].map(str::to_owned).to_vec();
        assert_eq!(of(Harness::Codex, pre("apply_patch", patch)), Call::Files(expected));
    }

    #[test]
    fn what_is_not_an_event_before_a_call_is_an_error() {
        for event in [
            json!({}),
            json!({ "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": { "command": "ls" } }),
            json!({ "hook_event_name": "PreToolUse", "tool_input": { "command": "ls" } }),
            json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {} }),
            json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": [1] } }),
        ] {
            assert!(parse(Harness::Claude, &event).is_err(), "{event}");
        }
        assert!(read(Harness::Claude, b"{").is_err() && read(Harness::Claude, b"").is_err());
    }
}
