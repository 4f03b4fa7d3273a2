//! Lists for a draft: one that is in a file, or the items of a file of another tool.

use super::ClaimArguments;
use crate::error::{fail, with_help};
use crate::sql;
use anyhow::Context;
use clap::Args;
use reprieve::Folder;
use reprieve::model::TargetFiles;
use reprieve_readers::draft::{Document, List, Origin, SourceFile, draft};
use reprieve_readers::{FORMATS, Format, Input, Item, Options, Summary, find};
use reprieve_report::output::plain;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// The maximum size of a file of another tool in bytes.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// The name of a list that is made from a file of another tool.
pub const LIST_NAME: &str = "targets.ndjson";

/// How a file of another tool is read.
#[derive(Args, Debug, Default)]
pub struct FromArguments {
    /// The columns or members that make up the id, if the format does not say
    #[arg(long = "id-column", value_name = "NAME")]
    pub id_columns: Vec<String>,
    /// With the format `sql`: the database that the statement is for, a postgres:// URL or an SQLite file. The rows that it
    /// deletes now, and those that go with them by foreign keys, are read from it. A password that the URL does not
    /// contain is read from PGPASSWORD
    #[arg(long, value_name = "FILE|URL")]
    pub connect: Option<String>,
}

/// A file of another tool that was read: its list in a temporary folder, and the request for it.
pub struct From {
    /// The folder of the list.
    pub folder: TempDir,
    /// The request.
    pub request: Document,
    /// What the file says beside its items.
    pub summary: Summary,
    /// The number of items.
    pub targets: u64,
}

/// The error of a file that deletes what it does not list.
pub fn selects(path: &Path, selector: &str) -> anyhow::Error {
    let message = format!("{} may delete what it does not list: {}", path.display(), plain(selector));
    fail(message, "list what that deletes, and vet that list; then delete those targets and no others")
}

/// The error of a statement that deletes nothing now. What it would delete later was not vetted.
fn matches_nothing(path: &Path) -> anyhow::Error {
    let message = format!("{} matches no row now, so there is nothing to vet", path.display());
    fail(message, "check its condition; what it matches later is not vetted")
}

/// Adds the flags that help with an error to its help.
fn with_flags(error: reprieve::ReadError) -> anyhow::Error {
    let flags = match error.help.as_deref() {
        Some(help) if help.contains("no header") => "`--no-header`, and `--id-column 1` for the first column",
        Some(help) if help.contains("id column") => "`--id-column NAME` names it",
        Some(help) if help.contains("the kind") || help.contains("resource type") => "`--kind KIND` states it",
        _ => return error.into(),
    };
    let help = format!("{}: {flags}", error.help.as_deref().unwrap_or_default());
    with_help(error, help)
}

/// A file that is a call, such as a plan, was read whole and deletes nothing.
#[derive(Debug)]
pub struct NothingToDelete {
    /// The file.
    pub file: String,
    /// What it holds beside deletions.
    pub notes: Vec<String>,
}

impl fmt::Display for NothingToDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} deletes nothing, so there is nothing to vet", self.file)
    }
}

impl std::error::Error for NothingToDelete {}

/// The formats and what they are, for `--help`.
pub fn formats() -> String {
    let width = FORMATS.iter().map(|format| format.name.len()).max().unwrap_or_default();
    let lines = FORMATS.iter().map(|format| format!("  {:width$}  {}", format.name, format.summary));
    format!("Formats:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

/// Returns the format of a name.
pub fn format(name: &str) -> Result<&'static Format, String> {
    find(name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        match reprieve::model::did_you_mean(name, names.iter().copied()) {
            Some(near) => format!("there is no such format; did you mean `{near}`?"),
            None => format!("there is no such format; the formats are {}", names.join(", ")),
        }
    })
}

/// A file of another tool, whole.
pub struct Source {
    folder: Folder,
    name: String,
    bytes: Vec<u8>,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
}

