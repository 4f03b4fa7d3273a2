//! What a policy may use, and the meter that enforces it.
//!
//! What the limits do *not* cover:
//!
//! - **The time and memory of compiling what the operator pinned.** Fuel and the meter apply to an instance, and compiling
//!   happens before there is one. Two bounds apply instead. Admission bounds the shape of every module (`module_bytes` to
//!   `custom_bytes`), and so bounds the cost of compiling roughly: without these bounds, one function of 10 KB took 29 s
//!   and 10 GiB, and one of 310 KB aborted the process. And what is neither built in nor pinned by its digest is compiled
//!   in a process of its own that may use `compile_memory_bytes` and `compile_cpu_seconds`, whatever its shape.
//! - **The memory of compiled code.** It is two to four times as large as its module and stays mapped for the life of the
//!   gate, in addition to `memory_bytes` of each instance that runs.
//! - **Returned bytes before they are counted.** The host copies up to `returned_bytes` per call out of an instance, and
//!   only then checks `findings` and `text_bytes`. A saved state counts as well, and the host holds one for each partition
//!   until they are merged.
//! - **Time in the host.** Fuel is used by wasm only. Copying columns into an instance, clearing its memory and converting
//!   what it returns take time in proportion to the batch, and are not charged.
//! - **Side channels.** A policy runs in the address space of the host and on its processor. It has no clock and no shared
//!   memory to measure with, but the fuel it uses is in every decision, so it can tell a reader of decisions something
//!   about a batch.

use crate::fault::Exceeded;
use reprieve_model::FaultCause;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

/// Limits of one evaluation: one policy, one batch, one instance. 0 allows nothing.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Limits {
    /// Fuel of every evaluation. A unit is roughly one wasm instruction.
    pub fuel: u64,
    /// Additional fuel for each target, if the policy requests columns.
    pub fuel_per_row: u64,
    /// Additional fuel for each byte of review, settings and reference data.
    pub fuel_per_byte: u64,
    /// Wall-clock time of every evaluation in milliseconds. A backstop: fuel ends a policy long before.
    pub wall_ms: u64,
    /// Additional milliseconds for each thousand targets.
    pub wall_ms_per_thousand_rows: u64,
    /// Total bytes of all memories of an instance.
    pub memory_bytes: u64,
    /// Total elements of all tables of an instance.
    pub table_elements: u64,
    /// Bytes of the wasm stack.
    pub stack_bytes: u64,
    /// Number of memories of an instance.
    pub memories: u32,
    /// Number of tables of an instance.
    pub tables: u32,
    /// Number of core instances in a component.
    pub core_instances: u32,
    /// Bytes that one call may return.
    pub returned_bytes: u64,
    /// Number of findings that one evaluation may return.
    pub findings: u64,
    /// Bytes of each text of a finding.
    pub text_bytes: u64,
    /// Bytes of a module before it is compiled.
    pub module_bytes: u64,
    /// Bytes of the body of one function.
    pub function_bytes: u64,
    /// Number of functions of a module.
    pub functions: u64,
    /// Complexity of one function: its slots (parameters, results, locals, and the values of its widest block) times its
    /// blocks, branches and calls; the values that its calls pass on; and a quarter of the square of its loops, and of its
    /// blocks that pass values on and calls with several results. The memory and the time that compiling takes grow with
    /// these.
    pub function_complexity: u64,
    /// Total complexity of all functions of a module.
    pub module_complexity: u64,
    /// Depth of nested loops. The time that compiling takes grows with its square.
    pub loop_depth: u64,
    /// Depth of nested blocks.
    pub block_depth: u64,
    /// Parameters and results of one type of functions or blocks.
    pub signature_values: u64,
    /// Number of components inside a component.
    pub nested_components: u64,
    /// Number of instances that a component consists of, with those of the components that it instantiates.
    pub instances: u64,
    /// Number of component and instance types in one section, and so their depth.
    pub nested_types: u64,
    /// Number of types, imports, exports, aliases, globals and segments of a module.
    pub items: u64,
    /// Bytes of custom sections, such as names and line tables.
    pub custom_bytes: u64,
    /// Bytes of memory that compiling a module may use, if it is not pinned by its digest. It bounds the data of the
    /// process that compiles (`RLIMIT_DATA`).
    pub compile_memory_bytes: u64,
    /// Seconds of processor time that compiling it may use (`RLIMIT_CPU`).
    pub compile_cpu_seconds: u64,
    /// Seconds after which that process is ended in any case, because a process that was stopped uses no processor time.
    pub compile_wall_seconds: u64,
    /// Number of evaluations that run at the same time; further ones wait.
    pub concurrent_runs: u32,
    /// Bytes of memory that are cleared and kept for the next instance instead of returned to the operating system. What a large
    /// batch leaves behind is cleared after each later instance as well, so more than a small batch needs is slower.
    pub resident_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 20_000_000,
            fuel_per_row: 10_000,
            fuel_per_byte: 1_000,
            wall_ms: 5_000,
            wall_ms_per_thousand_rows: 50,
            memory_bytes: 128 << 20,
            table_elements: 20_000,
            stack_bytes: 512 << 10,
            memories: 4,
            tables: 4,
            core_instances: 48,
            returned_bytes: 1 << 20,
            findings: 64,
            text_bytes: 2 << 10,
            module_bytes: 48 << 20,
            function_bytes: 256 << 10,
            functions: 60_000,
            function_complexity: 1_000_000,
            module_complexity: 20_000_000,
            loop_depth: 32,
            block_depth: 10_000,
            signature_values: 128,
            nested_components: 64,
            instances: 1_000,
            nested_types: 256,
            items: 100_000,
            custom_bytes: 16 << 20,
            compile_memory_bytes: 512 << 20,
            compile_cpu_seconds: 10,
            compile_wall_seconds: 60,
            concurrent_runs: 16,
            resident_bytes: 64 << 10,
        }
    }
}

impl Limits {
    /// The fuel of an evaluation: `fuel + fuel_per_row × rows + fuel_per_byte × bytes`.
    pub fn fuel_for(&self, rows: u64, bytes: u64) -> u64 {
        let rows = self.fuel_per_row.saturating_mul(rows);
        self.fuel.saturating_add(rows).saturating_add(self.fuel_per_byte.saturating_mul(bytes))
    }

    /// The wall-clock limit of an evaluation in milliseconds:
    /// `wall_ms + wall_ms_per_thousand_rows × rows / 1,000, rounded up`.
    pub fn wall_ms_for(&self, rows: u64) -> u64 {
        let rows = self.wall_ms_per_thousand_rows.saturating_mul(rows.div_ceil(1_000));
        self.wall_ms.saturating_add(rows)
    }
}

/// Counts the memory and tables of one instance, over all of its modules.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_left: u64,
    elements_left: u64,
}

impl Meter {
    pub fn new(limits: &Limits, memory_bytes: u64) -> Self {
        Self { memory_left: memory_bytes, elements_left: limits.table_elements }
    }

    /// Bytes of memory that the instance has not used.
    pub const fn memory_left(&self) -> u64 {
        self.memory_left
    }
}

fn take(left: &mut u64, current: usize, desired: usize, cause: FaultCause) -> wasmtime::Result<bool> {
    let more = desired.saturating_sub(current) as u64;
    match left.checked_sub(more) {
        Some(rest) => {
            *left = rest;
            Ok(true)
        }
        // The evaluation ends here, because a guest that handled a refused growth itself would report another cause.
        None => Err(wasmtime::Error::new(Exceeded(cause))),
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.memory_left, current, desired, FaultCause::Memory)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.elements_left, current, desired, FaultCause::Table)
    }
}
