//! Facts: what is counted while the targets are read, and what follows from it.

mod census;
mod distinct;
mod ids;

pub(crate) use census::Census;
use distinct::Distinct;
use ids::Ids;
pub(crate) use ids::{ChunkIds, Hasher};

use hashbrown::HashMap;
use reprieve_model::{
    Claims, Duration, Estimate, Facts, Figure, HistoryFacts, IdFacts, InventoryFacts, Tally, TenantFacts, Timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of names, in full.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    counts: HashMap<String, u64>,
    unknown: u64,
}

impl Counter {
    pub fn add(&mut self, name: Option<&str>, count: u64) {
        match name {
            Some(name) => *self.counts.entry_ref(name).or_default() += count,
            None => self.unknown += count,
        }
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    pub fn add_all(&mut self, counts: &[(&str, u64)], unknown: u64) {
        counts.iter().for_each(|(name, count)| self.add(Some(name), *count));
        self.unknown += unknown;
    }

    /// The most frequent names; of those equally frequent the first in the alphabet.
    pub fn tally(&self) -> Tally {
        let mut counts: Vec<(&String, &u64)> = self.counts.iter().collect();
        counts.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        let (kept, others) = counts.split_at(counts.len().min(Tally::MOST));
        Tally {
            counts: kept.iter().map(|(name, count)| ((*name).clone(), **count)).collect(),
            others: others.iter().map(|(_, count)| **count).sum(),
            unknown: self.unknown,
        }
    }
}

/// Counts over the targets as the list has them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counts {
    pub targets: u64,
    pub ids: IdFacts,
    pub tenants: TenantFacts,
    pub kinds: Tally,
    pub environments: Tally,
}

/// The digests of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Digests {
    pub request: String,
    pub targets: String,
}

/// Puts together what policies are handed.
pub(crate) fn facts(
    claims: &Claims,
    counts: &Counts,
    digests: &Digests,
    inventory: Option<&InventoryFacts>,
    history: Option<HistoryFacts>,
    at: Timestamp,
) -> Facts {
    let closure = inventory.map_or(0, |inventory| inventory.closure.tenants.at_most());
    let tenants_at_most = counts.tenants.at_most().max(closure);
    Facts {
        evaluated_at: at,
        request_sha256: digests.request.clone(),
        targets_sha256: digests.targets.clone(),
        targets: counts.targets,
        ids: counts.ids.clone(),
        tenants: counts.tenants.clone(),
        tenants_at_most,
        kinds: counts.kinds.clone(),
        environments: counts.environments.clone(),
        inventory: inventory.cloned(),
        history,
        restore: estimate(claims, tenants_at_most),
        whole: None,
        zones: BTreeMap::new(),
    }
}

/// What policies are handed, as JSON.
pub(crate) fn review(claims: &Claims, facts: &Facts) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Review<'a> {
        claims: &'a Claims,
        facts: &'a Facts,
    }
    serde_json::to_string(&Review { claims, facts })
}

/// Tenants that one restore batch brought back after the Atlassian outage of April 2022.
const TENANTS_PER_BATCH: u64 = 60;
/// Seconds that one took at the longest: five days.
const BATCH_SECONDS: u64 = 5 * 86_400;

/// How long undoing the batch takes: by the request's own figures where it has them, else by those of the Atlassian
/// outage. A figure of 0 is nobody's measurement and is not taken.
fn estimate(claims: &Claims, tenants: u64) -> Estimate {
    let restore = claims.recovery.as_ref().and_then(|recovery| recovery.restore.as_ref());
    let figure = |measured: Option<u64>, assumed: u64| match measured.filter(|value| *value > 0) {
        Some(value) => Figure { value, measured: true },
        None => Figure { value: assumed, measured: false },
    };
    let per_batch = figure(restore.and_then(|restore| restore.tenants_per_batch), TENANTS_PER_BATCH);
    let parallel = figure(restore.and_then(|restore| restore.parallel_batches), 1);
    let length = figure(restore.and_then(|restore| restore.batch_duration).map(Duration::seconds), BATCH_SECONDS);
    let batches = tenants.div_ceil(per_batch.value);
    let rounds = batches.div_ceil(parallel.value);
    Estimate {
        tenants,
        batches,
        duration: Duration::from_seconds(rounds.saturating_mul(length.value)),
        tenants_per_batch: per_batch,
        batch_duration: Figure { value: Duration::from_seconds(length.value), measured: length.measured },
        parallel_batches: parallel,
    }
}
