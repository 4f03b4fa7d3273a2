//! `reprieve approve`: adds an approval to a request.

use crate::edit::edit;
use crate::error::fail;
use crate::setup::BatchArguments;
use anyhow::Context;
use clap::Args;
use reprieve::model::{ActorType, Approval, Facts, Timestamp};
use reprieve::signed::{Key, sign_evidence};
use reprieve_readers::draft::Document;
use reprieve_report::output::plain;
use reprieve_report::render::plural;
use reprieve_report::status::Status;
use serde_json::json;
use std::path::PathBuf;

/// Add your approval of this list, mode, kinds and number of tenants to a request
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// Sign it with your private key. The policy set names the public keys of approvers
    #[arg(long, value_name = "FILE", required_unless_present = "unsigned")]
    key: Option<PathBuf>,
    /// Add an approval that nobody can verify: a statement of the one who writes it
    #[arg(long, conflicts_with = "key", requires = "name")]
    unsigned: bool,
    /// Your name, for an approval that is not signed. A signed one is by the name of the key
    #[arg(long = "as", value_name = "NAME", conflicts_with = "key")]
    name: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let (batch, facts) = arguments.batch.facts()?;
    let program = batch.claims().operation.as_ref().and_then(|operation| operation.program_sha256.clone());
    if facts.kinds.others + facts.kinds.unknown > 0 {
        let message = format!("the kinds of {} targets are unknown", facts.kinds.others + facts.kinds.unknown);
        return Err(fail(message, "add the column `kind` to the list; nobody can approve what it does not say"));
    }
    let tenants = tenants(&facts);
    let kinds = serde_json::from_value(json!(facts.kinds.counts)).context("the kinds cannot be stated")?;
    let key = arguments.key.as_deref().map(Key::open).transpose()?;
    let at = Timestamp::from_seconds(batch.evaluated_at().seconds());
    let approval = Approval {
        by: key.as_ref().map(|key| key.id().to_owned()).or_else(|| arguments.name.clone()),
        approver_type: Some(ActorType::Human),
        at: Some(at),
        targets_sha256: Some(batch.targets_sha256().to_owned()),
        mode: Some(batch.claims().mode),
        kinds: Some(kinds),
        tenants: Some(tenants),
        program_sha256: program,
        token: None,
    };
    let approval = match &key {
        Some(key) => sign_evidence(approval, batch.claims(), at, key)?,
        None => approval,
    };
    let by = approval.by.clone().unwrap_or_default();
    edit(&arguments.batch.request, |request| request.push("approvals", Document::of(&approval)))?;
    let kinds: Vec<String> = facts.kinds.counts.iter().map(|(kind, count)| format!("{count} `{kind}`")).collect();
    outln!(
        "{} approves the {} of {} of {} in {}",
        plain(&by),
        batch.claims().mode.phrase(),
        plain(&kinds.join(", ")),
        plural(tenants, "tenant", "tenants"),
        plain(&batch.claims().environment),
    )?;
    Ok(Status::Success)
}

/// The number of tenants that an approval has to name: those that the list and the inventory say the batch reaches.
fn tenants(facts: &Facts) -> u64 {
    facts.tenants.at_most().max(facts.tenants_at_most)
}
