//! `reprieve keys`: creates keys that sign permits and overrides.

use crate::error::fail;
use crate::files::{Readers, write_whole};
use anyhow::Context;
use clap::{Args, Subcommand};
use reprieve::signed::{Key, KeySet};
use reprieve_report::output::plain;
use reprieve_report::status::Status;
use std::path::PathBuf;

/// Create keys for permits and overrides
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Create a key: the private half in NAME.key, readable only by you; the public half is added to a key set
    New(New),
}

/// `reprieve keys new`
#[derive(Args, Debug)]
pub struct New {
    /// Its name: a person for overrides, any name for permits
    name: String,
    /// The JSON Web Key Set to which the public half is added
    #[arg(long, value_name = "FILE", default_value = "keys.json")]
    keys: PathBuf,
}

/// Runs the command.
pub fn run(Command::New(New { name, keys }): &Command) -> anyhow::Result<Status> {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "-_.@".contains(c));
    if !is_plain || name.starts_with('.') {
        let help = "use letters, digits, `-`, `_`, `.` and `@`, and do not begin with `.`";
        return Err(fail(format!("`{name}` is not a valid name for a key"), help));
    }
    let mut set = if keys.exists() { KeySet::open(keys)? } else { KeySet::default() };
    let key = Key::generate(name).context("the system has no random numbers")?;
    set.add(&key).with_context(|| keys.display().to_string())?;
    let private = PathBuf::from(format!("{name}.key"));
    if private.exists() {
        return Err(fail(
            format!("{} already exists", private.display()),
            "keep it, or create a key with another name",
        ));
    }
    key.write(&private).with_context(|| format!("cannot write {}", private.display()))?;
    write_whole(keys, set.to_json().as_bytes(), Readers::All)
        .with_context(|| format!("cannot write {}", keys.display()))?;
    outln!("{}: the private key, readable only by you", plain(&private.display().to_string()))?;
    outln!("{}: the public keys, now with `{}`", plain(&keys.display().to_string()), plain(name))?;
    Ok(Status::Success)
}
