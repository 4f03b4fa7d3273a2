//! Resolving a batch: what the inventory knows of each target, as columns, and the facts that follow from it.

use super::closure::{ClosureFacts, Walk};
use super::interface::{Inventory, Snapshot};
use super::tenants::Tenants;
use crate::columns::{Chunk, Column, ResolvedBuilder, Store};
use crate::error::LookupError;
use crate::facts::{Counter, Distinct};
use crate::spill::MemoryBudget;
use reprieve_model::{Claims, InventoryFacts, TenantFacts};

/// The inventory's answer about a batch.
#[derive(Debug)]
pub struct Resolution {
    /// The resolved columns of each chunk, in the order of the chunks.
    pub columns: Store,
    /// Their counts, and the closure of the targets.
    pub facts: InventoryFacts,
    /// Every tenant that the batch reaches.
    pub tenants: Tenants,
}

/// Counts over the resolved columns.
struct ResolvedCounts {
    resolved: u64,
    unresolved: u64,
    kinds: Counter,
    environments: Counter,
    states: Counter,
    tenants: Distinct,
    tenants_unknown: u64,
}

/// Resolves every target, chunk by chunk, and with `contacts` also the contacts of the tenants. Resolved columns that do
/// not fit into the memory are spilled to a temporary file.
pub(crate) fn resolve_targets(
    chunks: &Store,
    inventory: &dyn Inventory,
    claims: &Claims,
    contacts: bool,
    memory: MemoryBudget,
) -> Result<Resolution, LookupError> {
    let inventory = inventory.snapshot()?;
    let (mut walk, mut counts) = (Walk::new(memory.shares()), ResolvedCounts::new(memory.tenants()));
    let mut columns = Store::new(memory.resolved());
    for chunk in chunks.iter() {
        let chunk = chunk?;
        let resolved = resolve_chunk(&chunk, &*inventory, &mut walk, &mut counts)?;
        columns.push(resolved).map_err(|error| {
            LookupError::Invalid(format!("the resolved columns cannot be spilled to a temporary file: {error}"))
        })?;
    }
    let ClosureFacts { closure, pools, tenants, evidence } = walk.finish(chunks, &*inventory, claims)?;
    let names: Vec<&str> = closure.kinds.counts.keys().map(String::as_str).collect();
    let distinct = counts.tenants.finish();
    let distinct =
        distinct.map_err(|error| LookupError::Spilled(format!("spilled tenants cannot be read: {error}")))?;
    let facts = InventoryFacts {
        sha256: inventory.sha256(),
        resolved: counts.resolved,
        unresolved: counts.unresolved,
        tenants: TenantFacts { distinct, unknown: counts.tenants_unknown },
        kinds: counts.kinds.tally(),
        environments: counts.environments.tally(),
        states: counts.states.tally(),
        population: inventory.population(&names)?,
        population_tenants: inventory.tenants()?,
        pools,
        closure,
        evidence: Some(evidence),
    };
    let tenants = if contacts { tenants.with_contacts(&*inventory)? } else { tenants };
    Ok(Resolution { columns, facts, tenants })
}

/// Resolves the targets of a chunk. Returns a chunk of the resolved columns.
fn resolve_chunk(
    chunk: &Chunk,
    inventory: &dyn Snapshot,
    walk: &mut Walk,
    counts: &mut ResolvedCounts,
) -> Result<Chunk, LookupError> {
    let (tenant, kind) = (chunk.column("tenant"), chunk.column("kind"));
    let ids: Vec<&str> = chunk.ids().map(Option::unwrap_or_default).collect();
    let records = inventory.records(&ids)?;
    if records.len() != ids.len() {
        let (found, expected) = (records.len(), ids.len());
        return Err(LookupError::Invalid(format!("the inventory returned {found} records for {expected} ids")));
    }
    let mut builder = ResolvedBuilder::default();
    for (row, record) in records.iter().enumerate() {
        let record = record.as_deref();
        builder.push(record);
        match record {
            Some(_) => counts.resolved += 1,
            None => counts.unresolved += 1,
        }
        walk.add_target(record, tenant.and_then(|tenant| tenant.text(row)), kind.and_then(|kind| kind.text(row)))?;
    }
    let columns = builder.finish();
    columns.iter().try_for_each(|column| counts.add(column))?;
    Ok(Chunk { first_row: chunk.first_row, rows: chunk.rows, columns })
}

impl ResolvedCounts {
    /// Begins to count. The tenants may use this many bytes of memory.
    fn new(memory: u64) -> Self {
        Self {
            resolved: 0,
            unresolved: 0,
            kinds: Counter::default(),
            environments: Counter::default(),
            states: Counter::default(),
            tenants: Distinct::new(memory),
            tenants_unknown: 0,
        }
    }

    fn add(&mut self, column: &Column) -> Result<(), LookupError> {
        let (name, counter) = match column.name.as_str() {
            "resolved_kind" => ("kind", &mut self.kinds),
            "resolved_environment" => ("environment", &mut self.environments),
            "resolved_state" => ("state", &mut self.states),
            "resolved_tenant" => {
                let counts = column.count();
                self.tenants_unknown += counts.unknown;
                let mut known = counts.known.iter();
                let added = known.try_for_each(|(tenant, _)| self.tenants.add(tenant.as_bytes()));
                return added.map_err(|error| {
                    LookupError::Spilled(format!("the tenants cannot be spilled to a temporary file: {error}"))
                });
            }
            _ => return Ok(()),
        };
        counter.add_all(&column.count());
        counter.check(name).map_err(|message| LookupError::Invalid(format!("in the inventory, {message}")))
    }
}
