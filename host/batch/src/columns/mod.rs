//! Targets as columns in Arrow's layouts: strings end to end behind offsets, dictionaries with codes, validity bitmaps.
//! Policies receive targets chunk by chunk, so a batch of a million rows is a few dozen buffers.

mod builder;
mod chunk;
mod codec;
mod column_builders;
mod fields;
mod resolved;
mod slice;
mod store;

pub(crate) use builder::{ChunkBuilder, OwnValue, Row};
pub use chunk::{CHUNK_ROWS, Chunk, Codes, Column, Strings, ValueCounts, Values};
pub(crate) use chunk::{FEW_ROWS, LongValue, MAX_CHUNK_BYTES};
pub(crate) use column_builders::{CodesBuilder, NumbersBuilder, StringsBuilder};
pub(crate) use fields::{Field, LIST_COLUMNS, Slot};
pub(crate) use resolved::ResolvedBuilder;
pub use store::Store;
pub(crate) use store::{Origin, OriginRow};
