//! The request and the targets of a call, and reading them into a batch.

use crate::errors::Error;
use crate::work::{Meter, run};
use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::RecordBatchStreamReader;
use arrow_pyarrow::FromPyArrow;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use reprieve::model::Timestamp;
use reprieve::{Batch, BatchPlan, Folder, ReadError, ReadOptions, TableStream, list_sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The name of the request in messages, if it is not in a file.
const REQUEST: &str = "<request>";
/// The name of the targets in messages, if they are not in a file.
pub const TARGETS: &str = "<targets>";

/// A request as Python passes it.
#[derive(Clone, FromPyObject)]
pub enum Request {
    /// JSON text. Python passes a path as a `pathlib.Path`, never as text.
    #[pyo3(transparent, annotation = "str")]
    Text(String),
    /// The path of a file.
    #[pyo3(transparent, annotation = "os.PathLike")]
    Path(PathBuf),
}

/// Targets as Python passes them.
pub enum Targets {
    /// The path of a file.
    Path(PathBuf),
    /// Lines of JSON.
    Lines(Vec<u8>),
    /// Record batches.
    Table(TableStream),
}

impl Targets {
    /// Reads what Python passes: bytes are lines of JSON, an object with the Arrow C stream interface is a table, and
    /// everything else is a path.
    pub fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(lines) = value.cast::<PyBytes>() {
            return Ok(Self::Lines(lines.as_bytes().to_owned()));
        }
        if value.hasattr("__arrow_c_stream__")? {
            let stream = RecordBatchStreamReader::from_pyarrow_bound(value).map_err(|error| {
                Error::request(format!("the targets cannot be read as an Arrow table: {error}"))
                    .with_help("pass a table with named columns, one of which is `id`")
            })?;
            return Ok(Self::Table(TableStream::new(TARGETS, &stream.schema(), stream)));
        }
        Ok(Self::Path(value.extract()?))
    }

    /// Returns the file of the targets. Those in memory are written to a new file of the folder.
    pub fn file(self, folder: &Path) -> Result<PathBuf, Error> {
        match self {
            Self::Path(path) => Ok(path),
            Self::Lines(lines) => {
                let path = folder.join("targets.ndjson");
                std::fs::write(&path, lines).map_err(no_file)?;
                Ok(path)
            }
            Self::Table(table) => {
                let path = folder.join("targets.arrows");
                let mut file = BufWriter::new(File::create_new(&path).map_err(no_file)?);
                table.write(&mut file).map_err(|error| Error::from(error).without_file())?;
                file.flush().map_err(no_file)?;
                Ok(path)
            }
        }
    }
}

fn no_file(error: std::io::Error) -> Error {
    Error::request(format!("no temporary file: {error}"))
}

/// How a batch is read.
pub struct Reading {
    pub request: Request,
    pub targets: Option<Targets>,
    pub columns: Vec<(String, Vec<String>)>,
    pub at: Option<Timestamp>,
    pub memory: u64,
    pub threads: Option<usize>,
    pub meter: Meter,
}

/// A private folder for targets in memory. Only the user can read it, and it is removed when it is dropped.
pub fn private_folder() -> Result<TempDir, Error> {
    tempfile::Builder::new()
        .prefix("reprieve-")
        .tempdir()
        .map_err(|error| Error::request(format!("no temporary folder: {error}")))
}

impl Reading {
    /// Reads the batch. Lines of JSON are in the folder that is returned, as long as the batch is used.
    pub fn batch(self) -> Result<(Batch, Option<TempDir>), Error> {
        let folder = if let Some(Targets::Lines(_)) = self.targets { Some(private_folder()?) } else { None };
        let meter = self.meter.clone();
        let mut each = |progress| meter.set(progress);
        let (request, at) = (self.request.clone(), self.at);
        let options = self.options(folder.as_ref())?.progress(&mut each);
        let batch = match &request {
            Request::Path(path) => Batch::open_with(path, options),
            Request::Text(text) => Folder::open(Path::new("."))
                .and_then(|here| Batch::read_with(text.as_bytes(), REQUEST, &here, options)),
        };
        let batch = batch.map_err(|error| match &folder {
            Some(folder) if Path::new(&error.file).starts_with(folder.path()) => {
                Error::from(ReadError { file: TARGETS.to_owned(), ..error })
            }
            _ => error.into(),
        })?;
        Ok((at.into_iter().fold(batch, Batch::at), folder))
    }

    /// Plans the batch. Its list has to be in files, which other processes read.
    pub fn plan(self) -> Result<BatchPlan, Error> {
        if matches!(self.targets, Some(Targets::Lines(_) | Targets::Table(_))) {
            return Err(Error::request("targets in memory are in one process, so nothing can be divided")
                .with_help("vet them with `Gate.vet`, or pass the path of a list"));
        }
        let (request, at) = (self.request.clone(), self.at);
        let options = self.options(None)?;
        let plan = match &request {
            Request::Path(path) => BatchPlan::open(path, options),
            Request::Text(text) => BatchPlan::read(text.as_bytes(), REQUEST, Path::new("."), options),
        };
        Ok(at.into_iter().fold(plan?, BatchPlan::at))
    }

    /// How the list is read. Lines of JSON are written to the folder.
    fn options<'a>(self, folder: Option<&TempDir>) -> Result<ReadOptions<'a>, Error> {
        let mut options = ReadOptions::default().memory(self.memory);
        if let Some(threads) = self.threads {
            options = options.threads(threads);
        }
        options = match self.targets {
            Some(Targets::Table(table)) => options.table(table),
            Some(targets) => options.targets(targets.file(folder.map_or(Path::new("."), TempDir::path))?),
            None => options,
        };
        for (field, columns) in &self.columns {
            options = match columns.as_slice() {
                [column] => options.column(field, column),
                several => {
                    let several: Vec<&str> = several.iter().map(String::as_str).collect();
                    options.joined_columns(field, &several)
                }
            };
        }
        Ok(options)
    }
}

/// Returns the SHA-256 of targets, as evidence has to name it.
#[pyfunction]
pub fn targets_sha256(py: Python<'_>, targets: &Bound<'_, PyAny>) -> PyResult<String> {
    let targets = Targets::of(targets)?;
    let digest = move || {
        if let Targets::Table(table) = targets {
            return Ok::<_, Error>(table.sha256()?);
        }
        let folder = private_folder()?;
        Ok(list_sha256(&targets.file(folder.path())?)?)
    };
    Ok(run(py, None, digest)??)
}
