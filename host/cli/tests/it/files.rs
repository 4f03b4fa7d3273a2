//! Only regular files are opened. Anything else in the place of a file is an immediate error that names it.

use crate::support::fixture::{command, fixture, write};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The name of a file, and a command that opens it.
const PLACES: &[(&str, &str)] = &[
    ("x.json", "check x.json"),
    ("x.json", "targets x.json"),
    ("x.json", "split x.json --out parts"),
    ("x.json", "run x.json -- touch ran"),
    ("x.json", "override new x.json --codes timing/too-fast --reason r --key alice.key"),
    ("x.csv", "check r.json --targets x.csv"),
    ("x.csv.gz", "check r.json --targets x.csv.gz"),
    ("x.ndjson.zst", "check r.json --targets x.ndjson.zst"),
    ("x.parquet", "check r.json --targets x.parquet"),
    ("x.arrow", "check r.json --targets x.arrow"),
    ("x.arrows", "check r.json --targets x.arrows"),
    ("x.csv", "check r.json --inventory x.csv"),
    ("x.ndjson", "check r.json --inventory x.ndjson"),
    ("x.parquet", "check r.json --inventory x.parquet"),
    ("x.db", "check r.json --inventory x.db"),
    ("x.json", "check r.json --no-ledger --history x.json"),
    ("x.toml", "check r.json --config x.toml"),
    ("x.toml", "policies --config x.toml"),
    ("x.toml", "explain --config x.toml"),
    ("x.toml", "replay --config x.toml"),
    ("x.json", "check r.json --override x.json"),
    ("x.jwt", "permit verify x.jwt --targets list.csv"),
    ("x.csv", "permit verify p.jwt --targets x.csv"),
    ("x.json", "permit verify p.jwt --targets list.csv --keys x.json"),
    ("x.json", "override show x.json --keys people.json"),
    ("x.json", "override show o.json --keys x.json"),
    ("x.json", "override sign x.json --key alice.key --keys people.json"),
    ("x.key", "override sign o.json --key x.key --keys people.json"),
    ("x.json", "override sign o.json --key alice.key --keys x.json"),
    ("x.key", "override new r.json --codes timing/too-fast --reason r --key x.key"),
    ("x.db", "check r.json --ledger x.db"),
    ("x.db", "ledger new --ledger x.db"),
    ("x.db", "ledger list --ledger x.db"),
    ("x.db", "ledger verify --ledger x.db"),
    ("x.db", "report 1 --ledger x.db"),
    ("x.db", "replay --ledger x.db"),
    ("x.db", "halt --reason r --ledger x.db"),
    ("x.db", "resume --reason r --ledger x.db"),
    ("x.db", "commit 1 --ledger x.db"),
    ("x.db", "abort 1 --reason r --ledger x.db"),
    ("x.wasm", "policy inspect x.wasm"),
    ("x.wasm", "policy lint x.wasm"),
    ("x.wasm", "policy bench x.wasm"),
    ("x.wasm", "policy test x.wasm --cases cases"),
    ("i/one/request.json", "incidents i"),
    ("i/one/expected.json", "incidents i"),
    ("i/one/inventory.csv", "incidents i"),
    ("i/one/history.json", "incidents i"),
    ("keys.json", "keys new carol"),
    // Files that a document names.
    ("reprieve.toml", "check r.json"),
    ("inventory.csv", "check r.json"),
    ("reprieve.db", "check r.json"),
    ("reprieve.db-wal", "check r.json"),
    ("reprieve.db-shm", "check r.json"),
    ("reprieve.db-journal", "check r.json"),
    ("inventory.db-wal", "check r.json --inventory inventory.db"),
    ("inventory.db-journal", "check r.json --inventory inventory.db"),
    ("list.csv", "check by-path.json"),
    ("permits.key", "check r.json --permit new.jwt"),
    ("permits.key", "run r.json -- touch ran"),
    ("keys.json", "permit verify p.jwt --targets list.csv"),
    ("people.json", "check r.json --override o.json"),
    ("x.wasm", "check r.json --config module.toml"),
    ("x.csv", "check r.json --config data.toml"),
    // Files that a command writes.
    ("x.jwt", "check r.json --permit x.jwt"),
    ("x.toml", "init --out x.toml"),
    ("x.json", "override new r.json --codes timing/too-fast --reason r --key alice.key --out x.json"),
    ("carol.key", "keys new carol"),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Fifo,
    Socket,
    Device,
    Folder,
}

