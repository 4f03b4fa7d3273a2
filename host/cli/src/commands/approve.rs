//! `reprieve approve`: adds an approval to a request.

use crate::drafting::Document;
use crate::edit::edit;
use crate::error::fail;
use crate::output::plain;
use crate::render::plural;
use crate::setup::BatchArguments;
use crate::status::Status;
use clap::Args;
use reprieve::model::{Facts, Timestamp};
use serde_json::json;

/// Add your approval of this list, mode, kinds and number of tenants to a request
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    batch: BatchArguments,
    /// Your name
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Add an approval that nobody can verify: a statement of the one who writes it
    #[arg(long, required = true)]
    unsigned: bool,
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
    let mut approval = Document::default();
    approval.add("by", arguments.name.as_str());
    approval.add("type", "human");
    approval.add("at", json!(Timestamp::from_seconds(batch.evaluated_at().seconds())));
    approval.add("targets_sha256", batch.targets_sha256());
    approval.add("mode", batch.claims().mode.as_str());
    approval.add("kinds", json!(facts.kinds.counts));
    approval.add("tenants", tenants);
    if let Some(program) = program {
        approval.add("program_sha256", program);
    }
    edit(&arguments.batch.request, |request| request.push("approvals", approval))?;
    let kinds: Vec<String> = facts.kinds.counts.iter().map(|(kind, count)| format!("{count} `{kind}`")).collect();
    outln!(
        "{} approves the {} of {} of {} in {}",
        plain(&arguments.name),
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
