//! Taking part in a planned batch.

use crate::errors::Error;
use crate::overrides::read_override;
use crate::section::Section;
use crate::vetted::Vetted;
use crate::work::run;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use reprieve::planned::{BUCKETS, Plan, PlannedBatch, SectionResult};
use reprieve::signed::Signing;
use reprieve::{Gate, VetOptions};
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

/// A planned batch that a gate takes part in.
#[pyclass(frozen, module = "reprieve._native")]
pub struct Planned(Arc<Part>);

struct Part {
    gate: Gate,
    signing: Signing,
    plan: Plan,
    memory: u64,
    threads: usize,
}

/// Results as Python passes them.
type Results = Vec<PyBackedBytes>;
/// Bytes that become a `bytes` object.
type Bytes = Cow<'static, [u8]>;

fn slices(results: &[PyBackedBytes]) -> Vec<&[u8]> {
    results.iter().map(|bytes| &**bytes).collect()
}

impl Part {
    fn batch(&self) -> Result<PlannedBatch<'_>, Error> {
        Ok(self.gate.planned(self.plan.clone(), self.memory, self.threads)?)
    }
}

impl Planned {
    /// Takes part with a gate.
    pub fn new(
        gate: Gate,
        signing: Signing,
        plan: &str,
        folder: Option<PathBuf>,
        memory: u64,
        threads: usize,
    ) -> Result<Self, Error> {
        let mut plan = Plan::read(plan.as_bytes())?;
        if let Some(folder) = folder {
            plan.batch = plan.batch.in_folder(folder);
        }
        let part = Part { gate, signing, plan, memory, threads };
        part.batch()?;
        Ok(Self(Arc::new(part)))
    }

    fn run<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Part, &PlannedBatch<'_>) -> Result<T, Error> + Send + 'static,
    ) -> PyResult<T> {
        let part = Arc::clone(&self.0);
        Ok(run(py, None, move || work(&part, &part.batch()?))??)
    }
}

#[pymethods]
impl Planned {
    /// The number of buckets for digests of ids.
    #[classattr]
    const BUCKETS: usize = BUCKETS;

    /// The number of sections.
    fn sections(&self) -> usize {
        self.0.plan.sections()
    }

    /// Counts a section. Returns its counts, and the digests of its ids in each bucket.
    fn count(&self, py: Python<'_>, section: usize) -> PyResult<(Bytes, Vec<Bytes>)> {
        let SectionResult { counts, ids } = self.run(py, move |_, batch| Ok(batch.count(section)?))?;
        Ok((counts.into(), ids.into_iter().map(Cow::Owned).collect()))
    }

    /// Finds the duplicates in a bucket.
    fn duplicates(&self, py: Python<'_>, bucket: usize, ids: Results) -> PyResult<Bytes> {
        self.run(py, move |_, batch| Ok(batch.duplicates(bucket, &slices(&ids))?.into()))
    }

    /// Computes the facts.
    fn facts(&self, py: Python<'_>, counts: Results, duplicates: Results) -> PyResult<Bytes> {
        self.run(py, move |_, batch| Ok(batch.facts(&slices(&counts), &slices(&duplicates))?.into()))
    }

    /// Passes a section to the policies. Returns their states.
    fn observe(&self, py: Python<'_>, facts: PyBackedBytes, section: usize) -> PyResult<Bytes> {
        self.run(py, move |_, batch| Ok(batch.observe(&facts, section)?.into()))
    }

    /// Decides. Returns the decision, whatever it is.
    fn decide(
        &self,
        py: Python<'_>,
        counts: Results,
        duplicates: Results,
        facts: PyBackedBytes,
        states: Results,
        with_override: Option<PathBuf>,
    ) -> PyResult<Vetted> {
        let decision = self.run(py, move |part, batch| {
            let lifted = with_override.map(|path| read_override(&path, &part.gate, &part.signing)).transpose()?;
            let options = VetOptions { with_override: lifted.as_ref(), ..VetOptions::default() };
            Ok(batch.decide(&slices(&counts), &slices(&duplicates), &facts, &slices(&states), options)?)
        })?;
        Vetted::new(decision, None, self.0.gate.ledger().cloned(), self.0.signing.clone())
    }

    /// Reads the section that a token names, verifies the token and uses it.
    fn redeem(&self, py: Python<'_>, token: String) -> PyResult<Section> {
        let redeem =
            move |part: &Part, batch: &PlannedBatch<'_>| Ok(batch.redeem(&token, &part.signing.permit_keys()?)?);
        Ok(Section::new(self.run(py, redeem)?))
    }
}
