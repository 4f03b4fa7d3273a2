//! Why a module is not admitted.

use serde::{Deserialize, Serialize};

/// The contract that this crate reads, as the WIT file names it.
pub(crate) const CONTRACT: &str = "reprieve:policy@0.2.0";

/// Why a module is not admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// It is not wasm, or not valid.
    #[error("not a valid wasm module or component: {0}")]
    Invalid(String),
    /// It imports something.
    #[error("it imports the {kind} `{name}`; a policy may import nothing but types")]
    Import {
        /// The kind of the import, such as `function`.
        kind: String,
        /// The name of the import.
        name: String,
    },
    /// It is too large or too costly to compile.
    #[error("{what} is {is}; at most {max} is allowed")]
    TooLarge {
        /// What was measured, with its unit.
        what: String,
        /// The measured value.
        is: u64,
        /// The allowed maximum.
        max: u64,
    },
    /// It was built for another version of the contract.
    #[error("it was built for the contract `{found}`, but this version of Reprieve reads `{CONTRACT}`")]
    Contract {
        /// The contract it was built for.
        found: String,
    },
    /// It does not export the contract.
    #[error("it is not a policy: {0}")]
    World(String),
}

impl AdmissionError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Contract { .. } => Some("build it again with the SDK of this version"),
            _ => None,
        }
    }
}

/// The form of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A component.
    Component,
    /// A core module, which must be wrapped as a component.
    Module,
}

/// The refusal of a module that cannot be parsed.
pub(crate) fn invalid(error: &wasmparser::BinaryReaderError) -> AdmissionError {
    AdmissionError::Invalid(error.to_string())
}

/// Refuses a module with more of something than is allowed.
pub(crate) fn check_max(what: impl Into<String>, is: u64, max: u64) -> Result<(), AdmissionError> {
    if is > max { Err(AdmissionError::TooLarge { what: what.into(), is, max }) } else { Ok(()) }
}
