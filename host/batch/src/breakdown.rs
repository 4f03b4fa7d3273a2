//! What a batch consists of: its targets by kind, by tenant and by age. Each count uses what the inventory records, and what
//! the list says where the inventory does not know.

use crate::batch::Batch;
use crate::columns::{Chunk, Column, Values};
use crate::error::LookupError;
use crate::facts::Counter;
use crate::inventory::{Resolution, TenantsBuilder};
use reprieve_model::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The number of names that are counted by name.
const MAX_NAMES: usize = 10;
const DAY: i64 = 86_400;

/// The ages that are counted, each below a number of seconds, in the order of age.
const AGES: [(&str, i64); 7] = [
    ("in the future", 0),
    ("under a day", DAY),
    ("1 to 6 days", 7 * DAY),
    ("7 to 29 days", 30 * DAY),
    ("30 to 89 days", 90 * DAY),
    ("90 to 364 days", 365 * DAY),
    ("365 days or more", i64::MAX),
];

/// The targets of a batch by kind, by tenant and by age, according to the inventory, and to the list where the inventory
/// does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Breakdown {
    /// By kind: the ten most frequent. The declared kind counts where neither the inventory nor the list names one.
    pub kinds: Distribution,
    /// By tenant: the ten most frequent.
    pub tenants: Distribution,
    /// By the time since they were created: every age, the youngest first.
    pub created: Distribution,
    /// By the time since they were last used: every age, the most recent first.
    pub last_used: Distribution,
}

/// The number of targets by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Distribution {
    /// Equally frequent names are in alphabetical order.
    pub counts: Vec<NamedCount>,
    /// Number of targets with another name.
    pub others: u64,
    /// Number of targets of which it is unknown.
    pub unknown: u64,
}

/// The number of targets with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamedCount {
    /// The kind, the tenant or the age.
    pub name: String,
    /// The number of targets.
    pub targets: u64,
}

impl Distribution {
    /// The number of targets.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|count| count.targets).sum::<u64>() + self.others + self.unknown
    }

    /// Returns the distribution with this many names; the others are counted together.
    #[must_use]
    pub fn limited(&self, names: usize) -> Self {
        let (kept, others) = self.counts.split_at(names.min(self.counts.len()));
        let others = self.others + others.iter().map(|count| count.targets).sum::<u64>();
        Self { counts: kept.to_vec(), others, unknown: self.unknown }
    }

    /// Counts a name that follows those before it in the alphabet.
    fn add_next(&mut self, name: &str, targets: u64) {
        let at = self.counts.partition_point(|count| count.targets >= targets);
        if at < MAX_NAMES {
            self.counts.insert(at, NamedCount { name: name.to_owned(), targets });
        } else {
            self.others += targets;
        }
        if self.counts.len() > MAX_NAMES {
            self.others += self.counts.pop().map_or(0, |count| count.targets);
        }
    }
}

impl Batch {
    /// Counts the targets by kind, by tenant and by age at the time of the decision. The columns of a batch from a record
    /// include the resolved ones.
    ///
    /// # Errors
    /// [`LookupError`] if targets cannot be read from disk.
    pub fn breakdown(&self, resolution: Option<&Resolution>) -> Result<Breakdown, LookupError> {
        let (mut kinds, declared) = (Counter::default(), self.claims().only_kind());
        let mut tenants = TenantsBuilder::new(self.memory().shares());
        let mut unknown_tenants = 0;
        let [mut created, mut last_used] = [[0; AGES.len() + 1]; 2];
        for (i, chunk) in self.chunks().enumerate() {
            let chunk = chunk?;
            let resolved = resolution.map(|resolution| resolution.columns.get(i)).transpose()?;
            let sources = Sources { chunk: &chunk, resolved: resolved.as_deref() };
            sources.each_name("kind", "resolved_kind", |name, count| {
                kinds.add(name.or(declared), count);
                Ok(())
            })?;
            sources.each_name("tenant", "resolved_tenant", |name, count| match name {
                Some(name) => tenants.add_things(name, count),
                None => {
                    unknown_tenants += count;
                    Ok(())
                }
            })?;
            sources.count_ages("created_at", "resolved_created_at", self.evaluated_at(), &mut created);
            sources.count_ages("last_used_at", "resolved_last_used_at", self.evaluated_at(), &mut last_used);
        }
        let mut by_tenant = Distribution { unknown: unknown_tenants, ..Distribution::default() };
        tenants.finish()?.each(|tenant, share| {
            by_tenant.add_next(tenant, share.things);
            Ok::<_, LookupError>(())
        })?;
        Ok(Breakdown {
            kinds: by_kind(&kinds),
            tenants: by_tenant,
            created: by_age(created),
            last_used: by_age(last_used),
        })
    }
}

