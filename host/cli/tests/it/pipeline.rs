//! `reprieve run`: the command runs with exactly the vetted list or not at all, and its outcome is recorded.

use reprieve::model::BatchState;
use reprieve_ledger::SqlLedger;
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with a ledger, a policy set and a request for `apps` apps, each with its own tenant.
fn fixture(apps: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "reprieve.toml",
        r#"
        ledger = "reprieve.db"
        inventory = "inventory.csv"
        [permits]
        key = "permits.key"
        keys = "keys.json"
        [[policy]]
        use = "builtin:blast-radius"
        settings = { max_share = 50 }
        [[policy]]
        use = "builtin:rehearsal"
        settings = { soak_soft = 0 }
        "#
        .to_owned(),
    );
    let mut inventory = "id,kind,tenant,environment,state,dependents\n".to_owned();
    // The inventory has ten times as many apps as the list.
    for i in 0..apps * 10 {
        inventory += &format!("a-{i},app,t-{i},production,live,none\n");
    }
    write("inventory.csv", inventory);
    let mut list = "id,kind,tenant\n".to_owned();
    (0..apps).for_each(|i| list += &format!("a-{i},app,t-{i}\n"));
    write("targets.csv", list);
    assert_eq!(reprieve(folder.path(), &["keys", "new", "permits"]).status.code(), Some(0));
    assert_eq!(reprieve(folder.path(), &["ledger", "new"]).status.code(), Some(0));
    let sha256 = reprieve::list_sha256(&folder.path().join("targets.csv")).unwrap();
    // The dry run is of the whole list, one minute ago by the clock of this machine.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let request = json!({
        "id": "retire/1", "mode": "soft", "environment": "production", "target_kind": "app",
        "dry_run": { "at": reprieve::model::Timestamp::from_seconds(now - 60).to_string(), "targets_sha256": sha256,
                     "environment": "production", "count": apps, "by_kind": { "app": apps } },
        "targets": { "path": "targets.csv", "sha256": sha256 },
    });
    write("request.json", request.to_string());
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(folder).args(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn reprieve(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn run(folder: &Path, options: &[&str], script: &str) -> Output {
    let arguments = [&["run", "request.json"], options, &["--", "sh", "-c", script]].concat();
    reprieve(folder, &arguments)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn states(folder: &Path) -> Vec<BatchState> {
    let ledger = SqlLedger::open_sqlite(&folder.join("reprieve.db")).unwrap();
    ledger.verify(None).unwrap().unwrap();
    ledger.decisions(&reprieve_ledger::Filter::default()).unwrap().into_iter().map(|summary| summary.state).collect()
}

#[test]
fn the_command_receives_the_vetted_list_and_a_permit() {
    let fixture = fixture(1);
    let script = "cmp \"$REPRIEVE_TARGETS\" targets.csv && \
        test \"$REPRIEVE_MODE $REPRIEVE_ENVIRONMENT $REPRIEVE_ENTRY\" = 'soft production 1' && \
        \"$0\" permit verify \"$REPRIEVE_PERMIT\" --targets \"$REPRIEVE_TARGETS\" --mode soft && \
        echo '{\"deleted\": 1}' > \"$REPRIEVE_OUTCOME\" && dirname \"$REPRIEVE_TARGETS\" > where";
    let arguments = ["run", "request.json", "--", "sh", "-c", script, env!("CARGO_BIN_EXE_reprieve")];
    let output = reprieve(fixture.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("entry 1: the command succeeded, and deleted 1"), "{}", text(&output));
    assert_eq!(states(fixture.path()), [BatchState::Committed]);
    let folder = std::fs::read_to_string(fixture.path().join("where")).unwrap();
    assert!(!Path::new(folder.trim()).exists(), "the folder is removed");
}

#[test]
fn a_denied_batch_is_not_run() {
    let fixture = fixture(30);
    let output = run(fixture.path(), &[], "touch ran");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("rehearsal/no-canary"));
    // Without a ledger nothing runs.
    let output = run(fixture.path(), &["--no-ledger"], "touch ran");
    assert_eq!(output.status.code(), Some(2));
    assert!(!fixture.path().join("ran").exists());
    assert_eq!(states(fixture.path()), [BatchState::NotAllowed]);
}

#[test]
fn a_failed_command_counts_in_full() {
    let fixture = fixture(1);
    let output = run(fixture.path(), &[], "exit 7");
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("with exit status 7, and it is unknown how many"), "{}", text(&output));
    assert_eq!(states(fixture.path()), [BatchState::Committed]);
}

#[test]
fn a_failed_command_that_reports_no_deletion_releases_its_reservation() {
    let fixture = fixture(1);
    let output = run(fixture.path(), &[], "echo '{\"deleted\": 0}' > \"$REPRIEVE_OUTCOME\"; exit 1");
    assert_eq!((output.status.code(), states(fixture.path())), (Some(3), vec![BatchState::Aborted]));
    // An unreadable report is a failure.
    let output = run(fixture.path(), &[], "echo none > \"$REPRIEVE_OUTCOME\"");
    assert_eq!(
        (output.status.code(), states(fixture.path())),
        (Some(3), vec![BatchState::Aborted, BatchState::Committed])
    );
    assert!(text(&output).contains("the outcome that it reported cannot be read"), "{}", text(&output));
}

#[test]
fn a_command_that_deleted_more_than_its_batch_has_failed() {
    let fixture = fixture(1);
    let output = run(fixture.path(), &[], "echo '{\"deleted\": 883}' > \"$REPRIEVE_OUTCOME\"");
    assert_eq!((output.status.code(), states(fixture.path())), (Some(3), vec![BatchState::Committed]));
    assert!(text(&output).contains("that is more than the 1 targets of the batch"), "{}", text(&output));
}

#[test]
fn a_killed_command_releases_nothing() {
    let fixture = fixture(1);
    let output = run(fixture.path(), &[], "echo '{\"deleted\": 0}' > \"$REPRIEVE_OUTCOME\"; kill -9 $$");
    assert_eq!(
        (output.status.code(), states(fixture.path())),
        (Some(3), vec![BatchState::Committed]),
        "{}",
        text(&output)
    );
}

#[test]
fn a_failed_command_that_used_its_permit_releases_nothing() {
    let fixture = fixture(1);
    let script = "echo '{\"deleted\": 0}' > \"$REPRIEVE_OUTCOME\"; \
        \"$0\" permit verify \"$REPRIEVE_PERMIT\" --targets \"$REPRIEVE_TARGETS\" --mode soft && exit 1";
    let arguments = ["run", "request.json", "--", "sh", "-c", script, env!("CARGO_BIN_EXE_reprieve")];
    let output = reprieve(fixture.path(), &arguments);
    assert_eq!(
        (output.status.code(), states(fixture.path())),
        (Some(3), vec![BatchState::Committed]),
        "{}",
        text(&output)
    );
    assert!(text(&output).contains("with exit status 1, and deleted 0"), "{}", text(&output));
}

#[test]
fn a_command_that_cannot_be_started_releases_its_reservation() {
    let fixture = fixture(1);
    let output = reprieve(fixture.path(), &["run", "request.json", "--", "./is-not-there"]);
    assert_eq!((output.status.code(), states(fixture.path())), (Some(2), vec![BatchState::Aborted]));
    assert!(text(&output).contains("nothing was deleted: cannot run `./is-not-there`"), "{}", text(&output));
}

/// The list is read while a policy that is not built in is compiled, and the decision waits for the ledger. The list is
/// replaced in between.
#[test]
fn a_list_that_changes_after_it_was_vetted_is_not_passed_on() {
    let fixture = fixture(1);
    let set = fixture.path().join("reprieve.toml");
    let own = std::fs::read_to_string(&set)
        .unwrap()
        .replace("builtin:blast-radius\"", "own.wasm\"\nname = \"blast-radius\"");
    std::fs::write(set, own).unwrap();
    // With a custom section, it is not the module that the other policies are loaded from.
    let own = [reprieve::policy::builtin_component(), &[0, 2, 1, b'x']].concat();
    std::fs::write(fixture.path().join("own.wasm"), own).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let compiled = || {
        let folders = std::fs::read_dir(cache.path()).unwrap().flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten());
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "cwasm")).count()
    };
    let ledger = rusqlite::Connection::open(fixture.path().join("reprieve.db")).unwrap();
    ledger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut child = command(fixture.path(), &["run", "request.json", "--", "touch", "ran"]);
    let child =
        child.env("XDG_CACHE_HOME", cache.path()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while compiled() < 1 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the policy is compiled");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::fs::write(fixture.path().join("targets.csv"), "id,kind,tenant\na-0,app,t-0\na-1,app,t-1\n").unwrap();
    ledger.execute_batch("ROLLBACK").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("the file changed after it was vetted"), "{}", text(&output));
    assert!(!fixture.path().join("ran").exists());
    assert_eq!(states(fixture.path()), [BatchState::Aborted]);
}

