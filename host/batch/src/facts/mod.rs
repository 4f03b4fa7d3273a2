//! Facts: counts that are made while the targets are read, and figures computed from them.

mod aggregate;
mod chunk_counts;
mod counts;
mod distinct;
mod duplicates;
mod estimate;
mod ids;

pub(crate) use aggregate::Aggregate;
pub(crate) use chunk_counts::ChunkCounts;
pub(crate) use counts::{Counter, Counts, Digests, total};
pub(crate) use distinct::Distinct;
pub(crate) use duplicates::{BUCKETS, Bucket, Duplicates, IdDigests, SectionRow};
pub(crate) use ids::{ChunkIds, Hasher};

use crate::environments::Environments;
use estimate::estimate_restore;
use reprieve_model::{Claims, Facts, HistoryFacts, InventoryFacts, Timestamp};
use std::collections::BTreeMap;

/// Builds the facts of a batch.
pub(crate) fn build_facts(
    claims: &Claims,
    counts: &Counts,
    digests: &Digests,
    environments: &Environments,
    inventory: Option<&InventoryFacts>,
    history: Option<HistoryFacts>,
    at: Timestamp,
) -> Facts {
    let closure = inventory.map_or(0, |inventory| inventory.closure.tenants.at_most());
    // The list's own tenants count, unless it leaves some out that the inventory can name, or the inventory knows of more.
    let tenants = match inventory {
        Some(inventory) if counts.tenants.unknown > 0 || inventory.tenants.at_most() > counts.tenants.at_most() => {
            &inventory.tenants
        }
        _ => &counts.tenants,
    };
    let tenants_at_most = tenants.at_most().max(closure);
    let facts = Facts {
        evaluated_at: at,
        request_sha256: digests.request.clone(),
        targets_sha256: digests.targets.clone(),
        targets: counts.targets,
        bytes: counts.bytes.max(inventory.and_then(|inventory| inventory.bytes)),
        ids: counts.ids.clone(),
        tenants: tenants.clone(),
        tenants_at_most,
        kinds: counts.kinds.clone(),
        environments: counts.environments.clone(),
        production: true,
        not_production: Vec::new(),
        inventory: inventory.cloned(),
        history,
        restore: estimate_restore(claims, tenants_at_most),
        whole: None,
        signatures: None,
        zones: BTreeMap::new(),
    };
    environments.classify(claims, facts)
}
