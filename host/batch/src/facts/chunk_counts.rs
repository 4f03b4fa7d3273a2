//! The counts of one chunk, from which those of a list are made, in the process that read the chunk or in another.

use crate::columns::{Chunk, Column, Strings, ValueCounts, Values};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What is counted of a chunk besides its ids.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ChunkCounts<'a> {
    pub rows: u32,
    /// Of the rows whose size is known.
    pub bytes: Option<u64>,
    /// The distinct names of its tenants; `None` if no row names one.
    pub tenants: Option<Cow<'a, Strings>>,
    pub tenants_unknown: u64,
    #[serde(borrow)]
    pub kinds: ValueCounts<'a>,
    #[serde(borrow)]
    pub environments: ValueCounts<'a>,
}

impl<'a> ChunkCounts<'a> {
    pub fn of(chunk: &'a Chunk) -> Self {
        let rows = chunk.rows;
        let unknown = || ValueCounts { known: Vec::new(), unknown: u64::from(rows) };
        let count = |name: &str| chunk.column(name).map_or_else(unknown, Column::count);
        let (tenants, tenants_unknown) = match chunk.column("tenant") {
            None => (None, u64::from(rows)),
            Some(column) => match &column.values {
                Values::Codes(codes) => (Some(Cow::Borrowed(&codes.dictionary)), column.unknown()),
                _ => (None, column.unknown()),
            },
        };
        Self {
            rows,
            bytes: chunk.column("size_bytes").and_then(Column::sum),
            tenants,
            tenants_unknown,
            kinds: count("kind"),
            environments: count("environment"),
        }
    }
}
