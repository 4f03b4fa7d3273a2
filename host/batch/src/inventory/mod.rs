//! The inventory: the operator's authoritative record of what an id is. It is queried in bulk, and what it does not know
//! stays unknown.

mod closure;
mod interface;
mod open;
mod resolve;
mod share;
mod sqlite;
mod table;

pub use interface::{Inventory, Snapshot};
pub use open::{open_inventory, read_inventory};
pub use resolve::Resolution;
pub(crate) use resolve::resolve_targets;
pub use share::Share;
pub use sqlite::Sqlite;
pub use table::Table;
