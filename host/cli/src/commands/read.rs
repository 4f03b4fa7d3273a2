//! `reprieve read`: reads a file of another tool.

use crate::commands::draft::{say_blanks, write_new};
use crate::drafting::{ClaimArguments, From, FromArguments, LIST_NAME, format, formats, read_deletions, selects};
use crate::error::fail;
use anyhow::Context;
use clap::Args;
use reprieve_readers::{Action, Format, Item, Part, Summary};
use reprieve_report::output::{Page, data, plain};
use reprieve_report::render::plural;
use reprieve_report::status::Status;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Read a plan, an export or a report of another tool: print what it deletes, or write a request and a list
///
/// Without `--list` and `--out` it prints the counts, what the file holds beside deletions, and what cannot be seen in it.
#[derive(Args, Debug)]
#[command(after_help = formats())]
pub struct Arguments {
    /// The format; `reprieve read --help` lists them
    #[arg(value_parser = format)]
    format: &'static Format,
    /// The file
    file: PathBuf,
    /// Print every item as NDJSON: id, kind and action, and nothing else
    #[arg(long, conflicts_with = "out")]
    list: bool,
    /// The folder to write `request.json` and the list into, which must not exist
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    claims: ClaimArguments,
    #[command(flatten)]
    from: FromArguments,
    /// The file has lines without a header
    #[arg(long)]
    no_header: bool,
}

/// A line of `--list`.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    kind: Option<&'a str>,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<&'a str>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    match &arguments.out {
        Some(out) => write(arguments, out)?,
        None if arguments.list => print_list(arguments)?,
        None => print_summary(arguments)?,
    }
    Ok(Status::Success)
}

fn items(arguments: &Arguments, each: impl FnMut(Item) -> anyhow::Result<()>) -> anyhow::Result<Summary> {
    let Arguments { format, file, claims, from, no_header, .. } = arguments;
    Ok(read_deletions(format, file, claims, from, *no_header, each)?.0)
}

/// Prints every item. They are held until the file was read whole, so that half a list is never printed.
fn print_list(arguments: &Arguments) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    let summary = items(arguments, |item| {
        let (version, deposed) = match &item.part {
            Some(Part::Version(version)) => (Some(version.as_str()), None),
            Some(Part::Deposed(key)) => (None, Some(key.as_str())),
            None => (None, None),
        };
        let line =
            Line { id: &item.id, kind: item.record.kind.as_deref(), action: item.action.as_str(), version, deposed };
        serde_json::to_writer(&mut lines, &line)?;
        lines.push(b'\n');
        Ok(())
    })?;
    match summary.selector.filter(|_| arguments.from.connect.is_none()) {
        Some(selector) => Err(selects(&arguments.file, &selector)),
        None => data(|out| Ok(out.write_all(&lines)?)),
    }
}

fn print_summary(arguments: &Arguments) -> anyhow::Result<()> {
    let mut counts: BTreeMap<(&str, String), u64> = BTreeMap::new();
    let summary = items(arguments, |item| {
        let kind = item.record.kind.unwrap_or_else(|| "unknown kind".to_owned());
        *counts.entry((in_words(item.action), kind)).or_default() += 1;
        Ok(())
    })?;
    let mut page = Page::default();
    if counts.is_empty() {
        line!(page, "no deletion");
    }
    for ((action, kind), count) in &counts {
        line!(page, "{} {} {action}", count, plain(kind));
    }
    remarks(&mut page, &summary);
    Ok(page.print()?)
}

const fn in_words(action: Action) -> &'static str {
    match action {
        Action::Delete => "deleted",
        Action::Replace => "destroyed and made again",
        Action::Listed => "listed",
        Action::Version => "deleted in one version",
        Action::Marker => "marked, or deleted if the bucket has no versions",
    }
}

/// Adds what the file holds beside its items, and what cannot be seen in it.
fn remarks(page: &mut Page, summary: &Summary) {
    for note in &summary.notes {
        page.message("note:", note);
    }
    for unseen in &summary.unseen {
        page.message("not seen:", unseen);
    }
}

fn write(arguments: &Arguments, out: &Path) -> anyhow::Result<()> {
    if out.exists() {
        return Err(fail(format!("{} already exists", out.display()), "name a new folder"));
    }
    let read =
        From::read(arguments.format, &arguments.file, &arguments.claims, &arguments.from, arguments.no_header)?;
    // Written under another name and then renamed: half of it must not look like the whole.
    let unfinished = out.with_extension(format!("unfinished-{}", std::process::id()));
    fs::create_dir(&unfinished).with_context(|| format!("cannot create {}", unfinished.display()))?;
    let written = fs::copy(read.folder.path().join(LIST_NAME), unfinished.join(LIST_NAME))
        .map_err(anyhow::Error::from)
        .and_then(|_| write_new(&unfinished.join("request.json"), &read.request))
        .and_then(|()| Ok(fs::rename(&unfinished, out)?));
    if let Err(error) = written {
        drop(fs::remove_dir_all(&unfinished));
        return Err(error.context(format!("cannot write {}", out.display())));
    }
    let mut page = Page::default();
    let targets = plural(read.targets, "target", "targets");
    line!(page, "wrote {}: request.json and {LIST_NAME} with {targets}", plain(&out.display().to_string()));
    remarks(&mut page, &read.summary);
    page.print()?;
    say_blanks(&read.request);
    Ok(())
}
