//! Resolving a batch: what the inventory says of each target, as columns, and the facts that follow.

use super::closure::Walk;
use super::share::Share;
use super::{Inventory, Snapshot};
use crate::columns::{CHUNK_ROWS, Chunk, ResolvedBuilder, Store};
use crate::facts::Counter;
use crate::unavailable::Unavailable;
use hashbrown::{HashMap, HashSet};
use reprieve_model::{Claims, InventoryFacts, TenantFacts};

/// The inventory's answer about a batch.
#[derive(Debug)]
pub(crate) struct Resolution {
    /// The resolved columns of each chunk, in the order of the chunks.
    pub columns: Store,
    /// What they come to.
    pub facts: InventoryFacts,
    /// Every tenant that is reached.
    pub tenants: HashMap<String, Share>,
}

/// Asks the inventory about every target, chunk by chunk, and with `contacts` also who answers for the tenants. What
/// does not fit into `memory` bytes is set aside on disk.
pub(crate) fn resolve(
    chunks: &Store,
    inventory: &dyn Inventory,
    claims: &Claims,
    contacts: bool,
    memory: u64,
) -> Result<Resolution, Unavailable> {
    let inventory = inventory.snapshot()?;
    let mut walk = Walk::default();
    let mut columns = Store::new(memory);
    let (mut kinds, mut environments, mut states) = (Counter::default(), Counter::default(), Counter::default());
    let mut tenants: HashSet<String> = HashSet::new();
    let (mut resolved, mut unresolved, mut tenants_unknown) = (0, 0, 0);
    for chunk in chunks.iter() {
        let chunk = chunk?;
        let (id, tenant, kind) = (chunk.column("id"), chunk.column("tenant"), chunk.column("kind"));
        let rows = chunk.rows as usize;
        let ids: Vec<&str> = (0..rows).map(|row| id.and_then(|id| id.text(row)).unwrap_or_default()).collect();
        let records = inventory.records(&ids)?;
        if records.len() != rows {
            return Err(Unavailable(format!("the inventory gave {} answers to {rows} questions", records.len())));
        }
        let mut builder = ResolvedBuilder::default();
        for (row, record) in records.iter().enumerate() {
            let record = record.as_deref();
            builder.push(record);
            match record {
                Some(_) => resolved += 1,
                None => unresolved += 1,
            }
            walk.add_target(record, tenant.and_then(|tenant| tenant.text(row)), kind.and_then(|kind| kind.text(row)));
        }
        let built = builder.finish();
        for column in &built {
            let (counts, unknown) = column.count();
            match column.name.as_str() {
                "resolved_kind" => kinds.add_all(&counts, unknown),
                "resolved_environment" => environments.add_all(&counts, unknown),
                "resolved_state" => states.add_all(&counts, unknown),
                "resolved_tenant" => {
                    tenants_unknown += unknown;
                    for (tenant, _) in counts {
                        tenants.get_or_insert_with(tenant, |name| name.to_owned());
                    }
                }
                _ => {}
            }
        }
        let built = Chunk { first_row: chunk.first_row, rows: chunk.rows, columns: built };
        columns
            .push(built)
            .map_err(|error| Unavailable(format!("what the inventory says cannot be set aside on disk: {error}")))?;
    }

    let (closure, pools, mut shares) = walk.finish(chunks, &*inventory, claims)?;
    let names: Vec<&str> = closure.kinds.counts.keys().map(String::as_str).collect();
    let facts = InventoryFacts {
        sha256: inventory.sha256(),
        resolved,
        unresolved,
        tenants: TenantFacts { distinct: tenants.len() as u64, unknown: tenants_unknown },
        kinds: kinds.tally(),
        environments: environments.tally(),
        states: states.tally(),
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

/// Asks who answers for each tenant.
fn add_contacts(shares: &mut HashMap<String, Share>, inventory: &dyn Snapshot) -> Result<(), Unavailable> {
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
