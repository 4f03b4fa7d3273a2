//! The subcommands, one file each.

pub mod check;
pub mod explain;
pub mod incidents;
pub mod init;
pub mod policies;
pub mod policy;
pub mod schema;
pub mod split;
pub mod targets;
