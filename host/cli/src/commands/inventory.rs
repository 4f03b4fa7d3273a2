//! `reprieve inventory`: writes an inventory from a file of another tool.

use crate::drafting::{FromArguments, Source, format};
use crate::error::fail;
use crate::output::plain;
use crate::render::plural;
use crate::status::Status;
use anyhow::Context;
use clap::{Args, Subcommand};
use reprieve::inventory::Record;
use reprieve::model::Timestamp;
use reprieve_readers::{Format, Item, Options};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::SystemTime;

/// Write an inventory, the operator's own record of what each id is
#[derive(Subcommand, Debug)]
pub enum Command {
    /// From a list of everything that another tool knows. What it does not state stays unknown
    From(From),
}

/// `reprieve inventory from`
#[derive(Args, Debug)]
pub struct From {
    /// The format of the file; `reprieve read --help` lists them
    #[arg(value_parser = format)]
    format: &'static Format,
    /// The file: a list, and not a plan, which says only what it deletes
    file: PathBuf,
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
    /// The file to write, which must not exist
    #[arg(long, value_name = "FILE", default_value = "inventory.ndjson")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(Command::From(arguments): &Command) -> anyhow::Result<Status> {
    let shown = arguments.out.display().to_string();
    if arguments.out.exists() {
        return Err(fail(format!("{shown} already exists"), "name a new file with `--out FILE`"));
    }
    let source = Source::open(&arguments.file)?;
    let options =
        Options { kind: arguments.kind.clone(), id: arguments.from.id_columns.clone(), ..Options::default() };
    // Read twice: the header has what the file says as a whole, and comes before its first item.
    let summary = source.items(arguments.format, &options, |_| Ok(()))?;
    if summary.is_call {
        let message = format!("{} says what a call deletes, not what there is", arguments.file.display());
        return Err(fail(message, "make the inventory from a list of everything: it must know more than the call"));
    }
    let folder = arguments.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| ".".as_ref())).with_context(|| shown.clone())?;
    let mut out = BufWriter::new(file);
    let taken_at = summary.extracted_at.map_or_else(now, Timestamp::from_seconds);
    writeln!(out, "{}", header(arguments.format.name, &source.sha256, taken_at))?;
    let (mut things, mut unknown) = (0, BTreeMap::new());
    source.items(arguments.format, &options, |item| {
        let row = row(item, arguments);
        things += 1;
        for name in REQUIRED.into_iter().filter(|name| !row.contains_key(*name)) {
            *unknown.entry(name).or_insert(0_u64) += 1;
        }
        serde_json::to_writer(&mut out, &row)?;
        Ok(out.write_all(b"\n")?)
    })?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.persist_noclobber(&arguments.out).with_context(|| format!("cannot write {shown}"))?;
    outln!("wrote {}: {}", plain(&shown), plural(things, "thing", "things"))?;
    for note in &summary.notes {
        errln!("note: {}", plain(note));
    }
    for (name, count) in unknown {
        errln!("note: `{name}` of {count} is unknown; a hard delete of them is denied");
    }
    Ok(Status::Success)
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
