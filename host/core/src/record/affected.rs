//! The tenants that a batch affects, and the order in which they would be restored.

use reprieve_batch::{LookupError, Share, Tenants};
use reprieve_model::Estimate;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// A tenant that a batch reaches, and what the inventory knows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// The tenant.
    pub tenant: String,
    /// The number of its things that go, including those that go along with the targets.
    pub things: u64,
    /// Who is responsible for it.
    pub owner: Option<String>,
    /// How to reach the owner.
    pub contact: Option<String>,
}

/// Reads the affected tenants from the bytes that the `affected_sha256` of a record stands for.
///
/// # Errors
/// The JSON error.
pub fn read_affected(bytes: &[u8]) -> Result<Vec<Affected>, serde_json::Error> {
    serde_json::Deserializer::from_slice(bytes).into_iter().collect()
}

/// For each of `tenants` tenants, in order: its restore batch, counted from 1, and the seconds after which it is restored.
pub fn restore_plan(estimate: &Estimate, tenants: u64) -> impl Iterator<Item = (u64, u64)> {
    let (per_batch, parallel) = (estimate.tenants_per_batch.value.max(1), estimate.parallel_batches.value.max(1));
    let seconds = estimate.batch_duration.value.seconds();
    (0..tenants).map(move |i| (i / per_batch + 1, (i / per_batch / parallel + 1).saturating_mul(seconds)))
}

/// Writes the affected tenants as NDJSON, in alphabetical order.
pub(super) fn write_affected(tenants: &Tenants, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::with_capacity(2 * BUFFER_BYTES);
    let each = |tenant: &str, share: &Share| -> Result<(), AffectedError> {
        let (owner, contact) =
            share.who.as_ref().map_or((None, None), |who| (who.owner.clone(), who.contact.clone()));
        let affected = Affected { tenant: tenant.to_owned(), things: share.things, owner, contact };
        serde_json::to_writer(&mut lines, &affected).map_err(io::Error::from)?;
        lines.push(b'\n');
        if lines.len() >= BUFFER_BYTES {
            out.write_all(&lines)?;
            lines.clear();
        }
        Ok(())
    };
    tenants.each(each).map_err(|AffectedError(error)| error)?;
    out.write_all(&lines)
}

/// The number of bytes that are written at once.
const BUFFER_BYTES: usize = 32 << 10;

/// Why the tenants cannot be written: they cannot be read, or the output fails.
struct AffectedError(io::Error);

impl From<io::Error> for AffectedError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl From<LookupError> for AffectedError {
    fn from(error: LookupError) -> Self {
        Self(io::Error::other(error))
    }
}
