//! Request documents, with targets in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve::{Batch, ReadOptions};

fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions::default().memory(64 << 20).threads(1);
    if let Ok(batch) = Batch::read_with(bytes, "request.json", &reprieve_fuzz::folder(), options) {
        reprieve_fuzz::check_list(&batch);
    }
});
