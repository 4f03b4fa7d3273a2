//! The targets in the form that the sandbox reads: borrowed columns of the list and of the inventory.

use reprieve_batch::{Chunk, Codes, Column, Strings, Values};
use reprieve_sandbox as sandbox;
use std::borrow::Cow;

/// A chunk of the batch, with the columns that the inventory resolved.
pub(crate) struct ResolvedChunk<'a> {
    pub chunk: Cow<'a, Chunk>,
    pub resolved: Option<Cow<'a, Chunk>>,
}

impl ResolvedChunk<'_> {
    /// The columns of the inventory; empty without an inventory.
    pub fn resolved(&self) -> &[Column] {
        self.resolved.as_ref().map_or(&[], |resolved| resolved.columns.as_slice())
    }

    /// All columns that a policy may request.
    pub fn view(&self) -> sandbox::View<'_> {
        view(&self.chunk, self.resolved())
    }
}

/// A chunk with its resolved columns: all that a policy may request.
pub(crate) fn view<'a>(chunk: &'a Chunk, resolved: &'a [Column]) -> sandbox::View<'a> {
    let columns = chunk.columns.iter().chain(resolved).map(column).collect();
    sandbox::View { first_row: chunk.first_row, rows: chunk.rows, columns }
}

/// The views of several chunks.
pub(crate) fn views<'a>(chunks: &'a [ResolvedChunk<'_>]) -> Vec<sandbox::View<'a>> {
    chunks.iter().map(ResolvedChunk::view).collect()
}

fn column(column: &Column) -> sandbox::Column<'_> {
    let values = match &column.values {
        Values::Strings(texts) => sandbox::Values::Strings(strings(texts)),
        Values::Codes(Codes { dictionary, values }) => {
            sandbox::Values::Codes(sandbox::Codes { dictionary: strings(dictionary), values })
        }
        Values::U64s(values) => sandbox::Values::U64s(values),
        Values::I64s(values) => sandbox::Values::I64s(values),
        Values::Bools(bits) => sandbox::Values::Bools(bits),
    };
    sandbox::Column { name: &column.name, values, validity: column.validity.as_deref() }
}

fn strings(Strings { offsets, bytes }: &Strings) -> sandbox::Strings<'_> {
    sandbox::Strings { offsets, bytes }
}
