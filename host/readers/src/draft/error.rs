//! Why a request cannot be drafted.

use reprieve_batch::ReadError;
use std::fmt;

/// Why a request cannot be drafted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DraftError {
    /// Neither the claims nor the list have the mode.
    NoMode,
    /// Neither the claims nor the list have the environment.
    NoEnvironment,
    /// The claims have one kind, and the list several.
    SeveralKinds {
        /// The kinds of the list.
        listed: Vec<String>,
        /// The kind of the claims.
        kind: String,
    },
    /// Neither the claims nor some rows of the list have a kind.
    NoKind {
        /// The number of rows without a kind.
        without_kind: u64,
        /// The number of rows.
        targets: u64,
    },
    /// The list has more kinds than this.
    TooManyKinds(usize),
    /// The list cannot be read.
    Read(ReadError),
}

impl fmt::Display for DraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMode => f.write_str("the list does not say whether its targets remain recoverable"),
            Self::NoEnvironment => f.write_str("the list does not say in which environment the call will run"),
            Self::SeveralKinds { listed, kind } => {
                let listed = listed.join(", ");
                write!(f, "the list has several kinds ({listed}), so `{kind}` is not that of all")
            }
            Self::NoKind { without_kind, targets } => {
                write!(f, "the list does not say of what kind {without_kind} of {targets} targets are")
            }
            Self::TooManyKinds(kinds) => write!(f, "the list has more than {kinds} kinds"),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DraftError {}

impl From<ReadError> for DraftError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}
