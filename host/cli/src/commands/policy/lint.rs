//! `reprieve policy lint`: what a module has to be beyond passing its cases.

use super::{cases_beside, gate_of, random};
use crate::Status;
use crate::project::{Built, component};
use crate::setup::cache;
use anyhow::Context;
use clap::Args;
use reprieve::model::Finding;
use reprieve::{Batch, Descriptor, Gate};
use reprieve_cases::Case;
use serde_json::Value;
use std::ops::Range;
use std::path::PathBuf;

/// Check that a policy is documented, deterministic, and the same however a batch is cut into parts
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder of a policy, which is built first, or a wasm module
    #[arg(default_value = ".")]
    policy: PathBuf,
    /// Made-up batches to try
    #[arg(long, default_value_t = 50)]
    batches: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let built = component(&arguments.policy)?;
    // Loading refuses whatever imports a function, names a rule twice, or has a wrong schema or default.
    let (policy, _) = reprieve::describe(&built.bytes, cache())?;
    let bed = Bed { cases: cases_beside(&built)?, built };
    let unsteady = unsteady(&bed, arguments.batches)?;
    // What cannot answer at all gives the same in parts.
    let divided = if unsteady.is_empty() { divided(&bed, arguments.batches)? } else { Vec::new() };
    let checks = [
        ("imports no function", Vec::new()),
        ("every rule is documented", undocumented(&policy)),
        ("every setting is described and has a default", undescribed(&policy)),
        ("the schema of the settings is valid", Vec::new()),
        ("the same batch gives the same findings and fuel", unsteady),
        ("a batch in parts gives the findings of the whole", divided),
    ];
    let mut clean = true;
    for (check, problems) in checks {
        let word = if problems.is_empty() { "ok   " } else { "FAIL " };
        anstream::println!("{word} {check}");
        problems.iter().for_each(|problem| anstream::println!("      {}", problem.replace('\n', "\n      ")));
        clean &= problems.is_empty();
    }
    Ok(if clean { Status::Allow } else { Status::Deny })
}

fn undocumented(policy: &Descriptor) -> Vec<String> {
    let mut problems = Vec::new();
    if policy.rules.is_empty() {
        problems.push("there is no rule, so it can never object".to_owned());
    }
    for rule in &policy.rules {
        if rule.summary.trim().is_empty() {
            problems.push(format!("`{}` does not say what it denies", rule.code));
        }
        if rule.explanation.trim().is_empty() {
            problems.push(format!("`{}` does not say why it is there and where its default comes from", rule.code));
        }
    }
    problems
}

fn undescribed(policy: &Descriptor) -> Vec<String> {
    let settings = policy.settings_schema["properties"].as_object().into_iter().flatten();
    let mut problems = Vec::new();
    for (name, schema) in settings {
        if schema["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            problems.push(format!("`{name}` has no description"));
        }
        if schema.get("default").is_none() {
            problems.push(format!("`{name}` has no default"));
        }
    }
    problems
}

/// What a policy answers, as far as it must not change.
type Answer = (Vec<Finding>, Option<String>);

fn answer(gate: &Gate, batch: &Batch, parts: &[Vec<Range<u64>>]) -> anyhow::Result<(Answer, u64)> {
    let evaluations = gate.evaluate_parts(batch, parts).map_err(anyhow::Error::msg)?;
    let evaluation = evaluations.into_iter().next().context("there is no policy")?;
    let fault = evaluation.fault.map(|fault| format!("{}: {}", fault.cause, fault.message));
    Ok(((evaluation.findings, fault), evaluation.fuel))
}

fn whole(batch: &Batch) -> Vec<Vec<Range<u64>>> {
    vec![std::iter::once(0..batch.len()).collect()]
}

/// How many targets the made-up batches have: mostly few, for what is wrong shows in few.
fn rows(seed: u64) -> u64 {
    if seed % 10 == 9 { 300 + seed } else { 1 + seed % 12 }
}

/// What made-up batches are tried with: each case in turn, and where there is none, nothing.
struct Bed {
    built: Built,
    cases: Vec<Case>,
}

impl Bed {
    fn case(&self, seed: u64) -> Option<&Case> {
        self.cases.get((seed % self.cases.len().max(1) as u64) as usize)
    }

    fn gate(&self, seed: u64) -> anyhow::Result<Gate> {
        gate_of(&self.built, self.case(seed), random::inventory(rows(seed), seed)?)
    }

    fn batch(&self, seed: u64, targets: &[Value]) -> anyhow::Result<Batch> {
        random::batch(targets, self.case(seed))
    }
}

