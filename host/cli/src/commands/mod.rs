//! The subcommands, one file each.

pub mod affected;
pub mod check;
pub mod close;
pub mod explain;
pub mod glass;
pub mod halt;
pub mod incidents;
pub mod init;
pub mod keys;
pub mod ledger;
pub mod permit;
pub mod policies;
pub mod policy;
pub mod replay;
pub mod run;
pub mod schema;
pub mod split;
pub mod targets;
