//! Lists and inventories that come in columns: Parquet and Arrow. Only the columns that are wanted are read.

mod arrays;
mod chunks;
mod counts;
mod inventory;
mod ipc;
mod packed;
mod parquet;
mod schema;
mod snapshot;

pub(super) use inventory::read as read_inventory;

use super::fields::{Field, Mapping};
use super::filling::{Filling, List};
use super::folder::describe;
use super::{Folder, Place, Reading, Unreadable, nearest};
use arrow_schema::Schema;
use snapshot::Snapshot;
use std::cell::Cell;

/// How a file in columns is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Parquet,
    /// Arrow's file format, with a footer.
    ArrowFile,
    /// Arrow's stream format.
    ArrowStream,
}

impl Format {
    /// What a file of this name holds, if it is in columns.
    pub fn of(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" => Some(Self::ArrowFile),
            "arrows" => Some(Self::ArrowStream),
            _ => None,
        }
    }
}

/// The names that files in columns may have, for messages.
pub(super) const NAMES: &str = "; or in .parquet, .arrow, .feather or .arrows";

/// A column that is read, and what it holds.
#[derive(Clone, Debug)]
struct Wanted {
    /// Its place in the file.
    index: usize,
    name: String,
    field: Field,
}

/// The columns of a target list that are read, in the order of the file. The others are left alone.
fn wanted(schema: &Schema, mapping: &Mapping) -> Result<Vec<Wanted>, String> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for (index, column) in schema.fields().iter().enumerate() {
        let name = column.name().clone();
        let Some(field) = mapping.field_if_any(&name)? else { continue };
        if wanted.iter().any(|other| other.name == name) {
            return Err(format!("the column `{name}` stands there twice"));
        }
        wanted.push(Wanted { index, name, field });
    }
    for (_, field) in super::fields::FIELDS {
        let column = mapping.column(field);
        let is_there = wanted.iter().any(|wanted| wanted.field == field);
        if !is_there && (field == Field::Id || column != field.name()) {
            return Err(no_column(schema, field, column));
        }
    }
    Ok(wanted)
}

fn no_column(schema: &Schema, field: Field, column: &str) -> String {
    let names = || schema.fields().iter().map(|column| column.name().as_str());
    let field = field.name();
    match nearest(column, names()) {
        Some(near) => format!("there is no column `{column}`; did you mean `--column {field}={near}`?"),
        None => {
            let names: Vec<&str> = names().take(20).collect();
            format!(
                "there is no column `{column}` to read `{field}` from; name one with `--column {field}=COLUMN`: {}",
                names.join(", ")
            )
        }
    }
}

/// Reads the target list in a file.
pub(super) fn read(
    folder: &Folder,
    name: &str,
    format: Format,
    mapping: &Mapping,
    reading: &mut Reading<'_>,
) -> Result<List, Unreadable> {
    let shown = folder.shown(name);
    let threads = reading.threads;
    let snapshot = Snapshot::open(folder, name, reading.memory)?;
    let filling = Filling::new(&shown, reading);
    with_digest(&snapshot, &shown, threads, || {
        let mut filling = filling;
        match format {
            Format::Parquet => parquet::read(&snapshot, &shown, mapping, threads, &mut filling)?,
            Format::ArrowFile | Format::ArrowStream => {
                ipc::read(snapshot.clone(), format, &shown, mapping, threads, &mut filling)?;
            }
        }
        Ok(filling)
    })
    .and_then(|(filling, sha256)| filling.finish(sha256))
}

/// Does something with a file, and takes its digest: meanwhile, if there are threads for that.
fn with_digest<T>(
    snapshot: &Snapshot,
    shown: &str,
    threads: usize,
    work: impl FnOnce() -> Result<T, Unreadable>,
) -> Result<(T, String), Unreadable> {
    let digest = || {
        let digest = snapshot.digest();
        digest.map_err(|error| Unreadable::new(shown, Place::Whole, describe(&error)))
    };
    std::thread::scope(|scope| {
        let meanwhile = (threads > 1).then(|| scope.spawn(digest));
        let done = work()?;
        let digest = match meanwhile {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => digest(),
        };
        Ok((done, digest?))
    })
}

thread_local! {
    /// Whether a decoder is at work.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Has nothing printed about a panic that becomes an [`Unreadable`]: some decoders panic over a damaged file. All others
/// are printed as before. For the main function of a program; a library leaves the panic hook alone.
pub fn hush_decoders() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !DECODING.get() {
            others(panic);
        }
    }));
}

/// Does what may panic inside a decoder: a file that it does not expect is unreadable, and no more than that.
fn guarded<T, E: std::fmt::Display>(shown: &str, decode: impl FnOnce() -> Result<T, E>) -> Result<T, Unreadable> {
    let wrong = |message: String| Unreadable::new(shown, Place::Whole, message);
    let before = DECODING.replace(true);
    let decoded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode));
    DECODING.set(before);
    match decoded {
        Ok(decoded) => decoded.map_err(|error| wrong(format!("it cannot be decoded: {error}"))),
        Err(_) => Err(wrong("it cannot be decoded: it is damaged".to_owned())),
    }
}