fn by_kind(kinds: &Counter) -> Distribution {
    let tally = kinds.tally();
    let mut kinds = Distribution { counts: Vec::new(), others: tally.others, unknown: tally.unknown };
    tally.counts.iter().for_each(|(kind, targets)| kinds.add_next(kind, *targets));
    kinds
}

fn by_age([counts @ .., unknown]: [u64; AGES.len() + 1]) -> Distribution {
    let count = |((name, _), targets): (&(&str, i64), u64)| NamedCount { name: (*name).to_owned(), targets };
    Distribution { counts: AGES.iter().zip(counts).map(count).collect(), others: 0, unknown }
}

/// A chunk, and its resolved columns if they are apart.
struct Sources<'a> {
    chunk: &'a Chunk,
    resolved: Option<&'a Chunk>,
}

impl<'a> Sources<'a> {
    /// The columns that may know a value, the first one first.
    fn columns(&self, listed: &str, resolved: &str) -> impl Iterator<Item = &'a Column> + use<'a> {
        let first = self.resolved.unwrap_or(self.chunk).column(resolved);
        first.into_iter().chain(self.chunk.column(listed))
    }

    /// Calls `each` with every name and its number of rows.
    fn each_name(
        &self,
        listed: &str,
        resolved: &str,
        mut each: impl FnMut(Option<&str>, u64) -> Result<(), LookupError>,
    ) -> Result<(), LookupError> {
        let codes = self.columns(listed, resolved).filter_map(|column| match &column.values {
            Values::Codes(codes) => Some((column, codes, vec![0_u64; codes.dictionary.len()])),
            _ => None,
        });
        let mut codes: Vec<_> = codes.collect();
        let mut unknown = 0;
        for row in 0..self.chunk.rows as usize {
            let count = codes.iter_mut().find_map(|(column, codes, counts)| {
                let code = codes.values.get(row).filter(|_| column.is_known(row))?;
                counts.get_mut(*code as usize)
            });
            *count.unwrap_or(&mut unknown) += 1;
        }
        for (_, codes, counts) in &codes {
            let occurring = codes.dictionary.iter().zip(counts).filter(|(_, count)| **count > 0);
            occurring.map(|(name, count)| (name, *count)).try_for_each(|(name, count)| each(Some(name), count))?;
        }
        if unknown > 0 { each(None, unknown) } else { Ok(()) }
    }

