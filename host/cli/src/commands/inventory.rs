//! `reprieve inventory`: writes an inventory from a file of another tool, or from the tables of a database.

use crate::drafting::{FromArguments, Hashing, Source, format};
use crate::error::fail;
use crate::sql::{self, InventoryArguments};
use anyhow::Context;
use clap::{Args, Subcommand};
use reprieve::Place;
use reprieve::inventory::{Record, open_inventory};
use reprieve::model::Timestamp;
use reprieve_readers::{Format, Item, Options};
use reprieve_report::output::plain;
use reprieve_report::render::plural;
use reprieve_report::status::Status;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Write an inventory, the operator's own record of what each id is
#[derive(Subcommand, Debug)]
pub enum Command {
    /// From a list of everything that another tool knows, or from tables. What it does not state stays unknown
    From(From),
}

/// The extensions of NDJSON files.
const NDJSON: [&str; 2] = ["ndjson", "jsonl"];

/// `reprieve inventory from`
#[derive(Args, Debug)]
pub struct From {
    /// The format of the file; `reprieve read --help` lists them. Or a database: `postgres` or `sqlite`
    #[arg(value_parser = origin)]
    format: Origin,
    /// The file: a list, and not a plan, which says only what it deletes; or an SQLite file
    file: Option<PathBuf>,
    /// The kind of the things, if the file does not state it
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// The environment of all things
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The tenant of all things
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    from: FromArguments,
    #[command(flatten, next_help_heading = "With `postgres` and `sqlite`")]
    sql: InventoryArguments,
    /// The NDJSON file to write, which must not exist
    #[arg(long, value_name = "FILE", default_value = "inventory.ndjson")]
    out: PathBuf,
}

/// What an inventory is made from.
#[derive(Clone, Debug)]
enum Origin {
    /// A file of another tool.
    Tool(&'static Format),
    /// Tables on a PostgreSQL server.
    Postgres,
    /// Tables in an SQLite file.
    Sqlite,
}

fn origin(name: &str) -> Result<Origin, String> {
    match name {
        "postgres" => Ok(Origin::Postgres),
        "sqlite" => Ok(Origin::Sqlite),
        name => format(name).map(Origin::Tool),
    }
}

/// Runs the command.
pub fn run(Command::From(arguments): &Command) -> anyhow::Result<Status> {
    let shown = arguments.out.display().to_string();
    if arguments.out.exists() {
        return Err(fail(format!("{shown} already exists"), "name a new file with `--out FILE`"));
    }
    if !NDJSON.iter().any(|extension| arguments.out.extension().is_some_and(|found| found == *extension)) {
        return Err(fail(
            format!("{shown} is written as NDJSON"),
            "name a file that ends with `.ndjson` or `.jsonl`",
        ));
    }
    let folder = arguments.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| ".".as_ref());
    let out = tempfile::Builder::new().suffix(".ndjson").tempfile_in(folder).with_context(|| shown.clone())?;
    let mut out = BufWriter::new(out);
    let mut tally = Tally::default();
    let notes = match &arguments.format {
        Origin::Tool(format) => write_file(format, arguments, &mut out, &mut tally)?,
        Origin::Postgres | Origin::Sqlite => write_database(arguments, folder, &mut out, &mut tally)?,
    };
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    verify(file.path())?;
    file.persist_noclobber(&arguments.out).with_context(|| format!("cannot write {shown}"))?;
    outln!("wrote {}: {}", plain(&shown), plural(tally.things, "thing", "things"))?;
    for note in &notes {
        errln!("note: {}", plain(note));
    }
    for (name, count) in tally.unknown {
        errln!("note: `{name}` of {count} is unknown; a hard delete of them is denied");
    }
    Ok(Status::Success)
}

/// Reads an inventory as a check does, so that none is written that a check refuses.
fn verify(path: &Path) -> anyhow::Result<()> {
    let Err(error) = open_inventory(path) else { return Ok(()) };
    let (Place::Line(line) | Place::Pointer { line, .. }) = error.place else { return Err(error.into()) };
    let row =
        BufReader::new(File::open(path)?).lines().nth(usize::try_from(line).unwrap_or_default().saturating_sub(1));
    let row: Value = serde_json::from_str(&row.transpose()?.unwrap_or_default()).unwrap_or_default();
    let Some(id) = row["id"].as_str() else { return Err(error.into()) };
    let help = match error.help {
        Some(help) => help,
        None if error.message.contains("no time zone") => "`--zone UTC` says which one it is in".to_owned(),
        None => "correct it where it comes from, or leave its column out".to_owned(),
    };
    Err(fail(format!("`{id}`: {}", error.message), help))
}

