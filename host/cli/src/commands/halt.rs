//! `reprieve halt` and `reprieve resume`: the stop button.

use crate::error::with_help;
use crate::setup::LedgerArguments;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reprieve::ledger::LedgerError;
use reprieve_ledger::ActiveHalt;
use reprieve_report::output::plain;
use reprieve_report::status::Status;

/// Halt everything: from the next decision on, every gate with this ledger denies
#[derive(Args, Debug)]
pub struct Halt {
    #[command(flatten)]
    why: Why,
}

/// Lift a halt; batches can be allowed again when no halt is in force
#[derive(Args, Debug)]
pub struct Resume {
    #[command(flatten)]
    why: Why,
    /// The ledger entry of the halt, if several are in force
    #[arg(long)]
    entry: Option<u64>,
}

#[derive(Args, Debug)]
struct Why {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The reason
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    /// Who orders it [default: the user who is logged in]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Why {
    fn by(&self) -> String {
        let login = || std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
        self.by.clone().unwrap_or_else(login)
    }
}

/// Runs `reprieve halt`.
pub fn halt(Halt { why }: &Halt) -> anyhow::Result<Status> {
    let entry = why.ledger.open()?.halt(&why.reason, &why.by())?;
    outln!("halted, recorded as entry {}; lift it with `reprieve resume --reason …`", entry.entry)?;
    Ok(Status::Success)
}

/// Runs `reprieve resume`.
pub fn resume(Resume { why, entry }: &Resume) -> anyhow::Result<Status> {
    let ledger = why.ledger.open()?;
    let resumed = ledger.resume(*entry, &why.reason, &why.by()).map_err(|error| match &error {
        LedgerError::Misuse { help: Some(help), .. } | LedgerError::NotFound { help: Some(help), .. } => {
            let help = format!("use `--entry ENTRY`: {help}");
            with_help(error, help)
        }
        _ => error.into(),
    })?;
    outln!("resumed, recorded as entry {}", resumed.entry)?;
    for ActiveHalt { entry, halt } in ledger.halts()? {
        outln!("still halted by {}: {} (entry {entry})", plain(&halt.by), plain(&halt.reason))?;
    }
    Ok(Status::Success)
}
