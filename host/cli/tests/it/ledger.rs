//! The ledger under stress: many concurrent processes, processes killed at any moment, and every failure of a database.
//! None of them may lose a record or allow too much.

use reprieve::model::{BatchState, Verdict};
use reprieve_ledger::Filter;
use reprieve_tests::postgres::Server;
use reprieve_tests::stores::Store;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A folder with a policy set that allows `tenants_a_day`, and a request for two apps of two tenants.
fn fixture(store: &Store, tenants_a_day: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let config =
        format!("[[policy]]\nuse = \"builtin:timing\"\nsettings = {{ tenants_a_day_soft = {tenants_a_day} }}\n");
    write("set.toml", &config);
    write("ledger", &store.name());
    write(
        "request.json",
        r#"{"id": "r", "mode": "soft", "environment": "production", "target_kind": "app", "targets": [
            {"id": "a-1", "kind": "app", "tenant": "t-1"}, {"id": "a-2", "kind": "app", "tenant": "t-2"}]}"#,
    );
    folder
}

fn command(fixture: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    let ledger = std::fs::read_to_string(fixture.join("ledger")).unwrap();
    let end = arguments.iter().position(|argument| *argument == "--").unwrap_or(arguments.len());
    let (own, others) = arguments.split_at(end);
    command.current_dir(fixture).args(own).args(["--config", "set.toml", "--ledger", &ledger]).args(others);
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn check(fixture: &Path) -> Output {
    command(fixture, &["check", "request.json"]).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The number of rounds; `REPRIEVE_ROUNDS` overrides it.
fn rounds(usual: u32) -> u32 {
    std::env::var("REPRIEVE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_hundred_concurrent_processes_are_allowed_exactly_the_limit() {
    for round in 0..rounds(2) {
        for store in Store::each() {
            let fixture = fixture(&store, 31);
            let start = || command(fixture.path(), &["check", "request.json"]).stdout(Stdio::null()).spawn().unwrap();
            let children: Vec<Child> = (0..100).map(|_| start()).collect();
            let codes: Vec<_> = children.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
            let count = |code| codes.iter().filter(|found| **found == Some(code)).count();
            assert_eq!((count(0), count(1), count(2)), (15, 85, 0), "15 times 2 of 31, round {round}");
            let verified = store.open().verify(None).unwrap().unwrap();
            assert_eq!((verified.decisions, verified.open), (100, 15));
        }
    }
}

/// A deterministic generator of random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_no_partial_entry_and_no_unrecorded_allow() {
    let mut random = Random(17);
    for store in Store::each() {
        let fixture = fixture(&store, 1_000_000);
        assert_eq!(check(fixture.path()).status.code(), Some(0), "the policies are compiled");
        let ledger = store.open();
        let mut allows_seen = 1;
        for kill in 0..rounds(100) {
            let open = ledger.decisions(&Filter { open: true, last: Some(1), ..Filter::default() }).unwrap();
            let entry = open.first().map_or("1".to_owned(), |summary| summary.entry.to_string());
            let arguments: &[&str] = match random.below(4) {
                0 | 1 => &["check", "request.json"],
                2 => &["commit", &entry, "--deleted", "2"],
                _ => &["run", "request.json", "--", "true"],
            };
            let mut child =
                command(fixture.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(random.below(16_000)));
            drop(child.kill());
            let output = child.wait_with_output().unwrap();
            // Every allow that was printed is recorded.
            allows_seen += u64::from(text(&output).ends_with("\nallow\n"));
            let verified = ledger.verify(None).unwrap().unwrap_or_else(|damage| panic!("kill {kill}: {damage}"));
            let decisions = ledger.decisions(&Filter::default()).unwrap();
            let allowed = decisions.iter().filter(|summary| summary.decision == Verdict::Allow).count() as u64;
            assert!(
                allows_seen <= allowed,
                "kill {kill}: {allows_seen} allows were printed, but {allowed} are recorded"
            );
            let open = decisions.iter().filter(|summary| summary.state == BatchState::Open).count() as u64;
            assert_eq!(open, verified.open, "open reservations are listed");
        }
        // The ledger is still usable.
        assert_eq!(check(fixture.path()).status.code(), Some(0));
    }
}

#[test]
fn killed_between_waves_everything_that_ran_is_reserved() {
    let mut random = Random(7);
    let store = Store::sqlite();
    for _ in 0..rounds(10) {
        let fixture = fixture(&store, 1_000_000);
        let waves = ["run", "request.json", "--waves", "--", "sh", "-c", "cat \"$REPRIEVE_TARGETS\" >> gone"];
        std::fs::write(
            fixture.path().join("set.toml"),
            "[[policy]]\nuse = \"builtin:blast-radius\"\nsettings = { max_tenants_soft = 1 }\n",
        )
        .unwrap();
        let mut child = command(fixture.path(), &waves).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
        drop(child.kill());
        child.wait().unwrap();
        let ledger = store.open();
        ledger.verify(None).unwrap().unwrap();
        let gone = std::fs::read_to_string(fixture.path().join("gone")).unwrap_or_default().lines().count();
        let reserved = ledger.decisions(&Filter::default()).unwrap();
        let reserved = reserved.iter().filter(|summary| summary.state != BatchState::NotAllowed).count();
        assert!(gone <= reserved, "nothing was deleted that was not reserved");
    }
}

/// Asserts exit status 2 and that the output contains the cause.
fn assert_undecided(output: &Output, cause: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", text(output));
    assert!(text(output).contains(cause), "`{cause}` is not in:\n{}", text(output));
}

#[test]
fn an_unwritable_ledger_is_undecided() {
    let store = Store::sqlite();
    let fixture = fixture(&store, 100);
    assert_eq!(check(fixture.path()).status.code(), Some(0));
    let file = store.name();

    // A full disk: no file may grow beyond a number of blocks. At some number a write fails.
    let (mut allowed, mut undecided, mut of_ledger) = (1, 0, 0);
    for blocks in (0..400).step_by(16) {
        let limited = format!("ulimit -f {blocks}; trap '' XFSZ; exec \"$0\" \"$@\"");
        let mut full = Command::new("sh");
        let inner = command(fixture.path(), &["check", "request.json"]);
        full.arg("-c").arg(limited).arg(inner.get_program()).args(inner.get_args()).current_dir(fixture.path());
        let output = full.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).stdout(Stdio::piped()).output().unwrap();
        if output.status.code() == Some(0) {
            allowed += 1;
        } else {
            undecided += 1;
            // The first memory of a policy is a file in memory, to which the limit applies as well.
            let is_policy = text(&output).contains("it cannot be instantiated");
            assert_undecided(&output, if is_policy { "File too large" } else { "the ledger (SQLite): " });
            of_ledger += u32::from(!is_policy);
        }
        let verified = store.open().verify(None).unwrap().unwrap();
        assert_eq!(verified.open, allowed, "exactly the printed allows are recorded");
    }
    assert!(undecided > 0 && allowed > 1, "both must occur: {undecided} undecided, {allowed} allowed");
    assert!(of_ledger > 0, "a write to the ledger must fail as well");

    // The file of another user. Root can write any file, so the process runs as another user.
    if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        let binary = fixture.path().join("reprieve");
        // Another process writes the copy. A child that another test starts meanwhile would keep the file open for writing,
        // and a file that is open for writing cannot be run.
        assert!(
            Command::new("cp").args([Path::new(env!("CARGO_BIN_EXE_reprieve")), &binary]).status().unwrap().success()
        );
        for path in [fixture.path(), Path::new(&file).parent().unwrap(), &binary, Path::new(&file)] {
            let mode = if path == Path::new(&file) { 0o444 } else { 0o755 };
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
        let cache = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(cache.path(), Some(65_534), Some(65_534)).unwrap();
        let mut other = Command::new(&binary);
        other.args(command(fixture.path(), &["check", "request.json"]).get_args()).current_dir(fixture.path());
        other.env("XDG_CACHE_HOME", cache.path()).uid(65_534).gid(65_534);
        assert_undecided(&other.output().unwrap(), "the ledger (SQLite): ");
    }

    // There is no ledger, and none can be created.
    std::fs::write(fixture.path().join("ledger"), "nowhere/reprieve.db").unwrap();
    assert_undecided(&check(fixture.path()), "help: create it with `reprieve ledger new`");
    let output = command(fixture.path(), &["ledger", "new"]).output().unwrap();
    assert_undecided(&output, "cannot create `nowhere/reprieve.db`");
}

#[test]
fn a_damaged_ledger_is_undecided() {
    let store = Store::sqlite();
    let fixture = fixture(&store, 100);
    assert_eq!(check(fixture.path()).status.code(), Some(0));
    let bytes = std::fs::read(store.name()).unwrap();
    for at in [0, 20, 100, 4_096, 8_192, 20_000] {
        let mut damaged = bytes.clone();
        damaged.iter_mut().skip(at).take(4_000).for_each(|byte| *byte ^= 0x55);
        std::fs::write(store.name(), damaged).unwrap();
        let output = check(fixture.path());
        // Damage that does not affect this decision is found when the whole ledger is verified.
        if output.status.code() != Some(0) {
            assert_undecided(&output, "the ledger");
        }
        let output = command(fixture.path(), &["ledger", "verify"]).output().unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "byte {at}: {}", text(&output));
    }
    for half in [&bytes[..bytes.len() / 2], &bytes[..100], b"not a database, but a text of some length"] {
        std::fs::write(store.name(), half).unwrap();
        assert_undecided(&check(fixture.path()), "the ledger");
    }
}

