//! The inventory: the operator's authoritative record of what an id is. It is queried in bulk, and what it does not know
//! stays unknown.

mod answer;
mod asked;
mod closure;
mod fate;
mod interface;
mod join;
mod near;
mod open;
mod resolve;
mod resolved_chunk;
mod rows;
mod share;
mod sqlite;
mod table;
mod table_snapshot;
mod targets;
mod tenants;
mod totals;

pub(crate) use fate::{Fates, Seen};
pub use interface::{Inventory, Snapshot};
pub use open::{open_inventory, open_inventory_within, read_inventory_within};
pub use resolve::Resolution;
pub(crate) use resolve::{ResolutionBuilder, resolve_section, resolve_targets, seen_evidence};
pub(crate) use resolved_chunk::ResolvedCounts;
pub use share::Share;
pub use sqlite::Sqlite;
pub use table::Table;
pub use targets::Targets;
pub use tenants::Tenants;
pub(crate) use tenants::TenantsBuilder;

#[cfg(test)]
mod tests;
