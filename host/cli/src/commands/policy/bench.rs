//! `reprieve policy bench`: what a policy costs.

use super::{cases_beside, gate_of, random};
use crate::Status;
use crate::project::{Built, component};
use anyhow::ensure;
use clap::Args;
use reprieve::Cost;
use std::path::PathBuf;
use std::time::Duration;

/// Measure a policy: each step of an evaluation, in a fresh instance every time
#[derive(Args, Debug)]
pub struct Arguments {
    /// The folder of a policy, which is built first, or a wasm module
    #[arg(default_value = ".")]
    policy: PathBuf,
    /// Another module to hold it against, measured in turn with it
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Evaluations of each batch
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
}

/// Targets of the batches.
const SIZES: [u64; 3] = [10, 1_000, 100_000];

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let mut modules = vec![component(&arguments.policy)?];
    if let Some(path) = &arguments.compare {
        modules.push(component(path)?);
    }
    anstream::println!("median of {} evaluations, a fresh instance each\n", arguments.runs);
    let head = ["targets", "instantiate", "open", "observe", "per million", "finish", "fuel", "memory"];
    anstream::println!("{}", head.map(|name| format!("{name:>12}")).concat());
    for rows in SIZES {
        let costs = measure(&modules, rows, arguments.runs)?;
        for cost in &costs {
            // A policy that wants no columns is never handed any: then there is no cost a row.
            let million = Duration::from_secs_f64(cost.observe.as_secs_f64() * 1e6 / rows as f64);
            let million = if cost.observe < Duration::from_micros(1) { "-".to_owned() } else { time(million) };
            let cells = [
                rows.to_string(),
                time(cost.instantiate),
                time(cost.open),
                time(cost.observe),
                million,
                time(cost.finish),
                cost.fuel.to_string(),
                format!("{} KiB", cost.memory >> 10),
            ];
            anstream::println!("{}", cells.map(|cell| format!("{cell:>12}")).concat());
        }
        if let [a, b] = costs.as_slice() {
            let ratio = all(a).as_secs_f64() / all(b).as_secs_f64();
            anstream::println!("{:>12}{ratio:>12.2} times the time of the other", "");
        }
    }
    Ok(Status::Allow)
}

fn all(cost: &Cost) -> Duration {
    cost.instantiate + cost.open + cost.observe + cost.finish
}

/// The medians of each module, measured in turn so that a busy machine is busy for both.
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
    // The first of each warmed up.
    costs.iter().map(|costs| median(costs.get(1..).unwrap_or_default())).collect()
}

fn median(costs: &[Cost]) -> anyhow::Result<Cost> {
    ensure!(costs.iter().all(|cost| cost.fuel == costs[0].fuel), "two evaluations of one batch burnt different fuel");
    let middle = |of: fn(&Cost) -> Duration| {
        let mut all: Vec<Duration> = costs.iter().map(of).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Ok(Cost {
        instantiate: middle(|cost| cost.instantiate),
        open: middle(|cost| cost.open),
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
