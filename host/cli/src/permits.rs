//! Permits that are written for other processes.

use crate::error::fail;
use crate::files::{Readers, write_whole};
use crate::job::Job;
use crate::setup::NAME_A_LEDGER;
use anyhow::Context;
use reprieve::Permit;
use reprieve::signed::{PermitClaims, Signing};
use reprieve_ledger::SqlLedger;
use std::path::Path;

/// What is written if the batch is allowed.
pub struct NewPermit<'a> {
    place: PermitPlace<'a>,
    signing: &'a Signing,
}

/// Where permits are written.
#[derive(Clone, Copy)]
pub enum PermitPlace<'a> {
    /// One for the whole list, into a new file.
    File(&'a Path),
    /// One for each section of a planned batch, into its folder.
    Sections(&'a Job),
}

impl<'a> NewPermit<'a> {
    /// Checks that it can be written, before the batch is allowed and reserved.
    pub fn check(place: PermitPlace<'a>, ledger: Option<&SqlLedger>, signing: &'a Signing) -> anyhow::Result<Self> {
        if let PermitPlace::File(path) = place
            && path.exists()
        {
            return Err(fail(format!("{} already exists", path.display()), "name a new file for the permit"));
        }
        if ledger.is_none() {
            return Err(fail("a permit is used once, which only a ledger can ensure", NAME_A_LEDGER));
        }
        signing.permit_key()?;
        Ok(Self { place, signing })
    }

    /// Writes it, and returns its id.
    pub fn write(&self, permit: &Permit) -> anyhow::Result<String> {
        match self.place {
            PermitPlace::File(path) => write_permit(permit, self.signing, path)?,
            PermitPlace::Sections(job) => {
                let tokens =
                    PermitClaims::issue_sections(permit, &self.signing.permit_key()?, self.signing.lifetime())?;
                (0..).zip(&tokens).try_for_each(|(section, token)| job.write_permit(section, token))?;
            }
        }
        Ok(permit.document().ledger.as_ref().map(|entry| entry.sha256.clone()).unwrap_or_default())
    }
}

/// Writes the permit for the whole list into a file that only this user can read.
pub fn write_permit(permit: &Permit, signing: &Signing, path: &Path) -> anyhow::Result<()> {
    let token = PermitClaims::issue(permit, &signing.permit_key()?, signing.lifetime())?;
    write_whole(path, token.as_bytes(), Readers::Owner)
        .with_context(|| format!("cannot write the permit {}", path.display()))
}
