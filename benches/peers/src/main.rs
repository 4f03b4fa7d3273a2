//! The same decision through several policy engines, on the same inputs, in one run. See the README.

mod engines;
mod inputs;
mod process;
mod table;
mod timing;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use inputs::{Input, Variant};
use reprieve::policy::run_worker;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use table::Column;
use timing::Effort;

/// The same decision through several policy engines, on the same inputs, in one run.
#[derive(Parser)]
#[command(name = "peers", version)]
struct Arguments {
    /// Numbers of targets of the requests
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..))]
    sizes: Vec<u64>,
    /// Use smaller sizes and shorter measurements, to check that everything works
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    command: Option<Job>,
}

/// Tasks for which this program starts itself.
#[derive(Subcommand)]
enum Job {
    /// Decide one request; the exit status is 0 for allow and 1 for deny
    #[command(hide = true)]
    Decide {
        /// The engine, as the report names it
        engine: String,
        /// The request
        request: PathBuf,
    },
    /// Compile a policy of Reprieve within limits
    #[command(hide = true)]
    CompilePolicy,
    /// Run one command and print its time, its memory and its exit status
    #[command(hide = true)]
    Measure {
        /// The command
        #[arg(last = true)]
        command: Vec<OsString>,
    },
}

const SIZES: &[u64] = &[1, 10, 1_000, 100_000, 1_000_000];
const QUICK_SIZES: &[u64] = &[1, 10, 1_000];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        None => report(&arguments).map(|()| ExitCode::SUCCESS),
        Some(Job::CompilePolicy) => run_worker().map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Some(Job::Measure { command }) => process::measure(command).map(|()| ExitCode::SUCCESS),
        Some(Job::Decide { engine, request }) => decide(engine, request.clone()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("peers: {error:#}");
        // A report fails with 1. A process that decides uses 1 for a denial, so its errors are 2.
        ExitCode::from(if arguments.command.is_some() { 2 } else { 1 })
    })
}

fn decide(engine: &str, request: PathBuf) -> Result<ExitCode> {
    let broken = engines::decide(engine, &Input::open(&request).context(request.display().to_string())?)?;
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(process::DENIED as u8) })
}

fn report(arguments: &Arguments) -> Result<()> {
    let (effort, sizes, targets) = match arguments.quick {
        true => (Effort { cell: Duration::from_millis(100), runs: 3 }, QUICK_SIZES, 100_000),
        false => (Effort { cell: Duration::from_secs(1), runs: 7 }, SIZES, 1_000_000),
    };
    let sizes = if arguments.sizes.is_empty() { sizes } else { &arguments.sizes };
    let engines = engines::all()?;
    eprintln!("checking the verdicts of {} engines at the limit of each rule", engines.len());
    Input::probes()?.iter().try_for_each(|probe| timing::verify(&engines, probe))?;

    let mut columns = Vec::new();
    for size in sizes {
        let targets = usize::try_from(*size)?;
        let mut cells = Vec::new();
        for variant in Variant::ALL {
            let input = Input::of(targets, variant)?;
            eprintln!("measuring {}", input.name);
            cells.push(timing::measure(&engines, &input, effort)?);
        }
        let cells = cells.pop().zip(cells.pop()).map(|(denied, allowed)| {
            allowed.into_iter().zip(denied).map(|(allowed, denied)| [allowed, denied]).collect()
        });
        columns.push(Column { targets, cells: cells.unwrap_or_default() });
    }
    eprintln!("measuring whole processes on {targets} targets");
    let processes = process::table(&engines, targets, effort)?;

    println!("{}", versions());
    println!("{}", table::ratios(&engines, &columns));
    println!("{}", engines::NOTES);
    println!("{processes}");
    Ok(())
}

/// The versions that were compared, and the machine.
fn versions() -> String {
    let versions = include_str!(concat!(env!("OUT_DIR"), "/versions.txt")).lines().collect::<Vec<_>>().join(", ");
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{versions}; {} {}, {threads} threads\n", std::env::consts::OS, std::env::consts::ARCH)
}
