//! `reprieve policies`: lists the policies of the set.

use crate::error::fail;
use crate::setup::{PolicyArguments, build};
use clap::Args;
use reprieve_report::output::{Page, plain};
use reprieve_report::status::Status;

/// List the policies with their version, size, digest and rules
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    policies: PolicyArguments,
    /// Fail unless the code of every policy is there for the next start: built in, or compiled and kept in the cache. For an
    /// image, which then carries the cache folder and the state folder of its user
    #[arg(long)]
    compile: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<Status> {
    let gate = build(arguments.policies.builder_without_ledger()?)?;
    if arguments.compile {
        let uncached = gate.policies().find_map(|policy| Some((policy.descriptor.name.as_str(), policy.uncached?)));
        if let Some((name, why)) = uncached {
            let message = format!("the code of the policy `{}` is not kept: {}", plain(name), plain(why));
            return Err(fail(message, "let this user write to $XDG_CACHE_HOME and $XDG_STATE_HOME, or to $HOME"));
        }
    }
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
