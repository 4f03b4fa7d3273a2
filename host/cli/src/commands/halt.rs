//! `reprieve halt` and `reprieve resume`: the stop button.

use crate::Status;
use crate::report::plain;
use crate::setup::LedgerArguments;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reprieve_ledger::Halted;

/// Halt everything: from the next decision on, every gate on the ledger denies
#[derive(Args, Debug)]
pub struct Halt {
    #[command(flatten)]
    why: Why,
}

/// Lift a halt; everything goes on when none stands any more
#[derive(Args, Debug)]
pub struct Resume {
    #[command(flatten)]
    why: Why,
    /// The ledger's entry of the halt, where several stand
    #[arg(long)]
    entry: Option<u64>,
}

#[derive(Args, Debug)]
struct Why {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    /// Who says so; without it, whoever is logged in
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Why {
    fn by(&self) -> String {
        let login = || std::env::var("USER").unwrap_or_else(|_| "nobody who gave a name".to_owned());
        self.by.clone().unwrap_or_else(login)
    }
}

/// Runs `reprieve halt`.
pub fn halt(Halt { why }: &Halt) -> anyhow::Result<Status> {
    let entry = why.ledger.open()?.halt(&why.reason, &why.by())?;
    anstream::println!("halted, as entry {} says; `reprieve resume --reason …` lifts it", entry.entry);
    Ok(Status::Allow)
}

/// Runs `reprieve resume`.
pub fn resume(Resume { why, entry }: &Resume) -> anyhow::Result<Status> {
    let ledger = why.ledger.open()?;
    let resumed = ledger.resume(*entry, &why.reason, &why.by())?;
    anstream::println!("resumed, as entry {} says", resumed.entry);
    for Halted { entry, halt } in ledger.halted()? {
        anstream::println!("still halted by {}: {} (entry {entry})", plain(&halt.by), plain(&halt.reason));
    }
    Ok(Status::Allow)
}
