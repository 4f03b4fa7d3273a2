//! What a scan answers about the targets: their records, and the part of the digest that is that of a query for every chunk.

use super::kept::{Kept, Place};
use super::row::IS_ROW;
use super::{Moment, check_answer};
use crate::columns::Chunk;
use crate::error::LookupError;
use crate::inventory::resolved_chunk::{ResolvedChunk, ResolvedChunkBuilder};
use crate::inventory::rows::damaged;
use crate::inventory::targets::Targets;
use crate::parallel::in_order;
use crate::record::{InventoryColumn, InventoryRow, InventoryRowBuilder, take_bytes, take_text};
use sha2::Digest;
use std::borrow::Cow;
use std::ops::Range;

/// A chunk that was resolved.
struct Answer {
    chunk: ResolvedChunk,
    /// What the digest is computed from.
    texts: Vec<u8>,
}

/// A target that has a row.
struct Found<'a> {
    /// The first bytes of the id after those that all ids of the chunk have, which are compared first.
    key: u64,
    id: &'a [u8],
    /// The values of its row, each after its length.
    texts: Result<&'a [u8], LookupError>,
    /// Bytes of memory that its record takes.
    memory: u64,
}

impl Moment<'_> {
    /// Passes the targets of a part on with the rows that were kept for them.
    pub(super) fn answer(
        &self,
        targets: &mut Targets<'_>,
        part: Range<usize>,
        kept: &Kept,
    ) -> Result<(), LookupError> {
        let columns: Vec<_> = self.columns.iter().map(|name| InventoryColumn::of(name)).collect();
        let (chunks, threads) = (targets.chunks, targets.threads);
        let chunks = part.map(|i| chunks.get(i)).collect::<Result<Vec<Cow<'_, Chunk>>, LookupError>>()?;
        let places = kept.find(&chunks, threads)?;
        let answer = |(chunk, places): (&Cow<'_, Chunk>, &Vec<Place>)| Answer::of(chunk, places, kept, &columns);
        in_order(threads, chunks.iter().zip(&places), answer, |answer| {
            let Answer { chunk, texts } = answer?;
            self.answers.borrow_mut().update(texts);
            (targets.each)(chunk)
        })
    }
}

impl Answer {
    fn of(
        chunk: &Chunk,
        places: &[Place],
        kept: &Kept,
        columns: &[Option<InventoryColumn>],
    ) -> Result<Self, LookupError> {
        let common = common_start(chunk);
        let mut resolved = ResolvedChunkBuilder::new(chunk);
        let (mut found, mut builder) = (Vec::with_capacity(places.len()), InventoryRowBuilder::default());
        for (id, place) in chunk.id_bytes().zip(places) {
            let Some(id) = id.filter(|_| *place != Place::Unknown) else {
                resolved.push(None);
                continue;
            };
            let read = texts(id, *place, kept).and_then(|texts| Ok((texts, read(id, texts, columns, &mut builder)?)));
            resolved.push(read.as_ref().ok().map(|(_, row)| row.fields().into()).as_ref());
            let memory = read.as_ref().map_or(0, |(_, row)| row.memory());
            found.push(Found { key: key(id, common), id, texts: read.map(|(texts, _)| texts), memory });
        }
        Ok(Self { chunk: resolved.finish(), texts: in_order_of_ids(found, columns.len())? })
    }
}

/// The length of what all ids of a chunk begin with.
fn common_start(chunk: &Chunk) -> usize {
    let ids = || chunk.id_bytes().flatten();
    let common = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    ids().next().map_or(0, |first| ids().map(|id| common(first, id)).min().unwrap_or_default())
}

fn key(id: &[u8], common: usize) -> u64 {
    let mut key = [0; 8];
    id.iter().skip(common).zip(&mut key).for_each(|(byte, key)| *key = *byte);
    u64::from_be_bytes(key)
}

/// Returns the values of a row.
fn texts<'a>(id: &[u8], place: Place, kept: &'a Kept) -> Result<&'a [u8], LookupError> {
    let row = match place {
        Place::Row { partition, at } => kept.row(partition, at)?,
        Place::Duplicated => {
            let id = String::from_utf8_lossy(id);
            return Err(LookupError::Invalid(format!("the id `{id}` is duplicated")));
        }
        Place::Unknown => return Err(damaged()),
    };
    match row.split_first().ok_or_else(damaged)? {
        (&IS_ROW, texts) => Ok(texts),
        (_, message) => Err(LookupError::Invalid(String::from_utf8_lossy(message).into_owned())),
    }
}

/// Reads the values of a row.
fn read<'a, 'b>(
    id: &[u8],
    mut texts: &'a [u8],
    columns: &[Option<InventoryColumn>],
    builder: &'b mut InventoryRowBuilder<'a>,
) -> Result<&'b InventoryRow<'a>, LookupError> {
    let in_row = |message| LookupError::Invalid(format!("the row `{}`: {message}", String::from_utf8_lossy(id)));
    builder.clear();
    for column in columns {
        let text = take_text(&mut texts).ok_or_else(damaged)?;
        if let Some(column) = column {
            builder.set(*column, Cow::Borrowed(text)).map_err(in_row)?;
        }
    }
    builder.checked().map_err(in_row)
}

/// Returns what a query for these ids hashes: the rows in the order of their ids, each once. Or the first error.
fn in_order_of_ids(mut found: Vec<Found<'_>>, columns: usize) -> Result<Vec<u8>, LookupError> {
    found.sort_unstable_by(|a, b| a.key.cmp(&b.key).then_with(|| a.id.cmp(b.id)));
    found.dedup_by(|a, b| a.key == b.key && a.id == b.id);
    let (count, mut hashed, mut memory) = (found.len(), Vec::new(), 0);
    for Found { texts, memory: of_row, .. } in found {
        let mut texts = texts?;
        memory += of_row;
        check_answer(memory, count)?;
        for _ in 0..columns {
            let text = take_bytes(&mut texts).ok_or_else(damaged)?;
            hashed.extend_from_slice(&(text.len() as u64).to_le_bytes());
            hashed.extend_from_slice(text);
        }
    }
    Ok(hashed)
}
