//! A section that may be deleted.

use crate::errors::Error;
use pyo3::prelude::*;
use reprieve::planned::SectionPermit;

/// The permit of a section, whose token was used.
#[pyclass(frozen, module = "reprieve._native")]
pub struct Section(SectionPermit);

impl Section {
    pub fn new(permit: SectionPermit) -> Self {
        Self(permit)
    }
}

#[pymethods]
impl Section {
    /// The number of the section.
    fn section(&self) -> u32 {
        self.0.section()
    }

    /// The entry of the ledger that allowed the batch.
    fn entry(&self) -> u64 {
        self.0.claims().entry
    }

    /// The number of targets.
    fn targets(&self) -> u64 {
        self.0.claims().targets
    }

    /// The number of chunks.
    fn chunks(&self) -> usize {
        self.0.chunk_rows().len()
    }

    /// The ids of a chunk, in order. Rows without an id are skipped.
    fn chunk_ids(&self, py: Python<'_>, chunk: usize) -> PyResult<Vec<String>> {
        let ids = || -> Result<Vec<String>, Error> {
            Ok(self.0.chunk(chunk)?.ids().flatten().map(str::to_owned).collect())
        };
        Ok(py.detach(ids)?)
    }
}
