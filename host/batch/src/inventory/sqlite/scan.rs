//! One scan of the table in place of a query for every chunk of targets: with many targets it costs less. It reads the rows in
//! the same transaction, and keeps those that are asked for. Both ways have the same answers, errors and digest.

use super::ids::check_id;
use super::kept::{Filter, Kept, Piece};
use super::ranges::Ranges;
use super::row::push_row;
use super::{Moment, limit_steps};
use crate::error::LookupError;
use crate::inventory::interface::Snapshot;
use crate::inventory::targets::Targets;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The number of lookups by id that cost as much as scanning one page of the database.
pub(super) const LOOKUPS_PER_PAGE: u64 = 2;
/// Bytes of memory that a target takes, with a short row.
const TARGET_BYTES: u64 = 192;
/// The number of bytes of rows that a thread keeps before it counts them.
const BYTES_AT_ONCE: u64 = 256 << 10;

/// Why a scan has no answer.
enum Stop {
    Failed(LookupError),
    /// It takes too much memory or too many steps, or a row that may not be asked for is too long.
    TooLong,
}

impl<E: Into<LookupError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

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

    /// Reads the whole table on several threads, and keeps the rows of these targets.
    fn scan(&self, targets: &Targets<'_>, part: Range<usize>) -> Result<Kept, Stop> {
        let filter = Filter::of(targets.chunks, part.clone(), targets.threads)?;
        let scan = &Scan {
            ranges: Ranges::of(&self.connection, targets.chunks, part)?,
            filter: &filter,
            max_steps: self.max_steps,
            max_bytes: targets.memory.inventory(),
            bytes: AtomicU64::new(0),
            next: AtomicUsize::new(0),
        };
        let mut helpers = self.helpers.borrow_mut();
        let pieces = std::thread::scope(|scope| {
            let helpers = helpers.iter_mut().take(targets.threads.saturating_sub(1));
            let threads: Vec<_> = helpers.map(|helper| scope.spawn(move || scan.read_ranges(helper))).collect();
            let own = scan.read_ranges(&self.connection);
            let others = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
            std::iter::once(own).chain(others).collect::<Vec<_>>()
        });
        // The error of the first range, so that it does not depend on the threads.
        let mut kept = Vec::new();
        let mut first: Option<(usize, Stop)> = None;
        for piece in pieces {
            match piece {
                Ok(piece) => kept.push(piece),
                Err((range, _)) if first.as_ref().is_some_and(|(earlier, _)| *earlier < range) => {}
                Err(error) => first = Some(error),
            }
        }
        match first {
            Some((_, stop)) => Err(stop),
            None => Ok(Kept::new(filter, kept)),
        }
    }
}

/// A scan that several threads are at.
struct Scan<'a> {
    ranges: Ranges,
    filter: &'a Filter,
    max_steps: u64,
    max_bytes: u64,
    /// Bytes of the rows that were kept.
    bytes: AtomicU64,
    /// The next range.
    next: AtomicUsize,
}

impl Scan<'_> {
    /// Reads ranges until none is left. Returns an error with the number of its range; ranges before it are read to their end.
    fn read_ranges(&self, connection: &Connection) -> Result<Piece, (usize, Stop)> {
        let mut piece = Piece::new();
        loop {
            let range = self.next.fetch_add(1, Ordering::Relaxed);
            if range >= self.ranges.len() {
                return Ok(piece);
            }
            if let Err(stop) = self.read(connection, range, &mut piece) {
                self.next.store(self.ranges.len(), Ordering::Relaxed);
                return Err((range, stop));
            }
        }
    }

    fn read(&self, connection: &Connection, range: usize, piece: &mut Piece) -> Result<(), Stop> {
        let mut statement = self.ranges.query(connection, range)?;
        limit_steps(connection, self.max_steps);
        let id = statement.column_index("id")?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let (mut counted, mut bytes) = (piece.bytes, Vec::new());
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let id = match row.get_ref(id)? {
                        ValueRef::Text(id) => id,
                        other => return Ok(check_id(other)?),
                    };
                    piece.add(self.filter, id, |out| push_row(out, row, columns, &mut bytes))?;
                }
                Ok(None) => break,
                Err(error) if is_too_long(&error) => return Err(Stop::TooLong),
                Err(error) => return Err(error.into()),
            }
            if piece.bytes - counted >= BYTES_AT_ONCE {
                self.count(piece.bytes - counted)?;
                counted = piece.bytes;
            }
        }
        self.count(piece.bytes - counted)
    }

    /// Counts bytes that are kept.
    fn count(&self, bytes: u64) -> Result<(), Stop> {
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all > self.max_bytes.min(u32::MAX.into()) { Err(Stop::TooLong) } else { Ok(()) }
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
