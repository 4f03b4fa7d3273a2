//! A decision, with the batch that it is about.

use crate::errors::Error;
use crate::work::run;
use pyo3::prelude::*;
use reprieve::ledger::{Ledger, Outcome};
use reprieve::signed::{PermitClaims, Signing};
use reprieve::{Decision, DecisionReport};
use std::sync::Arc;
use tempfile::TempDir;

/// A decision. An allow counts in every limit until its outcome is recorded, whether or not Python still refers to it.
#[pyclass(frozen, module = "reprieve._native")]
pub struct Vetted(Arc<Inner>);

struct Inner {
    decision: Decision,
    ledger: Option<Arc<dyn Ledger>>,
    /// The settings for permits.
    signing: Signing,
    /// The targets, if they were lines of JSON. Dropped last.
    _folder: Option<TempDir>,
}

impl Vetted {
    /// Hands a decision to Python. Deleting may begin from now on, so an allow stays reserved.
    pub fn new(
        decision: Decision,
        folder: Option<TempDir>,
        ledger: Option<Arc<dyn Ledger>>,
        signing: Signing,
    ) -> PyResult<Self> {
        if let Decision::Allow(permit) = &decision {
            permit.batch();
        }
        Ok(Self(Arc::new(Inner { decision, ledger, signing, _folder: folder })))
    }

    fn record(&self, py: Python<'_>, outcome: Outcome) -> PyResult<()> {
        let entry = match &self.0.decision {
            Decision::Allow(permit) => permit.document().ledger.as_ref().map(|entry| entry.entry),
            Decision::Deny(_) | Decision::Undecided(_) => return Err(not_allowed().into()),
        };
        let (Some(entry), Some(ledger)) = (entry, self.0.ledger.clone()) else { return Ok(()) };
        run(py, None, move || ledger.record_outcome(entry, &outcome).map_err(Error::from))??;
        Ok(())
    }
}

fn not_allowed() -> Error {
    Error::permit("the batch was not allowed, so it has no permit")
}

#[pymethods]
impl Vetted {
    /// The verdict: `allow`, `deny` or `undecided`.
    fn verdict(&self) -> &'static str {
        self.0.decision.verdict().as_str()
    }

    /// The decision as JSON.
    fn document(&self) -> PyResult<String> {
        Ok(serde_json::to_string(self.0.decision.document()).map_err(Error::from)?)
    }

    /// The decision with the breakdown of the batch as JSON. It reads the list again.
    fn report(&self, py: Python<'_>) -> PyResult<String> {
        let inner = Arc::clone(&self.0);
        let report = move || {
            let breakdown = inner.decision.breakdown()?;
            let report = DecisionReport { decision: inner.decision.document().clone(), breakdown };
            Ok::<_, Error>(serde_json::to_string(&report)?)
        };
        Ok(run(py, None, report)??)
    }

    /// The number of chunks of an allowed batch.
    fn chunks(&self) -> PyResult<usize> {
        match &self.0.decision {
            Decision::Allow(permit) => Ok(permit.batch().chunk_rows().len()),
            Decision::Deny(_) | Decision::Undecided(_) => Err(not_allowed().into()),
        }
    }

    /// The ids of a chunk of an allowed batch, in order. Rows without an id are skipped.
    fn chunk_ids(&self, py: Python<'_>, chunk: usize) -> PyResult<Vec<String>> {
        let Decision::Allow(permit) = &self.0.decision else { return Err(not_allowed().into()) };
        let ids = || -> Result<Vec<String>, Error> {
            Ok(permit.batch().chunk(chunk)?.ids().flatten().map(str::to_owned).collect())
        };
        Ok(py.detach(ids)?)
    }

    /// A token for each section of the list of an allowed batch.
    fn section_tokens(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let Inner { decision, signing, .. } = &*self.0;
        let Decision::Allow(permit) = decision else { return Err(not_allowed().into()) };
        let issue = || -> Result<Vec<String>, Error> {
            Ok(PermitClaims::issue_sections(permit, &signing.permit_key()?, signing.lifetime())?)
        };
        Ok(py.detach(issue)?)
    }

    /// Records that the batch ran. `deleted` is `None` if the number is unknown; then all targets count.
    fn commit(&self, py: Python<'_>, succeeded: bool, deleted: Option<u64>, note: Option<String>) -> PyResult<()> {
        self.record(py, Outcome::Committed { succeeded, deleted, note })
    }

    /// Records that the batch did not run, and that nothing was deleted.
    fn abort(&self, py: Python<'_>, reason: String) -> PyResult<()> {
        self.record(py, Outcome::Aborted { reason })
    }
}
