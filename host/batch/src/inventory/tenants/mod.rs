//! The tenants that a batch reaches, each with its share, in alphabetical order. Shares that do not fit into memory are
//! spilled to a temporary file in sorted runs, and the runs are merged.

mod runs;

use self::runs::{Head, MAX_BUFFER_BYTES, MIN_BUFFER_BYTES, Reader, Writer};
use super::interface::Snapshot;
use super::share::{Share, Who};
use crate::columns::CHUNK_ROWS;
use crate::error::LookupError;
use crate::record::Fields;
use crate::spill::SpillFile;
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// Bytes of memory that a tenant takes besides its texts: its place in a table that may be half empty, and an allocation.
const TENANT_BYTES: u64 = 3 * size_of::<(String, Share)>() as u64 + 16;
/// Bytes of memory that the owner and the contact of a tenant take besides their texts.
const WHO_BYTES: u64 = size_of::<Who>() as u64 + 48;

/// The tenants that a batch reaches.
#[derive(Debug)]
pub struct Tenants(Place);

#[derive(Debug)]
enum Place {
    Memory(Vec<(String, Share)>),
    File { file: SpillFile, tenants: u64 },
}

/// Such tenants while they are collected.
#[derive(Debug)]
pub(crate) struct TenantsBuilder {
    shares: HashMap<String, Share>,
    /// An estimate of the bytes of `shares`.
    bytes: u64,
    memory: u64,
    file: SpillFile,
    /// The first byte of each run. A run ends where the next one begins.
    runs: Vec<u64>,
}

fn spilling(error: &std::io::Error) -> LookupError {
    LookupError::Spilled(format!("the tenants cannot be spilled to a temporary file: {error}"))
}

impl TenantsBuilder {
    /// Creates a collection that may use this many bytes of memory.
    pub fn new(memory: u64) -> Self {
        Self { shares: HashMap::new(), bytes: 0, memory, file: SpillFile::default(), runs: Vec::new() }
    }

    /// Counts a thing of a tenant.
    pub fn add(&mut self, tenant: &str, fields: Option<&Fields<'_>>) -> Result<(), LookupError> {
        self.change(tenant, |share| share.add(fields))
    }

    /// Adds a share of a tenant, counted over later things.
    pub fn add_share(&mut self, tenant: &str, later: Share) -> Result<(), LookupError> {
        self.change(tenant, |share| share.continue_with(later))
    }

    /// Counts things of a tenant without a record.
    pub fn add_things(&mut self, tenant: &str, things: u64) -> Result<(), LookupError> {
        self.change(tenant, |share| share.things += things)
    }

    fn change(&mut self, tenant: &str, change: impl FnOnce(&mut Share)) -> Result<(), LookupError> {
        let share = self.shares.entry_ref(tenant).or_insert_with(|| {
            self.bytes += TENANT_BYTES + tenant.len() as u64;
            Share::default()
        });
        let is_first = share.who.is_none();
        change(share);
        if is_first && let Some(who) = &share.who {
            self.bytes += WHO_BYTES
                + [&who.owner, &who.contact].into_iter().flatten().map(|text| text.len() as u64).sum::<u64>();
        }
        self.limit()
    }

    fn limit(&mut self) -> Result<(), LookupError> {
        if self.bytes > self.memory { self.spill().map_err(|error| spilling(&error)) } else { Ok(()) }
    }

    fn sorted(&mut self) -> Vec<(String, Share)> {
        let mut sorted: Vec<(String, Share)> = std::mem::take(&mut self.shares).into_iter().collect();
        sorted.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        self.bytes = 0;
        sorted
    }

    fn spill(&mut self) -> std::io::Result<()> {
        self.runs.push(self.file.len());
        let sorted = self.sorted();
        let mut writer = Writer::new(&mut self.file);
        sorted.into_iter().try_for_each(|(tenant, share)| writer.write(tenant, share))?;
        writer.flush()
    }

    /// Returns the tenants.
    pub fn finish(mut self) -> Result<Tenants, LookupError> {
        if self.runs.is_empty() {
            return Ok(Tenants(Place::Memory(self.sorted())));
        }
        self.spill().and_then(|()| self.merge()).map_err(|error| spilling(&error))
    }

    fn merge(&self) -> std::io::Result<Tenants> {
        let buffer = (self.memory / self.runs.len() as u64).clamp(MIN_BUFFER_BYTES, MAX_BUFFER_BYTES);
        let ends = self.runs.iter().skip(1).copied().chain([self.file.len()]);
        let mut heads = BinaryHeap::new();
        for (number, (start, end)) in self.runs.iter().zip(ends).enumerate() {
            let mut run = Reader::new(&self.file, *start, end, buffer);
            heads.extend(run.next()?.map(|head| Reverse(Head { head, number, run })));
        }
        let mut file = SpillFile::default();
        let mut writer = Writer::new(&mut file);
        let mut current: Option<(String, Share)> = None;
        while let Some(mut first) = heads.peek_mut() {
            let Reverse(Head { head, run, .. }) = &mut *first;
            let (tenant, share) = match run.next()? {
                Some(next) => std::mem::replace(head, next),
                None => {
                    let Reverse(Head { head, .. }) = PeekMut::pop(first);
                    head
                }
            };
            match &mut current {
                // The runs are in the order in which the things were counted.
                Some((known, sum)) if *known == tenant => sum.continue_with(share),
                _ => {
                    let before = current.replace((tenant, share));
                    before.into_iter().try_for_each(|(tenant, share)| writer.write(tenant, share))?;
                }
            }
        }
        current.into_iter().try_for_each(|(tenant, share)| writer.write(tenant, share))?;
        writer.flush()?;
        let tenants = writer.tenants;
        Ok(Tenants(Place::File { file, tenants }))
    }
}