#[test]
fn a_ledger_that_is_locked_too_long_is_undecided() {
    let store = Store::sqlite();
    let fixture = fixture(&store, 100);
    assert_eq!(check(fixture.path()).status.code(), Some(0));
    let lock = rusqlite::Connection::open(store.name()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_undecided(&check(fixture.path()), "the ledger (SQLite): database is");
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(check(fixture.path()).status.code(), Some(0));
}

#[test]
fn a_server_that_stops_is_undecided_and_works_again_after_a_restart() {
    let mut server = Server::start();
    let name = server.database("ledger");
    reprieve_ledger::SqlLedger::create(&name, None, None).unwrap();
    let fixture = fixture(&Store::sqlite(), 1_000_000);
    std::fs::write(fixture.path().join("ledger"), &name).unwrap();
    assert_eq!(check(fixture.path()).status.code(), Some(0));
    let mut random = Random(3);
    let mut allows_seen = 1;
    for _ in 0..rounds(6) {
        let children: Vec<Child> = (0..4)
            .map(|_| {
                command(fixture.path(), &["check", "request.json"])
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        std::thread::sleep(Duration::from_micros(random.below(20_000)));
        server.stop();
        for child in children {
            let output = child.wait_with_output().unwrap();
            match output.status.code() {
                Some(0) => allows_seen += 1,
                _ => assert_undecided(&output, "the ledger (PostgreSQL): "),
            }
        }
        assert_undecided(&check(fixture.path()), "the ledger (PostgreSQL): ");
        server.run();
        let ledger = reprieve_ledger::SqlLedger::open_postgres(&name, None).unwrap();
        let verified = ledger.verify(None).unwrap().unwrap();
        assert!(allows_seen <= verified.open, "every printed allow is recorded");
    }
    assert_eq!(check(fixture.path()).status.code(), Some(0));
}

#[test]
fn a_remote_server_is_reached_through_tls_and_must_be_trusted() {
    let mut server = Server::start();
    let (certificate, url) = server.with_tls();
    let fixture = fixture(&Store::sqlite(), 100);
    let ledger_new = |trusted: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(fixture.path()).args(["ledger", "new", "--ledger", &url]);
        command.env("SSL_CERT_FILE", trusted).output().unwrap()
    };
    // The certificate of another server does not verify this one.
    let mut another = Server::start();
    let (stranger, _) = another.with_tls();
    assert_undecided(&ledger_new(&stranger), "invalid peer certificate");
    let output = ledger_new(&certificate);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}
