//! Ledger entries whose hashes are correct: what a party with write access can put into a ledger.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve_ledger::SqlLedger;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::LazyLock;

static LEDGER: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = reprieve_fuzz::file("ledger.db", b"");
    std::fs::remove_file(&path).expect("the file exists");
    SqlLedger::create_sqlite(&path).expect("a new ledger");
    path
});
const KINDS: [&str; 5] = ["decision", "closed", "used", "halted", "resumed"];

fn hash(parts: [&str; 5]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, body)) = bytes.split_first() else { return };
    let (kind, body) = (KINDS[usize::from(*kind) % KINDS.len()], String::from_utf8_lossy(body));
    let database = Connection::open(LEDGER.as_path()).expect("the ledger");
    let id: String = database.query_row("SELECT ledger FROM head", [], |row| row.get(0)).expect("its id");
    let sha256 = hash([&id, "1", "1772452800", kind, &body]);
    let set = "DELETE FROM entries; DELETE FROM decisions; DELETE FROM sums; PRAGMA synchronous = OFF";
    database.execute_batch(set).expect("the tables are there");
    let insert = "INSERT INTO entries (entry, at, kind, body, sha256) VALUES (1, 1772452800, ?1, ?2, ?3)";
    database.execute(insert, params![kind, body, sha256]).expect("the entry is inserted");
    let head = "UPDATE head SET entry = 1, sha256 = ?1, at = 1772452800";
    database.execute(head, params![sha256]).expect("the head is set");
    drop(database);
    let Ok(ledger) = SqlLedger::open_sqlite(&LEDGER) else { return };
    drop(ledger.verify(None));
    if let Ok(decision) = ledger.decision(1) {
        drop(decision.affected());
        drop(decision.ids());
    }
    drop(ledger.halts());
});
