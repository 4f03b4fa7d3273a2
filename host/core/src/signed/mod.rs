//! Signed documents: permits for other processes, evidence, and overrides by people. All are JSON Web Tokens signed with
//! Ed25519. Each has its own token type, so one cannot be used as the other.

mod evidence;
mod keys;
mod overrides;
mod permit;
mod signing;

pub use evidence::{ApprovalToSign, Evidence, approval_to_sign, sign_evidence};
pub(crate) use evidence::{EvidenceSigners, Signers};
pub use keys::{Key, KeyExists, KeySet, TokenError};
pub use overrides::{Override, OverrideDraft, OverrideError};
pub use permit::{Expected, PermitClaims, PermitError};
pub use signing::Signing;
