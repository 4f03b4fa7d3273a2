//! `reprieve keys`: what permits and overrides are signed with.

use crate::Status;
use crate::files::{Readers, write_whole};
use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use reprieve::{Key, KeySet};
use std::path::PathBuf;

/// Make keys for permits and overrides
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a key: the private half goes into NAME.key, for you alone; the public half is added to a set
    New(New),
}

/// `reprieve keys new`
#[derive(Args, Debug)]
pub struct New {
    /// Its name: a person for overrides, anything for permits
    name: String,
    /// The JSON Web Key Set to add the public half to
    #[arg(long, value_name = "FILE", default_value = "keys.json")]
    keys: PathBuf,
}

/// Runs the command.
pub fn run(Command::New(New { name, keys }): &Command) -> anyhow::Result<Status> {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c));
    ensure!(
        is_plain && !name.starts_with('.'),
        "`{name}` is no name for a key\nhelp: letters, digits, -, _, . and @"
    );
    let mut set = if keys.exists() { KeySet::open(keys)? } else { KeySet::default() };
    let key = Key::generate(name).context("the system has no random numbers")?;
    set.add(&key).map_err(anyhow::Error::msg).with_context(|| keys.display().to_string())?;
    let private = PathBuf::from(format!("{name}.key"));
    ensure!(
        !private.exists(),
        "{} is there already\nhelp: keep it, or make a key of another name",
        private.display()
    );
    key.write(&private).with_context(|| format!("cannot write {}", private.display()))?;
    write_whole(keys, set.to_json().as_bytes(), Readers::All)
        .with_context(|| format!("cannot write {}", keys.display()))?;
    anstream::println!(
        "{}: private, for you alone\n{}: public, with {name} in it",
        private.display(),
        keys.display()
    );
    Ok(Status::Allow)
}
