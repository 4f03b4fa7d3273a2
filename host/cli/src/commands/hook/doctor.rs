//! `reprieve hook doctor`: runs the installed hook as the harness would, and tells whether its answers block.

use super::answer::blocks;
use super::harness::{Harness, TIMEOUT_SECONDS};
use super::install::quoted;
use super::plain;
use super::settings::{Installed, installed};
use crate::error::fail;
use anyhow::Context;
use clap::Args;
use reprieve_report::output::plain as escaped;
use reprieve_report::status::Status;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Run the installed hook with events that must be blocked, and with one that must pass; nothing is deleted
///
/// Exit status: 0 only if the harness blocks what it must, by its own documentation.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The harness
    #[arg(long, value_enum)]
    harness: Harness,
    /// The folder of the project
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    project: PathBuf,
}

/// What a hook answered.
struct Answered {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

/// A call that deletes nothing, because it is never made, and what it names does not exist.
const DELETES: &str = "rm -rf /nonexistent/reprieve-doctor";

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let harness = arguments.harness;
    let project = arguments.project.canonicalize().with_context(|| arguments.project.display().to_string())?;
    let path = harness.settings(&project);
    let shown = path.display().to_string();
    let install = format!("`reprieve hook install --harness {}` writes it", harness.name());
    let text = std::fs::read_to_string(&path).map_err(|error| fail(format!("{shown}: {error}"), install.clone()))?;
    let hooks = installed(harness, &text).map_err(|why| fail(format!("{shown}: {why}"), install.clone()))?;
    let mut is_well = true;
    for event in harness.events() {
        let found: Vec<&Installed> = hooks.iter().filter(|hook| hook.event == *event).collect();
        if found.is_empty() {
            return Err(fail(format!("{shown} has no hook of Reprieve for {event}"), install));
        }
        for hook in found {
            is_well &= examine(harness, hook, &project)?;
        }
    }
    outln!("note: {}", harness.weakness())?;
    outln!("{}", if is_well { "the hook blocks" } else { "the hook does not guard" })?;
    Ok(if is_well { Status::Success } else { Status::Deny })
}

/// Tries one hook, and prints a line for each trial.
fn examine(harness: Harness, hook: &Installed, project: &Path) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let broken = folder.path().join("reprieve.toml");
    std::fs::write(&broken, "this is not TOML").context("a broken policy set")?;
    let with_broken = with_config(&hook.command, &broken)?;
    let deletes = event(harness, &hook.event, DELETES).to_string();
    let trials = [
        ("a call that deletes", &hook.command, deletes.clone(), true),
        ("an event that is cut off", &hook.command, deletes.chars().take(deletes.len() / 2).collect(), true),
        ("a call that deletes, with a broken policy set", &with_broken, deletes, true),
        ("a call that deletes nothing", &hook.command, event(harness, &hook.event, "ls").to_string(), false),
    ];
    let mut is_well = true;
    for (what, command, event, must_block) in trials {
        let answered = ask(command, &event, project)?;
        let blocked = blocks(harness, answered.status, &answered.stdout, &answered.stderr, hook.fails_closed);
        let verb = if blocked { "blocks" } else { "passes" };
        let mark = if blocked == must_block { "ok    " } else { "WRONG " };
        outln!("{mark} {} {} {verb} {what}", harness.name(), hook.event)?;
        if blocked != must_block {
            is_well = false;
            let status =
                answered.status.map_or("no exit status".to_owned(), |status| format!("exit status {status}"));
            outln!("       {status}: {}", escaped(answered.stderr.lines().next().unwrap_or("no reason")))?;
        }
    }
    Ok(is_well)
}

/// The event before a call of a shell.
fn event(harness: Harness, name: &str, command: &str) -> Value {
    let tool = match harness {
        Harness::Claude | Harness::Codex => "Bash",
        Harness::Gemini => "run_shell_command",
        Harness::Cursor => "Shell",
    };
    match name {
        "beforeShellExecution" => json!({ "hook_event_name": name, "command": command, "cwd": "" }),
        "beforeMCPExecution" => {
            json!({ "hook_event_name": name, "tool_name": "doctor", "tool_input": json!({ "command": command }).to_string() })
        }
        _ => json!({ "hook_event_name": name, "tool_name": tool, "tool_input": { "command": command } }),
    }
}

/// The command with another policy set.
fn with_config(command: &str, config: &Path) -> anyhow::Result<String> {
    let words =
        plain::commands(command).filter(|commands| commands.len() == 1).and_then(|mut commands| commands.pop());
    let help = "write it with `reprieve hook install`, which replaces it";
    let mut words = words.ok_or_else(|| fail(format!("the command of the hook is not plain: {command}"), help))?;
    match words.iter().position(|word| word == "--config") {
        Some(at) if at + 1 < words.len() => words[at + 1] = config.display().to_string(),
        _ => words.extend(["--config".to_owned(), config.display().to_string()]),
    }
    let words: anyhow::Result<Vec<String>> = words.iter().map(|word| quoted(Path::new(word))).collect();
    Ok(words?.join(" "))
}

/// Runs a hook as a harness does: by a shell, with the event on its standard input.
fn ask(command: &str, event: &str, project: &Path) -> anyhow::Result<Answered> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .current_dir(project)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("no shell")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A hook that reads nothing closes it.
        drop(stdin.write_all(event.as_bytes()));
    }
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().context("the hook")? {
            break status.code();
        }
        if begun.elapsed() > Duration::from_secs(TIMEOUT_SECONDS) {
            child.kill().context("the hook")?;
            child.wait().context("the hook")?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (mut stdout, mut stderr) = (String::new(), String::new());
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut stdout).context("the answer")?;
    }
    if let Some(mut err) = child.stderr.take() {
        err.read_to_string(&mut stderr).context("the reason")?;
    }
    Ok(Answered { status, stdout, stderr })
}
