//! Merging what several processes found in the sections of a batch. The counts of chunks are added in the order of the
//! list, by what adds them on one machine.

use super::origin::{Listed, Resolved, Sections};
use super::part::{ChunkPart, ResolvedPart, SectionPart};
use super::reader::{CountedSection, SectionReader, decode, take};
use crate::batch::Batch;
use crate::columns::{OriginRow, Store};
use crate::error::{LookupError, ReadError, SectionError};
use crate::facts::{Aggregate, Duplicates, Hasher, SectionRow};
use crate::inventory::{Fates, Inventory, Resolution, ResolutionBuilder};
use crate::read::{List, ListFiles, Manifest, ManifestFile, SectionEnd, check_digest};
use std::sync::Arc;

/// A batch whose sections several processes have counted.
#[derive(Debug)]
pub struct MergedBatch {
    /// The batch. Its chunks are read again where they are needed.
    pub batch: Batch,
    /// What the inventory answered, or why it did not. `None`: there is no inventory.
    pub resolution: Option<Result<Resolution, LookupError>>,
    /// Its sections.
    pub sections: Vec<CountedSection>,
}

/// The counts of all sections.
struct Merged {
    sections: Vec<CountedSection>,
    /// Each chunk: the first row, the number of rows, the bytes, and where it is.
    chunks: Vec<(u64, u32, u64, OriginRow)>,
    /// The number of chunks at the end of each section that has some.
    ends: Vec<usize>,
    counts: Aggregate,
    resolved: Vec<Result<ResolvedPart, String>>,
}

/// Merges the counts of every section, in their order, and the duplicates of every bucket. With `contacts`, the contacts of
/// the tenants are looked up as well.
///
/// # Errors
/// [`SectionError`] if one is missing or is not of this plan, or if a file is not the one that the request names.
pub fn merge_sections(
    reader: SectionReader,
    counts: &[&[u8]],
    duplicates: &[&[u8]],
    inventory: Option<Arc<dyn Inventory>>,
    contacts: bool,
) -> Result<MergedBatch, SectionError> {
    let (memory, threads, plan) = (reader.memory, reader.threads, reader.plan.clone());
    if counts.len() != plan.sections() || duplicates.len() != SectionReader::BUCKETS {
        let expected = (plan.sections(), SectionReader::BUCKETS);
        return Err(SectionError::Invalid(format!(
            "there are counts of {} sections and duplicates of {} buckets, expected {} and {}",
            counts.len(),
            duplicates.len(),
            expected.0,
            expected.1
        )));
    }
    let mut merged = Merged {
        sections: Vec::new(),
        chunks: Vec::new(),
        ends: Vec::new(),
        counts: Aggregate::new(Hasher::default(), memory),
        resolved: Vec::new(),
    };
    let mut next_row = 0;
    for (section, counts) in counts.iter().enumerate() {
        next_row = merged.add(section, plan.files(section).len(), counts, next_row)?;
    }
    if inventory.is_some() && merged.resolved.len() != counts.len() {
        return Err(SectionError::Invalid("a section was not resolved with the inventory".to_owned()));
    }
    let Merged { sections: counted, chunks, ends, counts, resolved } = merged;

    let mut found = Duplicates::<SectionRow>::default();
    for bucket in duplicates {
        found.add(decode(bucket, "the duplicates of a bucket")?);
    }
    let counts = counts.finish_with_duplicates(&in_list(found, &counted)?)?;

    let (files, list_sha256) = list_files(&reader, &counted, counts.targets)?;
    let sections = Arc::new(Sections::new(reader, inventory.clone(), counted.clone()));
    let mut columns = Store::of_origin(Box::new(Resolved(Arc::clone(&sections))));
    let mut store = Store::of_origin(Box::new(Listed(sections)));
    let mut ends = ends.into_iter().peekable();
    for (number, (first_row, rows, bytes, at)) in (1..).zip(chunks) {
        store.push_at(first_row, rows, bytes, at);
        columns.push_at(first_row, rows, 0, at);
        if ends.next_if_eq(&number).is_some() {
            store.end_section();
        }
    }
    let resolution = inventory.map(|inventory| {
        let mut builder = ResolutionBuilder::new(memory);
        let mut fates = Fates::of_evidence(plan.claims());
        let inventory = inventory.snapshot()?;
        for (part, section) in resolved.into_iter().zip(&counted) {
            let part = part.map_err(LookupError::Invalid)?;
            if part.sha256 != inventory.sha256() {
                let message =
                    "a section was resolved with another inventory; nothing may change it until the decision";
                return Err(LookupError::Invalid(message.to_owned()));
            }
            fates.add(&part.seen);
            part.chunks.into_iter().try_for_each(|chunk| builder.add(chunk.after(section.first_row)))?;
        }
        builder.finish(&store, columns, &*inventory, fates, contacts)
    });
    let list = List { chunks: store, counts, sha256: list_sha256, read_as: Vec::new() };
    let batch = Batch::of_list(plan.claims, plan.request_sha256, list, files, memory, threads);
    let batch = plan.at.into_iter().fold(batch, Batch::at);
    Ok(MergedBatch { batch, resolution, sections: counted })
}

