//! The mode of a batch as an argument.

use clap::ValueEnum;
use reprieve::model::Mode;

/// A mode.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ModeArgument {
    /// Marked for deletion and recoverable for a while
    Soft,
    /// Permanent
    Hard,
    /// Nothing is lost, but the service stops
    Disable,
}

impl From<ModeArgument> for Mode {
    fn from(mode: ModeArgument) -> Self {
        match mode {
            ModeArgument::Soft => Self::Soft,
            ModeArgument::Hard => Self::Hard,
            ModeArgument::Disable => Self::Disable,
        }
    }
}
