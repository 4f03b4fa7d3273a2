//! Lists and inventories in columnar files: Parquet and Arrow. Only the columns that hold fields are read.

mod arrays;
mod batches;
mod chunks;
mod format;
mod guard;
mod inventory;
mod inventory_fields;
mod inventory_rows;
mod ipc;
mod list;
mod messages;
mod parquet;
mod parquet_file;
mod parquet_stream;
mod rows;
mod snapshot;
mod table;
mod wanted;

pub(super) use format::{ColumnarFormat, EXTENSIONS};
pub use guard::silence_decoder_panics;
pub(super) use inventory::read_columnar_inventory;
pub(super) use list::read_columnar_list;
pub use rows::ParquetRows;
pub use table::TableStream;
pub(super) use table::read_table_list;