impl Kind {
    /// Puts a file of this kind in the place of another.
    fn put(self, path: &Path) {
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
        match self {
            Self::Fifo => mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap(),
            Self::Socket => drop(UnixListener::bind(path).unwrap()),
            // A real device takes root. One that never ends would not be read to its end.
            Self::Device => std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
            Self::Folder => std::fs::create_dir(path).unwrap(),
        }
    }

    /// What a message says, one of these.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Fifo => &["is a FIFO, not a regular file", "already exists", "is not a regular file"],
            Self::Socket => &["is a socket, not a regular file", "already exists", "is not a regular file"],
            Self::Device => &[
                "is a character device, not a regular file",
                "the path leaves its folder through a link",
                "already exists",
                "is not a regular file",
            ],
            // A folder may also be the source of a policy, or a case.
            Self::Folder => &[""],
        }
    }
}

fn everything() -> TempDir {
    let fixture = fixture();
    let header = r#""id": "1", "mode": "soft", "environment": "production", "target_kind": "app""#;
    let inline = format!(r#"{{ {header}, "targets": [ {{ "id": "a-1", "kind": "app", "tenant": "t-1" }} ] }}"#);
    write(&fixture, "r.json", &inline);
    write(&fixture, "by-path.json", &format!(r#"{{ {header}, "targets": {{ "path": "list.csv" }} }}"#));
    write(&fixture, "list.csv", "id\na-1\n");
    write(&fixture, "o.json", r#"{"signatures": []}"#);
    write(&fixture, "p.jwt", "not a token");
    write(&fixture, "module.toml", "[[policy]]\nuse = 'x.wasm'\n");
    write(&fixture, "data.toml", "[[policy]]\nuse = 'builtin:mode'\ndata = { list = 'x.csv' }\n");
    std::fs::create_dir_all(fixture.path().join("cases")).unwrap();
    write(&fixture, "cases/a.json", "{}");
    std::fs::create_dir_all(fixture.path().join("i/one")).unwrap();
    write(&fixture, "i/one/request.json", &inline);
    write(&fixture, "i/one/expected.json", r#"{"at": "2026-01-01T00:00:00Z", "decision": "deny", "codes": []}"#);
    let inventory = rusqlite::Connection::open(fixture.path().join("inventory.db")).unwrap();
    inventory.execute_batch("CREATE TABLE inventory (id TEXT, kind TEXT)").unwrap();
    fixture
}

/// Runs a command that has to end. One that waits for a file never would.
fn ends(fixture: &TempDir, line: &str) -> Output {
    let mut command = command(fixture, line);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{line}: it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn anything_but_a_regular_file_is_refused_at_once_and_by_name() {
    for kind in [Kind::Fifo, Kind::Socket, Kind::Device, Kind::Folder] {
        for (name, line) in PLACES {
            let fixture = everything();
            kind.put(&fixture.path().join(name));
            let output = ends(&fixture, line);
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.status.code(), Some(2), "{kind:?} as {name}: {line}\n{out}{err}");
            let base = name.rsplit('/').next().unwrap();
            let is_named = err.contains(base) && kind.names().iter().any(|text| err.contains(text));
            assert!(is_named || kind == Kind::Folder, "{kind:?} as {name}: {line}\n{out}{err}");
            assert!(!fixture.path().join("ran").exists(), "{line}");
        }
    }
}

/// A pipe has no path of its own, so `/dev/stdin` is one only if it is a file. `-` is standard input.
#[test]
fn standard_input_is_read_by_its_own_name_only() {
    let fixture = everything();
    let request = std::fs::read(fixture.path().join("r.json")).unwrap();
    for (argument, status) in [("-", 0), ("/dev/stdin", 2)] {
        let mut child = command(&fixture, &format!("targets {argument}"));
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read it closes it.
        drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), &request));
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{argument}: {err}");
        assert!(status == 0 || err.contains("/dev/stdin: this is a FIFO, not a regular file"), "{err}");
    }
    let mut from_file = command(&fixture, "targets /dev/stdin");
    let from_file = from_file.stdin(std::fs::File::open(fixture.path().join("r.json")).unwrap()).output().unwrap();
    assert_eq!(from_file.status.code(), Some(0), "{}", String::from_utf8_lossy(&from_file.stderr));
}
