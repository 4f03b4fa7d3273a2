//! A folder with a policy set, an inventory, keys and a ledger, and functions that run commands in it.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

pub const CONFIG: &str = r#"ledger = "reprieve.db"
inventory = "inventory.csv"

[permits]
key = "permits.key"
keys = "keys.json"

[overrides]
keys = "people.json"

[[policy]]
use = "builtin:blast-radius"

[[policy]]
use = "builtin:timing"
settings = { tenants_a_day_soft = 5 }
"#;

// The tenant t-2 has its own record, whose owner differs from that of its app.
pub const INVENTORY: &str = "id,kind,tenant,environment,state,dependents,owner,contact
a-1,app,t-1,production,live,none,Ann,ann@one.example
a-2,app,t-2,production,live,none,Ben,ben@two.example
a-3,app,t-3,production,live,none,Cy,cy@three.example
a-9,app,t-9,production,live,none,,
t-2,tenant,t-2,production,live,none,Dora,dora@two.example
";

/// A folder whose policy set allows five tenants per day.
pub fn fixture() -> TempDir {
    let fixture = tempfile::tempdir().unwrap();
    write(&fixture, "reprieve.toml", CONFIG);
    write(&fixture, "inventory.csv", INVENTORY);
    says(
        &fixture,
        "keys new permits",
        0,
        &["permits.key: the private key", "keys.json: the public keys, now with `permits`"],
    );
    says(&fixture, "keys new alice --keys people.json", 0, &["people.json: the public keys, now with `alice`"]);
    says(&fixture, "keys new bob --keys people.json", 0, &["people.json: the public keys, now with `bob`"]);
    says(&fixture, "ledger new", 0, &["created reprieve.db, which is empty"]);
    fixture
}

pub fn write(fixture: &TempDir, name: &str, text: &str) {
    std::fs::write(fixture.path().join(name), text).unwrap();
}

pub fn exists(fixture: &TempDir, name: &str) -> bool {
    fixture.path().join(name).exists()
}

pub fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Runs a command in a folder, as outside of continuous integration.
pub fn reprieve(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(folder).args(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    for name in ["GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "ATLANTIS_TERRAFORM_VERSION", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

pub fn command(fixture: &TempDir, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(fixture.path()).args(line.split_whitespace());
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs a command, and asserts its exit status and that its output contains these texts.
pub fn says(fixture: &TempDir, line: &str, status: i32, words: &[&str]) -> String {
    let output = command(fixture, line).output().unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{line}\n{printed}");
    for word in words {
        assert!(printed.contains(word), "{line}: no `{word}` in\n{printed}");
    }
    printed
}
