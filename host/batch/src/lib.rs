//! From bytes to columns: reads deletion requests and target lists, counts them, and resolves them with an inventory.
//! This crate has no policies and no WebAssembly.
//!
//! ```text
//! request.json ─ read::request ─┬─ claims ───────────────────────────────┐
//!                               └─ targets                               │
//!                                     │ read::{csv, json_*, columnar}    │
//!                                     ▼                                  ▼
//!                               columns (chunks) ── facts (counts) ──  Batch ── facts for the review
//!                                     │                                  ▲
//!                                     └────── inventory (resolution) ────┘
//! ```
//!
//! The types that a target passes through on its way from a line of a list to a policy:
//!
//! ```text
//! line ─ Row ─ ChunkBuilder ─ FinishedChunk ─ ListBuilder ─┬─ Aggregate ─ Counts ┐
//!        │     │              │               │            └─ Store ─────────────┴─ List ─ Batch
//!        │     │              │               │               └ every chunk: in memory, on disk, or read again
//!        │     │              │               └ joins short chunks, and appends them in the order of the list (one thread)
//!        │     │              └ a Chunk with the hashes of its ids (any thread)
//!        │     └ one array per type of value; Chunker cuts it into chunks of at most 65,536 rows
//!        └ borrowed values of one target; a Field is their place in the table of target columns
//! ```
//!
//! A record batch of a columnar file becomes a `Chunk` directly. A policy receives a chunk with the columns it requests.
//!
//! # Modules
//!
//! Each module imports only those before it: `error`, `text`, `environments`, `times`, `near`, `scalar`, `record`, `clock`,
//! `spill` and `parallel`, then `columns`, `facts`, `read`, `inventory`, `batch`, `sections`, `breakdown`, `history`.
//!
//! # Invariants
//!
//! - A target becomes a row of a [`Chunk`] of columns and is never held as an object. Chunks that do not fit into memory
//!   are read again from their file, or spilled to a temporary file. Every count stays exact.
//! - Files that a document names are opened below the document's [`Folder`] and nowhere else.
//! - The result does not depend on the number of threads, on random numbers, or on the clock (except the time a batch is
//!   read).
//! - The columns are those of `reprieve_model::COLUMNS`. A new list column is one line in that table.
//!
//! Pipelines depend on the crate `reprieve`, which re-exports what they need.

mod batch;
mod breakdown;
mod clock;
mod columns;
mod environments;
mod error;
mod facts;
mod history;
mod inventory;
mod near;
mod parallel;
mod read;
mod record;
#[cfg(test)]
mod round_trip;
mod scalar;
mod sections;
#[cfg(test)]
mod shapes;
mod spill;
mod text;
mod times;

pub use batch::Batch;
pub use breakdown::{Breakdown, Distribution, NamedCount};
pub use columns::{CHUNK_ROWS, Chunk, Codes, Column, Store, Strings, ValueCounts, Values};
pub use environments::Environments;
pub use error::{LookupError, Place, ReadError, SectionError};
pub use history::{History, PastBatches, Question, SPANS, kind_label, normalize_name};
pub use inventory::{
    Inventory, Resolution, Share, Snapshot, Sqlite, Table, Targets, Tenants, open_inventory, open_inventory_within,
    read_inventory_within,
};
pub use parallel::{in_order, threads};
pub use read::{
    Folder, ListSection, Manifest, ManifestFile, ParquetRows, Progress, ReadAs, ReadOptions, TableStream, UsedColumn,
    check_database, create_private, join_id, list_sha256, read_file, silence_decoder_panics,
};
pub use record::{PoolRecord, Record, Sharers};
pub use sections::{
    BatchPlan, CountedSection, MergedBatch, SectionCounts, SectionReader, SectionTargets, merge_sections,
};
