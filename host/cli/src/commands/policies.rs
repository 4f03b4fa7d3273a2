//! `reprieve policies`: lists the policies of the set.

use crate::output::{Page, plain};
use crate::setup::{PolicyArguments, build};
use crate::status::Status;
use clap::Args;

/// List the policies with their version, size, digest and rules
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    policies: PolicyArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let gate = build(arguments.policies.builder_without_ledger()?)?;
    let mut page = Page::default();
    for policy in gate.policies() {
        let descriptor = policy.descriptor;
        let report_only = if policy.enforced { "" } else { ", report only" };
        let name = plain(&descriptor.name);
        let kib = policy.bytes.div_ceil(1024);
        line!(page, "{name} {} ({kib} KiB{report_only})", plain(&descriptor.version));
        line!(page, "  {}", plain(&descriptor.summary));
        line!(page, "  sha256 {}", policy.sha256);
        for rule in &descriptor.rules {
            line!(page, "  {name}/{}: {}", plain(&rule.code), plain(&rule.summary));
        }
        page.blank();
    }
    page.print()?;
    Ok(Status::Success)
}