impl Tenants {
    /// The number of tenants.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::Memory(all) => all.len() as u64,
            Place::File { tenants, .. } => *tenants,
        }
    }

    /// Whether there are no tenants.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `each` with every tenant and its share, in alphabetical order, and stops at the first error.
    ///
    /// # Errors
    /// The error of `each`, or [`LookupError`] if the tenants cannot be read from disk.
    pub fn each<E: From<LookupError>>(&self, mut each: impl FnMut(&str, &Share) -> Result<(), E>) -> Result<(), E> {
        match &self.0 {
            Place::Memory(all) => all.iter().try_for_each(|(tenant, share)| each(tenant, share)),
            Place::File { file, .. } => {
                let mut reader = Reader::new(file, 0, file.len(), MAX_BUFFER_BYTES);
                while let Some((tenant, share)) = reader.next().map_err(|error| unreadable(&error))? {
                    each(&tenant, &share)?;
                }
                Ok(())
            }
        }
    }

    /// Looks up the owner and the contact of each tenant.
    pub(super) fn with_contacts(self, inventory: &dyn Snapshot) -> Result<Self, LookupError> {
        match self.0 {
            Place::Memory(mut all) => {
                all.chunks_mut(CHUNK_ROWS).try_for_each(|some| correct(some, inventory))?;
                Ok(Self(Place::Memory(all)))
            }
            Place::File { file: before, tenants } => {
                let mut reader = Reader::new(&before, 0, before.len(), MAX_BUFFER_BYTES);
                let mut file = SpillFile::default();
                let mut writer = Writer::new(&mut file);
                loop {
                    let mut some = Vec::new();
                    while some.len() < TENANTS_AT_ONCE
                        && let Some(next) = reader.next().map_err(|error| unreadable(&error))?
                    {
                        some.push(next);
                    }
                    if some.is_empty() {
                        break;
                    }
                    correct(&mut some, inventory)?;
                    let written = some.into_iter().try_for_each(|(tenant, share)| writer.write(tenant, share));
                    written.map_err(|error| spilling(&error))?;
                }
                writer.flush().map_err(|error| spilling(&error))?;
                Ok(Self(Place::File { file, tenants }))
            }
        }
    }
}

/// The number of tenants that are looked up at once, if they are not in memory.
pub(super) const TENANTS_AT_ONCE: usize = 4_096;

fn correct(some: &mut [(String, Share)], inventory: &dyn Snapshot) -> Result<(), LookupError> {
    let ids: Vec<&str> = some.iter().map(|(tenant, _)| tenant.as_str()).collect();
    let records: Vec<Option<Who>> = inventory
        .records(&ids)?
        .iter()
        .map(|record| {
            let fields = record.as_deref()?.fields();
            Who::known(fields.owner, fields.contact)
        })
        .collect();
    for ((_, share), who) in some.iter_mut().zip(records) {
        who.into_iter().for_each(|who| share.correct(who));
    }
    Ok(())
}

fn unreadable(error: &std::io::Error) -> LookupError {
    LookupError::Spilled(format!("spilled tenants cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn the_tenants_do_not_depend_on_the_memory() {
        let collect = |memory: u64| {
            let mut builder = TenantsBuilder::new(memory);
            for i in 0..5_000_u64 {
                let who = |every: u64, name: &str| (i % every == 0).then(|| format!("{name}-{i}"));
                let record = Record { owner: who(3, "owner"), contact: who(5, "contact"), ..Record::default() };
                builder.add(&format!("t-{}", i * i % 1_009), Some(&record.fields()).filter(|_| i % 2 == 0)).unwrap();
            }
            builder.add_things("t-0", 7).unwrap();
            let (tenants, mut all) = (builder.finish().unwrap(), Vec::new());
            let each = |tenant: &str, share: &Share| {
                let who = share.who.as_deref().cloned().unwrap_or_default();
                all.push((tenant.to_owned(), share.things, who.owner, who.contact));
                Ok::<_, LookupError>(())
            };
            tenants.each(each).unwrap();
            (tenants.len(), all)
        };
        let expected = collect(u64::MAX);
        assert_eq!(expected.0, 505);
        assert_eq!(expected.1.iter().map(|(_, things, ..)| things).sum::<u64>(), 5_007);
        assert!(
            expected.1.is_sorted()
                && expected.1.iter().any(|(_, _, owner, contact)| owner.is_some() && contact.is_some())
        );
        for memory in [0, 1_000, 20_000] {
            assert_eq!(collect(memory), expected, "{memory} bytes");
        }
    }
}
