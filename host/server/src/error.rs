//! Why the service does not start, or does not take a new policy set.

use reprieve::ledger::LedgerError;
use reprieve::{BuildError, ReadError};

/// Why the service does not start, or does not take a new policy set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The policy set cannot be used.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The address cannot be used.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        error: std::io::Error,
    },
    /// The operating system refused something.
    #[error("the service cannot start: {0}")]
    System(#[from] std::io::Error),
    /// A setting cannot be used.
    #[error("`serve.{setting}`: {message}")]
    Setting {
        /// Its name, with dots.
        setting: String,
        /// What is wrong.
        message: String,
        /// What to do.
        help: String,
    },
}

impl ServeError {
    pub(crate) fn setting(setting: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Setting { setting: setting.into(), message: message.into(), help: help.into() }
    }

    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Build(error) => error.help(),
            Self::Read(error) => error.help.as_deref(),
            Self::Ledger(error) => error.help(),
            Self::Listen { .. } => Some("set `[serve] listen` to an address that is free, or use `--listen`"),
            Self::System(_) => None,
            Self::Setting { help, .. } => Some(help),
        }
    }
}
