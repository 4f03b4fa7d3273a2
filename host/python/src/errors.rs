//! Errors of the library as exceptions. The classes are in `reprieve/_errors.py`.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use reprieve::ledger::{LedgerError, RedeemError};
use reprieve::planned::{PlanError, SectionError, SectionPermitError};
use reprieve::signed::PermitError;
use reprieve::split::SplitError;
use reprieve::{BuildError, LookupError, ReadError};
use reprieve_readers::draft::DraftError;
use std::fmt;

/// An error, before it is known which exception it becomes.
#[derive(Debug)]
pub struct Error {
    class: &'static str,
    message: String,
    help: Option<String>,
    /// The file and the place in it, for people.
    file: Option<(String, String)>,
}

impl Error {
    fn new(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), help: None, file: None }
    }

    /// The request, or its list, cannot be used.
    pub fn request(message: impl Into<String>) -> Self {
        Self::new("RequestError", message)
    }

    /// The gate cannot be built.
    pub fn gate(message: impl Into<String>) -> Self {
        Self::new("GateError", message)
    }

    /// The permit cannot be used.
    pub fn permit(message: impl Into<String>) -> Self {
        Self::new("PermitError", message)
    }

    /// Adds what to do.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Leaves out the file that it is about, which the caller did not name.
    pub fn without_file(self) -> Self {
        Self { file: None, ..self }
    }

    fn read(class: &'static str, error: ReadError) -> Self {
        let place = error.place.to_string();
        let place = place.trim_start_matches(':').trim().to_owned();
        Self { help: error.help, file: Some((error.file, place)), ..Self::new(class, error.message) }
    }

    /// An error of a file that the gate is made from.
    pub fn of_gate_file(error: ReadError) -> Self {
        Self::read("GateError", error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::read("RequestError", error)
    }
}

impl From<DraftError> for Error {
    fn from(error: DraftError) -> Self {
        let help = match &error {
            DraftError::NoMode => {
                "`mode=\"soft\"` if the targets remain recoverable for a while, or else `mode=\"hard\"`"
            }
            DraftError::NoEnvironment => "name it as your inventory does, for example `environment=\"production\"`",
            DraftError::SeveralKinds { .. } => {
                "leave `kind` out, and each target is of the kind that the list states"
            }
            DraftError::NoKind { .. } => "add `kind=…`, or a column `kind`",
            DraftError::TooManyKinds(_) => "submit one list for each kind",
            DraftError::Read(error) => return error.clone().into(),
            _ => return Self::request(error.to_string()),
        };
        Self::request(error.to_string()).with_help(help)
    }
}

impl From<SplitError> for Error {
    fn from(error: SplitError) -> Self {
        let help = match &error {
            SplitError::NoLimit => Some("use the policy `blast-radius`, or set the limit with `tenants`".to_owned()),
            _ => error.help().map(str::to_owned),
        };
        match error {
            SplitError::Read(error) => error.into(),
            error => Self { help, ..Self::request(error.to_string()) },
        }
    }
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        let help = error.help().map(str::to_owned);
        match error {
            PlanError::Section(SectionError::Read(error)) => error.into(),
            PlanError::Plan { message, .. } => Self { help, ..Self::gate(message) },
            error => Self { help, ..Self::request(error.to_string()) },
        }
    }
}

impl From<PermitError> for Error {
    fn from(error: PermitError) -> Self {
        Self { help: error.help().map(str::to_owned), ..Self::permit(error.to_string()) }
    }
}

impl From<SectionPermitError> for Error {
    fn from(error: SectionPermitError) -> Self {
        let help = error.help().map(str::to_owned);
        match error {
            SectionPermitError::Plan(error) => error.into(),
            SectionPermitError::Redeem(RedeemError::Ledger(error)) => error.into(),
            error => Self { help, ..Self::permit(error.to_string()) },
        }
    }
}

impl From<LookupError> for Error {
    fn from(error: LookupError) -> Self {
        Self::new("ReprieveError", error.to_string())
    }
}

impl From<BuildError> for Error {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Read(error) => Self::of_gate_file(error),
            error => Self { help: error.help().map(str::to_owned), ..Self::gate(error.to_string()) },
        }
    }
}

impl From<LedgerError> for Error {
    fn from(error: LedgerError) -> Self {
        Self { help: error.help().map(str::to_owned), ..Self::new("LedgerError", error.to_string()) }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new("ReprieveError", error.to_string())
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let exception = |py: Python<'_>| -> PyResult<Self> {
            let arguments = PyDict::new(py);
            arguments.set_item("help", error.help)?;
            if let Some((file, place)) = error.file {
                arguments.set_item("file", file)?;
                arguments.set_item("place", place)?;
            }
            let class = py.import("reprieve._errors")?.getattr(error.class)?;
            Ok(Self::from_value(class.call((error.message,), Some(&arguments))?))
        };
        Python::attach(|py| exception(py).unwrap_or_else(|error| error))
    }
}
