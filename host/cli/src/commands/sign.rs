//! `reprieve sign`: signs an approval that a service drafted. The private key stays on this machine.

use crate::error::{fail, with_help};
use anyhow::Context;
use clap::Args;
use reprieve::read_file;
use reprieve::signed::{ApprovalToSign, Key};
use reprieve_report::output::plain;
use reprieve_report::render::plural;
use reprieve_report::status::Status;
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The maximum size of a statement in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Sign an approval that a service drafted, and print what to send back
///
/// What is approved is printed on standard error, so read it:
/// `curl -s SERVICE/v1/decisions/17/approval?key=alice | reprieve sign --key alice.key | curl --json @- SERVICE/v1/approvals`
#[derive(Args, Debug)]
pub struct Arguments {
    /// The statement that `GET /v1/decisions/ENTRY/approval` returned, or `-` for standard input
    #[arg(default_value = "-")]
    statement: PathBuf,
    /// Your private key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// What a service drafts.
#[derive(Deserialize)]
struct Statement {
    entry: u64,
    claims: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let bytes = if arguments.statement == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes).context("cannot read the statement")?;
        bytes
    } else {
        read_file(&arguments.statement, MAX_BYTES)?
    };
    let help = "pass what `GET /v1/decisions/ENTRY/approval?key=NAME` returned";
    let not_a_statement =
        |error: serde_json::Error| with_help(anyhow::Error::msg(format!("not a statement to sign: {error}")), help);
    let Statement { entry, claims } = serde_json::from_slice(&bytes).map_err(not_a_statement)?;
    let statement = ApprovalToSign::parse(&claims).map_err(not_a_statement)?;
    let key = Key::open(&arguments.key)?;
    let approval = statement.approval();
    if approval.by.as_deref() != Some(key.id()) {
        let message = format!(
            "the statement is for `{}`, and the key is that of `{}`",
            approval.by.as_deref().unwrap_or("nobody"),
            key.id()
        );
        return Err(fail(message, format!("ask for the statement with `?key={}`", key.id())));
    }
    let kinds = approval
        .kinds
        .iter()
        .flat_map(|kinds| kinds.iter())
        .map(|(kind, count)| format!("{count} `{}`", plain(kind)));
    let mode = approval.mode.map(|mode| mode.phrase()).unwrap_or("deletion");
    errln!(
        "you sign: {mode} of {} of {} in {}",
        kinds.collect::<Vec<_>>().join(", "),
        plural(approval.tenants.unwrap_or(0), "tenant", "tenants"),
        plain(statement.environment())
    );
    errln!("request:  {}", plain(statement.request()));
    errln!(
        "reason:   {}",
        plain(statement.reason().and_then(|reason| reason.text.as_deref()).unwrap_or("none is stated"))
    );
    errln!("list:     {}", plain(approval.targets_sha256.as_deref().unwrap_or("none")));
    let token = statement.sign(&key)?;
    outln!("{}", serde_json::json!({ "entry": entry, "token": token }))?;
    Ok(Status::Success)
}
