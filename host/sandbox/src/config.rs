//! What decides what a policy can do and how it is measured. The build script of the built-in policies includes this
//! file, so it depends on nothing but wasmtime.

use std::num::NonZeroUsize;
use wasmtime::{Config, WasmBacktraceDetails};

/// Everything that decides what a policy can do and how it is measured, except the size of its stack. Fuel, canonical
/// NaNs, no threads and no relaxed SIMD make an evaluation the same on every machine.
pub(crate) fn config(trace: bool) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .concurrency_support(false)
        .wasm_component_model(true)
        // The cause of a fault follows from the type of its error; only an author needs its place in the source. Without
        // places, compiled code is half as large.
        .wasm_backtrace_max_frames(NonZeroUsize::new(64).filter(|_| trace))
        .wasm_backtrace_details(if trace { WasmBacktraceDetails::Enable } else { WasmBacktraceDetails::Disable })
        .generate_address_map(trace)
        .native_unwind_info(false);
    config
}
