//! Resolving a batch: what the inventory knows of each target, as columns, and the facts that follow from it.

use super::closure::{ClosureFacts, Walk};
use super::interface::{Inventory, Snapshot};
use super::share::Share;
use crate::columns::{CHUNK_ROWS, Chunk, Column, ResolvedBuilder, Store};
use crate::error::LookupError;
use crate::facts::Counter;
use hashbrown::{HashMap, HashSet};
use reprieve_model::{Claims, InventoryFacts, TenantFacts};

/// The inventory's answer about a batch.
#[derive(Debug)]
pub struct Resolution {
    /// The resolved columns of each chunk, in the order of the chunks.
    pub columns: Store,
    /// Their counts, and the closure of the targets.
    pub facts: InventoryFacts,
    /// Every tenant that the batch reaches.
    pub tenants: HashMap<String, Share>,
}

/// Counts over the resolved columns.
#[derive(Default)]
struct ResolvedCounts {
    resolved: u64,
    unresolved: u64,
    kinds: Counter,
    environments: Counter,
    states: Counter,
    tenants: HashSet<String>,
    tenants_unknown: u64,
}

/// Resolves every target, chunk by chunk, and with `contacts` also the contacts of the tenants. Resolved columns that do
/// not fit into `memory` bytes are spilled to a temporary file.
pub(crate) fn resolve_targets(
    chunks: &Store,
    inventory: &dyn Inventory,
    claims: &Claims,
    contacts: bool,
    memory: u64,
) -> Result<Resolution, LookupError> {
    let inventory = inventory.snapshot()?;
    let (mut walk, mut counts, mut columns) = (Walk::default(), ResolvedCounts::default(), Store::new(memory));
    for chunk in chunks.iter() {
        let chunk = chunk?;
        let resolved = resolve_chunk(&chunk, &*inventory, &mut walk, &mut counts)?;
        columns.push(resolved).map_err(|error| {
            LookupError::Invalid(format!("the resolved columns cannot be spilled to a temporary file: {error}"))
        })?;
    }
    let ClosureFacts { closure, pools, mut shares } = walk.finish(chunks, &*inventory, claims)?;
    let names: Vec<&str> = closure.kinds.counts.keys().map(String::as_str).collect();
    let facts = InventoryFacts {
        sha256: inventory.sha256(),
        resolved: counts.resolved,
        unresolved: counts.unresolved,
        tenants: TenantFacts { distinct: counts.tenants.len() as u64, unknown: counts.tenants_unknown },
        kinds: counts.kinds.tally(),
        environments: counts.environments.tally(),
        states: counts.states.tally(),
        population: inventory.population(&names)?,
        population_tenants: inventory.tenants()?,
        pools,
        closure,
    };
    if contacts {
        add_contacts(&mut shares, &*inventory)?;
    }
    Ok(Resolution { columns, facts, tenants: shares })
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
        walk.add_target(record, tenant.and_then(|tenant| tenant.text(row)), kind.and_then(|kind| kind.text(row)));
    }
    let columns = builder.finish();
    columns.iter().for_each(|column| counts.add(column));
    Ok(Chunk { first_row: chunk.first_row, rows: chunk.rows, columns })
}

impl ResolvedCounts {
    fn add(&mut self, column: &Column) {
        match column.name.as_str() {
            "resolved_kind" => self.kinds.add_all(&column.count()),
            "resolved_environment" => self.environments.add_all(&column.count()),
            "resolved_state" => self.states.add_all(&column.count()),
            "resolved_tenant" => {
                let counts = column.count();
                self.tenants_unknown += counts.unknown;
                for (tenant, _) in counts.known {
                    self.tenants.get_or_insert_with(tenant, |name| name.to_owned());
                }
            }
            _ => {}
        }
    }
}

/// Looks up the owner and the contact of each tenant.
fn add_contacts(shares: &mut HashMap<String, Share>, inventory: &dyn Snapshot) -> Result<(), LookupError> {
    let tenants: Vec<String> = shares.keys().cloned().collect();
    for tenants in tenants.chunks(CHUNK_ROWS) {
        let ids: Vec<&str> = tenants.iter().map(String::as_str).collect();
        for (tenant, record) in tenants.iter().zip(inventory.records(&ids)?) {
            if let (Some(share), Some(record)) = (shares.get_mut(tenant), record.as_deref()) {
                share.correct(record);
            }
        }
    }
    Ok(())
}
