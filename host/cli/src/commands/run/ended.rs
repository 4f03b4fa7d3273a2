//! How a run ended, and the outcome to record.

use super::supervise::Left;
use reprieve::ledger::Outcome;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

/// The result of the command.
pub struct Ended {
    pub status: ExitStatus,
    /// The number of targets that it reported as deleted.
    pub deleted: Option<u64>,
    /// The number of targets that an earlier run deleted, by its log.
    pub earlier: u64,
    /// What failed apart from the command itself.
    pub problem: Option<String>,
}

impl Ended {
    /// Whether the run succeeded.
    pub fn succeeded(&self) -> bool {
        self.status.success() && self.problem.is_none()
    }

    /// The outcome to record. A command that failed may have deleted any number of targets, unless it reported 0. One that
    /// used its permit has begun to delete, so its batch is not aborted; neither is that of a command that was killed,
    /// whatever it reported before.
    pub fn outcome(&self, used: bool) -> Outcome {
        match (self.succeeded(), self.deleted) {
            (false, Some(0)) if !used && self.status.code().is_some() => Outcome::Aborted { reason: self.in_words() },
            (succeeded, deleted) => Outcome::Committed { succeeded, deleted, note: Some(self.in_words()) },
        }
    }

    /// Describes the result.
    pub fn in_words(&self) -> String {
        let mut words = match (self.status.code(), self.status.signal()) {
            (Some(0), _) => "the command succeeded".to_owned(),
            (Some(code), _) => format!("the command failed with exit status {code}"),
            (None, Some(signal)) => format!("the command was ended by signal {signal}"),
            (None, None) => "the command failed".to_owned(),
        };
        match self.deleted {
            Some(deleted) => words += &format!(", and deleted {deleted}"),
            None if !self.status.success() => words += ", and it is unknown how many targets it deleted",
            None => {}
        }
        if self.earlier > 0 {
            words += &format!("; its log has {} deleted before", self.earlier);
        }
        if let Some(problem) = &self.problem {
            words += &format!("; {problem}");
        }
        words
    }
}

/// Says that a command cannot be run.
pub fn not_run(command: &Command) -> String {
    format!("cannot run `{}`", command.get_program().display())
}

/// What the command left running.
pub fn left_over(left: Left) -> Option<String> {
    match left {
        Left::Nothing => None,
        Left::Stopped => Some("it left processes running, which were stopped".to_owned()),
        Left::Running => Some("processes that it started could not be stopped and may have gone on".to_owned()),
    }
}
