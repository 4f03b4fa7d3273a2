//! `reprieve policy bench`: measures the cost of a policy.

use super::{Subject, cases_beside, describe, gate_of, random};
use crate::project::{Built, component};
use anyhow::ensure;
use clap::Args;
use reprieve::policy::Cost;
use reprieve_report::status::Status;
use std::path::PathBuf;
use std::time::Duration;

/// Measure each step of an evaluation, with a fresh instance every time
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Another module to compare it with; the two are measured alternately
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Number of evaluations of each batch
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
}

/// The numbers of targets of the batches.
const SIZES: [u64; 3] = [10, 1_000, 100_000];

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let mut modules = vec![arguments.subject.component()?];
    if let Some(path) = &arguments.compare {
        modules.push(component(path, arguments.subject.name.as_deref())?);
    }
    modules.iter().try_for_each(|module| describe(module).map(drop))?;
    outln!("median of {} evaluations, each in a fresh instance", arguments.runs)?;
    outln!()?;
    let head = ["targets", "instantiate", "begin", "observe", "per million", "finish", "fuel", "memory"];
    outln!("{}", head.map(|name| format!("{name:>12}")).concat())?;
    for rows in SIZES {
        let costs = measure(&modules, rows, arguments.runs)?;
        for cost in &costs {
            // A policy that requests no columns observes nothing, so there is no cost per row.
            let million = Duration::from_secs_f64(cost.observe.as_secs_f64() * 1e6 / rows as f64);
            let million = if cost.observe < Duration::from_micros(1) { "-".to_owned() } else { time(million) };
            let cells = [
                rows.to_string(),
                time(cost.instantiate),
                time(cost.begin),
                time(cost.observe),
                million,
                time(cost.finish),
                cost.fuel.to_string(),
                format!("{} KiB", cost.memory >> 10),
            ];
            outln!("{}", cells.map(|cell| format!("{cell:>12}")).concat())?;
        }
        if let [a, b] = costs.as_slice() {
            let ratio = all(a).as_secs_f64() / all(b).as_secs_f64();
            outln!("{:>12}{ratio:>12.2} times as slow as the other", "")?;
        }
    }
    Ok(Status::Success)
}

fn all(cost: &Cost) -> Duration {
    cost.instantiate + cost.begin + cost.observe + cost.finish
}

/// Returns the medians of each module. The modules are measured alternately, so that other load affects all of them.
fn measure(modules: &[Built], rows: u64, runs: u32) -> anyhow::Result<Vec<Cost>> {
    let cases = modules.first().map(cases_beside).transpose()?.unwrap_or_default();
    let batch = random::batch(&random::targets(rows, 1), cases.first())?;
    let gate = |built| gate_of(built, cases.first(), random::inventory(rows, 1)?);
    let gates = modules.iter().map(gate).collect::<Result<Vec<_>, _>>()?;
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); gates.len()];
    for _ in 0..=runs {
        for (gate, costs) in gates.iter().zip(&mut costs) {
            costs.extend(gate.measure(&batch).map_err(anyhow::Error::msg)?);
        }
    }
    // The first measurement of each only warms up.
    costs.iter().map(|costs| median(costs.get(1..).unwrap_or_default())).collect()
}

fn median(costs: &[Cost]) -> anyhow::Result<Cost> {
    ensure!(
        costs.iter().all(|cost| cost.fuel == costs[0].fuel),
        "two evaluations of the same batch used different amounts of fuel"
    );
    let middle = |of: fn(&Cost) -> Duration| {
        let mut all: Vec<Duration> = costs.iter().map(of).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Ok(Cost {
        instantiate: middle(|cost| cost.instantiate),
        begin: middle(|cost| cost.begin),
        observe: middle(|cost| cost.observe),
        finish: middle(|cost| cost.finish),
        ..costs.first().copied().unwrap_or_default()
    })
}

fn time(duration: Duration) -> String {
    match duration.as_secs_f64() * 1e6 {
        micros if micros < 1_000.0 => format!("{micros:.1} µs"),
        micros => format!("{:.2} ms", micros / 1e3),
    }
}
