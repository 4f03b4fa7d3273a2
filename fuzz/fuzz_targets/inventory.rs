//! Inventories: the first byte selects the format. One that is accepted resolves a batch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve::Batch;
use reprieve::inventory::open_inventory;

const REQUEST: &[u8] = br#"{"id":"fuzz","mode":"soft","environment":"test","target_kind":"app","targets":[
    {"id":"app-1","kind":"app"},{"id":"app-2","kind":"app","tenant":"t-2"},{"id":"app-3"}]}"#;

fuzz_target!(|bytes: &[u8]| {
    let Some((format, bytes)) = bytes.split_first() else { return };
    let names = ["inventory.csv", "inventory.ndjson", "inventory.parquet", "inventory.arrow", "inventory.sqlite"];
    let path = reprieve_fuzz::file(names[usize::from(*format) % names.len()], bytes);
    let Ok(inventory) = open_inventory(&path) else { return };
    let batch = Batch::read(REQUEST, "request.json", &reprieve_fuzz::folder()).expect("the request is valid");
    drop(batch.review(Some(&*inventory)));
});
