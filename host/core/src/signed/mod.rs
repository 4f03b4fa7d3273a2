//! Signed documents: permits for other processes, and overrides by people. Both are JSON Web Tokens signed with Ed25519.
//! Each has its own token type, so one cannot be used as the other.

mod keys;
mod overrides;
mod permit;

pub use keys::{Key, KeyExists, KeySet, TokenError};
pub use overrides::{Override, OverrideDraft, OverrideError};
pub use permit::{Expected, PermitClaims, PermitError};
