//! `reprieve policy lint`: checks a module for what its cases do not test.

use super::{Subject, cases_beside, describe, gate_of, random};
use crate::project::Built;
use anyhow::Context;
use clap::Args;
use reprieve::model::Finding;
use reprieve::policy::Descriptor;
use reprieve::{Batch, Gate};
use reprieve_cases::Case;
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use serde_json::Value;
use std::ops::Range;

/// Check that a policy is documented and deterministic, and that partitions do not change its findings
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Number of generated batches
    #[arg(long, default_value_t = 50)]
    batches: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let built = arguments.subject.component()?;
    // Loading already refuses a module that imports a function, duplicates a rule, or has an invalid schema or default.
    let (policy, _) = describe(&built)?;
    let setup = Setup { cases: cases_beside(&built)?, built };
    let nondeterministic = nondeterministic(&setup, arguments.batches)?;
    // A policy that cannot answer at all would return the same fault for partitions.
    let partitioned = if nondeterministic.is_empty() { partitioned(&setup, arguments.batches)? } else { Vec::new() };
    let checks = [
        ("imports no function", Vec::new()),
        ("every rule is documented", undocumented(&policy)),
        ("every setting is described and has a default", undescribed(&policy)),
        ("the schema of the settings is valid", Vec::new()),
        ("the same batch has the same findings and fuel", nondeterministic),
        ("a partitioned batch has the findings of the whole", partitioned),
    ];
    let mut clean = true;
    for (check, problems) in checks {
        let word = if problems.is_empty() { "ok   " } else { "FAIL " };
        outln!("{word} {check}")?;
        let lines = problems.iter().flat_map(|problem| problem.lines());
        lines.map(plain).try_for_each(|line| outln!("      {line}"))?;
        clean &= problems.is_empty();
    }
    Ok(if clean { Status::Success } else { Status::Deny })
}

fn undocumented(policy: &Descriptor) -> Vec<String> {
    let mut problems = Vec::new();
    if policy.rules.is_empty() {
        problems.push("it has no rule, so it can never deny".to_owned());
    }
    for rule in &policy.rules {
        if rule.summary.trim().is_empty() {
            problems.push(format!("`{}` has no summary of what it denies", rule.code));
        }
        if rule.explanation.trim().is_empty() {
            problems.push(format!(
                "`{}` has no explanation of why it exists and where its default comes from",
                rule.code
            ));
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

/// The part of an evaluation that must not change: findings and fault.
type Answer = (Vec<Finding>, Option<String>);

fn answer(gate: &Gate, batch: &Batch, partitions: &[Vec<Range<u64>>]) -> anyhow::Result<(Answer, u64)> {
    let evaluations = gate.evaluate_partitions(batch, partitions).map_err(anyhow::Error::msg)?;
    let evaluation = evaluations.into_iter().next().context("the gate has no policy")?;
    let fault = evaluation.fault.map(|fault| format!("{}: {}", fault.cause, fault.message));
    Ok(((evaluation.findings, fault), evaluation.fuel))
}

fn whole(batch: &Batch) -> Vec<Vec<Range<u64>>> {
    vec![std::iter::once(0..batch.len()).collect()]
}

/// The number of targets of a generated batch: mostly few, because a few are enough to show most mistakes.
fn rows(seed: u64) -> u64 {
    if seed % 10 == 9 { 300 + seed } else { 1 + seed % 12 }
}

/// The policy, and the cases whose settings generated batches use in turn.
struct Setup {
    built: Built,
    cases: Vec<Case>,
}

impl Setup {
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

fn nondeterministic(setup: &Setup, batches: u64) -> anyhow::Result<Vec<String>> {
    for seed in 0..batches {
        let gate = setup.gate(seed)?;
        let batch = setup.batch(seed, &random::targets(rows(seed), seed))?;
        let first = answer(&gate, &batch, &whole(&batch))?;
        if let (_, Some(fault)) = &first.0 {
            return Ok(vec![format!("it cannot answer for a generated batch of {} targets: {fault}", batch.len())]);
        }
        let again = answer(&gate, &batch, &whole(&batch))?;
        if first != again {
            let message = format!(
                "two evaluations of the same batch of {} targets differ: fuel {} and {}\n{}",
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

/// Cuts generated batches into partitions that are merged in any order, and compares the findings with those of one pass.
fn partitioned(setup: &Setup, batches: u64) -> anyhow::Result<Vec<String>> {
    for seed in 0..batches {
        let gate = setup.gate(seed)?;
        let targets = random::targets(rows(seed), seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let cut = cut(&mut random, targets.len() as u64);
        let differs = |targets: &[Value], partitions: &[Vec<Range<u64>>]| {
            differs(&gate, &setup.batch(seed, targets)?, partitions)
        };
        if differs(&targets, &cut)?.is_some() {
            return Ok(vec![counterexample(differs, targets)?]);
        }
    }
    Ok(Vec::new())
}

/// Cuts a batch into partitions of two ranges of rows each, in random order.
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
    // A single partition would not be merged.
    parts.push(Vec::new());
    parts
}

/// Returns the answers for the whole batch and for its partitions, if they differ.
fn differs(gate: &Gate, batch: &Batch, partitions: &[Vec<Range<u64>>]) -> anyhow::Result<Option<(Answer, Answer)>> {
    let (one, _) = answer(gate, batch, &whole(batch))?;
    let (several, _) = answer(gate, batch, partitions)?;
    Ok((one != several).then_some((one, several)))
}

/// Shrinks a batch to the fewest targets whose two partitions, in one of both orders, still differ from one pass.
#[allow(clippy::single_range_in_vec_init)] // a partition of one range
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
        return Ok(format!("{} targets in several partitions (no smaller batch differs in two)", targets.len()));
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
        + "\nhelp: `merge` must return the state of one pass over both partitions, in either order")
}

fn both(one: &Answer, other: &Answer) -> String {
    let lines = |(findings, fault): &Answer| {
        let findings = findings
            .iter()
            .map(|f| format!("  {}: {} ({} rows: {})", f.rule, f.message, f.rows, f.examples.join(", ")));
        let mut lines: Vec<String> = findings.chain(fault.iter().map(|fault| format!("  fault {fault}"))).collect();
        if lines.is_empty() {
            lines.push("  no findings".to_owned());
        }
        lines.join("\n")
    };
    format!("in one pass\n{}\nthe other time\n{}", lines(one), lines(other))
}