#[test]
fn signals_are_passed_on() {
    let fixture = fixture(1);
    let script = "trap 'echo stopped > trapped; exit 9' TERM; touch started; while :; do sleep 0.05; done";
    let mut child = command(fixture.path(), &["run", "request.json", "--", "sh", "-c", script]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !fixture.path().join("started").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(3), None));
    assert!(fixture.path().join("trapped").exists());
    assert_eq!(states(fixture.path()), [BatchState::Committed]);
}

/// Thirty apps of three hundred: a canary of three tenants, then the rest.
#[test]
fn waves_begin_with_a_canary_and_count_evidence_for_the_whole_list() {
    let fixture = fixture(30);
    let script = "wc -l < \"$REPRIEVE_TARGETS\" >> sizes; cat \"$REPRIEVE_TARGETS\" >> all";
    let output = run(fixture.path(), &["--waves", "--between", "echo health >> sizes"], script);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let sizes = std::fs::read_to_string(fixture.path().join("sizes")).unwrap();
    assert_eq!(sizes.split_whitespace().collect::<Vec<_>>(), ["3", "health", "27"]);
    let all = std::fs::read_to_string(fixture.path().join("all")).unwrap();
    let ids: std::collections::BTreeSet<&str> = all.lines().collect();
    assert_eq!((all.lines().count(), ids.len()), (30, 30), "every target once");
    assert_eq!(states(fixture.path()), [BatchState::Committed, BatchState::Committed]);
    // The next run has nothing left to do.
    let output = run(fixture.path(), &["--waves"], "touch again");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(!fixture.path().join("again").exists());
}

