//! The gate.

use crate::errors::Error;
use crate::history::Known;
use crate::inventory::Asked;
use crate::overrides::read_override;
use crate::planned::Planned;
use crate::split::split_batch;
use crate::targets::{Reading, Request, Targets, private_folder};
use crate::vetted::Vetted;
use crate::work::{Meter, run};
use pyo3::prelude::*;
use reprieve::inventory::{open_inventory_within, threads as cores};
use reprieve::model::Timestamp;
use reprieve::policy::{Worker, run_worker};
use reprieve::signed::Signing;
use reprieve::{Folder, GateBuilder, PolicySet, ReadError, VetOptions};
use reprieve_ledger::SqlLedger;
use std::path::{Path, PathBuf};

/// The name of the inventory in messages, if it is not in a file.
const INVENTORY: &str = "<inventory>";

/// A gate, and the process that made it.
#[pyclass(frozen, module = "reprieve._native")]
pub struct Gate {
    gate: reprieve::Gate,
    /// The settings for overrides.
    signing: Signing,
    memory: u64,
    threads: Option<usize>,
    process: u32,
}

/// Where the inventory is.
enum Source {
    /// In a file or a table.
    Rows(Targets),
    /// In an object that is asked.
    Asked(Py<PyAny>),
}

impl Source {
    /// Takes what Python passes: rows as targets are passed, or an object of `reprieve/_inventory.py`.
    fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        match value.hasattr("population")? && !value.hasattr("__arrow_c_stream__")? {
            true => Ok(Self::Asked(value.clone().unbind())),
            false => Targets::of(value).map(Self::Rows),
        }
    }
}

/// What a gate is made from.
struct Made {
    config: Option<PathBuf>,
    policies: Option<String>,
    inventory: Option<Source>,
    history: Option<Known>,
    ledger: Option<String>,
    record: bool,
    memory: u64,
    threads: Option<usize>,
    worker: (PathBuf, Vec<String>),
    password: Option<String>,
}

impl Made {
    fn gate(self) -> Result<(reprieve::Gate, Signing), Error> {
        let Self { config, policies, inventory, history, ledger, record, memory, threads, worker, password } = self;
        let (program, arguments) = worker;
        let mut builder = reprieve::Gate::builder().memory(memory).worker(Worker::new(program, arguments));
        if let Some(threads) = threads {
            builder = builder.threads(threads);
        }
        if let Some(config) = config {
            builder = builder.config(&config).map_err(Error::of_gate_file)?;
        }
        if let Some(text) = policies {
            let set = policy_set(&text)?;
            builder = builder.policies(set, Some(Folder::open(Path::new(".")).map_err(Error::of_gate_file)?));
        }
        builder = match inventory {
            Some(Source::Rows(rows)) => {
                // An inventory in a file is read now, so the folder is not needed later.
                let folder = private_folder()?;
                let path = rows.file(folder.path())?;
                let inventory = open_inventory_within(&path, memory, threads.unwrap_or_else(cores));
                let inventory = inventory.map_err(|error| match path.starts_with(folder.path()) {
                    true => ReadError { file: INVENTORY.to_owned(), ..error },
                    false => error,
                });
                builder.inventory(inventory.map_err(Error::of_gate_file)?)
            }
            Some(Source::Asked(object)) => builder.inventory(Asked::new(object, memory)),
            None => builder,
        };
        if let Some(history) = history {
            builder = history.add_to(builder)?;
        }
        builder = if record {
            with_ledger(builder, ledger.as_deref(), password.as_deref())?
        } else {
            builder.without_ledger()
        };
        let signing = builder.signing();
        Ok((builder.build()?, signing))
    }
}

fn with_ledger(builder: GateBuilder, name: Option<&str>, password: Option<&str>) -> Result<GateBuilder, Error> {
    let ledger = match name {
        Some(name) => Some(SqlLedger::open(name, None, password)?),
        None => SqlLedger::open_named(&builder, password)?,
    };
    Ok(match ledger {
        Some(ledger) => builder.ledger(ledger),
        None => builder,
    })
}

/// The password of the ledger. The environment is read with the GIL, because Python may change it.
fn password(_: Python<'_>) -> Option<String> {
    std::env::var("PGPASSWORD").ok()
}

/// Reads a policy set that Python wrote as JSON.
fn policy_set(text: &str) -> Result<PolicySet, Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let message = error.inner().to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        Error::gate(format!("policies, at `{}`: {message}", error.path()))
            .with_help("a policy is a name, or a dict with the keys of `[[policy]]` in reprieve.toml")
    })
}

