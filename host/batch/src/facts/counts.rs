//! Counts over a target list, and the digests that identify it.

use crate::columns::ValueCounts;
use hashbrown::HashMap;
use reprieve_model::{IdFacts, Tally, TenantFacts};

/// The maximum number of distinct names of one sort in a list: of kinds, of environments, or of states.
const MAX_NAMES: usize = 100_000;
/// The maximum length of all such names together in bytes.
const MAX_NAME_BYTES: usize = 16 << 20;

/// Counts per name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter {
    counts: HashMap<String, u64>,
    unknown: u64,
    /// The length of all names in bytes.
    bytes: usize,
}

impl Counter {
    pub fn add(&mut self, name: Option<&str>, count: u64) {
        match name {
            Some(name) => {
                let count_of = self.counts.entry_ref(name).or_insert_with(|| {
                    self.bytes += name.len();
                    0
                });
                *count_of += count;
            }
            None => self.unknown += count,
        }
    }

    /// Checks that there are not too many distinct names; `what` is what they name.
    pub fn check(&self, what: &str) -> Result<(), String> {
        if self.counts.len() > MAX_NAMES {
            return Err(format!("`{what}` has more than {MAX_NAMES} distinct values"));
        }
        if self.bytes > MAX_NAME_BYTES {
            return Err(format!("the distinct values of `{what}` have more than {MAX_NAME_BYTES} bytes together"));
        }
        Ok(())
    }

    pub fn add_all(&mut self, counts: &ValueCounts<'_>) {
        counts.known.iter().for_each(|(name, count)| self.add(Some(name), *count));
        self.unknown += counts.unknown;
    }

    /// Returns the most frequent names. Equally frequent names are in alphabetical order.
    pub fn tally(&self) -> Tally {
        let mut counts: Vec<(&String, &u64)> = self.counts.iter().collect();
        counts.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
        let (kept, others) = counts.split_at(counts.len().min(Tally::MAX_NAMES));
        Tally {
            counts: kept.iter().map(|(name, count)| ((*name).clone(), **count)).collect(),
            others: others.iter().map(|(_, count)| **count).sum(),
            unknown: self.unknown,
        }
    }
}

/// Adds two sums, of which either may be unknown; it stops at the maximum.
pub(crate) fn total(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.zip(b).map(|(a, b)| a.saturating_add(b)).or(a).or(b)
}

/// Counts over the targets of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counts {
    pub targets: u64,
    /// Of the rows whose size is known.
    pub bytes: Option<u64>,
    pub ids: IdFacts,
    pub tenants: TenantFacts,
    pub kinds: Tally,
    pub environments: Tally,
}

impl Counts {
    /// Counts the rows without a kind as of the kind that the request declares for every target. If it declares several,
    /// their kind is unknown.
    pub fn with_kind(mut self, declared: Option<&str>) -> Self {
        if let Some(declared) = declared.filter(|_| self.kinds.unknown > 0) {
            *self.kinds.counts.entry(declared.to_owned()).or_default() += std::mem::take(&mut self.kinds.unknown);
        }
        self
    }
}

/// The digests of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Digests {
    pub request: String,
    pub targets: String,
}
