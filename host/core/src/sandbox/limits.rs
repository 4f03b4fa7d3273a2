//! What a policy may use, and the meter that holds it to that.

use super::fault::{Cause, Exceeded};
use schemars::JsonSchema;
use serde::Serialize;
use wasmtime::ResourceLimiter;

/// Limits of one evaluation: one policy, one batch, one instance. 0 means nothing is allowed.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Limits {
    /// Fuel that any evaluation has. A unit is roughly a wasm instruction.
    pub fuel: u64,
    /// Fuel more for each target, where the policy asks for columns.
    pub fuel_per_row: u64,
    /// Fuel more for each byte of review, settings and reference data.
    pub fuel_per_byte: u64,
    /// Milliseconds of wall clock that any evaluation has. A backstop: fuel ends a policy long before.
    pub wall_ms: u64,
    /// Milliseconds more for each thousand targets.
    pub wall_ms_per_thousand_rows: u64,
    /// Bytes of all memories of an instance together.
    pub memory_bytes: u64,
    /// Elements of all tables of an instance together.
    pub table_elements: u64,
    /// Bytes of wasm stack.
    pub stack_bytes: u64,
    /// Memories of an instance.
    pub memories: u32,
    /// Tables of an instance.
    pub tables: u32,
    /// Core instances that a component may consist of.
    pub core_instances: u32,
    /// Bytes that one call may return.
    pub returned_bytes: u64,
    /// Findings that one evaluation may return.
    pub findings: u64,
    /// Bytes of each text of a finding.
    pub text_bytes: u64,
    /// Bytes of a module before it is compiled.
    pub module_bytes: u64,
    /// Bytes of one function's body.
    pub function_bytes: u64,
    /// Functions of a module.
    pub functions: u64,
    /// What one function may cost the compiler: its locals times its blocks. The memory that compiling takes grows
    /// with this product.
    pub function_complexity: u64,
    /// The same over all functions of a module.
    pub module_complexity: u64,
    /// How deep loops may stand in loops. The time that compiling takes grows with the square of it.
    pub loop_depth: u64,
    /// Evaluations that run at the same time; further ones wait.
    pub concurrent_runs: u32,
    /// Bytes of an instance's memory that are wiped instead of given back, for the next instance to find mapped.
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
            concurrent_runs: 16,
            resident_bytes: 256 << 10,
        }
    }
}

impl Limits {
    /// The fuel of an evaluation: `fuel + fuel_per_row × rows + fuel_per_byte × bytes`.
    pub fn fuel_for(&self, rows: u64, bytes: u64) -> u64 {
        let rows = self.fuel_per_row.saturating_mul(rows);
        self.fuel.saturating_add(rows).saturating_add(self.fuel_per_byte.saturating_mul(bytes))
    }

    /// The wall clock of an evaluation in milliseconds.
    pub fn wall_ms_for(&self, rows: u64) -> u64 {
        let rows = self.wall_ms_per_thousand_rows.saturating_mul(rows.div_ceil(1_000));
        self.wall_ms.saturating_add(rows)
    }
}

/// Counts the memory and tables of one instance, over all of its modules.
#[derive(Debug)]
pub(super) struct Meter {
    memory_left: u64,
    elements_left: u64,
}

impl Meter {
    pub fn new(limits: &Limits, memory_bytes: u64) -> Self {
        Self { memory_left: memory_bytes, elements_left: limits.table_elements }
    }
}

impl Meter {
    /// Bytes of memory that the instance did not take.
    pub const fn memory_left(&self) -> u64 {
        self.memory_left
    }
}

fn take(left: &mut u64, current: usize, desired: usize, cause: Cause) -> wasmtime::Result<bool> {
    let more = desired.saturating_sub(current) as u64;
    match left.checked_sub(more) {
        Some(rest) => {
            *left = rest;
            Ok(true)
        }
        // Ending the run beats letting the guest report its own failure: the fault then says what it was.
        None => Err(wasmtime::Error::new(Exceeded(cause))),
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.memory_left, current, desired, Cause::Memory)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.elements_left, current, desired, Cause::Table)
    }
}