impl Gate {
    /// Refuses a gate that crossed a fork.
    fn check_process(&self) -> PyResult<()> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(Error::gate("the gate was made in another process, from which this one was forked")
            .with_help("make a gate in each process, after the fork")
            .into())
    }

    /// How a batch is read.
    fn reading(
        &self,
        request: Request,
        targets: Option<&Bound<'_, PyAny>>,
        columns: Vec<(String, Vec<String>)>,
        at: Option<&str>,
    ) -> PyResult<Reading> {
        self.check_process()?;
        let targets = targets.map(Targets::of).transpose()?;
        let at = at.map(Timestamp::parse).transpose().map_err(|error| Error::request(format!("`at`: {error}")))?;
        let (memory, threads) = (self.memory, self.threads);
        Ok(Reading { request, targets, columns, at, memory, threads, meter: Meter::default() })
    }
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (config, policies, inventory, history, ledger, record, memory, threads, worker))]
    #[allow(clippy::too_many_arguments)] // only `reprieve/_gate.py` calls it, with all of them
    fn new(
        py: Python<'_>,
        config: Option<PathBuf>,
        policies: Option<String>,
        inventory: Option<&Bound<'_, PyAny>>,
        history: Option<&Bound<'_, PyAny>>,
        ledger: Option<String>,
        record: bool,
        memory: u64,
        threads: Option<usize>,
        worker: (PathBuf, Vec<String>),
    ) -> PyResult<Self> {
        let inventory = inventory.map(Source::of).transpose()?;
        let history = history.map(Known::of).transpose()?;
        let password = password(py);
        let made = Made { config, policies, inventory, history, ledger, record, memory, threads, worker, password };
        let (gate, signing) = run(py, None, move || made.gate())??;
        Ok(Self { gate, signing, memory, threads, process: std::process::id() })
    }

    /// Vets a batch. Returns the decision, whatever it is.
    #[pyo3(signature = (request, targets, columns, at, with_override, progress))]
    #[allow(clippy::too_many_arguments)] // only `reprieve/_gate.py` calls it, with all of them
    fn vet(
        &self,
        py: Python<'_>,
        request: Request,
        targets: Option<&Bound<'_, PyAny>>,
        columns: Vec<(String, Vec<String>)>,
        at: Option<&str>,
        with_override: Option<PathBuf>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vetted> {
        let reading = self.reading(request, targets, columns, at)?;
        let meter = reading.meter.clone();
        let (gate, signing) = (self.gate.clone(), self.signing.clone());
        let work = move || {
            let lifted = with_override.map(|path| read_override(&path, &gate, &signing)).transpose()?;
            let (batch, folder) = reading.batch()?;
            let decision =
                gate.vet_with(batch, VetOptions { with_override: lifted.as_ref(), ..VetOptions::default() });
            Ok::<_, Error>((decision, folder))
        };
        let (decision, folder) = run(py, progress.map(|callback| (&meter, callback)), work)??;
        Vetted::new(decision, folder, self.gate.ledger().cloned(), self.signing.clone())
    }

    /// Splits a batch. Returns the parts and the excluded targets as JSON.
    #[pyo3(signature = (request, targets, columns, at, tenants))]
    fn split(
        &self,
        py: Python<'_>,
        request: Request,
        targets: Option<&Bound<'_, PyAny>>,
        columns: Vec<(String, Vec<String>)>,
        at: Option<&str>,
        tenants: Option<u64>,
    ) -> PyResult<String> {
        let reading = self.reading(request, targets, columns, at)?;
        let gate = self.gate.clone();
        let work = move || {
            let (batch, _folder) = reading.batch()?;
            split_batch(&gate, &batch, tenants)
        };
        Ok(run(py, None, work)??)
    }

    /// Plans a batch whose list several processes read. Returns the plan as JSON.
    #[pyo3(signature = (request, targets, columns, at))]
    fn plan(
        &self,
        py: Python<'_>,
        request: Request,
        targets: Option<&Bound<'_, PyAny>>,
        columns: Vec<(String, Vec<String>)>,
        at: Option<&str>,
    ) -> PyResult<String> {
        let reading = self.reading(request, targets, columns, at)?;
        let gate = self.gate.clone();
        Ok(run(py, None, move || Ok::<_, Error>(gate.plan(reading.plan()?)?.to_text()?))??)
    }

    /// Takes part in a planned batch. `folder` is where this process finds the list, if it is elsewhere than in the plan.
    #[pyo3(signature = (plan, folder))]
    fn planned(&self, plan: &str, folder: Option<PathBuf>) -> PyResult<Planned> {
        self.check_process()?;
        let threads = self.threads.unwrap_or_else(cores);
        Ok(Planned::new(self.gate.clone(), self.signing.clone(), plan, folder, self.memory, threads)?)
    }

    /// The policies, as JSON: name, version, digest.
    fn policies(&self) -> PyResult<String> {
        let policies: Vec<_> = self
            .gate
            .policies()
            .map(|policy| {
                serde_json::json!({
                    "name": policy.descriptor.name,
                    "version": policy.descriptor.version,
                    "summary": policy.descriptor.summary,
                    "sha256": policy.sha256,
                    "enforced": policy.enforced,
                })
            })
            .collect();
        Ok(serde_json::Value::Array(policies).to_string())
    }

    /// SHA-256 of the policy set.
    fn set_sha256(&self) -> &str {
        self.gate.set_sha256()
    }

    /// Whether decisions are recorded.
    fn records(&self) -> bool {
        self.gate.ledger().is_some()
    }

    /// Explains a code of its policies; see `explain`.
    fn explain(&self, code: Option<&str>) -> String {
        crate::codes::explained(&self.gate, code).to_string()
    }
}

/// Creates a ledger.
#[pyfunction]
pub fn create_ledger(py: Python<'_>, name: String) -> PyResult<()> {
    let password = password(py);
    let create = move || SqlLedger::create(&name, None, password.as_deref()).map(drop).map_err(Error::from);
    run(py, None, create)??;
    Ok(())
}

/// Compiles a policy module for a gate: the whole work of a process that a gate started.
#[pyfunction]
pub fn compile_worker() -> PyResult<()> {
    Ok(run_worker()?)
}
