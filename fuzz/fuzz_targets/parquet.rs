//! Parquet lists.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| reprieve_fuzz::read_list("list.parquet", bytes));
