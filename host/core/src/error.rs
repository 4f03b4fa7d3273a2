//! Why a gate cannot be built.

use reprieve_batch::ReadError;

/// Why a gate cannot be built. The operator can correct every one of these errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A policy cannot be used.
    #[error("policy {number} (`{source_name}`): {message}")]
    Policy {
        /// Its position in the set, counted from 1.
        number: usize,
        /// The value of `use`.
        source_name: String,
        /// What is wrong.
        message: String,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
    /// The set as a whole cannot be used.
    #[error("{message}")]
    Set {
        /// What is wrong.
        message: String,
        /// What to do about it, if that is known.
        help: Option<String>,
    },
    /// A recorded set of policies cannot be used.
    #[error("the recorded policy set cannot be used: {0}")]
    Record(String),
    /// The sandbox cannot be started.
    #[error(transparent)]
    Engine(#[from] reprieve_sandbox::EngineError),
    /// A module cannot be loaded.
    #[error("the module cannot be used: {0}")]
    Module(reprieve_sandbox::LoadError),
}

impl From<reprieve_sandbox::LoadError> for BuildError {
    fn from(error: reprieve_sandbox::LoadError) -> Self {
        Self::Module(error)
    }
}

impl BuildError {
    pub(crate) fn set(message: impl Into<String>) -> Self {
        Self::Set { message: message.into(), help: None }
    }

    pub(crate) fn with_help(mut self, text: impl Into<String>) -> Self {
        if let Self::Policy { help, .. } | Self::Set { help, .. } = &mut self {
            *help = Some(text.into());
        }
        self
    }

    /// What to do about it, if that is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Read(error) => error.help.as_deref(),
            Self::Policy { help, .. } | Self::Set { help, .. } => help.as_deref(),
            Self::Module(error) => error.help(),
            Self::Record(_) | Self::Engine(_) => None,
        }
    }
}
