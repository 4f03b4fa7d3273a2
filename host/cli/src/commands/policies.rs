//! `reprieve policies`: lists the policies of the set.

use crate::setup::PolicyArguments;
use crate::status::Status;
use clap::Args;
use std::io::Write;

/// List the policies with their version, size, digest and rules
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    policies: PolicyArguments,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let gate = arguments.policies.builder_without_ledger()?.build()?;
    let mut out = anstream::stdout().lock();
    for policy in gate.policies() {
        let descriptor = policy.descriptor;
        let report_only = if policy.enforced { "" } else { ", report only" };
        writeln!(
            out,
            "{} {} ({} KiB{report_only})",
            descriptor.name,
            descriptor.version,
            policy.bytes.div_ceil(1024)
        )?;
        writeln!(out, "  {}", descriptor.summary)?;
        writeln!(out, "  sha256 {}", policy.sha256)?;
        for rule in &descriptor.rules {
            writeln!(out, "  {}/{}: {}", descriptor.name, rule.code, rule.summary)?;
        }
        writeln!(out)?;
    }
    Ok(Status::Success)
}
