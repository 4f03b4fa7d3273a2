//! `reprieve replay`: makes recorded decisions again.

use crate::setup::{LedgerArguments, PolicyArguments, build, equipped};
use clap::Args;
use reprieve::Gate;
use reprieve::model::{DecisionDocument, Timestamp, Verdict};
use reprieve_ledger::RecordedDecision;
use reprieve_report::output::{Page, plain};
use reprieve_report::render::plural;
use reprieve_report::status::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Make recorded decisions again, with the policies that made them or with another policy set
///
/// With the policies that made them, findings and fuel must be the same, and the exit status is 1 if a decision differs.
/// With another set, every decision that changes is listed, and the exit status is 1 if one of them becomes an allow.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Replay only decisions made at this time or later
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    since: Option<Timestamp>,
    /// Another policy set, instead of those that made the decisions
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Exit with 0 even if a decision becomes an allow
    #[arg(long, requires = "config")]
    accept_allows: bool,
    /// The ledger, instead of the one that `reprieve.toml` in this folder names
    #[arg(long, value_name = "FILE|URL")]
    ledger: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let ledger = LedgerArguments::of(arguments.ledger.clone()).open()?;
    let other = match &arguments.config {
        Some(path) => Some(build(PolicyArguments::of(path).builder_without_ledger()?)?),
        None => None,
    };
    let mut gates: BTreeMap<String, Gate> = BTreeMap::new();
    let (mut replayed, mut lines) = (0_u64, Vec::new());
    ledger.each_decision(arguments.since, |recorded| {
        let gate = match &other {
            Some(gate) => gate,
            None => gate_of(&mut gates, &recorded)?,
        };
        let now = recorded.replay(gate)?;
        replayed += 1;
        let difference = if other.is_some() { flip(&recorded, &now) } else { difference(&recorded, &now) };
        lines.extend(difference);
        Ok::<_, anyhow::Error>(())
    })?;
    lines.sort();
    let mut page = Page::default();
    lines.iter().for_each(|difference| line!(page, "{}", difference.line));
    let differ = lines.len();
    let decisions = plural(replayed, "decision", "decisions");
    let allows = lines.iter().filter(|difference| difference.kind == Kind::Allows).count();
    let status = if other.is_some() {
        line!(page, "{decisions} replayed: {differ} differ, {allows} of them would be allowed now");
        if allows == 0 || arguments.accept_allows { Status::Success } else { Status::Deny }
    } else {
        line!(page, "{decisions} replayed: {differ} differ");
        if differ == 0 { Status::Success } else { Status::Deny }
    };
    page.print()?;
    Ok(status)
}

fn gate_of<'a>(gates: &'a mut BTreeMap<String, Gate>, recorded: &RecordedDecision) -> anyhow::Result<&'a Gate> {
    let set = recorded.record.decision.policy_set_sha256.clone();
    Ok(match gates.entry(set) {
        std::collections::btree_map::Entry::Occupied(gate) => gate.into_mut(),
        std::collections::btree_map::Entry::Vacant(place) => place.insert(build(equipped(recorded.gate_builder()?))?),
    })
}

/// A decision that differs. The order of the fields is the order of the list.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    kind: Kind,
    entry: u64,
    line: String,
}

/// The kind of a difference, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Allows,
    Other,
}

fn heading(recorded: &RecordedDecision) -> String {
    format!("entry {} ({}, {})", recorded.entry, plain(&recorded.record.decision.request), recorded.at)
}

/// Returns the difference of the verdicts, if another set decides differently.
fn flip(recorded: &RecordedDecision, now: &DecisionDocument) -> Option<Difference> {
    let then = &recorded.record.decision;
    if then.decision == now.decision {
        return None;
    }
    let codes = |document: &DecisionDocument| -> BTreeSet<String> {
        document.findings.iter().filter(|finding| finding.denies()).map(|finding| finding.code.clone()).collect()
    };
    let (before, after) = (codes(then), codes(now));
    let list = |sign: char, codes: Vec<&String>| {
        codes.iter().map(|code| format!(" {sign}{}", plain(code))).collect::<String>()
    };
    let kind = if now.decision == Verdict::Allow { Kind::Allows } else { Kind::Other };
    let changed = list('-', before.difference(&after).collect()) + &list('+', after.difference(&before).collect());
    let verdicts = format!("{} -> {}", then.decision.as_str(), now.decision.as_str());
    let line = format!("{verdicts}  {}{changed}", heading(recorded));
    Some(Difference { kind, entry: recorded.entry, line })
}

/// Returns the first difference of the documents, if the same policies decide differently.
fn difference(recorded: &RecordedDecision, now: &DecisionDocument) -> Option<Difference> {
    let then = &recorded.record.decision;
    let what = if then.decision != now.decision {
        "the verdict"
    } else if then.findings != now.findings {
        "the findings"
    } else if then.faults != now.faults {
        "the faults"
    } else if then.policies != now.policies {
        "the fuel or the result of a policy"
    } else if then != now {
        "the document"
    } else {
        return None;
    };
    let line = format!("{}: changed: {what}", heading(recorded));
    Some(Difference { kind: Kind::Other, entry: recorded.entry, line })
}
