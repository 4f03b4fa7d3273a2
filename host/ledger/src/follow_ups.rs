//! Deletions that follow from an allowed batch.

use crate::database::damaged;
use crate::entry::{Entry, FollowUp};
use crate::sql_ledger::SqlLedger;
use reprieve::ledger::LedgerError;
use reprieve::model::LedgerEntry;

impl SqlLedger {
    /// Records that something is deleted because it goes with an allowed batch. The caller has checked that it does.
    ///
    /// # Errors
    /// [`LedgerError`] if it cannot be recorded.
    pub fn follow(&self, follow_up: &FollowUp) -> Result<LedgerEntry, LedgerError> {
        self.append(|_| Ok(Entry::FollowUp(follow_up.clone())))
    }

    /// Returns the last deletion of an object that was recorded as a follow-up, if there is one.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger cannot be read.
    pub fn followed(&self, object: &str) -> Result<Option<FollowUp>, LedgerError> {
        let rows = self.0.read()?.query(
            "SELECT e.entry, e.kind, e.body FROM follow_ups f JOIN entries e ON e.entry = f.entry \
             WHERE f.object = $1 ORDER BY e.entry DESC LIMIT 1",
            &[object.into()],
        )?;
        let Some(row) = rows.first() else { return Ok(None) };
        match Entry::parse(row.text(1)?, row.text(2)?) {
            Ok(Entry::FollowUp(follow_up)) => Ok(Some(follow_up)),
            Ok(_) => Err(damaged(format!("entry {} is not a follow-up", row.count(0)?))),
            Err(error) => Err(damaged(format!("entry {}: {error}", row.count(0)?))),
        }
    }
}
