//! The exit status of the process.

use reprieve::model::Verdict;
use std::process::ExitCode;

/// The exit status of every command. Only 0 permits a deletion, so `reprieve check request.json && delete …` deletes
/// nothing unless the batch was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0: the command did what it was asked to do. Nothing was decided.
    Success,
    /// 0: the batch may run.
    Allow,
    /// 1: a policy denies the batch, or a check of something else (a ledger, a permit, the cases of a policy) failed.
    Deny,
    /// 2: there is no decision: a fault, unusable input, wrong arguments, or any other error.
    Undecided,
    /// 3: the batch was allowed, but the command that `run` started failed.
    Failed,
}

impl Status {
    /// The number that the process exits with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success | Self::Allow => 0,
            Self::Deny => 1,
            Self::Undecided => 2,
            Self::Failed => 3,
        }
    }
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow => Self::Allow,
            Verdict::Deny => Self::Deny,
            Verdict::Undecided => Self::Undecided,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
