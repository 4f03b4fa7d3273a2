//! A batch: a request with its targets, read and counted.

use crate::columns::Chunk;
use crate::facts::{Counts, Digests, facts, review};
use crate::inventory::{Inventory, Unavailable, resolve};
use crate::signed::Override;
use crate::source::{
    Document, Folder, List, Place, Unreadable, Where, copy_list, read_inline_targets, read_request, read_target_file,
    select, write_ndjson,
};
use reprieve_model::{Claims, Review, Timestamp, Whole};
use std::io::{Read, Write};
use std::path::Path;

/// A deletion batch: what the request says, and its targets in columns. What the batch holds is what was read; a
/// file that changes afterwards changes nothing.
#[derive(Debug)]
pub struct Batch {
    pub(crate) claims: Claims,
    pub(crate) chunks: Vec<Chunk>,
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
}

impl Batch {
    /// Reads a request file, and the targets in it or in a file of its folder. The decision will be made for this
    /// moment; [`at`](Self::at) sets another.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        Self::assemble(Document::open(&folder, &name)?, &folder)
    }

    /// Reads a request from a stream; `name` is how messages call it. A target file is looked for in `folder`.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn read(request: impl Read, name: &str, folder: &Folder) -> Result<Self, Unreadable> {
        Self::assemble(read_request(request, name)?, folder)
    }

    /// Reads a request file as [`open`](Self::open) does, but takes the targets from another file. Those that the
    /// request names are not looked at.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn open_with(path: &Path, targets: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(path)?;
        let document = Document::open(&folder, &name)?;
        Self::with_list(document, targets)
    }

    /// Reads a request from a stream as [`read`](Self::read) does, but takes the targets from a file.
    ///
    /// # Errors
    /// [`Unreadable`] with the file and the line or JSON pointer.
    pub fn read_with(request: impl Read, name: &str, targets: &Path) -> Result<Self, Unreadable> {
        let document = read_request(request, name)?;
        Self::with_list(document, targets)
    }

    fn with_list(document: Document, targets: &Path) -> Result<Self, Unreadable> {
        let (folder, name) = Folder::of(targets)?;
        let list = read_target_file(&folder, &name, None)?;
        Ok(Self { list: Some((folder, name)), ..Self::new(document.claims, document.sha256, list) })
    }

    fn assemble(document: Document, folder: &Folder) -> Result<Self, Unreadable> {
        let (list, file) = match &document.targets {
            Where::Inline(raw, line) => (read_inline_targets(raw, &document.file, *line)?, None),
            Where::File(file) => (
                read_target_file(folder, &file.path, file.sha256.as_deref())?,
                Some((folder.clone(), file.path.clone())),
            ),
        };
        Ok(Self { list: file, ..Self::new(document.claims, document.sha256, list) })
    }

    fn new(claims: Claims, request: String, list: List) -> Self {
        let digests = Digests { request, targets: list.sha256 };
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
        }
    }

    /// Puts a batch together again from what is recorded of it.
    pub(crate) fn recorded(review: &Review, chunks: Vec<Chunk>) -> Self {
        let facts = &review.facts;
        Self {
            claims: review.claims.clone(),
            chunks,
            counts: Counts {
                targets: facts.targets,
                ids: facts.ids.clone(),
                tenants: facts.tenants.clone(),
                kinds: facts.kinds.clone(),
                environments: facts.environments.clone(),
            },
            digests: Digests { request: facts.request_sha256.clone(), targets: facts.targets_sha256.clone() },
            at: facts.evaluated_at,
            at_is_given: true,
            break_glass: None,
            whole: None,
            list: None,
        }
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

    /// The targets in columns.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The id of every target, in order; `None` where a row has none.
    pub fn ids(&self) -> impl Iterator<Item = Option<&str>> {
        self.chunks.iter().flat_map(|chunk| {
            let ids = chunk.column("id");
            (0..chunk.rows as usize).map(move |row| ids.and_then(|ids| ids.text(row)))
        })
    }

    /// The id in row `row` of the batch.
    pub(crate) fn id(&self, row: u64) -> Option<&str> {
        let (chunk, i) = self.place(row)?;
        chunk.column("id")?.text(i)
    }

    fn place(&self, row: u64) -> Option<(&Chunk, usize)> {
        let at = self.chunks.partition_point(|chunk| chunk.first_row + u64::from(chunk.rows) <= row);
        let chunk = self.chunks.get(at)?;
        Some((chunk, usize::try_from(row - chunk.first_row).ok()?))
    }

    /// A batch of these rows of it, in their order, with the same request. The digest of its list is that of the
    /// NDJSON that [`write_targets`](Self::write_targets) writes. Rows that there are not are passed over.
    #[must_use]
    pub fn select(&self, rows: &[u64]) -> Self {
        let rows = rows.iter().filter_map(|row| self.place(*row)).map(|(chunk, i)| chunk.target(i));
        let list = select(rows);
        let at_is_given = self.at_is_given;
        Self { at: self.at, at_is_given, ..Self::new(self.claims.clone(), self.digests.request.clone(), list) }
    }

    /// A wave: a batch of these rows of it, for which evidence for all of it counts. It belongs to the campaign of the
    /// request, or to one of the request's own name.
    pub(crate) fn wave(&self, rows: &[u64], number: usize) -> Self {
        let mut wave = self.select(rows);
        wave.claims.id = format!("{}/wave-{number:03}", self.claims.id);
        wave.claims.campaign.get_or_insert_with(|| self.claims.id.clone());
        wave.whole = Some(Whole {
            targets_sha256: self.digests.targets.clone(),
            targets: self.counts.targets,
            tenants: self.counts.tenants.clone(),
            kinds: self.counts.kinds.clone(),
        });
        wave
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
        let resolution =
            inventory.map(|inventory| resolve(&self.chunks, inventory, &self.claims, false)).transpose()?;
        let found = resolution.as_ref().map(|resolution| &resolution.facts);
        let facts = facts(&self.claims, &self.counts, &self.digests, found, None, self.at);
        let review = review(&self.claims, &facts).map_err(|error| Unavailable(error.to_string()))?;
        let mut chunks = self.chunks.clone();
        for (chunk, columns) in
            chunks.iter_mut().zip(resolution.into_iter().flat_map(|resolution| resolution.columns))
        {
            chunk.columns.extend(columns);
        }
        Ok((review, chunks))
    }
}
