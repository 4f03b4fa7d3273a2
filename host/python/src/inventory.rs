//! An inventory that is an object of Python. Its answers are read and checked like a file, and hashed.

use crate::targets::{Targets, private_folder};
use pyo3::prelude::*;
use reprieve::LookupError;
use reprieve::inventory::{Inventory, PoolRecord, Record, Snapshot, open_inventory_within, threads};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// An object with the methods of `reprieve/_inventory.py`.
pub struct Asked {
    object: Py<PyAny>,
    memory: u64,
}

impl Asked {
    /// Takes the object. The answer to a query may take this many bytes of memory; more is spilled to a temporary file.
    pub const fn new(object: Py<PyAny>, memory: u64) -> Self {
        Self { object, memory }
    }
}

impl Inventory for Asked {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, LookupError> {
        let object = attached(|py| Ok(self.object.bind(py).call_method0("snapshot")?.unbind()))?;
        Ok(Box::new(Moment { object, memory: self.memory, answers: RefCell::default() }))
    }
}

/// What the object knows at one moment.
struct Moment {
    object: Py<PyAny>,
    memory: u64,
    /// A hash over every answer.
    answers: RefCell<Sha256>,
}

/// Runs `ask` with the GIL. An exception is a source that cannot be reached.
pub fn attached<T>(ask: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T, LookupError> {
    let asked = Python::try_attach(|py| ask(py).map_err(|error| LookupError::Unavailable(error.to_string())));
    asked.unwrap_or_else(|| Err(LookupError::Unavailable("Python ends".to_owned())))
}

/// A wrong answer.
pub fn invalid(error: impl ToString) -> LookupError {
    LookupError::Invalid(error.to_string())
}

impl Moment {
    fn hash(&self, answer: &impl Serialize) -> Result<(), LookupError> {
        let mut bytes = serde_json::to_vec(answer).map_err(invalid)?;
        bytes.push(b'\n');
        self.answers.borrow_mut().update(bytes);
        Ok(())
    }

    /// Asks for the rows of these ids, and passes each record on.
    fn rows(&self, ids: &[&str]) -> Result<Vec<Option<Record>>, LookupError> {
        let mut asked: Vec<&str> = ids.iter().copied().filter(|id| !id.is_empty()).collect();
        asked.sort_unstable();
        asked.dedup();
        if asked.is_empty() {
            return Ok(vec![None; ids.len()]);
        }
        let rows = attached(|py| Targets::of(&self.object.bind(py).call_method1("records", (asked,))?))?;
        if matches!(&rows, Targets::Lines(lines) if lines.is_empty()) {
            return Ok(vec![None; ids.len()]);
        }
        let folder = private_folder().map_err(|error| LookupError::Spilled(error.to_string()))?;
        let path = rows.file(folder.path()).map_err(invalid)?;
        let table = open_inventory_within(&path, self.memory, threads())
            .map_err(|error| invalid(format!("the rows{}: {}", error.place, error.message)))?;
        let found = table.snapshot()?.records(ids)?.into_iter().map(|record| record.map(Cow::into_owned)).collect();
        Ok(found)
    }
}

impl Snapshot for Moment {
    fn sha256(&self) -> String {
        self.answers.borrow().clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn records(&self, ids: &[&str]) -> Result<Vec<Option<Cow<'_, Record>>>, LookupError> {
        let records = self.rows(ids)?;
        ids.iter().zip(&records).try_for_each(|answer| self.hash(&answer))?;
        Ok(records.into_iter().map(|record| record.map(Cow::Owned)).collect())
    }

    fn population(&self, kinds: &[&str]) -> Result<BTreeMap<String, u64>, LookupError> {
        let counts: BTreeMap<String, u64> =
            attached(|py| self.object.bind(py).call_method1("population", (kinds.to_vec(),))?.extract())?;
        self.hash(&counts)?;
        Ok(counts)
    }

    fn tenants(&self) -> Result<u64, LookupError> {
        let count = attached(|py| self.object.bind(py).call_method0("tenants")?.extract())?;
        self.hash(&count)?;
        Ok(count)
    }

    fn pools(&self, names: &[&str]) -> Result<Vec<PoolRecord>, LookupError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let pools: Vec<(u64, Option<u64>)> =
            attached(|py| self.object.bind(py).call_method1("pools", (names.to_vec(),))?.extract())?;
        self.hash(&pools)?;
        Ok(pools.into_iter().map(|(members, minimum)| PoolRecord { members, minimum }).collect())
    }

    fn things(&self, tenants: &[&str]) -> Result<Option<Vec<u64>>, LookupError> {
        let counts: Option<Vec<u64>> =
            attached(|py| self.object.bind(py).call_method1("things", (tenants.to_vec(),))?.extract())?;
        self.hash(&counts)?;
        Ok(counts)
    }
}