impl Merged {
    /// Adds the counts of the next section, which has this many files and begins with `first_row`. Returns the first row after it.
    fn add(&mut self, section: usize, files: usize, mut counts: &[u8], first_row: u64) -> Result<u64, SectionError> {
        let SectionPart { sha256, chunks, resolved } = take(&mut counts, "the counts of a section")?;
        let resolved_chunks = resolved.iter().flatten().map(|part| part.chunks.len()).next();
        if sha256.len() != files || resolved_chunks.is_some_and(|resolved| resolved != chunks as usize) {
            return Err(SectionError::Invalid(format!(
                "the counts of section {section} are not of its files and chunks"
            )));
        }
        let mut row = 0_u64;
        for _ in 0..chunks {
            let ChunkPart { bytes, counts, ids } = take(&mut counts, "the counts of a chunk")?;
            let rows = counts.rows;
            let added = self.counts.add(first_row + row, &counts, ids);
            added.map_err(|message| ReadError::of_file("the list", message))?;
            self.chunks.push((first_row + row, rows, bytes, OriginRow { part: section, row: row as usize }));
            row += u64::from(rows);
        }
        if !counts.is_empty() {
            return Err(SectionError::Invalid("there are bytes after the counts of a section".to_owned()));
        }
        // A section without rows ends nothing.
        if chunks > 0 {
            self.ends.push(self.chunks.len());
        }
        self.sections.push(CountedSection { first_row, sha256 });
        self.resolved.extend(resolved);
        Ok(first_row + row)
    }
}

/// Returns duplicates with the rows of the whole list.
fn in_list(found: Duplicates<SectionRow>, sections: &[CountedSection]) -> Result<Duplicates, SectionError> {
    let row = |SectionRow { section, row }| {
        let unknown = || SectionError::Invalid(format!("there are duplicates of a section {section}"));
        Ok(sections.get(section as usize).ok_or_else(unknown)?.first_row + row)
    };
    let examples = found.examples.into_iter().map(row).collect::<Result<_, SectionError>>()?;
    Ok(Duplicates { count: found.count, examples })
}

/// Returns the files of the list, which has this many targets, and its digest, which has to be the one that the request names.
fn list_files(
    reader: &SectionReader,
    sections: &[CountedSection],
    rows: u64,
) -> Result<(ListFiles, String), SectionError> {
    let (folder, targets) = (reader.folder.clone(), &reader.plan.targets);
    let mut sha256 = sections.iter().flat_map(|section| &section.sha256);
    if let Some(name) = &targets.path {
        let missing = || SectionError::Invalid("the digest of the list is missing".to_owned());
        let digest = sha256.next().cloned().ok_or_else(missing)?;
        return Ok((ListFiles::One { folder, name: name.clone() }, digest));
    }
    let files = (0..reader.plan.sections()).flat_map(|section| reader.plan.files(section)).zip(sha256);
    let manifest =
        Manifest::new(files.map(|(file, sha256)| ManifestFile { path: file.path, sha256: sha256.clone() }).collect());
    let digest = manifest.sha256();
    check_digest("the manifest", targets.sha256.as_deref(), &digest)?;
    let next_rows = sections.iter().skip(1).map(|next| next.first_row).chain([rows]);
    let mut files = 0;
    let end = |(section, targets): (&CountedSection, u64)| {
        files += section.sha256.len();
        SectionEnd { files, targets }
    };
    let sections = sections.iter().zip(next_rows).map(end).collect();
    Ok((ListFiles::Several { folder, manifest, sections }, digest))
}