#[test]
fn the_first_failed_wave_ends_the_run_which_can_be_resumed() {
    let fixture = fixture(30);
    let between = run(fixture.path(), &["--waves", "--between", "exit 1"], "echo wave >> ran");
    assert_eq!(between.status.code(), Some(3));
    assert!(text(&between).contains("the health check failed"), "{}", text(&between));
    assert!(text(&between).contains("30 targets are left"), "{}", text(&between));
    // A halt between waves stops them as well.
    let ours = env!("CARGO_BIN_EXE_reprieve");
    let halt = format!("echo wave >> ran; {ours} halt --reason 'wrong list' --by ann");
    let halted = run(fixture.path(), &["--waves"], &halt);
    assert_eq!(halted.status.code(), Some(1), "{}", text(&halted));
    assert!(text(&halted).contains("everything is halted by ann: wrong list"), "{}", text(&halted));
    assert!(text(&halted).contains("27 targets are left"), "{}", text(&halted));
    assert_eq!(reprieve(fixture.path(), &["resume", "--reason", "it was right"]).status.code(), Some(0));
    let rest = run(fixture.path(), &["--waves"], "echo wave >> ran");
    assert_eq!(rest.status.code(), Some(0), "{}", text(&rest));
    assert!(text(&rest).contains("deleted in earlier waves: 3 targets of this list"), "{}", text(&rest));
    let replay = reprieve(fixture.path(), &["replay"]);
    assert_eq!(replay.status.code(), Some(0), "{}", text(&replay));
}