fn unsteady(bed: &Bed, batches: u64) -> anyhow::Result<Vec<String>> {
    for seed in 0..batches {
        let gate = bed.gate(seed)?;
        let batch = bed.batch(seed, &random::targets(rows(seed), seed))?;
        let first = answer(&gate, &batch, &whole(&batch))?;
        if let (_, Some(fault)) = &first.0 {
            return Ok(vec![format!("it cannot answer about a made-up batch of {} targets: {fault}", batch.len())]);
        }
        let again = answer(&gate, &batch, &whole(&batch))?;
        if first != again {
            let message = format!(
                "twice the same batch of {} targets: fuel {} and {}\n{}",
                batch.len(),
                first.1,
                again.1,
                both(&first.0, &again.0)
            );
            return Ok(vec![message]);
        }
    }
    Ok(Vec::new())
}

/// Cuts made-up batches into parts that are merged in any order, and holds the findings against those of one pass.
fn divided(bed: &Bed, batches: u64) -> anyhow::Result<Vec<String>> {
    for seed in 0..batches {
        let gate = bed.gate(seed)?;
        let targets = random::targets(rows(seed), seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let cut = cut(&mut random, targets.len() as u64);
        let differs =
            |targets: &[Value], parts: &[Vec<Range<u64>>]| differs(&gate, &bed.batch(seed, targets)?, parts);
        if differs(&targets, &cut)?.is_some() {
            return Ok(vec![counterexample(differs, targets)?]);
        }
    }
    Ok(Vec::new())
}

/// Parts of a batch, two or three runs of rows each, in any order.
fn cut(random: &mut fastrand::Rng, rows: u64) -> Vec<Vec<Range<u64>>> {
    let mut places: Vec<u64> = (0..random.usize(1..=4)).map(|_| random.u64(0..=rows)).collect();
    places.extend([0, rows]);
    places.sort_unstable();
    places.dedup();
    let mut parts: Vec<Vec<Range<u64>>> = places
        .windows(2)
        .filter_map(|pair| <[u64; 2]>::try_from(pair).ok())
        .map(|[start, end]| {
            let middle = random.u64(start..=end);
            vec![start..middle, middle..end]
        })
        .collect();
    random.shuffle(&mut parts);
    // With one part alone nothing would be merged.
    parts.push(Vec::new());
    parts
}

/// What the whole and the parts give, if it is not the same.
fn differs(gate: &Gate, batch: &Batch, parts: &[Vec<Range<u64>>]) -> anyhow::Result<Option<(Answer, Answer)>> {
    let (one, _) = answer(gate, batch, &whole(batch))?;
    let (several, _) = answer(gate, batch, parts)?;
    Ok((one != several).then_some((one, several)))
}

/// The fewest targets, in two parts, that still show it; both orders of the parts are tried.
#[allow(clippy::single_range_in_vec_init)] // a part of one run
fn counterexample(
    differs: impl Fn(&[Value], &[Vec<Range<u64>>]) -> anyhow::Result<Option<(Answer, Answer)>>,
    mut targets: Vec<Value>,
) -> anyhow::Result<String> {
    let shows = |targets: &[Value]| -> anyhow::Result<Option<(u64, (Answer, Answer))>> {
        let rows = targets.len() as u64;
        let places: Vec<u64> = if rows <= 24 { (0..=rows).collect() } else { vec![0, 1, rows / 2, rows - 1] };
        for at in places {
            for parts in [[vec![0..at], vec![at..rows]], [vec![at..rows], vec![0..at]]] {
                if let Some(difference) = differs(targets, &parts)? {
                    return Ok(Some((at, difference)));
                }
            }
        }
        Ok(None)
    };
    let Some(mut found) = shows(&targets)? else {
        return Ok(format!("{} targets in several parts (no smaller batch shows it in two)", targets.len()));
    };
    let mut size = targets.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < targets.len() {
            let mut fewer = targets.clone();
            fewer.drain(at..(at + size).min(targets.len()));
            match if fewer.is_empty() { None } else { shows(&fewer)? } {
                Some(smaller) => (targets, found) = (fewer, smaller),
                None => at += size,
            }
        }
        size /= 2;
    }
    let (at, (one, several)) = found;
    let mut text = format!("{} targets, cut before row {at}:\n", targets.len());
    targets.iter().for_each(|target| text += &format!("  {target}\n"));
    Ok(text
        + &both(&one, &several)
        + "\nhelp: `merge` has to give what one pass over both parts gives, in either order")
}

fn both(one: &Answer, other: &Answer) -> String {
    let lines = |(findings, fault): &Answer| {
        let findings = findings
            .iter()
            .map(|f| format!("  {}: {} ({} rows: {})", f.rule, f.message, f.rows, f.examples.join(", ")));
        let mut lines: Vec<String> = findings.chain(fault.iter().map(|fault| format!("  fault {fault}"))).collect();
        if lines.is_empty() {
            lines.push("  nothing".to_owned());
        }
        lines.join("\n")
    };
    format!("in one pass\n{}\nthe other time\n{}", lines(one), lines(other))
}
