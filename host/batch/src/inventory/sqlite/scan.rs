//! One scan of the table in place of a query for every chunk of targets: with many targets it costs less. It reads the rows in
//! the same transaction, and keeps those that are asked for. Both ways have the same answers, errors and digest.

use super::block::{Block, Stop};
use super::kept::{Kept, KeptBuilder};
use super::{Moment, limit_steps};
use crate::error::LookupError;
use crate::inventory::interface::Snapshot;
use crate::inventory::targets::Targets;
use rusqlite::{Connection, ErrorCode};
use std::ops::Range;
use std::sync::mpsc::{Receiver, sync_channel};

/// The number of lookups by id that cost as much as scanning one page of the database.
pub(super) const LOOKUPS_PER_PAGE: u64 = 2;
/// Bytes of memory that a target takes, with a short row.
const TARGET_BYTES: u64 = 192;
/// The number of bytes of rows that are passed on at once.
const BLOCK_BYTES: usize = 256 << 10;
/// The number of blocks that may wait.
const BLOCKS: usize = 32;

impl Moment<'_> {
    /// Resolves all targets: as many as fit into memory with one scan, or with a query for every chunk, if that costs less.
    pub(super) fn resolve_all(&self, targets: &mut Targets<'_>) -> Result<(), LookupError> {
        let pages: u64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let can_scan = compares_bytes(&self.connection)?;
        let mut max_rows = targets.memory.inventory() / TARGET_BYTES;
        let mut start = 0;
        while start < targets.chunks.len() {
            let part = targets.part(start, max_rows);
            let end = part.end;
            // Without an index, each query reads all pages.
            let lookups = if self.has_index { targets.rows(part.clone()) } else { part.len() as u64 * pages };
            let scan = can_scan && lookups > self.lookups_per_page.saturating_mul(pages);
            match if scan { self.scan(targets, part.clone()) } else { Err(Stop::TooLong) } {
                Ok(kept) => self.answer(targets, part, &kept)?,
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::TooLong) if scan && part.len() > 1 => {
                    max_rows = targets.rows(part) / 2;
                    continue;
                }
                Err(Stop::TooLong) => targets.look_up(part, |ids| self.records(ids))?,
            }
            start = end;
        }
        Ok(())
    }

    /// Reads the whole table, and keeps the rows of these targets.
    fn scan(&self, targets: &Targets<'_>, part: Range<usize>) -> Result<Kept, Stop> {
        let (chunks, threads, max_bytes) = (targets.chunks, targets.threads, targets.memory.inventory());
        let keep = |blocks: Receiver<Block>| -> Result<Kept, Stop> {
            let mut kept = KeptBuilder::new(chunks, part, threads, max_bytes)?;
            blocks.into_iter().try_for_each(|block| kept.add(&block))?;
            Ok(kept.finish())
        };
        let (sender, blocks) = sync_channel(BLOCKS);
        std::thread::scope(|scope| {
            let keep = scope.spawn(move || keep(blocks));
            // If nothing receives the rows any more, the other thread has the reason.
            let read = self.read_all(|block| sender.send(block).is_ok());
            drop(sender);
            let kept = keep.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            read.and(kept)
        })
    }

    /// Reads the whole table, and passes its rows to `each`, until that returns false.
    fn read_all(&self, mut each: impl FnMut(Block) -> bool) -> Result<(), Stop> {
        let mut statement = self.connection.prepare("SELECT inventory.* FROM inventory")?;
        limit_steps(&self.connection, self.max_steps);
        let id = statement.column_index("id")?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut block = Block::default();
        loop {
            match rows.next() {
                Ok(Some(row)) => block.push(row, id, columns)?,
                Ok(None) => break,
                Err(error) if is_too_long(&error) => return Err(Stop::TooLong),
                Err(error) => return Err(error.into()),
            }
            if block.len() >= BLOCK_BYTES && !each(std::mem::take(&mut block)) {
                return Ok(());
            }
        }
        each(block);
        Ok(())
    }
}

/// Whether a query takes too many steps, or has a row that is too long.
fn is_too_long(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted | ErrorCode::TooBig))
}

/// Whether ids are compared, and ordered, by their bytes in UTF-8. Other collations find ids in another spelling.
pub(super) fn compares_bytes(connection: &Connection) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare("EXPLAIN SELECT 1 FROM inventory WHERE id IS NOT ?1")?;
    let mut rows = statement.query(["a"])?;
    let (mut compares, mut by_bytes) = (false, true);
    while let Some(row) = rows.next()? {
        let operation: String = row.get("opcode")?;
        if let "Eq" | "Ne" | "Lt" | "Le" | "Gt" | "Ge" = operation.as_str() {
            let collation: Option<String> = row.get("p4")?;
            compares |= collation.is_some();
            by_bytes &= collation.is_none_or(|collation| collation == "BINARY-8");
        }
    }
    Ok(compares && by_bytes)
}
