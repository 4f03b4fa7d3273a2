//! Reprieve: with one policy that has the four rules, and with its nine built-in policies.

use super::{Decider, Engine, Part};
use crate::inputs::Input;
use anyhow::{Context, Result, anyhow, ensure};
use peers_rules::Rules;
use reprieve::model::{DecisionDocument, Timestamp, Verdict};
use reprieve::policy::{PolicyEntry, Worker};
use reprieve::{Batch, Folder, Gate, PolicySet};

/// The four rules as a component.
pub const POLICY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/policy.wasm"));

pub fn engines() -> Result<Vec<Engine>> {
    let file = "peers.wasm";
    let entry = PolicyEntry { source: file.to_owned(), ..PolicyEntry::builtin("peers") };
    // The digest of the policy is not pinned, so a process with limits compiles it.
    let worker = Worker::new(std::env::current_exe()?, ["compile-policy"]);
    let builder = Gate::builder().worker(worker).policies(PolicySet::of(vec![entry]), None);
    let four = builder.file(file, POLICY.to_vec()).build()?;
    let nine = Gate::builder().build()?;
    let at = Timestamp::parse("2026-03-02T12:00:00Z").map_err(|error| anyhow!(error))?;
    let engine = |name, part, gate: &Gate, read: fn(&DecisionDocument) -> Result<Rules>| {
        let gate = gate.clone();
        Engine::new(name, part, move |input| decider(part, gate.clone(), at, read, input))
    };
    let mut engines = Vec::new();
    for part in Part::ALL {
        engines.push(engine("reprieve", part, &four, broken));
        engines.push(engine("reprieve, its nine policies", part, &nine, denied).only(Rules::default()));
    }
    Ok(engines)
}

fn decider(
    part: Part,
    gate: Gate,
    at: Timestamp,
    read: fn(&DecisionDocument) -> Result<Rules>,
    input: &Input,
) -> Result<Decider<'_>> {
    let folder = Folder::open(&input.folder)?;
    let open = move || Ok::<_, anyhow::Error>(Batch::read(input.request.as_slice(), "request.json", &folder)?.at(at));
    Ok(match part {
        Part::Whole => Decider::plain(move || read(gate.vet(open()?).document())),
        // A batch can be vetted only once. Reading and dropping it are not timed.
        Part::Decide => {
            Decider::new(open, move |batch| Ok(gate.vet(batch)), move |decision| read(decision.document()))
        }
    })
}

/// The rules that the findings name.
fn broken(document: &DecisionDocument) -> Result<Rules> {
    let codes = document.findings.iter().map(|finding| finding.rule.as_str());
    let broken = Rules::named(codes).context("a finding of an unknown rule")?;
    let expected = if broken.is_empty() { Verdict::Allow } else { Verdict::Deny };
    ensure!(document.decision == expected, "{:?} for {broken:?}: {:?}", document.decision, document.faults);
    Ok(broken)
}

/// The built-in policies have none of the four rules, but deny every request because evidence is missing.
fn denied(document: &DecisionDocument) -> Result<Rules> {
    ensure!(document.decision == Verdict::Deny, "{:?}: {:?}", document.decision, document.faults);
    Ok(Rules::default())
}
