//! Arrow lists: files and streams.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    reprieve_fuzz::read_list("list.arrow", bytes);
    reprieve_fuzz::read_list("list.arrows", bytes);
});
