//! A batch: a request with its targets, read and counted.

mod handed_on;
mod open;

use crate::clock;
use crate::columns::{Chunk, Column, Store};
use crate::environments::Environments;
use crate::error::{LookupError, ReadError};
use crate::facts::{Counts, Digests, build_facts};
use crate::inventory::{Inventory, Resolution, Tenants, TenantsBuilder, resolve_targets};
use crate::read::{List, ListFiles, ReadAs, ReadOptions, select_rows};
use crate::spill::MemoryBudget;
use reprieve_model::{Claims, Facts, HistoryFacts, InventoryFacts, Review, Timestamp, Whole};
use std::borrow::Cow;

/// A deletion batch: the claims of the request, and its targets in columns. A file that changes after it was read does not
/// change the batch.
#[derive(Debug)]
pub struct Batch {
    claims: Claims,
    chunks: Store,
    counts: Counts,
    digests: Digests,
    at: Timestamp,
    /// Whether the caller set `at`.
    time_is_given: bool,
    /// The list that this batch is a wave of.
    whole: Option<Whole>,
    /// The files that hold the list, if it is in files.
    files: Option<ListFiles>,
    read_as: Vec<ReadAs>,
    memory: MemoryBudget,
    threads: usize,
}

impl Batch {
    /// Creates a batch of a list that was read from these files.
    pub(crate) fn of_list(
        claims: Claims,
        request_sha256: String,
        list: List,
        files: ListFiles,
        memory: MemoryBudget,
        threads: usize,
    ) -> Self {
        Self { files: Some(files), memory, threads, ..Self::new(claims, request_sha256, list) }
    }

    fn new(claims: Claims, request: String, list: List) -> Self {
        let ReadOptions { memory, threads, .. } = ReadOptions::default();
        Self {
            counts: list.counts.with_kind(claims.only_kind()),
            claims,
            chunks: list.chunks,
            read_as: list.read_as,
            digests: Digests { request, targets: list.sha256 },
            at: clock::now(),
            time_is_given: false,
            whole: None,
            files: None,
            memory,
            threads,
        }
    }

    /// Rebuilds a batch from its record. `section_ends` are the numbers of chunks at which its sections end.
    ///
    /// # Errors
    /// [`LookupError`] if the chunks cannot be stored.
    pub fn from_record(review: &Review, chunks: Vec<Chunk>, section_ends: &[usize]) -> Result<Self, LookupError> {
        let facts = &review.facts;
        let counts = Counts {
            targets: facts.targets,
            bytes: facts.bytes,
            ids: facts.ids.clone(),
            tenants: facts.tenants.clone(),
            kinds: facts.kinds.clone(),
            environments: facts.environments.clone(),
        };
        let mut store = Store::new(u64::MAX);
        let stored = (1..).zip(chunks).try_for_each(|(number, chunk)| {
            store.push(chunk)?;
            if section_ends.contains(&number) {
                store.end_section();
            }
            Ok::<_, std::io::Error>(())
        });
        stored.map_err(|error| LookupError::Spilled(format!("the targets cannot be stored: {error}")))?;
        let list = List { chunks: store, counts, sha256: facts.targets_sha256.clone(), read_as: Vec::new() };
        let batch = Self::new(review.claims.clone(), facts.request_sha256.clone(), list);
        Ok(Self { at: facts.evaluated_at, time_is_given: true, ..batch })
    }

