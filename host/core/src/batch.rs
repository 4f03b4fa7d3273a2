//! A batch: a request with its targets, read and counted.

use crate::columns::{Chunk, Store};
use crate::facts::{Counts, Digests, facts, review};
use crate::inventory::{Inventory, resolve};
use crate::signed::Override;
use crate::source::{
    Document, Folder, List, Place, Reading, Unreadable, Where, copy_list, read_inline_targets, read_request,
    read_target_file, select, write_ndjson,
};
use crate::spill::Memory;
use crate::unavailable::Unavailable;
use reprieve_model::{Claims, Review, Timestamp, Whole};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// A deletion batch: what the request says, and its targets in columns. What the batch holds is what was read; a
/// file that changes afterwards changes nothing.
#[derive(Debug)]
pub struct Batch {
    pub(crate) claims: Claims,
    pub(crate) chunks: Store,
    pub(crate) counts: Counts,
    pub(crate) digests: Digests,
    pub(crate) at: Timestamp,
    /// Whether somebody chose that time.
    pub(crate) at_is_given: bool,
    pub(crate) break_glass: Option<Override>,
    /// The list that this is a wave of.
    pub(crate) whole: Option<Whole>,
    /// Where the list's bytes are, if they are in a file.
    list: Option<(Folder, String)>,
    /// What it may take, and what is made of it.
    pub(crate) memory: Memory,
    threads: usize,
}

impl Reading<'_> {
    /// Reads a request file, and the targets in it or in a file of its folder. The decision will be made for this
    /// moment; [`Batch::at`] sets another.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn open(self, path: &Path) -> Result<Batch, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        self.assemble(Document::open(&folder, &name)?, &folder)
    }

    /// Reads a request from a stream; `name` is how messages call it. A target file is looked for in `folder`.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn read(self, request: impl Read, name: &str, folder: &Folder) -> Result<Batch, Unreadable> {
        self.assemble(read_request(request, name)?, folder)
    }

    fn assemble(mut self, document: Document, folder: &Folder) -> Result<Batch, Unreadable> {
        let pointer = |error: String| {
            let place = Place::Pointer { pointer: "/targets/columns".to_owned(), line: 1 };
            Unreadable::new(&document.file, place, error)
        };
        let (list, file) = match (self.targets.take(), &document.targets) {
            (Some(path), _) => {
                let (folder, name) = Folder::of(&path)?;
                let mapping = self.mapping(&BTreeMap::new()).map_err(pointer)?;
                (read_target_file(&folder, &name, None, &mapping, &mut self)?, Some((folder, name)))
            }
            (None, Where::Inline(_, line)) if !self.columns.is_empty() => {
                let place = Place::Pointer { pointer: "/targets".to_owned(), line: *line };
                return Err(Unreadable::new(&document.file, place, "targets in a request have no columns")
                    .help("leave `--column` out, or name a file with `--targets`"));
            }
            (None, Where::Inline(raw, line)) => (read_inline_targets(raw, &document.file, *line, &mut self)?, None),
            (None, Where::File(file)) => {
                let mapping = self.mapping(&file.columns).map_err(pointer)?;
                let list = read_target_file(folder, &file.path, file.sha256.as_deref(), &mapping, &mut self)?;
                (list, Some((folder.clone(), file.path.clone())))
            }
        };
        let (memory, threads) = (self.memory, self.threads);
        Ok(Batch { list: file, memory, threads, ..Batch::new(document.claims, document.sha256, list) })
    }
}

