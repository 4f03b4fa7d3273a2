//! Tests across the crates: one binary with a module for each subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod columnar;
mod contradictions;
mod evidence;
mod foreign_objects;
mod groups;
mod guests;
mod handed_on;
mod incidents;
mod ledger;
mod lists;
mod mutations;
mod papered;
mod parity;
mod planned;
mod reference;
mod rules;
mod shared;
mod silence;
mod small_scopes;
mod tampering;
mod tokens;

use std::path::{Path, PathBuf};

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Compares a generated document with its file. With `REPRIEVE_BLESS=1`, writes it instead.
fn assert_generated(path: &str, test: &str, text: &str) {
    let file = repository(path);
    if std::env::var_os("REPRIEVE_BLESS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let command = format!("REPRIEVE_BLESS=1 cargo test -p reprieve-tests --release {test}");
    let differs = found.lines().zip(text.lines()).find(|(found, expected)| found != expected);
    assert!(found == text, "{path} is out of date, first at {differs:?}; write it again with `{command}`");
}
