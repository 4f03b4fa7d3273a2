//! Modules and components: admission, compilation and description. Every module counts as pinned, so it is compiled in
//! this process, within the bounds of admission alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reprieve::Gate;

fuzz_target!(|bytes: &[u8]| drop(Gate::builder().pinned(bytes).describe(bytes, None)));
