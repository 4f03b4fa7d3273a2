//! What the tests of `reprieve run` share.

use super::fixture::{fixture, write};
use reprieve_ledger::SqlLedger;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with a request that is allowed, and a folder for temporary files.
pub fn ready() -> TempDir {
    let fixture = fixture();
    write(
        &fixture,
        "request.json",
        r#"{ "id": "retire/1", "mode": "soft", "environment": "production", "target_kind": "app",
             "targets": [ { "id": "a-1", "kind": "app", "tenant": "t-1" } ] }"#,
    );
    std::fs::create_dir(fixture.path().join("tmp")).unwrap();
    fixture
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub fn read(fixture: &TempDir, name: &str) -> String {
    std::fs::read_to_string(fixture.path().join(name)).unwrap()
}

/// Waits for a file that the command writes.
pub fn wait_for(fixture: &TempDir, name: &str) -> String {
    let path = fixture.path().join(name);
    wait_until(name, || std::fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')));
    read(fixture, name)
}

pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
}

/// The note of the outcome that an entry has.
pub fn note(fixture: &TempDir, entry: u64) -> (bool, String) {
    use reprieve::ledger::Outcome;
    let ledger = SqlLedger::open_sqlite(&fixture.path().join("reprieve.db")).unwrap();
    match ledger.decision(entry).unwrap().outcome {
        Some(Outcome::Committed { succeeded, note, .. }) => (succeeded, note.unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}
