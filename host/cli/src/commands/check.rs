//! `reprieve check`: vets a batch.

use crate::drafting::NothingToDelete;
use crate::permits::{NewPermit, PermitPlace};
use crate::setup::{BatchArguments, Vetting};
use anyhow::Context;
use clap::Args;
use reprieve::model::DecisionDocument;
use reprieve::{Decision, DecisionReport, ReadAs, VetOptions};
use reprieve_report::output::{Page, data, plain};
use reprieve_report::render::{self, Ci, Detail, Format, Plots, Printed, RequestFile, html};
use reprieve_report::status::Status;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Vet a deletion batch: tell whether it may run, and if not, why and what to do
///
/// With a ledger, an allow reserves the batch. Record its outcome with `reprieve commit` or `reprieve abort`.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// The format of the decision
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Show every finding in full
    #[arg(long)]
    verbose: bool,
    /// Append the decision in Markdown to this file, such as the summary of a job (`$GITHUB_STEP_SUMMARY`)
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
    /// Show bars of the targets by kind, by tenant and by age
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    plots: Plots,
    /// The file for the permit, a token that `reprieve permit verify` verifies. Written only on allow
    #[arg(long, value_name = "FILE")]
    permit: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let vetting = match arguments.batch.open() {
        Ok(vetting) => vetting,
        Err(error) => return nothing_to_delete(&error, arguments).ok_or(error)?,
    };
    let Vetting { batch, from: list, gate, ledger, signing, with_override } = vetting;
    let place = arguments.permit.as_deref().map(PermitPlace::File);
    let permit = place.map(|place| NewPermit::check(place, ledger.as_ref(), &signing)).transpose()?;
    let read_as = batch.read_as().to_vec();
    let decision =
        gate.vet_with(batch, VetOptions { with_override: with_override.as_ref(), ..VetOptions::default() });
    let view = View {
        request: &arguments.batch.file(),
        format: arguments.format,
        detail: Detail::of(arguments.verbose),
        plots: arguments.plots,
        reads_again: true,
        read_as: &read_as,
    };
    let status = answer(decision, &view, permit, arguments.summary.as_deref());
    gate.leak_on_exit();
    drop(list);
    status
}

/// Prints a decision, and writes the permit of an allow.
pub fn answer(
    decision: Decision,
    view: &View<'_>,
    new_permit: Option<NewPermit<'_>>,
    summary: Option<&Path>,
) -> anyhow::Result<Status> {
    let mut document = decision.document().clone();
    let printed = (|| {
        if let (Decision::Allow(permit), Some(new_permit)) = (&decision, new_permit) {
            document.permit = Some(new_permit.write(permit)?);
        }
        if let Some(path) = summary {
            let printed = Printed { claims: decision.claims(), document: &document, request: view.request };
            append(path, &printed.render(Ci::Markdown)?)?;
        }
        print(&decision, &document, view)
    })();
    let status = decision.verdict().into();
    if let Decision::Allow(permit) = decision {
        match &printed {
            // The caller continues with the batch.
            Ok(()) => drop(permit.hand_over()),
            // The caller could not read the allow, so it must not count as one.
            Err(error) => permit.abort(&format!("the decision could not be printed: {error:#}"))?,
        }
    }
    printed.map(|()| status)
}

/// Says that a file which is the call itself deletes nothing, if that is the error. Nothing is decided then, and nothing
/// needs to be.
fn nothing_to_delete(error: &anyhow::Error, arguments: &Arguments) -> Option<anyhow::Result<Status>> {
    let nothing = error.downcast_ref::<NothingToDelete>()?;
    let print = || -> anyhow::Result<Status> {
        if let Some(path) = &arguments.summary {
            append(path, &format!("{}\n", plain(&nothing.to_string())))?;
        }
        match arguments.format {
            Format::Human => {
                let mut page = Page::default();
                line!(page, "{}", plain(&nothing.to_string()));
                nothing.notes.iter().for_each(|note| page.message("note:", note));
                page.print()?;
            }
            Format::Json => data(|out| Ok(writeln!(out, "{}", serde_json::json!({ "deletes": 0 }))?))?,
            Format::Html => {
                let page = html::nothing(&nothing.to_string(), &nothing.notes)?;
                data(|out| Ok(out.write_all(page.as_bytes())?))?;
            }
            Format::Ci(Ci::Atlantis) => outln!("1 test, 1 passed, 0 warnings, 0 failures, 0 exceptions")?,
            Format::Ci(_) => outln!("{}", plain(&nothing.to_string()))?,
        }
        Ok(Status::Success)
    };
    Some(print())
}

/// Appends a text to a file.
fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write the summary {}", path.display()))
}

/// How a decision is printed.
pub struct View<'a> {
    /// The file of the request.
    pub request: &'a RequestFile,
    /// The format.
    pub format: Format,
    /// How much is shown to people.
    pub detail: Detail,
    /// Whether there are plots in a terminal.
    pub plots: Plots,
    /// Whether the targets can be read again without much work, for what they consist of.
    pub reads_again: bool,
    /// How the list was read.
    pub read_as: &'a [ReadAs],
}

/// Prints a decision.
pub fn print(decision: &Decision, document: &DecisionDocument, view: &View<'_>) -> anyhow::Result<()> {
    let printed = Printed { claims: decision.claims(), document, request: view.request };
    let print = || match view.format {
        Format::Human => {
            let plots = if view.plots.are_shown() { Some(decision.breakdown()?) } else { None };
            Ok(render::decision(&printed, view.detail, plots.as_ref()).print()?)
        }
        Format::Json if !view.reads_again => {
            data(|out| Ok(writeln!(out, "{}", serde_json::to_string_pretty(document)?)?))
        }
        Format::Json => {
            let report = DecisionReport { decision: document.clone(), breakdown: decision.breakdown()? };
            data(|out| Ok(writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?))
        }
        Format::Html => {
            let beside = html::Beside { read_as: view.read_as, ..html::Beside::default() };
            let page = html::page(&printed, &decision.breakdown()?, beside)?;
            data(|out| Ok(out.write_all(page.as_bytes())?))
        }
        Format::Ci(ci) => {
            let text = printed.render(ci)?;
            data(|out| Ok(out.write_all(text.as_bytes())?))
        }
    };
    print().context("cannot write the decision")
}
