//! `reprieve token`: makes the bearer token of a caller of the service.

use anyhow::Context;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use reprieve_report::status::Status;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Make a bearer token for a caller of the service
///
/// The token is written to a file that only you can read. What is printed goes into the policy set, and tells nobody the
/// token.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The name of the caller: the account that deletes
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// The file for the token [default: `NAME.token`]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub fn run(Arguments { name, out }: &Arguments) -> anyhow::Result<Status> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).context("the system has no random numbers")?;
    let token = format!("rpv_{}", hex::encode(random));
    let path = out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.token")));
    reprieve::create_private(&path, &token).with_context(|| format!("cannot create {}", path.display()))?;
    outln!("[[serve.callers]]")?;
    outln!("name = {}", serde_json::Value::from(name.as_str()))?;
    outln!("roles = [\"submit\", \"execute\"]")?;
    outln!("token_sha256 = \"{}\"", hex::encode(Sha256::digest(&token)))?;
    Ok(Status::Success)
}