    /// Sets the time that the decision is made for. A gate with a ledger uses the ledger's clock instead, and does not
    /// decide for another time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, time_is_given: true, ..self }
    }

    /// Records the time that a decision was made for.
    pub fn set_evaluated_at(&mut self, at: Timestamp) {
        self.at = at;
    }

    /// The time that the decision is made for.
    pub fn evaluated_at(&self) -> Timestamp {
        self.at
    }

    /// Whether the caller set the time that the decision is made for.
    pub fn time_is_given(&self) -> bool {
        self.time_is_given
    }

    /// What the request claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// How the list was read: the first 16 different ways, if it is in several files. Empty if the batch was
    /// rebuilt from a record.
    pub fn read_as(&self) -> &[ReadAs] {
        &self.read_as
    }

    pub(crate) const fn memory(&self) -> MemoryBudget {
        self.memory
    }

    /// The number of targets.
    pub fn len(&self) -> u64 {
        self.counts.targets
    }

    /// Whether there are no targets.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 of the target list, lower-case hex.
    pub fn targets_sha256(&self) -> &str {
        &self.digests.targets
    }

    /// SHA-256 of the request document, lower-case hex.
    pub fn request_sha256(&self) -> &str {
        &self.digests.request
    }

    /// The targets in columns, chunk by chunk. Chunks of a long list may be read from disk.
    pub fn chunks(&self) -> impl Iterator<Item = Result<Cow<'_, Chunk>, LookupError>> {
        self.chunks.iter()
    }

    /// Chunk `i` of the targets.
    ///
    /// # Errors
    /// [`LookupError`] if it cannot be read from disk.
    pub fn chunk(&self, i: usize) -> Result<Cow<'_, Chunk>, LookupError> {
        self.chunks.get(i)
    }

    /// The number of rows of each chunk.
    pub fn chunk_rows(&self) -> impl ExactSizeIterator<Item = u32> {
        self.chunks.rows()
    }

    /// The number of bytes of the columns of each chunk.
    pub fn chunk_bytes(&self) -> impl ExactSizeIterator<Item = u64> {
        self.chunks.bytes()
    }

    /// The number of chunks at the end of each section. Where a section ends, a partition ends.
    pub fn section_ends(&self) -> &[usize] {
        self.chunks.section_ends()
    }

    /// Calls `each` with the id of every target, in order, and stops at the first error. Rows without an id are skipped.
    ///
    /// # Errors
    /// The error of `each`, or [`LookupError`] if targets cannot be read from disk.
    pub fn each_id<E: From<LookupError>>(&self, mut each: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        for chunk in self.chunks.iter() {
            chunk?.ids().flatten().try_for_each(&mut each)?;
        }
        Ok(())
    }

    /// The id of every row, in memory.
    ///
    /// # Errors
    /// [`LookupError`] if targets cannot be read from disk.
    pub fn ids(&self) -> Result<Vec<Option<String>>, LookupError> {
        let mut all = Vec::with_capacity(usize::try_from(self.len()).unwrap_or_default());
        for chunk in self.chunks.iter() {
            all.extend(chunk?.ids().map(|id| id.map(str::to_owned)));
        }
        Ok(all)
    }

    /// The id in row `row` of the batch.
    ///
    /// # Errors
    /// [`LookupError`] if targets cannot be read from disk.
    pub fn id(&self, row: u64) -> Result<Option<String>, LookupError> {
        let Some(at) = self.chunks.locate(row) else { return Ok(None) };
        Ok(self.chunks.get(at.chunk)?.column("id").and_then(|ids| ids.text(at.row)).map(str::to_owned))
    }

    /// Returns a batch of these rows, in their order, with the same request. The digest of its list is that of the NDJSON
    /// that [`write_targets`](Self::write_targets) writes. Row numbers that do not exist are skipped.
    ///
    /// # Errors
    /// [`ReadError`] if targets cannot be read from disk.
    pub fn select(&self, rows: &[u64]) -> Result<Self, ReadError> {
        let (memory, threads) = (self.memory, self.threads);
        let mut options = ReadOptions::default().memory(memory.0).threads(threads);
        let list = select_rows(&mut options, |each| {
            let mut current = None;
            for at in rows.iter().filter_map(|row| self.chunks.locate(*row)) {
                let chunk = match current.take() {
                    Some((number, chunk)) if number == at.chunk => chunk,
                    _ => self.chunks.get(at.chunk)?,
                };
                each(&chunk.row(at.row));
                current = Some((at.chunk, chunk));
            }
            Ok(())
        })?;
        let batch = Self::new(self.claims.clone(), self.digests.request.clone(), list);
        Ok(Self { at: self.at, time_is_given: self.time_is_given, memory, threads, ..batch })
    }

    /// Returns a wave: a batch of these rows that the evidence for the whole batch covers. It belongs to the campaign of
    /// the request, or to a campaign named after the request. `facts` are those of the whole batch.
    ///
    /// # Errors
    /// [`ReadError`] if targets cannot be read from disk.
    pub fn wave(&self, rows: &[u64], number: usize, facts: &Facts) -> Result<Self, ReadError> {
        let mut wave = self.select(rows)?;
        wave.claims.id = format!("{}/wave-{number:03}", self.claims.id);
        wave.claims.campaign.get_or_insert_with(|| self.claims.id.clone());
        wave.whole = Some(Whole {
            targets_sha256: self.digests.targets.clone(),
            targets: self.counts.targets,
            tenants: facts.tenants.clone(),
            kinds: self.counts.kinds.clone(),
            all_of: facts.inventory.as_ref().map(InventoryFacts::whole_kinds),
        });
        Ok(wave)
    }

    /// Resolves every target with an inventory; with `contacts`, also the contact of each tenant.
    ///
    /// # Errors
    /// [`LookupError`] if the inventory has no answer.
    pub fn resolve(&self, inventory: &dyn Inventory, contacts: bool) -> Result<Resolution, LookupError> {
        resolve_targets(&self.chunks, inventory, &self.claims, contacts, self.memory, self.threads)
    }

    /// Returns the tenants that the list names, each with the number of its targets.
    ///
    /// # Errors
    /// [`LookupError`] if targets cannot be read from disk.
    pub fn tenants(&self) -> Result<Tenants, LookupError> {
        let mut tenants = TenantsBuilder::new(self.memory.shares());
        for chunk in self.chunks.iter() {
            let chunk = chunk?;
            let counts = chunk.column("tenant").map(Column::count).unwrap_or_default();
            counts.known.iter().try_for_each(|(tenant, count)| tenants.add_things(tenant, *count))?;
        }
        tenants.finish()
    }

    /// Returns the facts of the batch, with the answers of the inventory and the history, for a decision at `at`.
    pub fn facts(
        &self,
        environments: &Environments,
        inventory: Option<&InventoryFacts>,
        history: Option<HistoryFacts>,
        at: Timestamp,
    ) -> Facts {
        let Self { claims, counts, digests, .. } = self;
        let facts = build_facts(claims, counts, digests, environments, inventory, history, at);
        Facts { whole: self.whole.clone(), ..facts }
    }

    /// Returns the input of a policy: the review as JSON, and the targets with the resolved columns. Use it to test a policy
    /// outside the sandbox.
    ///
    /// # Errors
    /// [`LookupError`] if the inventory has no answer.
    pub fn review(&self, inventory: Option<&dyn Inventory>) -> Result<(String, Vec<Chunk>), LookupError> {
        let resolution = inventory.map(|inventory| self.resolve(inventory, false)).transpose()?;
        let found = resolution.as_ref().map(|resolution| &resolution.facts);
        let facts = self.facts(&Environments::default(), found, None, self.at);
        let review = Review::to_json(&self.claims, &facts);
        let review = review.map_err(|error| LookupError::Invalid(error.to_string()))?;
        let mut chunks: Vec<Chunk> =
            self.chunks.iter().map(|chunk| chunk.map(Cow::into_owned)).collect::<Result<_, _>>()?;
        for (chunk, resolved) in chunks.iter_mut().zip(resolution.iter().flat_map(|found| found.columns.iter())) {
            chunk.columns.extend(resolved?.into_owned().columns);
        }
        Ok((review, chunks))
    }
}
