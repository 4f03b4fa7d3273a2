//! The ledger that the arguments or the policy set name.

use super::policies::{DEFAULT_CONFIG, PolicyArguments};
use crate::error::{fail, with_help};
use crate::files::{Readers, write_whole};
use anyhow::Context;
use clap::Args;
use reprieve::ledger::LedgerError;
use reprieve::signed::Signing;
use reprieve::{Folder, GateBuilder};
use reprieve_ledger::SqlLedger;
use std::path::Path;

/// What to do if a command requires a ledger.
pub const NAME_A_LEDGER: &str = "set `ledger = \"reprieve.db\"` in reprieve.toml, or use `--ledger FILE`";

/// The name of a ledger that the policy set does not name yet.
const DEFAULT_LEDGER: &str = "reprieve.db";

/// Returns the text of a policy set that names no ledger, with the line that names it: where `reprieve init` left it as a
/// comment, or else at the top, before every table.
fn naming_ledger(text: &str) -> String {
    let line = format!("ledger = \"{DEFAULT_LEDGER}\"\n");
    let comment = format!("\n# {line}");
    if text.contains(&comment) { text.replacen(&comment, &format!("\n{line}"), 1) } else { line + text }
}

fn no_ledger() -> anyhow::Error {
    fail("no ledger is named", NAME_A_LEDGER)
}

/// The ledger.
#[derive(Args, Debug)]
pub struct LedgerArguments {
    #[command(flatten)]
    pub(super) policies: PolicyArguments,
    /// The ledger, instead of the one that the policy set names: an SQLite file or a postgres:// URL. A password that
    /// the URL does not contain is read from PGPASSWORD
    #[arg(long, value_name = "FILE|URL")]
    ledger: Option<String>,
}

impl LedgerArguments {
    /// Uses the ledger that these policies name.
    pub const fn of_policies(policies: PolicyArguments) -> Self {
        Self { policies, ledger: None }
    }

    /// Uses this ledger, or the one that the policy set of this folder names.
    pub const fn of(ledger: Option<String>) -> Self {
        Self { policies: PolicyArguments { config: None }, ledger }
    }

    /// Opens the ledger, if one is named.
    pub(super) fn find(&self, builder: &GateBuilder) -> anyhow::Result<Option<SqlLedger>> {
        let password = std::env::var("PGPASSWORD").ok();
        let open = |(name, folder)| SqlLedger::open(name, folder, password.as_deref());
        self.named(builder).map(open).transpose().map_err(|error| match error {
            LedgerError::NotFound { .. } => {
                let help = "create it with `reprieve ledger new`; if there was one, find out where it went";
                with_help(error, help)
            }
            error => error.into(),
        })
    }

    /// Creates the ledger and returns its name. A policy set in a file that names none is made to name it.
    pub fn create(&self) -> anyhow::Result<String> {
        let (builder, password) = (self.policies.configured_builder()?, std::env::var("PGPASSWORD").ok());
        if let Some((name, folder)) = self.named(&builder) {
            SqlLedger::create(name, folder, password.as_deref())?;
            return Ok(name.to_owned());
        }
        let config = self.policies.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG));
        let text = std::fs::read_to_string(config).map_err(|_| no_ledger())?;
        let (folder, _) = Folder::of(config)?;
        SqlLedger::create(DEFAULT_LEDGER, Some(&folder), None)?;
        write_whole(config, naming_ledger(&text).as_bytes(), Readers::All)
            .with_context(|| format!("cannot write {}", config.display()))?;
        Ok(DEFAULT_LEDGER.to_owned())
    }

    pub(super) fn named<'a>(&'a self, builder: &'a GateBuilder) -> Option<(&'a str, Option<&'a Folder>)> {
        self.ledger.as_deref().map(|name| (name, None)).or_else(|| builder.ledger_named())
    }

    /// Opens the ledger.
    pub fn open(&self) -> anyhow::Result<SqlLedger> {
        Ok(self.open_with_keys()?.0)
    }

    /// Opens the ledger only to verify it.
    pub fn open_to_verify(&self) -> anyhow::Result<SqlLedger> {
        let (builder, password) = (self.policies.configured_builder()?, std::env::var("PGPASSWORD").ok());
        let (name, folder) = self.named(&builder).ok_or_else(no_ledger)?;
        Ok(SqlLedger::open_to_verify(name, folder, password.as_deref())?)
    }

    /// Opens the ledger, and reads the settings for permits and overrides.
    pub fn open_with_keys(&self) -> anyhow::Result<(SqlLedger, Signing)> {
        let builder = self.policies.configured_builder()?;
        let ledger = self.find(&builder)?.ok_or_else(no_ledger)?;
        Ok((ledger, builder.signing()))
    }
}