impl Batch {
    /// Reads a request file and its targets, as [`Reading::open`] does.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        Reading::default().open(path)
    }

    /// Reads a request from a stream, as [`Reading::read`] does.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn read(request: impl Read, name: &str, folder: &Folder) -> Result<Self, Unreadable> {
        Reading::default().read(request, name, folder)
    }

    fn new(claims: Claims, request: String, list: List) -> Self {
        let digests = Digests { request, targets: list.sha256 };
        let Reading { memory, threads, .. } = Reading::default();
        Self {
            claims,
            chunks: list.chunks,
            counts: list.counts,
            digests,
            at: crate::clock::now(),
            at_is_given: false,
            break_glass: None,
            whole: None,
            list: None,
            memory,
            threads,
        }
    }

    /// Puts a batch together again from what is recorded of it.
    pub(crate) fn recorded(review: &Review, chunks: Vec<Chunk>) -> std::io::Result<Self> {
        let facts = &review.facts;
        let counts = Counts {
            targets: facts.targets,
            ids: facts.ids.clone(),
            tenants: facts.tenants.clone(),
            kinds: facts.kinds.clone(),
            environments: facts.environments.clone(),
        };
        let mut store = Store::new(u64::MAX);
        chunks.into_iter().try_for_each(|chunk| store.push(chunk))?;
        let list = List { chunks: store, counts, sha256: facts.targets_sha256.clone() };
        let batch = Self::new(review.claims.clone(), facts.request_sha256.clone(), list);
        Ok(Self { at: facts.evaluated_at, at_is_given: true, ..batch })
    }

    /// Sets the time that the decision is made for. A gate with a ledger goes by the ledger's clock, and decides
    /// nothing for another time.
    #[must_use]
    pub fn at(self, at: Timestamp) -> Self {
        Self { at, at_is_given: true, ..self }
    }

    /// Brings an override of findings along.
    #[must_use]
    pub fn break_glass(self, glass: Override) -> Self {
        Self { break_glass: Some(glass), ..self }
    }

    /// The time that the decision is made for.
    pub fn evaluated_at(&self) -> Timestamp {
        self.at
    }

    /// What the request says about itself.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// How many targets there are.
    pub fn len(&self) -> u64 {
        self.counts.targets
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SHA-256 of the target list, lower-case hex.
    pub fn targets_sha256(&self) -> &str {
        &self.digests.targets
    }

    /// The targets in columns, chunk by chunk. Of a long list they may have been set aside on disk.
    pub fn chunks(&self) -> impl Iterator<Item = Result<Cow<'_, Chunk>, Unavailable>> {
        self.chunks.iter()
    }

    /// Calls `each` with the id of every target, in order, and stops at the first error: of `each`, or where targets that
    /// were set aside on disk cannot be read again. Rows without an id are passed over.
    ///
    /// # Errors
    /// That error.
    pub fn each_id<E: From<Unavailable>>(&self, mut each: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        for chunk in self.chunks.iter() {
            chunk?.ids().flatten().try_for_each(&mut each)?;
        }
        Ok(())
    }

    /// The id of every row, in memory.
    pub(crate) fn ids(&self) -> Result<Vec<Option<String>>, Unavailable> {
        let mut all = Vec::with_capacity(usize::try_from(self.len()).unwrap_or_default());
        for chunk in self.chunks.iter() {
            all.extend(chunk?.ids().map(|id| id.map(str::to_owned)));
        }
        Ok(all)
    }

    /// The id in row `row` of the batch.
    pub(crate) fn id(&self, row: u64) -> Result<Option<String>, Unavailable> {
        let Some((chunk, i)) = self.chunks.place(row) else { return Ok(None) };
        Ok(self.chunks.get(chunk)?.column("id").and_then(|ids| ids.text(i)).map(str::to_owned))
    }

    /// A batch of these rows of it, in their order, with the same request. The digest of its list is that of the
    /// NDJSON that [`write_targets`](Self::write_targets) writes. Rows that there are not are passed over.
    ///
    /// # Errors
    /// [`Unreadable`] where targets that were set aside on disk cannot be read again.
    pub fn select(&self, rows: &[u64]) -> Result<Self, Unreadable> {
        let (memory, threads) = (self.memory, self.threads);
        let mut reading = Reading::default().memory(memory.0).threads(threads);
        let list = select(&mut reading, |each| {
            let mut current = None;
            for (at, row) in rows.iter().filter_map(|row| self.chunks.place(*row)) {
                let chunk = match current.take() {
                    Some((other, chunk)) if other == at => chunk,
                    _ => self.chunks.get(at)?,
                };
                each(&chunk.target(row));
                current = Some((at, chunk));
            }
            Ok(())
        })?;
        let batch = Self::new(self.claims.clone(), self.digests.request.clone(), list);
        Ok(Self { at: self.at, at_is_given: self.at_is_given, memory, threads, ..batch })
    }

    /// A wave: a batch of these rows of it, for which evidence for all of it counts. It belongs to the campaign of the
    /// request, or to one of the request's own name.
    pub(crate) fn wave(&self, rows: &[u64], number: usize) -> Result<Self, Unreadable> {
        let mut wave = self.select(rows)?;
        wave.claims.id = format!("{}/wave-{number:03}", self.claims.id);
        wave.claims.campaign.get_or_insert_with(|| self.claims.id.clone());
        wave.whole = Some(Whole {
            targets_sha256: self.digests.targets.clone(),
            targets: self.counts.targets,
            tenants: self.counts.tenants.clone(),
            kinds: self.counts.kinds.clone(),
        });
        Ok(wave)
    }

    /// The name that a copy of the list should have, so that its end says what is in it: `targets.csv.gz`.
    pub fn list_name(&self) -> String {
        let name = self.list.as_ref().map(|(_, name)| name.rsplit('/').next().unwrap_or(name));
        let end = name.and_then(|name| name.split_once('.')).map_or("ndjson", |(_, end)| end);
        format!("targets.{end}")
    }

    /// Writes the list, byte for byte as it was vetted: the file it was read from, or NDJSON for one that stood in
    /// the request. What is written has the digest [`targets_sha256`](Self::targets_sha256), or this fails.
    ///
    /// # Errors
    /// [`Unreadable`] where the file is not what it was, or `out` cannot be written.
    pub fn write_list(&self, out: &mut impl Write) -> Result<(), Unreadable> {
        match &self.list {
            Some((folder, name)) => copy_list(folder, name, &self.digests.targets, out),
            None => self
                .write_targets(out)
                .map_err(|error| Unreadable::new("the list", Place::Whole, format!("cannot be written: {error}"))),
        }
    }

    /// Writes the targets as NDJSON, the form over which the digest of an inline list is taken.
    ///
    /// # Errors
    /// What writing said.
    pub fn write_targets(&self, out: &mut impl Write) -> std::io::Result<()> {
        write_ndjson(&self.chunks, out)
    }

    /// What every policy is handed about this batch: the review as JSON, and the targets with the columns that the
    /// inventory fills. For tests of a policy outside the sandbox.
    ///
    /// # Errors
    /// [`Unavailable`] where the inventory cannot be asked.
    pub fn review(&self, inventory: Option<&dyn Inventory>) -> Result<(String, Vec<Chunk>), Unavailable> {
        let resolve = |inventory| resolve(&self.chunks, inventory, &self.claims, false, self.memory.resolved());
        let resolution = inventory.map(resolve).transpose()?;
        let found = resolution.as_ref().map(|resolution| &resolution.facts);
        let facts = facts(&self.claims, &self.counts, &self.digests, found, None, self.at);
        let review = review(&self.claims, &facts).map_err(|error| Unavailable(error.to_string()))?;
        let mut chunks: Vec<Chunk> =
            self.chunks.iter().map(|chunk| chunk.map(Cow::into_owned)).collect::<Result<_, _>>()?;
        for (chunk, resolved) in chunks.iter_mut().zip(resolution.iter().flat_map(|found| found.columns.iter())) {
            chunk.columns.extend(resolved?.into_owned().columns);
        }
        Ok((review, chunks))
    }
}
