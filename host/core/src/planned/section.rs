//! Deleting a section in the process that reads it, with a token that names it.

use super::batch::PlannedBatch;
use super::plan::PlanError;
use crate::ledger::RedeemError;
use crate::signed::{Expected, KeySet, PermitClaims, PermitError};
use reprieve_batch::{Chunk, LookupError, Store};
use reprieve_model::Timestamp;
use std::borrow::Cow;

/// A section that may be deleted. It owns the targets, as a [`Permit`](crate::Permit) owns its batch.
///
/// Its outcome is not recorded here: the process that decided records that of the whole batch.
#[derive(Debug)]
#[must_use = "the token was used, so nothing else can delete this section"]
pub struct SectionPermit {
    section: u32,
    claims: PermitClaims,
    used_at: Timestamp,
    chunks: Store,
}

/// Why a section may not be deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SectionPermitError {
    /// The token is not one for this section.
    #[error(transparent)]
    Permit(#[from] PermitError),
    /// The ledger does not redeem it.
    #[error(transparent)]
    Redeem(#[from] RedeemError),
    /// The section cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl SectionPermitError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Permit(error) => error.help(),
            Self::Redeem(error) => error.help(),
            Self::Plan(error) => error.help(),
        }
    }
}

impl PlannedBatch<'_> {
    /// Reads the section that a token of [`PermitClaims::issue_sections`] names, verifies the token, and uses it. The targets
    /// are those that were vetted.
    ///
    /// # Errors
    /// [`SectionPermitError`] if the token is not signed by one of `keys`, is for another list, was used before or has expired,
    /// if everything is halted, or if a file of the section cannot be read. Then nothing may be deleted.
    pub fn redeem(&self, token: &str, keys: &KeySet) -> Result<SectionPermit, SectionPermitError> {
        let ledger = self.evaluator.sources.ledger().ok_or(PermitError::NoLedger)?;
        let claims = PermitClaims::open(token, keys)?;
        let section = claims.section.ok_or(PermitError::NotOfSection)?;
        let (chunks, sha256) = self.reader()?.list(section as usize).map_err(PlanError::from)?;
        let about = self.plan.batch.claims();
        let environment = Some(about.environment.as_str());
        claims.check(&Expected { targets_sha256: &sha256, mode: Some(about.mode), environment })?;
        let used_at = ledger.redeem(&claims.reference())?;
        Ok(SectionPermit { section, claims, used_at, chunks })
    }
}

impl SectionPermit {
    /// The number of the section, counted from 0.
    pub fn section(&self) -> u32 {
        self.section
    }

    /// The claims of its token.
    pub fn claims(&self) -> &PermitClaims {
        &self.claims
    }

    /// When its token was used, by the clock of the ledger.
    pub fn used_at(&self) -> Timestamp {
        self.used_at
    }

    /// The targets in columns, chunk by chunk. Rows are counted from the beginning of the section.
    pub fn chunks(&self) -> impl Iterator<Item = Result<Cow<'_, Chunk>, LookupError>> {
        self.chunks.iter()
    }

    /// The number of rows of each chunk.
    pub fn chunk_rows(&self) -> impl ExactSizeIterator<Item = u32> {
        self.chunks.rows()
    }

    /// Chunk `i` of the targets.
    ///
    /// # Errors
    /// [`LookupError`] if it cannot be read from disk.
    pub fn chunk(&self, i: usize) -> Result<Cow<'_, Chunk>, LookupError> {
        self.chunks.get(i)
    }

    /// Calls `each` with the id of every target, in order, and stops at the first error. Rows without an id are skipped.
    ///
    /// # Errors
    /// The error of `each`, or [`LookupError`] if targets cannot be read from disk.
    pub fn each_id<E: From<LookupError>>(&self, mut each: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        self.chunks().try_for_each(|chunk| chunk?.ids().flatten().try_for_each(&mut each))
    }
}