#[test]
fn a_wave_is_done_only_as_far_as_its_command_says() {
    let fixture = fixture(30);
    let some = run(fixture.path(), &["--waves"], "echo '{\"deleted\": 2}' > \"$REPRIEVE_OUTCOME\"");
    assert_eq!(some.status.code(), Some(3), "{}", text(&some));
    assert!(text(&some).contains("it has 3 targets, and 2 are deleted"), "{}", text(&some));
    assert!(text(&some).contains("30 targets are left"), "{}", text(&some));
    // The same, of a run that was killed and recorded by hand.
    let killed = run(fixture.path(), &["--waves"], "kill -9 $PPID");
    assert_eq!(killed.status.code(), None, "{}", text(&killed));
    let commit = reprieve(fixture.path(), &["commit", "3", "--deleted", "2"]);
    assert_eq!(commit.status.code(), Some(0), "{}", text(&commit));
    let script = "cat \"$REPRIEVE_TARGETS\" >> all; \
        echo \"{\\\"deleted\\\": $(wc -l < \"$REPRIEVE_TARGETS\")}\" > \"$REPRIEVE_OUTCOME\"";
    let rest = run(fixture.path(), &["--waves"], script);
    assert_eq!(rest.status.code(), Some(0), "{}", text(&rest));
    let all = std::fs::read_to_string(fixture.path().join("all")).unwrap();
    let ids: std::collections::BTreeSet<&str> = all.lines().collect();
    assert_eq!((all.lines().count(), ids.len()), (30, 30), "every target once more");
}

#[test]
fn everything_of_a_kind_is_not_run_in_waves() {
    let fixture = fixture(6);
    let inventory = std::fs::read_to_string(fixture.path().join("inventory.csv")).unwrap();
    let listed: Vec<&str> = inventory.lines().take(1 + 6).collect();
    std::fs::write(fixture.path().join("inventory.csv"), listed.join("\n") + "\n").unwrap();
    let output = run(fixture.path(), &["--waves"], "touch ran");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("everything there is of a kind: 6 `app`"), "{}", text(&output));
    assert!(!fixture.path().join("ran").exists());
}

#[test]
fn a_list_with_an_offending_target_is_not_run_in_waves() {
    let fixture = fixture(30);
    let list = std::fs::read_to_string(fixture.path().join("targets.csv")).unwrap() + "a-0,app,t-0\n";
    std::fs::write(fixture.path().join("other.csv"), list).unwrap();
    let output = run(fixture.path(), &["--waves", "--targets", "other.csv"], "touch ran");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("1 targets offend by themselves (gate/bad-ids)"), "{}", text(&output));
    assert!(!fixture.path().join("ran").exists());
}

/// The code blocks of a language in the guide.
fn blocks(guide: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    guide.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_commands_of_the_guide_work() {
    let guide =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pipeline.md")).unwrap();
    let fixture = tempfile::tempdir().unwrap();
    for (language, name) in [("toml", "reprieve.toml"), ("csv", "inventory.csv"), ("json", "request.json")] {
        std::fs::write(fixture.path().join(name), blocks(&guide, language).remove(0)).unwrap();
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_reprieve")).parent().unwrap().display().to_string();
    let mut script = Command::new("bash");
    script.args(["-ec", &blocks(&guide, "sh").join("\n")]).current_dir(fixture.path());
    script.env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()));
    let output = script.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).output().unwrap();
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    for part in [
        "entry 1 is committed",
        "permitted: soft delete of 2 targets in production (retire/1, entry 3)",
        "2\nsoft in production\n",
        "deny gate/halted",
        "denied, as it should be",
        "these would be ten",
        "OVERRIDE",
        "bea@example.org",
        "decisions replayed: 0 differ",
        "entries verified",
    ] {
        assert!(printed.contains(part), "no `{part}` in\n{printed}");
    }
    let letters = std::fs::read_to_string(fixture.path().join("letters.csv")).unwrap();
    assert!(letters.contains("t-2,1,Bea,bea@example.org,1,P5D"), "{letters}");
    let ledger = rusqlite::Connection::open(fixture.path().join("reprieve.db")).unwrap();
    for query in blocks(&guide, "sql")[0].split(';').filter(|query| !query.trim().is_empty()) {
        let mut query = ledger.prepare(query).unwrap();
        let mut rows = query.query([]).unwrap();
        let mut count = 0;
        while rows.next().unwrap().is_some() {
            count += 1;
        }
        assert!(count > 1);
    }
}