    fn count_ages(&self, listed: &str, resolved: &str, at: Timestamp, counts: &mut [u64; AGES.len() + 1]) {
        let times = self.columns(listed, resolved).filter_map(|column| match &column.values {
            Values::I64s(times) => Some((column, times)),
            _ => None,
        });
        let times: Vec<_> = times.collect();
        for row in 0..self.chunk.rows as usize {
            let known =
                |(column, times): &(&Column, &Vec<i64>)| times.get(row).copied().filter(|_| column.is_known(row));
            let age = times.iter().find_map(known).map(|time| at.seconds().saturating_sub(time));
            // The count of unknown ages follows those of the ages.
            let bucket = age.and_then(|age| AGES.iter().position(|(_, below)| age < *below)).unwrap_or(AGES.len());
            if let Some(count) = counts.get_mut(bucket) {
                *count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReadOptions;
    use std::collections::BTreeMap;
    use std::fmt::Write;

    const AT: i64 = 1_800_000_000;

    /// A batch of these rows: a kind, a tenant and an age in seconds, each of which may be unknown.
    fn batch(
        rows: &[(Option<String>, Option<String>, Option<i64>)],
        memory: u64,
        threads: usize,
    ) -> (tempfile::TempDir, Batch) {
        let folder = tempfile::tempdir().unwrap();
        let mut list = "id,kind,tenant,created_at\n".to_owned();
        for (i, (kind, tenant, age)) in rows.iter().enumerate() {
            let created = age.map(|age| Timestamp::from_seconds(AT - age).to_string()).unwrap_or_default();
            let [kind, tenant] = [kind, tenant].map(|name| name.as_deref().unwrap_or_default());
            writeln!(list, "i-{i},{kind},{tenant},{created}").unwrap();
        }
        std::fs::write(folder.path().join("list.csv"), list).unwrap();
        let request = r#"{"id": "r", "mode": "soft", "environment": "e", "target_kinds": {"a": 1, "b": 1},
            "targets": {"path": "list.csv"}}"#;
        let path = folder.path().join("request.json");
        std::fs::write(&path, request).unwrap();
        let options = ReadOptions::default().memory(memory).threads(threads);
        let batch = Batch::open_with(&path, options).unwrap().at(Timestamp::from_seconds(AT));
        (folder, batch)
    }

    /// Counts names one by one.
    fn expected(names: impl Iterator<Item = Option<String>>) -> Distribution {
        let mut counts: BTreeMap<Option<String>, u64> = BTreeMap::new();
        names.for_each(|name| *counts.entry(name).or_default() += 1);
        let unknown = counts.remove(&None).unwrap_or_default();
        let mut counts: Vec<_> =
            counts.into_iter().map(|(name, targets)| NamedCount { name: name.unwrap(), targets }).collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.targets));
        Distribution { counts, others: 0, unknown }.limited(MAX_NAMES)
    }

    #[test]
    fn the_most_frequent_names_are_exact_with_any_memory_and_any_number_of_threads() {
        let row = |i: u64| {
            let tenant = (!i.is_multiple_of(7)).then(|| format!("t-{}", (i * i) % 4_001 % 900));
            ((!i.is_multiple_of(5)).then(|| format!("k-{}", i % 23)), tenant, None)
        };
        let rows: Vec<_> = (0..70_000).map(row).collect();
        for (memory, threads) in [(1 << 30, 1), (1 << 30, 2), (1 << 16, 2)] {
            let found = batch(&rows, memory, threads).1.breakdown(None).unwrap();
            assert_eq!(found.kinds, expected(rows.iter().map(|row| row.0.clone())), "{memory}, {threads}");
            assert_eq!(found.tenants, expected(rows.iter().map(|row| row.1.clone())), "{memory}, {threads}");
            assert_eq!(found.tenants.total(), 70_000);
            assert_eq!((found.created.unknown, found.last_used.unknown), (70_000, 70_000));
        }
    }

    #[test]
    fn equally_frequent_names_are_in_alphabetical_order() {
        let rows: Vec<_> = (0..24).rev().map(|i| (None, Some(format!("t-{:02}", i % 12)), None)).collect();
        let tenants = batch(&rows, 1 << 30, 1).1.breakdown(None).unwrap().tenants;
        let names: Vec<&str> = tenants.counts.iter().map(|count| count.name.as_str()).collect();
        assert_eq!(names, ["t-00", "t-01", "t-02", "t-03", "t-04", "t-05", "t-06", "t-07", "t-08", "t-09"]);
        assert_eq!((tenants.others, tenants.unknown), (4, 0));
    }

    #[test]
    fn every_age_is_in_one_count() {
        let ages =
            [-1, 0, DAY - 1, DAY, 7 * DAY - 1, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY - 1, 365 * DAY, 9_000 * DAY];
        let rows: Vec<_> = ages.iter().map(|age| (None, None, Some(*age))).chain([(None, None, None)]).collect();
        let created = batch(&rows, 1 << 30, 1).1.breakdown(None).unwrap().created;
        let counts: Vec<u64> = created.counts.iter().map(|count| count.targets).collect();
        assert_eq!(counts, [1, 2, 2, 1, 1, 2, 2]);
        assert_eq!((created.unknown, created.total()), (1, rows.len() as u64));
    }
}
