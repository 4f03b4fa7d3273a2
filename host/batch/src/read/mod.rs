//! Input: requests, target lists, inventories and histories.
//!
//! Every file that a document names is opened through a [`Folder`]. Only SQLite inventories are opened elsewhere, by path,
//! after the folder has checked the path.

mod blocks;
mod canonical;
mod chunker;
mod columnar;
mod csv;
mod csv_records;
mod dialect;
mod encoding;
mod folder;
mod hashing;
mod history;
mod id_lines;
mod inventory;
mod inventory_header;
mod inventory_text;
mod joiner;
mod json_blocks;
mod json_error;
mod json_frames;
mod json_lines;
mod json_list;
mod json_row;
mod json_scan;
mod json_shape;
mod list_builder;
mod list_files;
mod manifest;
mod mapping;
mod options;
mod parsed;
mod quotes;
mod read_as;
mod request;
mod request_texts;
mod section;
mod sections;
mod targets;
mod text_file;

pub(crate) use canonical::{read_inline_targets, select_rows, write_ndjson};
pub(crate) use history::{HistoryFile, read_history};
pub(crate) use inventory::{counts_lines, read_inventory_file};
pub(crate) use inventory_header::InventoryFile;
pub(crate) use list_builder::List;
pub(crate) use list_files::{ListFiles, SectionEnd, digest};
pub(crate) use request::{Document, TargetSource, read_request};
pub(crate) use section::{Section, read_section};
pub(crate) use sections::{listed_files, sections, sizes};
pub(crate) use targets::{check_digest, read_target_files, read_target_table};

pub use columnar::{ParquetRows, TableStream, silence_decoder_panics};
pub use folder::{Folder, check_database, create_private, read_file};
pub use list_files::{ListSection, list_sha256};
pub use manifest::{Manifest, ManifestFile};
pub use mapping::join_id;
pub(crate) use options::GivenTargets;
pub use options::{Progress, ReadOptions};
pub use read_as::{ReadAs, UsedColumn};
