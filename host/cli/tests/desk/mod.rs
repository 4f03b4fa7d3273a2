//! A desk: a folder with a policy set, an inventory, keys and a ledger, and what is done at it.
#![allow(dead_code)] // each test uses a part of it

use serde_json::Value;
use std::process::Command;
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

// The tenant t-2 has a record of its own, and its owner is not the one of its app.
pub const INVENTORY: &str = "id,kind,tenant,environment,state,dependents,owner,contact
a-1,app,t-1,production,live,none,Ann,ann@one.example
a-2,app,t-2,production,live,none,Ben,ben@two.example
a-3,app,t-3,production,live,none,Cy,cy@three.example
t-2,tenant,t-2,production,live,none,Dora,dora@two.example
";

/// A folder in which five tenants a day may be reached.
pub fn desk() -> TempDir {
    let desk = tempfile::tempdir().unwrap();
    write(&desk, "reprieve.toml", CONFIG);
    write(&desk, "inventory.csv", INVENTORY);
    says(&desk, "keys new permits", 0, &["permits.key: private, for you alone", "keys.json: public"]);
    says(&desk, "keys new alice --keys people.json", 0, &["people.json: public, with alice in it"]);
    says(&desk, "keys new bob --keys people.json", 0, &["people.json: public, with bob in it"]);
    says(&desk, "ledger new", 0, &["reprieve.db is made, and empty"]);
    desk
}

pub fn write(desk: &TempDir, name: &str, text: &str) {
    std::fs::write(desk.path().join(name), text).unwrap();
}

pub fn is_there(desk: &TempDir, name: &str) -> bool {
    desk.path().join(name).exists()
}

pub fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn command(desk: &TempDir, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(desk.path()).args(line.split_whitespace());
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs a command, and holds it to its exit status and to words of what it says, be it an answer or an error.
pub fn says(desk: &TempDir, line: &str, status: i32, words: &[&str]) -> String {
    let output = command(desk, line).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{line}\n{said}");
    for word in words {
        assert!(said.contains(word), "{line}: no `{word}` in\n{said}");
    }
    said
}