impl Source {
    /// Reads the bytes of a file.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let (folder, name) = Folder::of(path)?;
        let bytes = folder.read(&name, MAX_FILE_BYTES)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        Ok(Self { folder, name, bytes, sha256 })
    }

    fn input<T>(&self, read: impl FnOnce(&Input<'_>) -> T) -> T {
        let shown = self.folder.display_name(&self.name);
        let companion = |name: &str| self.folder.read(name, MAX_FILE_BYTES);
        read(&Input { name: &shown, bytes: &self.bytes, companion: &companion })
    }

    /// Passes its items to `each`.
    pub fn items(
        &self,
        format: &Format,
        options: &Options,
        mut each: impl FnMut(Item) -> anyhow::Result<()>,
    ) -> anyhow::Result<Summary> {
        let mut failed = None;
        let mut sink = |item: Item| {
            each(item).map_err(|error| {
                let message = error.to_string();
                failed = Some(error);
                reprieve::ReadError::of_file("the list", message)
            })
        };
        let read = self.input(|input| (format.read)(input, options, &mut sink));
        match failed {
            Some(error) => Err(error),
            None => read.map_err(with_flags),
        }
    }
}

/// Reads a file of another tool that deletes or lists things, and passes its items to `each`. Returns its digest as well. A
/// file that records what there is, such as a state, is refused: it is never a list of deletions.
pub fn read_deletions(
    format: &Format,
    path: &Path,
    claims: &ClaimArguments,
    from: &FromArguments,
    no_header: bool,
    each: impl FnMut(Item) -> anyhow::Result<()>,
) -> anyhow::Result<(Summary, String)> {
    let source = Source::open(path)?;
    let options = Options { kind: claims.kind.clone(), id: from.id_columns.clone(), no_header };
    let summary = match &from.connect {
        Some(_) if format.name != "sql" => {
            let message = format!("`--connect` is for statements of SQL, and not for {}", format.name);
            return Err(fail(message, "leave it out, or read a file of SQL with the format `sql`"));
        }
        Some(_) if claims.kind.is_some() => {
            return Err(fail("the kind of each row is its table", "leave `--kind` out"));
        }
        Some(connect) => source.input(|input| sql::deletions(input, &options, connect, each))?,
        None => source.items(format, &options, each)?,
    };
    if summary.is_state {
        let message =
            format!("{} is a state, not a plan: it says what there is, and deletes nothing", path.display());
        let help = format!("`reprieve inventory from {} FILE` makes an inventory of it", format.name);
        return Err(fail(message, help));
    }
    Ok((summary, source.sha256))
}

impl From {
    /// Reads a file of another tool into a list and a request.
    pub fn read(
        format: &Format,
        path: &Path,
        claims: &ClaimArguments,
        from: &FromArguments,
        no_header: bool,
    ) -> anyhow::Result<Self> {
        let private = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("reprieve-").permissions(private).tempdir();
        let folder = folder.context("no temporary folder")?;
        let file = std::fs::File::create_new(folder.path().join(LIST_NAME)).context("the list")?;
        let mut out = Hashing::new(BufWriter::new(file));
        let (mut targets, mut kinds, mut without_kind) = (0, BTreeMap::new(), 0);
        let (summary, source_sha256) = read_deletions(format, path, claims, from, no_header, |item| {
            targets += 1;
            match &item.record.kind {
                Some(kind) => *kinds.entry(kind.clone()).or_default() += 1,
                None => without_kind += 1,
            }
            serde_json::to_writer(&mut out, &item.to_row()).context("the list")?;
            out.write_all(b"\n").context("the list")
        })?;
        if let Some(selector) = summary.selector.as_ref().filter(|_| targets == 0) {
            return Err(match from.connect {
                Some(_) => matches_nothing(path),
                None => selects(path, selector),
            });
        }
        let (_, sha256) = out.finish().context("the list")?;
        let files = TargetFiles { path: Some(LIST_NAME.to_owned()), sha256: Some(sha256), ..TargetFiles::default() };
        let name = LIST_NAME.to_owned();
        let is_selected = from.connect.is_some();
        let list = List { name, files, targets, kinds, without_kind, environment: None, is_selected };
        if targets == 0 && summary.is_call {
            return Err(NothingToDelete { file: path.display().to_string(), notes: summary.notes }.into());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let source = SourceFile { name, sha256: source_sha256 };
        let request = draft(&claims.claims(), &list, &summary, &source, &Origin::find())?;
        Ok(Self { folder, request, summary, targets })
    }
}

/// A writer that hashes what it writes.
pub struct Hashing<W> {
    out: W,
    hasher: Sha256,
}

impl<W: Write> Hashing<W> {
    /// Hashes what is written from here on.
    pub fn new(out: W) -> Self {
        Self { out, hasher: Sha256::new() }
    }

    /// Returns the writer and the SHA-256 of what was written, lower-case hex.
    pub fn finish(mut self) -> std::io::Result<(W, String)> {
        self.out.flush()?;
        Ok((self.out, hex(&self.hasher.finalize())))
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
