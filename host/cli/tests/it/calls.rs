//! `reprieve run` of a command with `{}`: one call for each id, each counted exactly.

use crate::support::fixture::{self, command, says, write};
use crate::support::running::{kill, note, read, ready, spawn, text, wait_for};
use std::process::{Command, Output};
use tempfile::TempDir;

/// `reprieve run` of a command, argument by argument, on three targets.
fn runs_each(fixture: &TempDir, ids: [&str; 3], command_line: &[&str]) -> Output {
    let targets: Vec<_> =
        ids.iter().map(|id| serde_json::json!({ "id": id, "kind": "app", "tenant": "t-1" })).collect();
    let request = serde_json::json!({ "id": "retire/3", "mode": "soft", "environment": "production",
        "target_kind": "app", "targets": targets });
    write(fixture, "request.json", &request.to_string());
    let mut command = command(fixture, "run request.json");
    command.arg("--").args(command_line).env("TMPDIR", fixture.path().join("tmp"));
    command.output().unwrap()
}

#[test]
fn a_placeholder_runs_the_command_once_for_each_id() {
    let fixture = ready();
    let append = ["sh", "-c", "echo \"$1\" >> ids", "sh", "{}"];
    let output = runs_each(&fixture, ["a-1", "b c", "$(d)"], &append);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(read(&fixture, "ids"), "a-1\nb c\n$(d)\n");
    assert_eq!(note(&fixture, 1), (true, "the command succeeded, and deleted 3".to_owned()));

    // It stops at the first failure, and counts the calls before.
    let fails = ["sh", "-c", "test \"$1\" != x-2", "sh", "{}"];
    let output = runs_each(&fixture, ["a-1", "x-2", "x-3"], &fails);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let expected =
        "the command failed with exit status 1, and deleted 1; at the target `x-2`; 1 target was not begun";
    assert_eq!(note(&fixture, 3), (false, expected.to_owned()));

    // If the first call fails, it is unknown whether its target is deleted, so the batch is not aborted.
    let output = runs_each(&fixture, ["x-2", "a-1", "x-3"], &fails);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(note(&fixture, 5).1.contains("it is unknown how many targets it deleted"), "{:?}", note(&fixture, 5));
}

