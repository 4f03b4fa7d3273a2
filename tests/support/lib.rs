//! Helpers that the tests share.

pub mod in_order;
pub mod incident;
pub mod postgres;
pub mod stores;

use reprieve::model::Timestamp;
use reprieve::policy::PolicyEntry;
use reprieve::{Batch, BuildError, Folder, Gate, GateBuilder, PolicySet};
use std::path::Path;

/// The hostile guests: name and core module.
pub static GUESTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// The core module of a guest.
///
/// # Panics
/// If there is no such guest.
#[allow(clippy::panic)]
pub fn guest(name: &str) -> &'static [u8] {
    match GUESTS.iter().find(|(known, _)| *known == name) {
        Some((_, module)) => module,
        None => panic!("there is no guest `{name}`"),
    }
}

/// A number as wasm encodes it.
pub fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Builds a gate with one policy, from the bytes of a module, which is pinned.
///
/// # Errors
/// The error of the gate.
pub fn gate_of(module: &[u8], with: impl FnOnce(GateBuilder) -> GateBuilder) -> Result<Gate, BuildError> {
    let entry = PolicyEntry { source: "policy.wasm".to_owned(), ..PolicyEntry::builtin("mode") };
    let set = PolicySet::of(vec![entry]);
    with(Gate::builder().policies(set, None).file("policy.wasm", module.to_owned()).pinned(module)).build()
}

/// Three apps of three tenants, soft-deleted in production.
///
/// # Panics
/// Never: the request is valid.
#[allow(clippy::expect_used)]
pub fn batch() -> Batch {
    let request = r#"{"id": "tests/1", "mode": "soft", "environment": "production", "target_kind": "app", "targets": [
        {"id": "a-1", "kind": "app", "tenant": "t-1"}, {"id": "a-2", "kind": "app", "tenant": "t-2"},
        {"id": "a-3", "kind": "app", "tenant": "t-3"}]}"#;
    let folder = Folder::open(Path::new(".")).expect("the current folder");
    let batch = Batch::read(request.as_bytes(), "test", &folder).expect("a valid request");
    batch.at(Timestamp::from_seconds(1_772_452_800))
}
