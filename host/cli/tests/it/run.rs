//! `reprieve run`: its folder is private, it stops what it started, and it hands on no secrets.

use crate::support::fixture::{command, says, write};
use crate::support::running::{kill, note, read, ready, spawn, text, wait_for, wait_until};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// `reprieve run` of a shell script.
fn runs(fixture: &TempDir, options: &[&str], script: &str) -> Command {
    let mut command = command(fixture, "run request.json");
    command.args(options).args(["--", "sh", "-c", script]).env("TMPDIR", fixture.path().join("tmp"));
    command
}

/// Whether a process runs: it exists and has not ended.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

fn left_over(fixture: &TempDir) -> Vec<PathBuf> {
    std::fs::read_dir(fixture.path().join("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn only_this_user_can_look_into_the_folder_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let fixture = ready();
        let script =
            "stat -c %a \"$(dirname \"$REPRIEVE_TARGETS\")\" \"$REPRIEVE_TARGETS\" \"$REPRIEVE_PERMIT\" > modes";
        let mut command = Command::new("sh");
        let line = format!("umask {umask}; exec \"$0\" run request.json -- sh -c '{script}'");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_reprieve")]).current_dir(fixture.path());
        command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).env("TMPDIR", fixture.path().join("tmp"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert_eq!(read(&fixture, "modes"), "700\n400\n600\n", "umask {umask}");
        assert_eq!(left_over(&fixture), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_folder_that_others_can_replace_is_not_used() {
    let fixture = ready();
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(fixture.path().join("tmp"), open).unwrap();
    let output = runs(&fixture, &[], "touch ran").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("help: set TMPDIR to a folder that only you can write to"), "{}", text(&output));
    assert!(!fixture.path().join("ran").exists());
    // The mode of `/tmp`.
    let sticky = std::fs::Permissions::from_mode(0o1777);
    std::fs::set_permissions(fixture.path().join("tmp"), sticky).unwrap();
    assert_eq!(runs(&fixture, &[], "true").status().unwrap().code(), Some(0));
}

#[test]
fn the_folder_of_a_killed_run_is_removed_when_nothing_uses_it() {
    let fixture = ready();
    let script = "echo $$ > pid; while test ! -e end; do sleep 0.02; done; cat \"$REPRIEVE_TARGETS\" > list";
    let mut killed = spawn(runs(&fixture, &[], script));
    let pid = wait_for(&fixture, "pid");
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(left_over(&fixture).len(), 1);
    // The command goes on and may need its list.
    assert_eq!(runs(&fixture, &[], "true").status().unwrap().code(), Some(0));
    assert_eq!(left_over(&fixture).len(), 1);
    write(&fixture, "end", "");
    wait_until("it ends", || !is_alive(&pid));
    assert!(read(&fixture, "list").contains("a-1"));
    assert_eq!(runs(&fixture, &[], "true").status().unwrap().code(), Some(0));
    assert_eq!(left_over(&fixture), Vec::<PathBuf>::new());
    // What does not belong to a run stays.
    std::fs::create_dir(fixture.path().join("tmp/reprieve-run-mine")).unwrap();
    assert_eq!(runs(&fixture, &[], "true").status().unwrap().code(), Some(0));
    assert_eq!(left_over(&fixture).len(), 1, "its mode is not that of a run");
}

#[test]
fn the_reported_outcome_is_read_only_from_a_small_regular_file() {
    for (script, problem) in [
        ("mkfifo \"$REPRIEVE_OUTCOME\"", "it is not a regular file"),
        ("ln -s /dev/zero \"$REPRIEVE_OUTCOME\"", "it is a link"),
        ("echo '{\"deleted\": 1}' > o.json; ln -s \"$PWD/o.json\" \"$REPRIEVE_OUTCOME\"", "it is a link"),
        ("mkdir \"$REPRIEVE_OUTCOME\"", "it is not a regular file"),
        ("head -c 70000 /dev/zero > \"$REPRIEVE_OUTCOME\"", "it is larger than 64 KiB"),
        ("printf '{\"deleted\\n\\nallow\": 1}' > \"$REPRIEVE_OUTCOME\"", "cannot be read: "),
    ] {
        let fixture = ready();
        let output = runs(&fixture, &[], script).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{script}: {}", text(&output));
        assert!(text(&output).contains(problem), "{script}: {}", text(&output));
        assert_eq!(text(&output).lines().filter(|line| line.starts_with("allow")).count(), 2, "{}", text(&output));
        assert!(!note(&fixture, 1).0, "{script}");
    }
}

/// A child of the command, a process of a session of its own whose parent has ended, and the command itself.
const FAMILY: &str = "setsid sh -c 'echo $$ > far.pid; trap \"echo told > far; exit\" TERM; while :; do sleep 0.02; done' & \
     sh -c 'echo $$ > near.pid; trap \"echo told > near; exit\" TERM; while :; do sleep 0.02; done' & \
     trap 'echo told > self; exit 9' TERM; echo $$ > self.pid; while :; do sleep 0.02; done";

#[test]
fn a_signal_reaches_everything_that_was_started() {
    let fixture = ready();
    let child = spawn(runs(&fixture, &[], &format!("(setsid sleep 600 & echo $! > orphan.pid); {FAMILY}")));
    let names = ["far", "near", "self", "orphan"];
    let pids = names.map(|name| wait_for(&fixture, &format!("{name}.pid")));
    assert!(pids.iter().all(|pid| is_alive(pid)));
    kill("-TERM", &child.id().to_string());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(pids.iter().all(|pid| !is_alive(pid)), "nothing goes on");
    for name in ["far", "near", "self"] {
        assert_eq!(read(&fixture, name), "told\n", "{name}");
    }
    assert!(note(&fixture, 1).1.contains("with exit status 9"), "{:?}", note(&fixture, 1));
}

#[test]
fn what_ignores_a_signal_is_killed_after_its_time() {
    let fixture = ready();
    let script = "setsid sh -c 'trap \"\" TERM HUP; echo $$ > far.pid; while :; do sleep 0.02; done' & \
         trap '' TERM; echo $$ > self.pid; while :; do sleep 0.02; done";
    let child = spawn(runs(&fixture, &["--grace", "PT1S"], script));
    let pids = ["far", "self"].map(|name| wait_for(&fixture, &format!("{name}.pid")));
    kill("-TERM", &child.id().to_string());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(pids.iter().all(|pid| !is_alive(pid)), "nothing goes on");
    assert!(note(&fixture, 1).1.contains("ended by signal 9"), "{:?}", note(&fixture, 1));
}

#[test]
fn a_batch_is_committed_when_everything_that_was_started_has_ended() {
    let fixture = ready();
    // A process in the background that ends by itself is waited for.
    let output = runs(&fixture, &[], "(sleep 0.5; echo done > late) &").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(read(&fixture, "late"), "done\n");
    assert_eq!(note(&fixture, 1), (true, "the command succeeded".to_owned()));
    // One that does not is stopped, and recorded.
    let script = "setsid sh -c 'echo $$ > far.pid; exec sleep 600' & while test ! -s far.pid; do sleep 0.02; done";
    let output = runs(&fixture, &["--grace", "PT1S"], script).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(!is_alive(&read(&fixture, "far.pid")));
    let expected = "the command succeeded; it left processes running, which were stopped";
    assert_eq!(note(&fixture, 3), (false, expected.to_owned()));
}

#[test]
fn a_suspended_process_is_stopped_as_well() {
    let fixture = ready();
    let child = spawn(runs(
        &fixture,
        &[],
        "trap 'echo told > self; exit 9' TERM; echo $$ > self.pid; kill -STOP $$; sleep 600",
    ));
    let pid = wait_for(&fixture, "self.pid");
    let is_stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    wait_until("it is suspended", is_stopped);
    kill("-TERM", &child.id().to_string());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(3));
    assert!(!is_alive(&pid));
    assert_eq!(read(&fixture, "self"), "told\n");
}

#[test]
fn the_command_does_not_receive_what_only_the_gate_needs() {
    let fixture = ready();
    let key = fixture.path().join("permits.key");
    let mut command = runs(&fixture, &[], "env > env; cat /proc/$PPID/environ > parent 2> refused");
    command.env("PGPASSWORD", "hidden-1").env("PGPASSFILE", "hidden-2").env("REPRIEVE_SECRET", "hidden-3");
    command.env("SIGNING_KEY", &key).env("PGHOST", "shown").env("OTHER", "shown");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let env = read(&fixture, "env");
    assert!(!env.contains("hidden") && !env.contains(key.to_str().unwrap()), "{env}");
    assert_eq!(env.matches("shown").count(), 2);
    for name in ["TARGETS", "OUTCOME", "MODE", "ENVIRONMENT", "ENTRY", "PERMIT"] {
        assert!(env.contains(&format!("REPRIEVE_{name}=")), "{name}");
    }
    if !rustix::process::geteuid().is_root() {
        assert_eq!(read(&fixture, "parent"), "", "{}", read(&fixture, "refused"));
    }
    says(&fixture, "ledger verify", 0, &["1 of them open".replace('1', "0").as_str()]);
    assert!(Path::new(&key).exists());
}
