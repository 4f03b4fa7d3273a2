//! The tenants that a batch affects, and the order in which they would be restored.

use reprieve_batch::{Batch, Column, LookupError, Resolution};
use reprieve_model::Estimate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A tenant that a batch reaches, and what the inventory knows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The tenant.
    pub tenant: String,
    /// The number of its things that go, including those that go along with the targets.
    pub things: u64,
    /// Who is responsible for it.
    pub owner: Option<String>,
    /// How to reach the owner.
    pub contact: Option<String>,
}

/// Reads the affected tenants from the bytes that the `affected_sha256` of a record stands for.
///
/// # Errors
/// The JSON error.
pub fn read_affected(bytes: &[u8]) -> Result<Vec<Affected>, serde_json::Error> {
    serde_json::Deserializer::from_slice(bytes).into_iter().collect()
}

/// For each of `tenants` tenants, in order: its restore batch, counted from 1, and the seconds after which it is restored.
pub fn restore_plan(estimate: &Estimate, tenants: u64) -> impl Iterator<Item = (u64, u64)> {
    let (per_batch, parallel) = (estimate.tenants_per_batch.value.max(1), estimate.parallel_batches.value.max(1));
    let seconds = estimate.batch_duration.value.seconds();
    (0..tenants).map(move |i| (i / per_batch + 1, (i / per_batch / parallel + 1).saturating_mul(seconds)))
}

/// The affected tenants as NDJSON, in alphabetical order.
pub(super) fn affected_lines(batch: &Batch, resolution: Option<&Resolution>) -> Result<Vec<u8>, LookupError> {
    let mut all = match resolution {
        Some(resolution) => of_resolution(resolution),
        None => of_list(batch)?,
    };
    all.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    let mut lines = Vec::new();
    for affected in &all {
        serde_json::to_writer(&mut lines, affected).map_err(|error| LookupError::Invalid(error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn of_resolution(resolution: &Resolution) -> Vec<Affected> {
    let shares = resolution.tenants.iter();
    let affected = shares.map(|(tenant, share)| Affected {
        tenant: tenant.clone(),
        things: share.things,
        owner: share.who.as_ref().and_then(|who| who.owner.clone()),
        contact: share.who.as_ref().and_then(|who| who.contact.clone()),
    });
    affected.collect()
}

fn of_list(batch: &Batch) -> Result<Vec<Affected>, LookupError> {
    let mut tenants: BTreeMap<String, u64> = BTreeMap::new();
    for chunk in batch.chunks() {
        let chunk = chunk?;
        let counts = chunk.column("tenant").map(Column::count).unwrap_or_default().known;
        counts.into_iter().for_each(|(tenant, count)| *tenants.entry(tenant.to_owned()).or_default() += count);
    }
    Ok(tenants.into_iter().map(|(tenant, things)| Affected { tenant, things, ..Affected::default() }).collect())
}
