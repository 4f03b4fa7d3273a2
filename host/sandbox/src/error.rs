//! Why a policy cannot be loaded.

use crate::fault::Fault;
use crate::refusal::AdmissionError;
use crate::schema::SchemaError;
use crate::worker::WorkerError;

/// Why a policy cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is not admitted.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// It failed while it described itself.
    #[error("its descriptor cannot be read: {}: {}", .0.cause.as_str(), .0.message)]
    Fault(Fault),
    /// Its descriptor is invalid.
    #[error("its descriptor is invalid: {0}")]
    Descriptor(String),
    /// Its settings are invalid.
    #[error("settings `{pointer}`: {message}")]
    Setting {
        /// The JSON pointer of the setting.
        pointer: String,
        /// What is wrong.
        message: String,
    },
    /// It holds several policies, and none is named.
    #[error("it holds several policies")]
    Several {
        /// Their names, at most 256.
        names: Vec<String>,
        /// What to do about it.
        help: String,
    },
    /// It holds no policy of this name.
    #[error("it holds no policy `{name}`")]
    NoPolicy {
        /// The name.
        name: String,
        /// What to do about it.
        help: String,
    },
    /// Its origin is unknown, and there is no worker to compile it.
    #[error("its digest is not pinned, and no worker is named to compile it within limits")]
    NoWorker {
        /// What to do about it.
        help: String,
    },
    /// Its origin is unknown, and a worker could not compile it.
    #[error("{cause}")]
    Worker {
        /// Why.
        cause: WorkerError,
        /// What to do about it.
        help: String,
    },
}

impl LoadError {
    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Admission(error) => error.help(),
            Self::Fault(fault) => Some(fault.cause.help()),
            Self::Several { help, .. }
            | Self::NoPolicy { help, .. }
            | Self::NoWorker { help }
            | Self::Worker { help, .. } => Some(help),
            Self::Descriptor(_) | Self::Setting { .. } => None,
        }
    }
}

impl From<Fault> for LoadError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<SchemaError> for LoadError {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Schema(message) => Self::Descriptor(message),
            SchemaError::Setting { pointer, message } => Self::Setting { pointer, message },
        }
    }
}
