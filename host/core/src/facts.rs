//! Facts: what is counted while the targets are read, and what follows from it.

use crate::columns::{Chunk, Values};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet, HashTable};
use reprieve_model::{
    Claims, Duration, Estimate, Facts, Figure, HistoryFacts, IdFacts, InventoryFacts, Tally, TenantFacts, Timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::hash::BuildHasher;

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

/// What is counted over the targets, chunk by chunk, as they come in.
#[derive(Debug, Default)]
pub(crate) struct Census {
    targets: u64,
    ids: IdFacts,
    /// Chunk and row of every distinct id.
    seen: HashTable<(u32, u32)>,
    tenants: HashSet<String>,
    tenants_unknown: u64,
    kinds: Counter,
    environments: Counter,
}

/// Rows that are named as examples of a bad id.
const EXAMPLES: usize = 5;

impl Census {
    /// Counts the chunk that was put last into `chunks`.
    pub fn add(&mut self, chunks: &[Chunk]) {
        let Some((chunk, number)) = chunks.last().zip(u32::try_from(chunks.len() - 1).ok()) else { return };
        self.targets += u64::from(chunk.rows);
        self.add_ids(chunks, chunk, number);
        self.tenants_unknown += match chunk.column("tenant") {
            None => u64::from(chunk.rows),
            Some(column) => {
                let (counts, unknown) = column.count();
                for (tenant, _) in counts {
                    self.tenants.get_or_insert_with(tenant, |name| name.to_owned());
                }
                unknown
            }
        };
        for (name, counter) in [("kind", &mut self.kinds), ("environment", &mut self.environments)] {
            match chunk.column(name) {
                None => counter.add(None, u64::from(chunk.rows)),
                Some(column) => {
                    let (counts, unknown) = column.count();
                    counter.add_all(&counts, unknown);
                }
            }
        }
    }

    fn add_ids(&mut self, chunks: &[Chunk], chunk: &Chunk, number: u32) {
        let hasher = FixedState::default();
        let id_of = |&(chunk, row): &(u32, u32)| id_at(chunks, chunk, row);
        for row in 0..chunk.rows {
            let known = chunk.columns.first().is_some_and(|ids| ids.is_known(row as usize));
            let id = id_at(chunks, number, row);
            let is_bad = if !known {
                self.ids.null += 1;
                true
            } else if id.trim().is_empty() {
                self.ids.empty += 1;
                true
            } else {
                let hash = hasher.hash_one(id);
                let seen = self.seen.find(hash, |place| id_of(place) == id).is_some();
                if seen {
                    self.ids.duplicate += 1;
                } else {
                    self.seen.insert_unique(hash, (number, row), |place| hasher.hash_one(id_of(place)));
                }
                seen
            };
            if is_bad && self.ids.examples.len() < EXAMPLES {
                self.ids.examples.push(chunk.first_row + u64::from(row));
            }
        }
    }

    /// What it came to. The memory that only counting needed is given back.
    pub fn finish(self) -> Counts {
        Counts {
            targets: self.targets,
            ids: self.ids,
            tenants: TenantFacts { distinct: self.tenants.len() as u64, unknown: self.tenants_unknown },
            kinds: self.kinds.tally(),
            environments: self.environments.tally(),
        }
    }
}

fn id_at(chunks: &[Chunk], chunk: u32, row: u32) -> &str {
    match chunks.get(chunk as usize).and_then(|chunk| chunk.columns.first()).map(|column| &column.values) {
        Some(Values::Strings(ids)) => ids.get(row as usize),
        _ => "",
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
