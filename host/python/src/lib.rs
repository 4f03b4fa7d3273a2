//! The native half of the Python package `reprieve`. The other half, in `reprieve/`, is what people import: it has the types,
//! the documentation and the conversions that Python itself does best. This half reads, decides and records.
//!
//! # Invariants
//!
//! - The GIL is released while something is read, decided or recorded, which happens on a thread of its own.
//! - An allow that reaches Python counts until its outcome is recorded: nothing that Python forgets releases it.
//! - An allow that does not reach Python, because the call was interrupted, is aborted.

mod codes;
mod draft;
mod errors;
mod foreign;
mod gate;
mod history;
mod inventory;
mod overrides;
mod planned;
mod section;
mod split;
mod targets;
mod vetted;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::codes::explain;
    #[pymodule_export]
    use super::draft::draft;
    #[pymodule_export]
    use super::foreign::{formats, read};
    #[pymodule_export]
    use super::gate::{Gate, compile_worker, create_ledger};
    #[pymodule_export]
    use super::planned::Planned;
    #[pymodule_export]
    use super::section::Section;
    #[pymodule_export]
    use super::targets::targets_sha256;
    #[pymodule_export]
    use super::vetted::Vetted;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
