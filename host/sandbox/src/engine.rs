//! The engine: the one function that configures wasmtime, and what all policies of a gate share.

use crate::cache::ModuleCache;
use crate::code;
use crate::config::config;
use crate::fault::Fault;
use crate::limits::{Limits, Meter};
use crate::slots::Slots;
use crate::ticker::{TICK_MS, Ticker};
use crate::worker::Worker;
use reprieve_model::FaultCause;
use std::collections::BTreeMap;
use std::sync::Mutex;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

/// Why a wasm engine cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox cannot be started: {0}")]
pub struct EngineError(String);

/// A wasm engine, and what all policies of a gate share.
pub struct Sandbox {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Meter>,
    pub(crate) limits: Limits,
    pub(crate) cache: Option<ModuleCache>,
    /// The modules of the policies that were loaded, by digest.
    pub(crate) components: Mutex<BTreeMap<String, Component>>,
    /// One worker at a time, so that the memory of all is that of one.
    pub(crate) worker: Option<Mutex<Worker>>,
    pub(crate) trace: bool,
    pub(crate) slots: Slots,
    pub(crate) ticker: Ticker,
}

impl Sandbox {
    /// Creates an engine. `cache` keeps compiled code, if there is one. `worker` compiles modules of unknown origin. With
    /// `trace`, a fault names its place in the source of the policy.
    ///
    /// # Errors
    /// [`EngineError`] if the machine cannot provide the engine's memory or threads.
    pub fn new(
        limits: Limits,
        cache: Option<ModuleCache>,
        worker: Option<Worker>,
        trace: bool,
    ) -> Result<Self, EngineError> {
        Self::of(limited(&limits, trace), limits, cache, worker, trace)
    }

    /// Creates an engine of a configuration.
    pub(crate) fn of(
        config: Config,
        limits: Limits,
        cache: Option<ModuleCache>,
        worker: Option<Worker>,
        trace: bool,
    ) -> Result<Self, EngineError> {
        let engine = Engine::new(&pooled(config, &limits)).map_err(|error| EngineError(format!("{error:#}")))?;
        Ok(Self {
            linker: Linker::new(&engine),
            slots: Slots::new(limits.concurrent_runs as usize),
            ticker: Ticker::start(&engine).map_err(|error| EngineError(error.to_string()))?,
            engine,
            limits,
            cache,
            components: Mutex::default(),
            worker: worker.map(Mutex::new),
            trace,
        })
    }

    /// The bytes of memory that an instance may use: at most what the sandbox allows.
    pub(crate) fn memory_limit(&self, requested: Option<u64>) -> u64 {
        requested.unwrap_or(u64::MAX).min(self.limits.memory_bytes)
    }

    /// A store for one instance, with its fuel, deadline and meter.
    pub(crate) fn store(&self, memory: Option<u64>, rows: u64, bytes: u64) -> Store<Meter> {
        let mut store = Store::new(&self.engine, Meter::new(&self.limits, self.memory_limit(memory)));
        store.limiter(|meter| meter);
        // Setting fuel fails only if the engine has fuel disabled, which `config` never does.
        drop(store.set_fuel(self.limits.fuel_for(rows, bytes)));
        store.set_epoch_deadline(self.limits.wall_ms_for(rows).div_ceil(TICK_MS) + 1);
        store.set_hostcall_fuel(self.limits.returned_bytes as usize);
        store
    }

    /// Turns the result of a call into its value or a fault.
    pub(crate) fn returned<T>(&self, result: wasmtime::Result<Result<T, String>>) -> Result<T, Fault> {
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(message)) => {
                let max = usize::try_from(self.limits.text_bytes).unwrap_or(usize::MAX);
                let end = message.floor_char_boundary(max);
                Err(Fault::new(FaultCause::Declined, message.get(..end).unwrap_or_default()))
            }
            Err(error) => Err(Fault::of_call(&error)),
        }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("limits", &self.limits).field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// The configuration of an engine that runs or compiles policies within these limits.
pub(crate) fn limited(limits: &Limits, trace: bool) -> Config {
    let mut config = config(trace);
    config.max_wasm_stack(limits.stack_bytes as usize);
    config
}

/// Reserves the memory of all evaluations at once. Compiled code does not depend on it.
fn pooled(mut config: Config, limits: &Limits) -> Config {
    let runs = limits.concurrent_runs;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(runs)
        .total_core_instances(runs * limits.core_instances)
        .total_memories(runs * limits.memories)
        .total_tables(runs * limits.tables)
        .max_memories_per_component(limits.memories)
        .max_tables_per_component(limits.tables)
        .max_memories_per_module(limits.memories)
        .max_tables_per_module(limits.tables)
        .max_core_instances_per_component(limits.core_instances)
        .max_memory_size(limits.memory_bytes as usize)
        .table_elements(limits.table_elements as usize)
        .linear_memory_keep_resident(limits.resident_bytes as usize)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(runs * limits.memories);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config.with_custom_code_memory(code::code_memory());
    config
}
