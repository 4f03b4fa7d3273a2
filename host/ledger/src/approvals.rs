//! Approvals that a service received for a list.

use crate::database::damaged;
use crate::entry::{Entry, RecordedApproval};
use crate::sql_ledger::SqlLedger;
use reprieve::ledger::LedgerError;
use reprieve::model::LedgerEntry;

impl SqlLedger {
    /// Records an approval. The caller has verified its signature.
    ///
    /// # Errors
    /// [`LedgerError`] if it cannot be recorded.
    pub fn approve(&self, approval: &RecordedApproval) -> Result<LedgerEntry, LedgerError> {
        self.append(|_| Ok(Entry::Approval(approval.clone())))
    }

    /// Returns the approvals of a list that were recorded for a request, each with its entry, in their order.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read.
    pub fn approvals(
        &self,
        request: &str,
        targets_sha256: &str,
    ) -> Result<Vec<(u64, RecordedApproval)>, LedgerError> {
        let rows = self.0.read()?.query(
            "SELECT e.entry, e.kind, e.body FROM approvals a JOIN entries e ON e.entry = a.entry \
             WHERE a.targets_sha256 = $1 ORDER BY e.entry",
            &[targets_sha256.into()],
        )?;
        let mut approvals = Vec::new();
        for row in &rows {
            let entry = row.count(0)?;
            match Entry::parse(row.text(1)?, row.text(2)?) {
                Ok(Entry::Approval(approval)) if approval.request == request => approvals.push((entry, approval)),
                Ok(Entry::Approval(_)) => {}
                Ok(_) => return Err(damaged(format!("entry {entry} is not an approval"))),
                Err(error) => return Err(damaged(format!("entry {entry}: {error}"))),
            }
        }
        Ok(approvals)
    }
}