#[test]
fn an_id_is_never_an_option_or_a_part_of_a_script() {
    let fixture = ready();
    for (ids, command_line, help) in [
        (["a-1", "a-2", "a-3"], &["sh", "-c", "touch {}"][..], "an argument with `{}` has blanks"),
        (["a-1", "--all", "a-3"], &["touch", "{}"], "the id `--all` would be read as an option"),
        (["a-1", "a-2", "a-3"], &["{}"], "the name of the program has a `{}`"),
    ] {
        let output = runs_each(&fixture, ids, command_line);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(help) && text(&output).contains("nothing was deleted"), "{}", text(&output));
        assert!(!fixture.path().join("a-1").exists());
    }
    let output = runs_each(&fixture, ["a-1", "--all", "a-3"], &["sh", "-c", "echo \"$1\" >> ids", "sh", "--key={}"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(read(&fixture, "ids"), "--key=a-1\n--key=--all\n--key=a-3\n");
}

#[test]
fn ids_alone_are_for_xargs() {
    let fixture = ready();
    let script = "xargs -0 -n 1 echo < \"$REPRIEVE_IDS\" > ids";
    let output = runs_each(&fixture, ["a-1", "b  c", "d'"], &["sh", "-c", script]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(read(&fixture, "ids"), "a-1\nb  c\nd'\n");
}

/// `reprieve run` of a shell script on these targets of one tenant, each with its id as `$1`.
fn calls(fixture: &TempDir, ids: &[String], options: &[&str], script: &str) -> Command {
    let targets: Vec<_> =
        ids.iter().map(|id| serde_json::json!({ "id": id, "kind": "app", "tenant": "t-1" })).collect();
    let request = serde_json::json!({ "id": "retire/all", "mode": "soft", "environment": "production",
        "target_kind": "app", "targets": targets });
    write(fixture, "request.json", &request.to_string());
    // Only `timing` decides, so that the number of targets is no matter.
    let config = fixture::CONFIG.replace("[[policy]]\nuse = \"builtin:blast-radius\"\n", "");
    let config = config.replace("tenants_a_day_soft = 5", "tenants_a_day_soft = 500");
    write(fixture, "reprieve.toml", &config);
    let mut command = command(fixture, "run request.json");
    command.args(options).args(["--", "sh", "-c", script, "sh", "{}"]).env("TMPDIR", fixture.path().join("tmp"));
    command
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("a-{i}")).collect()
}

/// The lines of a file, sorted.
fn sorted(fixture: &TempDir, name: &str) -> Vec<String> {
    let mut lines: Vec<String> = read(fixture, name).lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// The number of targets that the outcome of an entry says were deleted.
fn deleted(fixture: &TempDir, entry: u64) -> Option<u64> {
    use reprieve::ledger::Outcome;
    let ledger = reprieve_ledger::SqlLedger::open_sqlite(&fixture.path().join("reprieve.db")).unwrap();
    match ledger.decision(entry).unwrap().outcome {
        Some(Outcome::Committed { deleted, .. }) => deleted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn four_jobs_run_each_id_once() {
    let fixture = ready();
    let mut ids = names(40);
    ids.extend(["b c", "$(touch hostile)", "`touch hostile`", "d'\"; touch hostile", "*"].map(str::to_owned));
    let output =
        calls(&fixture, &ids, &["--jobs", "4", "--progress"], "printf '%s\\n' \"$1\" >> ids").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    ids.sort_unstable();
    assert_eq!(sorted(&fixture, "ids"), ids);
    assert!(!fixture.path().join("hostile").exists());
    assert_eq!(deleted(&fixture, 1), Some(45));
    assert!(text(&output).contains("45 of 45 deleted, 0 failed, 0 running"), "{}", text(&output));
    // Nothing is counted in a pipe unless it is asked for.
    let output = calls(&fixture, &ids, &["--jobs", "4"], "true").output().unwrap();
    assert!(!text(&output).contains("running"), "{}", text(&output));
}

#[test]
fn no_more_calls_run_at_once_than_there_are_jobs() {
    let fixture = ready();
    let script = "mkdir run-$1; ls -d run-* | wc -l >> seen; sleep 0.05; rmdir run-$1";
    let output = calls(&fixture, &names(20), &["--jobs", "3"], script).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let most = read(&fixture, "seen").lines().map(|line| line.trim().parse::<u32>().unwrap()).max();
    assert!(most <= Some(3), "{most:?}");
}

#[test]
fn failures_are_counted_exactly_after_retries() {
    let fixture = ready();
    // `a-3` and `a-7` fail twice, once by a signal; `a-5` always fails.
    let script = "echo x >> n-$1; n=$(wc -l < n-$1); case $1 in \
        a-3) test $n -gt 2;; a-7) test $n -gt 2 || kill -9 $$;; a-5) exit 4;; esac";
    let options = ["--jobs", "4", "--retries", "2", "--keep-going"];
    let output = calls(&fixture, &names(10), &options, script).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    for (name, count) in [("n-a-3", 3), ("n-a-7", 3), ("n-a-5", 3), ("n-a-0", 1), ("n-a-9", 1)] {
        assert_eq!(read(&fixture, name).lines().count(), count, "{name}");
    }
    assert_eq!(deleted(&fixture, 1), Some(9));
    assert_eq!(note(&fixture, 1).1, "the command failed with exit status 4, and deleted 9; at the target `a-5`");
    // Without it, no id is begun after the failure.
    let output = calls(&fixture, &names(10), &[], "echo $1 >> begun; test $1 != a-5").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert_eq!(sorted(&fixture, "begun"), names(6));
    assert!(
        note(&fixture, 3).1.ends_with("at the target `a-5`; 4 targets were not begun"),
        "{:?}",
        note(&fixture, 3)
    );
}

#[test]
fn a_stopped_run_waits_for_its_calls_and_is_resumed_by_its_log() {
    let fixture = ready();
    let script = "echo $1 >> begun; case $1 in a-4) echo > ready; while test ! -e go; do sleep 0.02; done;; esac; echo $1 >> gone";
    let options = ["--jobs", "2", "--log", "calls.ndjson"];
    let child = spawn(calls(&fixture, &names(40), &options, &script.replace("a-4)", "a-4|a-5)")));
    wait_for(&fixture, "ready");
    // The log is in use.
    let other = calls(&fixture, &names(40), &options, "touch other").output().unwrap();
    assert_eq!(other.status.code(), Some(2), "{}", text(&other));
    assert!(text(&other).contains("still uses it") && !fixture.path().join("other").exists(), "{}", text(&other));
    kill("-TERM", &child.id().to_string());
    // It is told apart from the end of the calls: they are let go only after the signal was noticed.
    std::thread::sleep(std::time::Duration::from_millis(200));
    write(&fixture, "go", "");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert_eq!(sorted(&fixture, "begun"), sorted(&fixture, "gone"), "those that ran were waited for");
    let gone = read(&fixture, "gone").lines().count() as u64;
    assert!(gone < 40);
    assert_eq!(deleted(&fixture, 1), Some(gone));
    assert!(note(&fixture, 1).1.contains("stopped by signal 15"), "{:?}", note(&fixture, 1));
    // The torn line of a run that was killed is left out.
    let log = read(&fixture, "calls.ndjson");
    write(&fixture, "calls.ndjson", &(log + "{\"id\":\"a-3"));
    let output = calls(&fixture, &names(40), &options, script).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let mut all = names(40);
    all.sort_unstable();
    assert_eq!(sorted(&fixture, "gone"), all, "nothing is deleted twice");
    let words = text(&output);
    assert!(words.contains(&format!("and deleted {}; its log has {gone} deleted before", 40 - gone)), "{words}");
    says(&fixture, "ledger verify", 0, &["0 of them open"]);
}

#[test]
fn a_log_of_another_list_is_refused() {
    let fixture = ready();
    let run = |count, log: &str| calls(&fixture, &names(count), &["--log", log], "echo $1 >> gone").output().unwrap();
    assert_eq!(run(2, "calls.ndjson").status.code(), Some(0));
    write(&fixture, "notes.txt", "mine");
    write(&fixture, "lines.txt", "mine\n");
    for (log, words) in [
        ("calls.ndjson", "the log of another list, mode or environment"),
        ("notes.txt", "it is not the log of a run"),
        ("lines.txt", "line 1"),
        ("tmp", "the log tmp"),
    ] {
        let output = run(3, log);
        assert_eq!(output.status.code(), Some(2), "{log}: {}", text(&output));
        assert!(text(&output).contains(words), "{log}: {}", text(&output));
    }
    assert_eq!((read(&fixture, "notes.txt"), read(&fixture, "gone").lines().count()), ("mine".to_owned(), 2));
}

#[test]
fn a_halt_stops_between_ids() {
    let fixture = ready();
    let ours = env!("CARGO_BIN_EXE_reprieve");
    let script = format!("echo $1 >> gone; test $1 != a-1 || {ours} halt --reason 'wrong list' --by ann");
    let output = calls(&fixture, &names(5), &[], &script).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert_eq!(sorted(&fixture, "gone"), names(2));
    assert_eq!(deleted(&fixture, 1), Some(2));
    assert!(
        note(&fixture, 1).1.contains("halted by ann: wrong list; 3 targets were not begun"),
        "{:?}",
        note(&fixture, 1)
    );
}

#[test]
fn options_for_single_ids_need_a_placeholder() {
    let fixture = ready();
    for options in ["--jobs 2", "--retries 1", "--keep-going", "--progress", "--log l"] {
        says(&fixture, &format!("run request.json {options} -- true"), 2, &["the command has no `{}`"]);
    }
    says(&fixture, "run request.json --jobs 0 -- true {}", 2, &["0 is not in 1..=256"]);
}
