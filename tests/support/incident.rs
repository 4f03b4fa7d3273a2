//! An incident or its corrected twin, with the gate that vets it: every built-in policy with its defaults.
#![allow(clippy::unwrap_used, clippy::panic)]

use reprieve::model::DecisionDocument;
use reprieve::policy::ModuleCache;
use reprieve::{Gate, ReadError};
use reprieve_cases::{Case, cases_below};
use std::path::{Path, PathBuf};

/// A case and its gate.
pub struct Incident {
    /// The case.
    pub case: Case,
    gate: Gate,
}

/// The folders of all incidents, in order.
pub fn incidents() -> Vec<PathBuf> {
    cases_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("incidents")).unwrap()
}

impl Incident {
    /// Opens a case.
    pub fn open(path: &Path) -> Self {
        let case = Case::open(path).unwrap_or_else(|error| panic!("{error}"));
        let out = Path::new(env!("OUT_DIR"));
        let cache = ModuleCache::new(out.join("compiled"), out.join("state"));
        let gate = case.gate(Gate::builder().cache(cache)).unwrap_or_else(|error| panic!("{error}"));
        Self { case, gate }
    }

    /// Its gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Vets a request in place of the case's own.
    pub fn vet(&self, request: &str) -> Result<DecisionDocument, ReadError> {
        self.case.vet(&self.gate, request)
    }

    /// Vets the case's own request.
    pub fn decide(&self) -> DecisionDocument {
        self.vet(&self.case.request).unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }

    /// The path of its folder.
    pub fn name(&self) -> String {
        self.case.path.display().to_string()
    }
}
