//! Signed documents: permits for other processes, and approvals and overrides by people. All are JSON Web Tokens signed with Ed25519.
//! Each has its own token type, so one cannot be used as the other.

mod approvals;
mod keys;
mod overrides;
mod permit;

pub(crate) use approvals::Approvers;
pub use approvals::sign_approval;
pub use keys::{Key, KeyExists, KeySet, TokenError};
pub use overrides::{Override, OverrideDraft, OverrideError};
pub use permit::{Expected, PermitClaims, PermitError};
