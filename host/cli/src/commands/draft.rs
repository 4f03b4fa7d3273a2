//! `reprieve draft`: prints a request for a list.

use crate::drafting::ClaimArguments;
use crate::error::fail;
use crate::files::{Readers, write_whole};
use crate::reading::ListArguments;
use anyhow::Context;
use clap::Args;
use reprieve::model::TargetFiles;
use reprieve_readers::Summary;
use reprieve_readers::draft::{Document, Origin, SourceFile, draft, listed};
use reprieve_report::output::{data, plain};
use reprieve_report::status::Status;
use std::path::{Path, PathBuf};

/// Draft a request for a list: counts, digest, kinds and origin are filled in, and what only people know is null
#[derive(Args, Debug)]
pub struct Arguments {
    /// The list of targets; or several files in their order, which are one list
    #[arg(required = true, value_name = "LIST")]
    lists: Vec<PathBuf>,
    #[command(flatten)]
    claims: ClaimArguments,
    #[command(flatten)]
    form: ListArguments,
    /// The file to write, which must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let folder = arguments.out.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let paths = arguments.lists.iter().map(|list| relative(list, folder)).collect::<anyhow::Result<Vec<_>>>()?;
    let list = listed(folder, &paths, arguments.form.describe(TargetFiles::default()))?;
    let source = SourceFile { name: Some(list.name.clone()), sha256: list.files.sha256.clone().unwrap_or_default() };
    let request = draft(&arguments.claims.claims(), &list, &Summary::default(), &source, &Origin::find())?;
    match &arguments.out {
        Some(out) => write_new(out, &request)?,
        None => data(|out| Ok(write!(out, "{}", request.to_json())?))?,
    }
    say_blanks(&request);
    Ok(Status::Success)
}

/// Writes a request to a file that must not exist.
pub fn write_new(path: &Path, request: &Document) -> anyhow::Result<()> {
    if path.exists() {
        return Err(fail(format!("{} already exists", path.display()), "name a new file"));
    }
    write_whole(path, request.to_json().as_bytes(), Readers::All)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Says which fields are left to people.
pub fn say_blanks(request: &Document) {
    let blanks = request.blanks();
    if !blanks.is_empty() {
        errln!("note: fill in what you know of {}", plain(&blanks.join(", ")));
    }
}

/// The path of a list relative to the folder of its request, which has to be above it.
fn relative(list: &Path, folder: &Path) -> anyhow::Result<String> {
    let base = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let real = |path: &Path| path.canonicalize().with_context(|| path.display().to_string());
    let (list, base) = (real(list)?, real(base)?);
    let below = list.strip_prefix(&base).ok().and_then(Path::to_str).map(str::to_owned);
    below.ok_or_else(|| {
        let message = format!("{} is not below the folder of the request", list.display());
        fail(message, "write the request beside the list: `--out FOLDER/request.json`")
    })
}
