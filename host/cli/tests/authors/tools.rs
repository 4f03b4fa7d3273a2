//! Commands as authors of policies run them: `reprieve` is on the path, and all policies are built in one folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The folder of files that tests share.
pub fn shared() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// A command in a folder.
pub fn command(program: &str, folder: &Path) -> Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_reprieve")).parent().unwrap().display().to_string();
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
        .env("XDG_CACHE_HOME", shared())
        .env("XDG_STATE_HOME", shared().join("state"))
        .env("CARGO_TARGET_DIR", shared().join("policies"));
    command
}

/// Runs `reprieve`.
pub fn reprieve(folder: &Path, arguments: &[&str]) -> Output {
    command("reprieve", folder).args(arguments).output().unwrap()
}

/// What a command printed.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a script that must succeed, and returns what it printed.
pub fn ok(folder: &Path, script: &str) -> String {
    let output = command("bash", folder).args(["-ec", script]).output().unwrap();
    let printed = text(&output);
    assert!(output.status.success(), "{script}\n{printed}");
    printed
}

/// Installs what a project needs.
pub fn install(language: &str) -> &'static str {
    match language {
        "js" => "npm install --no-audit --no-fund",
        "python" => "python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt",
        _ => "true",
    }
}
