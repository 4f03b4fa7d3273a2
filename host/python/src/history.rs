//! Past deletions that a program knows: in a file, in memory, or in a function that is asked.

use crate::errors::Error;
use crate::inventory::{attached, invalid};
use pyo3::prelude::*;
use pyo3::types::PyString;
use reprieve::history::{History, PastBatches, Question, SPANS};
use reprieve::model::{HistoryFacts, PastBatch, Timestamp};
use reprieve::{GateBuilder, LookupError};
use serde_json::json;
use std::path::PathBuf;

/// A history as Python passes it.
pub enum Known {
    /// The path of a file.
    File(PathBuf),
    /// Batches as JSON.
    Batches(String),
    /// A function that takes a question as JSON and returns batches as JSON.
    Asked(Py<PyAny>),
}

impl Known {
    /// Takes what `reprieve/_history.py` makes of it.
    pub fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if value.is_callable() {
            return Ok(Self::Asked(value.clone().unbind()));
        }
        match value.cast::<PyString>() {
            Ok(batches) => Ok(Self::Batches(batches.extract()?)),
            Err(_) => Ok(Self::File(value.extract()?)),
        }
    }

    /// Adds it to a gate.
    pub fn add_to(self, builder: GateBuilder) -> Result<GateBuilder, Error> {
        Ok(match self {
            Self::File(path) => builder.history(PastBatches::open(&path).map_err(Error::of_gate_file)?),
            Self::Batches(text) => {
                let batches = parse(&text).map_err(|message| Error::gate(format!("<history>: {message}")))?;
                builder.history(PastBatches::new(batches))
            }
            Self::Asked(function) => builder.history(Asked(function)),
        })
    }
}

fn parse(text: &str) -> Result<Vec<PastBatch>, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let message = error.inner().to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        format!("`{}`: {message}", error.path())
    })
}

/// A function that is asked once a decision.
struct Asked(Py<PyAny>);

impl History for Asked {
    fn facts(&self, question: &Question<'_>, at: Timestamp) -> Result<HistoryFacts, LookupError> {
        let asked = json!({
            "mode": question.mode,
            "environment": question.environment,
            "kind": question.kind,
            "actor": question.actor,
            "campaign": question.campaign,
            "since": at.plus(-SPANS[2]),
            "until": at,
        });
        let text: String = attached(|py| self.0.bind(py).call1((asked.to_string(),))?.extract())?;
        let batches = parse(&text).map_err(|message| invalid(format!("the history, {message}")))?;
        PastBatches::new(batches).facts(question, at)
    }
}
