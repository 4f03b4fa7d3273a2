//! The ledger under stress: many processes at once, killed at any moment, and everything that can be wrong with a
//! database. Each ends in nothing deleted and nothing lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use reprieve_ledger::{Filter, State};
use reprieve_tests::postgres::Server;
use reprieve_tests::stores::Store;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A folder with a policy set that allows so many tenants a day, and a request for two apps of two tenants.
fn desk(store: &Store, tenants_a_day: u64) -> tempfile::TempDir {
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

fn command(desk: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    let ledger = std::fs::read_to_string(desk.join("ledger")).unwrap();
    let end = arguments.iter().position(|argument| *argument == "--").unwrap_or(arguments.len());
    let (own, others) = arguments.split_at(end);
    command.current_dir(desk).args(own).args(["--config", "set.toml", "--ledger", &ledger]).args(others);
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn check(desk: &Path) -> Output {
    command(desk, &["check", "request.json"]).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// How often it is tried; more with `REPRIEVE_ROUNDS`.
fn rounds(usual: u32) -> u32 {
    std::env::var("REPRIEVE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_hundred_processes_at_once_are_allowed_exactly_what_fits() {
    for round in 0..rounds(2) {
        for store in Store::each() {
            let desk = desk(&store, 31);
            let start = || command(desk.path(), &["check", "request.json"]).stdout(Stdio::null()).spawn().unwrap();
            let children: Vec<Child> = (0..100).map(|_| start()).collect();
            let codes: Vec<_> = children.into_iter().map(|mut child| child.wait().unwrap().code()).collect();
            let count = |code| codes.iter().filter(|found| **found == Some(code)).count();
            assert_eq!((count(0), count(1), count(2)), (15, 85, 0), "15 times 2 of 31, round {round}");
            let verified = store.open().verify(None).unwrap().unwrap();
            assert_eq!((verified.decisions, verified.open), (100, 15));
        }
    }
}

/// A generator of its own: irregular, and the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn killed_at_any_moment_nothing_is_half_written_and_no_allow_is_unrecorded() {
    let mut random = Random(17);
    for store in Store::each() {
        let desk = desk(&store, 1_000_000);
        assert_eq!(check(desk.path()).status.code(), Some(0), "the policies are compiled");
        let ledger = store.open();
        let mut said = 1;
        for kill in 0..rounds(100) {
            let open = ledger.decisions(&Filter { open: true, most: Some(1), ..Filter::default() }).unwrap();
            let entry = open.first().map_or("1".to_owned(), |summary| summary.entry.to_string());
            let arguments: &[&str] = match random.below(4) {
                0 | 1 => &["check", "request.json"],
                2 => &["commit", &entry, "--deleted", "2"],
                _ => &["run", "request.json", "--", "true"],
            };
            let mut child =
                command(desk.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(random.below(16_000)));
            drop(child.kill());
            let output = child.wait_with_output().unwrap();
            // Whoever read an allow finds it recorded.
            said += u64::from(text(&output).ends_with("\nallow\n"));
            let verified = ledger.verify(None).unwrap().unwrap_or_else(|damage| panic!("kill {kill}: {damage}"));
            let decisions = ledger.decisions(&Filter::default()).unwrap();
            let allowed = decisions.iter().filter(|summary| summary.decision == "allow").count() as u64;
            assert!(said <= allowed, "kill {kill}: {said} were told of an allow, and {allowed} are recorded");
            let open = decisions.iter().filter(|summary| summary.state == State::Open).count() as u64;
            assert_eq!(open, verified.open, "open reservations are listed");
        }
        // It goes on.
        assert_eq!(check(desk.path()).status.code(), Some(0));
    }
}

#[test]
fn killed_between_waves_what_ran_is_known() {
    let mut random = Random(7);
    let store = Store::sqlite();
    for _ in 0..rounds(10) {
        let desk = desk(&store, 1_000_000);
        let waves = ["run", "request.json", "--waves", "--", "sh", "-c", "cat \"$REPRIEVE_TARGETS\" >> gone"];
        std::fs::write(
            desk.path().join("set.toml"),
            "[[policy]]\nuse = \"builtin:blast-radius\"\nsettings = { max_tenants_soft = 1 }\n",
        )
        .unwrap();
        let mut child = command(desk.path(), &waves).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
        drop(child.kill());
        child.wait().unwrap();
        let ledger = store.open();
        ledger.verify(None).unwrap().unwrap();
        let gone = std::fs::read_to_string(desk.path().join("gone")).unwrap_or_default().lines().count();
        let reserved = ledger.decisions(&Filter::default()).unwrap();
        let reserved = reserved.iter().filter(|summary| summary.state != State::NotAllowed).count();
        assert!(gone <= reserved, "nothing went that was not reserved");
    }
}

/// Undecided, exit status 2, and a cause that says what to do.
fn assert_undecided(output: &Output, cause: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", text(output));
    assert!(text(output).contains(cause), "`{cause}` is not in:\n{}", text(output));
}

#[test]
fn a_ledger_that_cannot_be_written_leaves_it_undecided() {
    let store = Store::sqlite();
    let desk = desk(&store, 100);
    assert_eq!(check(desk.path()).status.code(), Some(0));
    let file = store.name();

    // The disk is full: no file may grow beyond so many blocks. Sooner or later one is too many.
    let (mut allowed, mut undecided) = (1, 0);
    for blocks in (0..400).step_by(16) {
        let limited = format!("ulimit -f {blocks}; trap '' XFSZ; exec \"$0\" \"$@\"");
        let mut full = Command::new("sh");
        let inner = command(desk.path(), &["check", "request.json"]);
        full.arg("-c").arg(limited).arg(inner.get_program()).args(inner.get_args()).current_dir(desk.path());
        let output = full.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR")).stdout(Stdio::piped()).output().unwrap();
        if output.status.code() == Some(0) {
            allowed += 1;
        } else {
            undecided += 1;
            assert_undecided(&output, "the ledger (SQLite): ");
        }
        let verified = store.open().verify(None).unwrap().unwrap();
        assert_eq!(verified.open, allowed, "what was told is recorded, and nothing else");
    }
    assert!(undecided > 0 && allowed > 1, "both were seen: {undecided} and {allowed}");

    // Another user's file; root may write anything, so it becomes somebody else.
    if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        let binary = desk.path().join("reprieve");
        std::fs::copy(env!("CARGO_BIN_EXE_reprieve"), &binary).unwrap();
        for path in [desk.path(), Path::new(&file).parent().unwrap(), &binary, Path::new(&file)] {
            let mode = if path == Path::new(&file) { 0o444 } else { 0o755 };
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        }
        let cache = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(cache.path(), Some(65_534), Some(65_534)).unwrap();
        let mut other = Command::new(&binary);
        other.args(command(desk.path(), &["check", "request.json"]).get_args()).current_dir(desk.path());
        other.env("XDG_CACHE_HOME", cache.path()).uid(65_534).gid(65_534);
        assert_undecided(&other.output().unwrap(), "let this user write the file and its folder");
    }

    // No ledger, and none that could be made.
    std::fs::write(desk.path().join("ledger"), "nowhere/reprieve.db").unwrap();
    assert_undecided(&check(desk.path()), "`reprieve ledger new` makes one");
    let output = command(desk.path(), &["ledger", "new"]).output().unwrap();
    assert_undecided(&output, "cannot make nowhere/reprieve.db");
}

#[test]
fn a_ledger_that_is_damaged_leaves_it_undecided() {
    let store = Store::sqlite();
    let desk = desk(&store, 100);
    assert_eq!(check(desk.path()).status.code(), Some(0));
    let bytes = std::fs::read(store.name()).unwrap();
    for at in [0, 20, 100, 4_096, 8_192, 20_000] {
        let mut damaged = bytes.clone();
        damaged.iter_mut().skip(at).take(4_000).for_each(|byte| *byte ^= 0x55);
        std::fs::write(store.name(), damaged).unwrap();
        let output = check(desk.path());
        // Where the damage does not bear on the decision it can still be made; then the whole ledger shows it.
        if output.status.code() != Some(0) {
            assert_undecided(&output, "the ledger");
        }
        let output = command(desk.path(), &["ledger", "verify"]).output().unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "byte {at}: {}", text(&output));
    }
    for half in [&bytes[..bytes.len() / 2], &bytes[..100], b"not a database, but a text of some length"] {
        std::fs::write(store.name(), half).unwrap();
        assert_undecided(&check(desk.path()), "the ledger");
    }
}

#[test]
fn a_ledger_that_is_locked_for_too_long_leaves_it_undecided() {
    let store = Store::sqlite();
    let desk = desk(&store, 100);
    assert_eq!(check(desk.path()).status.code(), Some(0));
    let lock = rusqlite::Connection::open(store.name()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_undecided(&check(desk.path()), "another process holds it: try again");
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(check(desk.path()).status.code(), Some(0));
}

#[test]
fn a_server_that_stops_in_the_middle_leaves_it_undecided_and_goes_on_afterwards() {
    let mut server = Server::start();
    let name = server.database("ledger");
    reprieve_ledger::SqlLedger::create(&name, None, None).unwrap();
    let desk = desk(&Store::sqlite(), 1_000_000);
    std::fs::write(desk.path().join("ledger"), &name).unwrap();
    assert_eq!(check(desk.path()).status.code(), Some(0));
    let mut random = Random(3);
    let mut told = 1;
    for _ in 0..rounds(6) {
        let children: Vec<Child> = (0..4)
            .map(|_| {
                command(desk.path(), &["check", "request.json"])
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
                Some(0) => told += 1,
                _ => assert_undecided(&output, "the ledger (PostgreSQL): "),
            }
        }
        assert_undecided(&check(desk.path()), "the ledger (PostgreSQL): ");
        server.run();
        let ledger = reprieve_ledger::SqlLedger::open_postgres(&name, None).unwrap();
        let verified = ledger.verify(None).unwrap().unwrap();
        assert!(told <= verified.open, "every allow that was told is recorded");
    }
    assert_eq!(check(desk.path()).status.code(), Some(0));
}

#[test]
fn a_server_elsewhere_is_asked_through_tls_and_has_to_be_trusted() {
    let mut server = Server::start();
    let (certificate, url) = server.with_tls();
    let desk = desk(&Store::sqlite(), 100);
    let ledger_new = |trusted: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
        command.current_dir(desk.path()).args(["ledger", "new", "--ledger", &url]);
        command.env("SSL_CERT_FILE", trusted).output().unwrap()
    };
    // The certificate of another server is none of this one's.
    let mut another = Server::start();
    let (stranger, _) = another.with_tls();
    assert_undecided(&ledger_new(&stranger), "invalid peer certificate");
    let output = ledger_new(&certificate);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}
