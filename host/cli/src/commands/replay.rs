//! `reprieve replay`: recorded decisions, made again.

use crate::Status;
use crate::report::plain;
use crate::setup::{LedgerArguments, PolicyArguments, cache};
use clap::Args;
use reprieve::Gate;
use reprieve::model::{DecisionDocument, Timestamp, Verdict};
use reprieve_ledger::Recorded;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

/// Make recorded decisions again: with the policies that made them, or to see what others would have said
///
/// With the policies that made them, findings and fuel must be the same; a decision that differs is exit status 1. With
/// another set, every decision that it changes is listed, and one from deny to allow is exit status 1.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Only decisions made since then
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    since: Option<Timestamp>,
    /// Another policy set, instead of the ones that decided
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A decision that the other set turns into an allow is no failure
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
        Some(path) => Some(PolicyArguments::of(path).builder()?.build()?),
        None => None,
    };
    let mut gates: BTreeMap<String, Gate> = BTreeMap::new();
    let (mut replayed, mut lines) = (0_u64, Vec::new());
    ledger.each(arguments.since, |recorded| {
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
    let mut out = anstream::stdout().lock();
    for (_, _, line) in &lines {
        writeln!(out, "{line}")?;
    }
    let differ = lines.len();
    let plural = crate::report::plural(replayed, "decision", "decisions");
    let allows = lines.iter().filter(|(kind, ..)| *kind == Kind::Allows).count();
    Ok(if other.is_some() {
        writeln!(out, "{plural} made again: {differ} differ, {allows} of them are allowed now")?;
        if allows == 0 || arguments.accept_allows { Status::Allow } else { Status::Deny }
    } else {
        writeln!(out, "{plural} made again: {differ} differ")?;
        if differ == 0 { Status::Allow } else { Status::Deny }
    })
}

fn gate_of<'a>(gates: &'a mut BTreeMap<String, Gate>, recorded: &Recorded) -> anyhow::Result<&'a Gate> {
    let set = recorded.record.decision.policy_set_sha256.clone();
    Ok(match gates.entry(set) {
        std::collections::btree_map::Entry::Occupied(gate) => gate.into_mut(),
        std::collections::btree_map::Entry::Vacant(place) => {
            let mut builder = recorded.gate()?;
            if let Some(cache) = cache() {
                builder = builder.cache(cache);
            }
            place.insert(builder.build()?)
        }
    })
}

/// A difference, where it is, and how it reads.
type Difference = (Kind, u64, String);

/// What kind of difference, those first that matter most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Allows,
    Other,
}

fn heading(recorded: &Recorded) -> String {
    format!("entry {} ({}, {})", recorded.entry, plain(&recorded.record.decision.request), recorded.at)
}

/// How another set decides, where it decides otherwise.
fn flip(recorded: &Recorded, now: &DecisionDocument) -> Option<Difference> {
    let then = &recorded.record.decision;
    if then.decision == now.decision {
        return None;
    }
    let codes = |document: &DecisionDocument| -> BTreeSet<String> {
        document.findings.iter().filter(|finding| finding.denies()).map(|finding| finding.code.clone()).collect()
    };
    let (before, after) = (codes(then), codes(now));
    let list =
        |sign: char, codes: Vec<&String>| codes.iter().map(|code| format!(" {sign}{code}")).collect::<String>();
    let kind = if now.decision == Verdict::Allow { Kind::Allows } else { Kind::Other };
    let changed = list('-', before.difference(&after).collect()) + &list('+', after.difference(&before).collect());
    let verdicts = format!("{} -> {}", then.decision.as_str(), now.decision.as_str());
    Some((kind, recorded.entry, format!("{verdicts}  {}{changed}", heading(recorded))))
}

/// What is not as it was, where the same policies decide.
fn difference(recorded: &Recorded, now: &DecisionDocument) -> Option<Difference> {
    let then = &recorded.record.decision;
    let what = if then.decision != now.decision {
        "the verdict"
    } else if then.findings != now.findings {
        "the findings"
    } else if then.faults != now.faults {
        "the faults"
    } else if then.policies != now.policies {
        "fuel, or what a policy came to"
    } else if then != now {
        "the document"
    } else {
        return None;
    };
    Some((Kind::Other, recorded.entry, format!("{}: {what} is not what it was", heading(recorded))))
}
