//! What is signed: permits for other processes, and overrides by people. Both are JSON Web Tokens signed with Ed25519;
//! each has a type of its own, so that none passes for the other.

mod glass;
mod keys;
mod permit;

pub use glass::{Draft, Override, Unlawful};
pub use keys::{Key, KeySet, NotVouched};
pub use permit::{Expected, PermitClaims, Refused};
