//! `reprieve incidents`: vets past incidents with a policy set.

use crate::setup::PolicyArguments;
use anyhow::Context;
use clap::Args;
use reprieve::model::{DecisionDocument, Verdict};
use reprieve_cases::{Case, cases_below, denials, differences};
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::path::{Path, PathBuf};

/// Vet past incidents and their corrected twins: show which rules stop each incident and whether its twin may run
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder of incidents. Each is a folder with `request.json`, `expected.json` and `corrected/`. Run `incidents` in a
    /// checkout, or pass a folder of your own
    #[arg(default_value = "tests/incidents")]
    folder: PathBuf,
    #[command(flatten)]
    policies: PolicyArguments,
    /// Show every rule that denies, not only the cause
    #[arg(long)]
    all: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let paths = cases_below(&arguments.folder).context("no incidents to vet")?;
    let (mut stopped, mut for_cause, mut allowed) = (0, 0, 0);
    for path in &paths {
        let (case, document) = vet(path, &arguments.policies)?;
        let cause = differences(&case.expected, &document).is_empty();
        let twin_path = path.join("corrected");
        let twin = if twin_path.is_dir() { Some(vet(&twin_path, &arguments.policies)?.1.decision) } else { None };
        stopped += usize::from(document.decision != Verdict::Allow);
        for_cause += usize::from(cause);
        allowed += usize::from(twin == Some(Verdict::Allow));
        let star = if case.limits { "*" } else { "" };
        outln!(
            "{:<30} {:<10} {:<60} twin: {}",
            format!("{}{star}", plain(&case.name())),
            document.decision.as_str(),
            plain(&codes(&case, &document, arguments.all)),
            twin.map_or("none", Verdict::as_str),
        )?;
    }
    let all = paths.len();
    outln!()?;
    outln!(
        "{stopped} of {all} stopped, {for_cause} of them for their cause; {allowed} of {all} corrected twins allowed"
    )?;
    if arguments.folder.ends_with("incidents") {
        outln!("*: vetting a request could have stopped only a part of the incident; its README says which")?;
    }
    Ok(if (for_cause, allowed) == (all, all) { Status::Allow } else { Status::Deny })
}

fn vet(path: &Path, policies: &PolicyArguments) -> anyhow::Result<(Case, DecisionDocument)> {
    let case = Case::open(path)?;
    let document = case.decide(&case.gate(policies.builder_without_ledger()?)?)?;
    Ok((case, document))
}

/// The codes of the rules that deny, the cause first.
fn codes(case: &Case, document: &DecisionDocument, all: bool) -> String {
    let found = denials(document);
    let expected = case.expected.codes.iter().map(String::as_str).filter(|code| found.contains(code));
    let others = found.iter().copied().filter(|code| !case.expected.codes.iter().any(|expected| expected == code));
    let codes: Vec<&str> = expected.chain(others).collect();
    match codes.as_slice() {
        [] => "-".to_owned(),
        codes if all => codes.join(", "),
        [only] => (*only).to_owned(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}
