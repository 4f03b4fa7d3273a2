//! The sandbox: the only place where wasmtime appears. Bytes are admitted, compiled and asked what they are; then
//! every decision runs them in a fresh instance, within limits of which each has its own fault.
//!
//! - A policy imports nothing but types, so there is nothing to link.
//! - Fuel decides; it is the same on every machine. The wall clock is a backstop behind it.
//! - An instance is used for one decision and dropped, whatever came out.

mod admission;
mod bindings;
mod compiled;
mod convert;
mod descriptor;
mod fault;
mod limits;
mod policy;
mod run;
mod slots;
mod ticker;

pub use admission::Refusal;
pub use compiled::Cache;
pub(crate) use convert::{Objection, View};
pub use descriptor::{Descriptor, RuleInfo};
pub use fault::{Cause, Fault};
pub use limits::Limits;
pub(crate) use policy::{Data, LoadFailure, Policy};
pub(crate) use run::{Clock, Input, Run, Saved, Step};

use slots::Slots;
use std::num::NonZeroUsize;
use ticker::Ticker;
use wasmtime::component::Linker;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

/// The wasm engine of a gate with all that its policies share.
pub(crate) struct Sandbox {
    engine: Engine,
    linker: Linker<limits::Meter>,
    limits: Limits,
    cache: Option<Cache>,
    slots: Slots,
    ticker: Ticker,
}

impl Sandbox {
    /// Sets up an engine. Compiled code is kept in `cache`, if that is given. `trace` is for the place of a trap.
    pub fn new(limits: Limits, cache: Option<Cache>, trace: bool) -> Result<Self, String> {
        let engine = Engine::new(&config(&limits, trace)).map_err(|error| format!("{error:#}"))?;
        Ok(Self {
            linker: Linker::new(&engine),
            slots: Slots::new(limits.concurrent_runs as usize),
            ticker: Ticker::start(&engine).map_err(|error| error.to_string())?,
            engine,
            limits,
            cache,
        })
    }
}

/// Everything that decides what a policy can do and how it is measured. Fuel, canonical NaNs, no threads and no
/// relaxed SIMD make a run the same everywhere.
fn config(limits: &Limits, trace: bool) -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .concurrency_support(false)
        .wasm_component_model(true)
        // A fault is told apart by its type; only an author looks for its place in the code. Without, what is cached is
        // half as large.
        .wasm_backtrace_max_frames(NonZeroUsize::new(64).filter(|_| trace))
        .wasm_backtrace_details(if trace { WasmBacktraceDetails::Enable } else { WasmBacktraceDetails::Disable })
        .generate_address_map(trace)
        .native_unwind_info(false)
        .max_wasm_stack(limits.stack_bytes as usize);

    let runs = limits.concurrent_runs;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(runs)
        .total_core_instances(runs * limits.core_instances)
        .total_memories(runs * limits.memories)
        .total_tables(runs * limits.tables)
        .max_memories_per_component(limits.memories)
        .max_tables_per_component(limits.tables)
        .max_core_instances_per_component(limits.core_instances)
        .max_memory_size(limits.memory_bytes as usize)
        .table_elements(limits.table_elements as usize)
        .linear_memory_keep_resident(limits.resident_bytes as usize)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(runs * limits.memories);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