/// Writes what a file of another tool lists. Returns notes for people.
fn write_file(
    format: &Format,
    arguments: &From,
    out: &mut impl Write,
    tally: &mut Tally,
) -> anyhow::Result<Vec<String>> {
    arguments.sql.refuse()?;
    if arguments.from.connect.is_some() {
        return Err(fail("`--connect` is for databases", "name `postgres` or `sqlite` instead of a format"));
    }
    let path = arguments.file.as_ref();
    let path = path.ok_or_else(|| fail("no file is named", format!("name the file: `from {} FILE`", format.name)))?;
    let source = Source::open(path)?;
    let options =
        Options { kind: arguments.kind.clone(), id: arguments.from.id_columns.clone(), ..Options::default() };
    // Read twice: the header has what the file says as a whole, and comes before its first item.
    let summary = source.items(format, &options, |_| Ok(()))?;
    if summary.is_call {
        let message = format!("{} says what a call deletes, not what there is", path.display());
        return Err(fail(message, "make the inventory from a list of everything: it must know more than the call"));
    }
    let taken_at = summary.extracted_at.map_or_else(now, Timestamp::from_seconds);
    writeln!(out, "{}", header(format.name, &source.sha256, taken_at))?;
    source.items(format, &options, |item| tally.write(out, &row(item, arguments)))?;
    Ok(summary.notes)
}

/// Writes what tables of a database hold. Returns notes for people.
fn write_database(
    arguments: &From,
    folder: &Path,
    out: &mut impl Write,
    tally: &mut Tally,
) -> anyhow::Result<Vec<String>> {
    if arguments.kind.is_some() || !arguments.from.id_columns.is_empty() {
        return Err(fail("a row is of the kind of its table, and its id is its primary key", "leave the flag out"));
    }
    let (name, source) = match (&arguments.format, &arguments.file, &arguments.from.connect) {
        (Origin::Sqlite, Some(file), None) => ("sqlite", file.display().to_string()),
        (Origin::Postgres, None, Some(url)) if sql::is_url(url) => ("postgres", url.clone()),
        (Origin::Sqlite, ..) => {
            return Err(fail("no SQLite file is named", "name it: `from sqlite FILE --table NAME`"));
        }
        _ => {
            let help = "name the server: `from postgres --connect postgres://user@host/database --table NAME`";
            return Err(fail("no URL of a PostgreSQL server is named", help));
        }
    };
    let mut database = sql::open(&source)?;
    let place = database.place()?;
    // The header has the digest of the rows, so they are written first.
    let rows = tempfile::NamedTempFile::new_in(folder).context("no temporary file")?;
    let mut rows = Hashing::new(BufWriter::new(rows));
    let notes = sql::inventory(&mut *database, &arguments.sql, |mut row| {
        for (name, value) in [("tenant", &arguments.tenant), ("environment", &arguments.environment)] {
            if let (Some(value), false) = (value, row.contains_key(name)) {
                row.insert(name.to_owned(), json!(value));
            }
        }
        tally.write(&mut rows, &row)
    })?;
    let (rows, sha256) = rows.finish()?;
    let mut rows = rows.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    writeln!(out, "{}", header(name, &sha256, Timestamp::from_seconds(place.at)))?;
    rows.rewind()?;
    std::io::copy(&mut rows, out)?;
    Ok([vec![format!("the rows are those of {}, at one moment", place.shown)], notes].concat())
}

/// Counts what is written.
#[derive(Default)]
struct Tally {
    things: u64,
    /// The columns that a hard delete needs, each with the number of things of which it is unknown.
    unknown: BTreeMap<&'static str, u64>,
}

impl Tally {
    fn write(&mut self, out: &mut impl Write, row: &Map<String, Value>) -> anyhow::Result<()> {
        self.things += 1;
        for name in REQUIRED.into_iter().filter(|name| !row.contains_key(*name)) {
            *self.unknown.entry(name).or_default() += 1;
        }
        serde_json::to_writer(&mut *out, row)?;
        Ok(out.write_all(b"\n")?)
    }
}

/// The first line of an inventory: the file that it was made from.
fn header(format: &str, sha256: &str, taken_at: Timestamp) -> Value {
    json!({ "reprieve_inventory": {
        "version": 1, "source": format, "source_sha256": sha256, "taken_at": taken_at,
    } })
}

/// The current time.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The columns that a hard delete needs.
const REQUIRED: [&str; 7] = ["kind", "tenant", "environment", "state", "dependents", "legal_hold", "retain_until"];

/// The row of a thing.
fn row(item: Item, arguments: &From) -> Map<String, Value> {
    let id = item.target_id();
    let Record {
        kind,
        tenant,
        tenants,
        environment,
        state,
        state_since,
        created_at,
        last_used_at,
        size_bytes,
        dependents,
        legal_hold,
        retain_until,
        pool,
        owner,
        contact,
    } = item.record;
    let time = |seconds: Option<i64>| json!(seconds.map(Timestamp::from_seconds));
    let retain_until = if retain_until == Some(0) { json!("none") } else { time(retain_until) };
    let fields = [
        ("id", json!(id)),
        ("kind", json!(kind)),
        ("tenant", json!(tenant.as_ref().or(arguments.tenant.as_ref()))),
        // A list of names if all are known, or else their number.
        ("tenants", json!(tenants.map(|all| if all.unnamed == 0 { json!(all.names) } else { json!(all.count()) }))),
        ("environment", json!(environment.as_ref().or(arguments.environment.as_ref()))),
        ("state", json!(state)),
        ("state_since", time(state_since)),
        ("created_at", time(created_at)),
        ("last_used_at", time(last_used_at)),
        ("size_bytes", json!(size_bytes)),
        ("dependents", json!(dependents)),
        ("legal_hold", json!(legal_hold)),
        ("retain_until", retain_until),
        ("pool", json!(pool)),
        ("owner", json!(owner)),
        ("contact", json!(contact)),
    ];
    fields.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)).collect()
}
